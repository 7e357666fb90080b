"""A new head is one file and one line: a toy with a third logit for boundaries, in a copy of the package."""

from textwrap import dedent

import pytest

from families.package_copy import add_line, copy_package, run_python
from unseam.errors import ModelFileError
from unseam.model import load_model

BOUNDARY = '''
    """Three classes: background, object, boundary."""

    from dataclasses import dataclass
    from typing import ClassVar

    import numpy as np

    from unseam.heads.base import Labels, Targets
    from unseam.heads.ridge import is_ridge
    from unseam.heads.softmax import SoftMax, likeliest_class
    from unseam.shapes import IGNORE, NOT_ANNOTATED


    @dataclass(frozen=True)
    class Boundary(SoftMax):
        """Three logits; the pixels of an object that touch another object are its boundary."""

        version: ClassVar[int] = 1
        needs_objects: ClassVar[bool] = True
        likely_from: float = 0.0

        def logit_names(self, class_names):
            return (*class_names, "boundary")

        def targets(self, labels):
            classes = np.where(is_ridge(labels.cells), np.uint8(2), labels.classes)
            classes[labels.cells == NOT_ANNOTATED] = IGNORE
            return Targets(classes, labels.cells)

        def likeliest(self, logits):
            return logits.argmax(dim=1).clamp(max=1)

        def classes(self, maps):
            return np.minimum(likeliest_class(maps), np.uint8(1))

        def foreground(self, maps, klass=None):
            return np.where(maps[1] < self.likely_from, maps.dtype.type(0), maps[1])
'''

TRAIN = """
    import numpy as np
    import unseam
    from unseam.heads.boundary import Boundary
    from unseam.io import read_image

    rng = np.random.default_rng(1)
    labels = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((12, 12), int)).astype(np.uint16)
    labels[:30, :50] = 0
    images = [((labels > 0) * 90 + rng.normal(60, 9, labels.shape)).clip(0, 255).astype(np.uint8) for _ in range(2)]
    settings = [
        "head.boundary.likely_from=0.05", "net.unet.first_width=2", "net.unet.depth=1", "training.output_size=60",
        "training.precision=float32", "objects.threshold=0.4", "objects.min_size=3", "training.tune_objects=false",
        "average=none",
    ]
    unseam.train(images, [labels, labels], out="run", steps=20, settings=settings, device="cpu")
    model = unseam.load("run", device="cpu")
    assert model.info.head == Boundary(0.05), model.info
    assert (model.info.net.num_classes, model.info.objects.threshold) == (3, 0.4)

    image = np.tile(images[0], (9, 10))
    np.save("image.npy", image)
    one = model.predict(image)
    assert one.probabilities.shape == (3, *image.shape)
    assert one.instances.max() > 10
    assert set(np.unique(one.classes)) <= {0, 1}
    unseam.predict(model, "image.npy", "large.ome.zarr", save="both", probabilities_as="float16")
    from unseam.io.result import open_level
    from unseam.io.result import ChunkFiles
    from pathlib import Path

    def read(group):
        array = open_level(Path(group), 0, ChunkFiles(is_synced=False))
        leading = array.layout.shape[:-2]
        whole = (slice(0, image.shape[0]), slice(0, image.shape[1]))
        return [array.read(index, whole) for index in np.ndindex(*leading)]

    classes, objects = read("large.ome.zarr")[0], read("large.ome.zarr/labels/objects")[0]
    maps = read("large-prob.ome.zarr")
    assert len(maps) == 3
    assert np.abs(np.stack(maps).astype(np.float32) - one.probabilities).max() < 1e-3
    assert np.mean(classes != one.classes) < 1e-4
    assert abs(int(objects.max()) - int(one.instances.max())) <= 1, (objects.max(), one.instances.max())
    assert np.mean((objects > 0) != (one.instances > 0)) < 1e-3
    print("the same in memory and chunk by chunk")
"""


def test_a_head_is_one_file_and_one_line(tmp_path):
    copy = copy_package(tmp_path)
    (copy / "heads" / "boundary.py").write_text(dedent(BOUNDARY), encoding="utf-8")
    add_line(copy / "heads" / "__init__.py", "from unseam.heads.base import", "from unseam.heads.boundary import Boundary")
    add_line(copy / "heads" / "__init__.py", "    | RidgeObjects", "    | Boundary")
    assert "the same" in run_python(copy, dedent(TRAIN))
    assert "head | boundary" in (tmp_path / "run" / "README.md").read_text()
    assert "boundary" in run_python(copy, ["-m", "unseam", "info", "run"])
    with pytest.raises(ModelFileError, match=r"'boundary'.*classes, ridge_objects.*Update"):
        load_model(tmp_path / "run" / "model.safetensors")
