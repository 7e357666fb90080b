"""A table that gives each image its group: a condition, a treatment, a well."""

import csv
from pathlib import Path

from unseam.data.file_names import without_ending
from unseam.errors import DataError
from unseam.evaluation.truths import name_of

_IMAGE, _GROUP = ("image", "name", "file", "filename"), ("group", "condition", "treatment", "class")
_MOST_BYTES = 2**26


def read_groups(path: Path) -> dict[str, str]:
    """Read a CSV file with a column ``image`` and a column ``group``, separated by commas, semicolons or tabs.

    Returns
    -------
    dict
        The group of each image; names without the ending of a file or of a mask.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column, or gives an image two groups.
    """
    rows = _rows(path)
    if not rows:
        raise DataError(f"{path} is empty. It needs the columns image and group, and a row for each image.")
    header = [cell.strip().lower() for cell in rows[0]]
    at = [next((header.index(name) for name in names if name in header), None) for names in (_IMAGE, _GROUP)]
    if None in at:
        raise DataError(
            f"{path} has the columns {', '.join(rows[0])}, but it needs the columns image and group. Write them into its "
            "first row."
        )
    result: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        name, group = (row[place].strip() if place is not None and place < len(row) else "" for place in at)
        if not name or not group:
            raise DataError(f"{path}, row {number}: the image or the group is empty. Give both in each row.")
        key = _image_name(name)
        if result.setdefault(key, group) != group:
            raise DataError(
                f"{path}, row {number}: {key} is in the groups {result[key]} and {group}. Give each image one group."
            )
    return result


def _image_name(name: str) -> str:
    """Return the name of an image from that of its file, its mask or its store.

    >>> [_image_name(name) for name in ("dish1.tif", "images/dish1.png", "dish1_masks.tif", "dish1.ome.zarr", "dish1")]
    ['dish1', 'dish1', 'dish1', 'dish1', 'dish1']
    """
    if name.endswith(".zarr"):
        return without_ending(Path(name).name.removesuffix(".zarr").removesuffix(".ome"), ("_seg", "-seg"))
    return name_of(Path(name))


def _rows(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has {path.stat().st_size:,} bytes; a table of groups is smaller. Give a CSV file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Check the name.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8. In Excel, save it as CSV UTF-8.") from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return list(csv.reader(text.splitlines(), delimiter=separator))
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file ({error}). Save it as CSV UTF-8.") from error
