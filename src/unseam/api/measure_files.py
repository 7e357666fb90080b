"""``unseam measure``: label maps and images as files in, tables and outlines as files out."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unseam.api.predict_watch import PredictWatch
from unseam.data.cases import find_cases
from unseam.data.kinds import MaskChoice, facts_of_kind
from unseam.errors import OutputError, SettingsError
from unseam.io import make_folders
from unseam.io.large import is_store
from unseam.measuring.files import find_files, no_objects
from unseam.measuring.hand_over import OutlineFormat, hand_over_outlines, outline_paths
from unseam.measuring.outlined import Located
from unseam.measuring.properties import DEFAULT
from unseam.measuring.read_groups import read_groups
from unseam.measuring.result import Measurements
from unseam.measuring.run import OnProgress, What, measure_class_maps, measure_instance_maps
from unseam.measuring.sources import Units
from unseam.measuring.values import Spacing
from unseam.scale.folder import is_one_result
from unseam.tables import Table
from unseam.tables.parquet import check_parquet

__all__ = ["DEFAULT", "OutlineFormat", "Written", "measure_files", "measure_predicted", "table_beside"]

_ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class Written:
    """The tables of a measurement, and the files that hold them and the outlines."""

    tables: Measurements
    paths: tuple[Path, ...]

    def lines(self) -> list[str]:
        """Return a sentence on what was found, and the files."""
        tables, images = self.tables, len(set(self.tables.images["image"].tolist()))
        rows = f"{len(tables.classes)} classes" if tables.classes.names else f"{len(tables.objects):,} objects"
        return [f"{rows} in {images} image(s) -> {self.paths[0]}", *(f"also wrote {path}" for path in self.paths[1:])]


def measure_files(  # noqa: PLR0913 - each argument is an option of the command line
    masks: Sequence[Path],
    images: Sequence[Path],
    out: Path,
    *,
    holds: MaskChoice = "auto",
    pieces: bool = False,
    properties: Sequence[str] = DEFAULT,
    spacing_um: Spacing | None = None,
    units: Units = "auto",
    groups: Path | Mapping[str, str] | None = None,
    outlines: Sequence[OutlineFormat] = (),
    overwrite: bool = False,
    on_progress: OnProgress = lambda *_: None,
) -> Written:
    """Measure files and write the tables; nothing is written unless all is measured.

    Parameters
    ----------
    masks, images
        Files, folders or stores; see :func:`unseam.measure` for these and the other arguments.
    out
        The table of objects, or of classes for class maps: a name in ``.csv`` or ``.parquet``. Images and groups get tables of
        their own beside it (``x_images.csv``, ``x_groups.csv``).
    outlines
        Also write the outlines of objects: for each image ``geojson`` (QuPath) or ``roi`` (ImageJ), or one ``coco`` for all.
    overwrite
        Replace existing files.

    Raises
    ------
    OutputError
        If a file exists or cannot be written.
    DataError, LabelError, ImageReadError, SettingsError
        If something cannot be measured.
    """
    check_table(out, overwrite=overwrite)
    grouped = read_groups(groups) if isinstance(groups, Path) else groups
    what = What(tuple(properties), units, spacing_um, grouped)
    found = find_files(masks, images, holds, pieces=pieces)
    of_objects = facts_of_kind(found.kind).has_objects
    if outlines and not of_objects:
        raise no_objects(", ".join(found.names[:3]), found.kind)
    beside = outline_paths(found.names, out, outlines)
    _check_free(beside, overwrite=overwrite)
    located: list[Located] = []
    if of_objects:
        result = measure_instance_maps(found.sources, what, on_progress, located.append)
    else:
        result = measure_class_maps(found.sources, what, on_progress)
    result = replace(result, notes=(found.reason, *found.notes, *result.notes))
    make_folders(out.parent)
    if outlines:
        hand_over_outlines(found.sources, located, result.objects, out, outlines)
    tables = [(out, result.main), (_beside(out, "images"), result.images), (_beside(out, "groups"), result.groups)]
    written = [(path, table) for path, table in tables if table.names]
    for path, table in written:
        _write(path, table)
    return Written(result, (*(path for path, _ in written), *beside))


def measure_predicted(images: Sequence[Path], out: Path, watch: PredictWatch, *, has_objects: bool) -> Written:
    """Measure the results of a prediction of ``images`` into ``out``, write their tables, and tell the watch.

    ``has_objects``: objects were written, alone or beside classes; otherwise classes alone.
    """
    if is_one_result(out):
        masks = [out]
    else:
        stores = [out / f"{image.name.split('.')[0]}_seg.ome.zarr" for image in images if is_store(image)]
        files = [image for image in images if not is_store(image)]
        names = [case.name for case in find_cases(files)] if files else []
        maps = [out / f"{name}{ending}.tif" for name in names for ending in ("_masks", "_classes")]
        masks = [path for path in (*stores, *maps) if path.exists()]
    written = measure_files(
        masks,
        images if has_objects else (),
        table_beside(out),
        holds="instances" if has_objects else "classes",
        overwrite=True,
        on_progress=watch.on_progress,
    )
    for line in written.lines():
        watch.tell(line)
    return written


def table_beside(out: Path) -> Path:
    """Return where the table of a prediction is written: in the folder of the results, or beside the one result.

    >>> table_beside(Path("results")).as_posix(), table_beside(Path("slide.ome.zarr")).as_posix()
    ('results/table.csv', 'slide_table.csv')
    """
    return out.with_name(f"{out.name.split('.')[0]}_table.csv") if is_one_result(out) else out / "table.csv"


def check_table(out: Path, *, overwrite: bool) -> None:
    """Raise SettingsError for the name of a table in no format that is written, and OutputError if it exists."""
    if not out.name.lower().endswith(_ENDINGS):
        raise SettingsError(f"{out}: a table is written as {' or '.join(_ENDINGS)}. Give a name that ends so.")
    if out.suffix.lower() == ".parquet":
        check_parquet(out)
    _check_free([out, _beside(out, "images"), _beside(out, "groups")], overwrite=overwrite)


def _check_free(paths: Sequence[Path], *, overwrite: bool) -> None:
    existing = [path for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise OutputError(f"{existing[0]} already exists and is not overwritten. Give --overwrite, or another --out.")


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f"{out.stem}_{what}{out.suffix}")


def _write(path: Path, table: Table) -> None:
    writers: dict[str, Callable[[Path], object]] = {".csv": table.to_csv, ".parquet": table.to_parquet}
    writers[path.suffix.lower()](path)
