"""Properties of tiles, numbers of objects and files, by cases that a search makes up.

Tiles of any image, network and largest tile cover each pixel once, on the phase grid; any object numbers keep their partition;
any label map comes back from TIFF as it was written.
"""

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from torture.harness import Result, Scale
from unseam.data.labels import LabelReading, to_instance_map
from unseam.geometry import lay_tiles, path_geometry
from unseam.io import read_labels, write_label_map


def run(scale: Scale) -> Result:
    num = scale.of(200, 5000)
    properties = (_tiles, _numbers, lambda labels: _files(scale, labels))
    inputs = (
        st.tuples(st.integers(1, 5000), st.integers(1, 5), st.integers(1, 3000)),
        arrays(np.int64, (4, 5), elements=st.integers(-1, 2**40)),
        arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.integers(0, 2**31 - 1)),
    )
    failed: list[str] = []
    for check, strategy in zip(properties, inputs, strict=True):
        failed += _search(check, strategy, num)
    return Result("T12", num * len(properties), 0, len(failed), "; ".join(failed))


def _search(check: Callable[..., None], strategy: st.SearchStrategy, num: int) -> list[str]:
    how = settings(
        max_examples=num, deadline=None, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        how(given(strategy)(check))()
    except AssertionError as error:
        return [str(error)[:200]]
    return []


def _tiles(case: tuple[int, int, int]) -> None:
    length, depth, more = case
    geometry = path_geometry(depth, 4, 4)
    tiles = lay_tiles(length, geometry, geometry.input_for_output(geometry.phase) + more)
    covered = np.zeros(length, int)
    for origin in tiles.origins:
        covered[origin : origin + tiles.used(origin)] += 1
        assert origin % geometry.phase == 0, case
    assert (covered == 1).all(), case
    assert geometry.is_admissible(tiles.input_tile), case


def _numbers(labels: np.ndarray) -> None:
    instances = to_instance_map(labels, LabelReading("instances", (), ("background", "object"), None, ""))
    both = np.stack([labels.ravel(), instances.ravel()])
    assert np.unique(both, axis=1).shape[1] == np.unique(labels).size == np.unique(instances).size, labels
    assert ((labels > 0) == (instances > 0)).all(), labels
    assert ((labels < 0) == (instances < 0)).all(), labels


def _files(scale: Scale, labels: np.ndarray) -> None:
    path = scale.folder / "labels.tif"
    write_label_map(path, labels)
    assert np.array_equal(read_labels(path).pixels, labels), labels
