"""Results as OME-Zarr 0.5: an image with its pyramid and its label maps, written chunk by chunk and marked when complete.

::

    cells.zarr/                 one image: classes, or in another store probabilities
      zarr.json                 axes, spacing, levels; "complete": false until every chunk is written
      0/ 1/ 2/                  levels, each a Zarr array: zarr.json and the chunks below c/
      labels/                   zarr.json with the list of names
        classes/                the classes again, as labels with colours and names: viewers show an image without them
        objects/                another image, of labels

Only ``"complete": true`` marks a complete result: a Zarr library opens any store and reads missing chunks as zeros.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from unseam.errors import OutputError
from unseam.io import disk
from unseam.io.result.array_layout import METADATA, REMEDY, ArrayLayout, read_array_metadata, render_metadata
from unseam.io.result.chunk_files import ChunkFiles
from unseam.io.result.chunked_array import ChunkedArray, create_array, open_array
from unseam.io.result.colours import object_colours
from unseam.io.result.ome_metadata import VERSION, ImageLayout, ome_attributes
from unseam.io.result.pyramid import ResultKind, downsample, level_shape
from unseam.io.result.series_xml import series_xml
from unseam.io.unfinished import remove_unfinished
from unseam.io.write import make_folders, write_bytes_whole

FORMAT = "unseam result 1"
_LABELS = "labels"


def create_image(group: Path, layout: ImageLayout) -> None:
    """Write the metadata of an image and its levels, without pixels. Raises OutputError if an image exists or writing fails."""
    if (group / METADATA).exists():
        raise OutputError(f"{group} already holds a result. Remove it, or give another --out.")
    # The group comes last: a run killed before that leaves levels, and the next run refuses them only if they hold chunks.
    for level in range(layout.num_levels):
        shape = level_shape(layout.shape, level)
        create_array(group / str(level), ArrayLayout(shape, layout.dtype, layout.chunk, layout.shard, layout.axes))
    facts: dict[str, Any] = {"format": FORMAT, "kind": layout.kind, "complete": False}
    if layout.channel_names:
        facts["class_names"] = list(layout.channel_names)
    ome = ome_attributes(layout, is_in_labels=group.parent.name == _LABELS)
    _write_group(group, {"ome": ome, "unseam": facts})


def link_labels(image_group: Path, names: Sequence[str]) -> None:
    """Write the list of label images in ``labels/`` of an image, replacing any other. Raises OutputError if writing fails."""
    assert all(name and name == Path(name).name for name in names)
    make_folders(image_group / _LABELS)
    _write_group(image_group / _LABELS, {"ome": {"version": VERSION, "labels": list(names)}})


def link_series(store: Path, layouts: Mapping[str, ImageLayout]) -> None:
    """Write the list of images of a store, by position, as bioformats2raw does. Raises OutputError if writing fails."""
    positions = list(layouts)
    # Zarr finds a nested image only through groups, so each folder on the way must be one.
    for folder in {parent for position in positions for parent in Path(position).parents if parent.name}:
        make_folders(store / folder)
        _write_group(store / folder, {})
    make_folders(store / "OME")
    _write_group(store / "OME", {"ome": {"version": VERSION, "series": positions}})
    write_bytes_whole(store / "OME" / "METADATA.ome.xml", series_xml(layouts))
    _write_group(store, {"ome": {"version": VERSION, "bioformats2raw.layout": 3}})


def open_level(group: Path, level: int, files: ChunkFiles | None = None) -> ChunkedArray:
    """Open one level of an image; 0 is the image itself. Raises OutputError if this package did not write it."""
    return open_array(group / str(level), files)


def build_level_chunk(group: Path, level: int, leading: tuple[int, ...], chunk: int, files: ChunkFiles | None = None) -> None:
    """Write one work chunk of a level (1 or more) from up to four work chunks of the previous level.

    ``leading`` is the index along each axis before height and width; ``chunk`` counts in the grid of this level.

    Raises
    ------
    OutputError
        If one of the four is missing or damaged, or if writing fails.
    """
    assert level >= 1
    larger, array = open_level(group, level - 1), open_level(group, level, files)
    # Work chunks of all levels have the same side, so this one needs at most four: no two workers write one chunk, and none
    # waits for more than those four. An odd edge of the larger level ends before twice the window does.
    rows, columns = array.grid.window(chunk)
    height, width = larger.layout.shape[-2:]
    window = slice(2 * rows.start, min(2 * rows.stop, height)), slice(2 * columns.start, min(2 * columns.stop, width))
    kind = cast(ResultKind, read_facts(group)["kind"])
    half = downsample(larger.read(leading, window), kind, level, (rows.start, columns.start))
    array.write(leading, array.grid.place(chunk), half)


def check_complete(group: Path) -> tuple[int, ...]:
    """Check that every chunk file of every level exists and is not empty; return the number of files per level.

    Raises OutputError with the first missing file.
    """
    # The number of levels comes from the metadata, not from the folders: a level whose folder is lost must count as missing.
    return tuple(open_level(group, level).check() for level in range(_num_levels(group)))


def mark_complete(group: Path, facts: Mapping[str, Any], num_objects: int = 0) -> None:
    """Check that all chunks exist, then mark the result as complete. Settle all written files first.

    Parameters
    ----------
    facts
        Further JSON values for ``attributes["unseam"]``: versions, the model, times.
    num_objects
        Highest number in a map of objects, which then get colours; 0 for any other image.

    Raises
    ------
    OutputError
        If a chunk is missing, or if writing fails.
    """
    chunks = check_complete(group)
    attributes = read_array_metadata(group)["attributes"]
    known = read_facts(group)
    colours = object_colours(num_objects) if num_objects else []
    if colours:
        attributes["ome"]["image-label"]["colors"] = colours
    # Ours after the caller's: a fact named "complete" or "kind" must not overrule what was checked here.
    ours = {**known, **facts, "format": FORMAT, "kind": known["kind"], "complete": True, "chunks": list(chunks)}
    _write_group(group, {**attributes, "unseam": ours})


def read_facts(group: Path) -> dict[str, Any]:
    """Read ``attributes["unseam"]`` of an image: ``complete``, ``kind``, and the facts of :func:`mark_complete`.

    Raises
    ------
    OutputError
        If the result is damaged, or if another program wrote it.
    """
    try:
        facts = read_array_metadata(group)["attributes"]["unseam"]
        if facts["format"] == FORMAT and facts["kind"] in get_args(ResultKind):
            return dict(facts)
    except (LookupError, TypeError, ValueError):
        pass
    raise _not_ours(group)


def sweep_image(group: Path) -> int:
    """Remove the unfinished files of killed writers from a group and its subfolders; return their number."""
    num, folders = 0, [group]
    while folders:
        folder = folders.pop()
        num += remove_unfinished(folder)
        if folder.is_dir():  # links are skipped: they may lead out of the result, to files of other programs, or in circles
            folders += [path for path in disk.list_folder(folder) if path.is_dir() and not path.is_symlink()]
    return num


def _not_ours(group: Path) -> OutputError:
    return OutputError(f"{group / METADATA} is damaged, or another program wrote it. {REMEDY}")


def _num_levels(group: Path) -> int:
    try:
        datasets = read_array_metadata(group)["attributes"]["ome"]["multiscales"][0]["datasets"]
        if [dataset["path"] for dataset in datasets] == [str(level) for level in range(len(datasets))] and datasets:
            return len(datasets)
    except (LookupError, TypeError):
        pass
    raise _not_ours(group)


def _write_group(group: Path, attributes: Mapping[str, Any]) -> None:
    metadata = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
    write_bytes_whole(group / METADATA, render_metadata(metadata))
