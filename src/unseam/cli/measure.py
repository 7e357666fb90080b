"""``unseam measure``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unseam.api.choices import MaskChoice
from unseam.cli.console import PredictConsole
from unseam.errors import SettingsError


def measure(
    masks: Path,
    /,
    *more: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    images: Annotated[tuple[Path, ...], Parameter(negative=(), consume_multiple=True)] = (),
    properties: str | None = None,
    groups: Path | None = None,
    pixel_size: float | None = None,
    units: Literal["auto", "px", "um"] = "auto",
    holds: Annotated[MaskChoice, Parameter(name="--masks")] = "auto",
    pieces: Annotated[bool, Parameter(negative=())] = False,
    outlines: Annotated[tuple[Literal["geojson", "roi", "coco"], ...], Parameter(negative=(), consume_multiple=True)] = (),
    report: Annotated[bool, Parameter(negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> bool:
    """Measure objects: a table with a row for each, and one with a row for each image.

    Writes table.csv (area, place, perimeter, diameters, shape, border, neighbours, and with images the intensities of each
    channel) and table_images.csv (count, density, medians). For class maps: area, share and pieces of each class. CSV opens in
    Excel, R and pandas; a name in .parquet writes Parquet.

    Label maps may be larger than memory (OME-Zarr, tiled TIFF).

    Parameters
    ----------
    masks
        Folder of label maps (x_masks.tif, x_classes.tif, ...), a file, or an OME-Zarr store.
    more
        Further ones.
    out
        The table, a name in .csv or .parquet.
    images
        The images, for intensities: files, a folder, stores. They pair by name: x_masks.tif belongs to x.tif.
    properties
        What to measure, by the names of scikit-image and separated by commas, such as area,solidity,intensity_mean. "default"
        stands for all that is measured without this option. Default: that.
    groups
        CSV file with the columns image and group: adds the group to each row, and a table with a row for each group.
    pixel_size
        Side of a pixel in um, for images that state none.
    units
        um: refuse images without a pixel size. px: no columns in um. auto: columns in um where the size is known.
    holds
        What the maps hold. auto: what their names or else their numbers say.
    pieces
        Of class maps: count each connected piece of a class as an object.
    outlines
        Also write outlines beside the table: geojson (x.geojson, for QuPath), roi (x_rois.zip, for ImageJ and Fiji), coco
        (table_coco.json). Repeat for several.
    report
        Also write table.html: distributions by image and group, objects coloured by what was measured, and the largest, the
        smallest and the oddest objects to look at.
    overwrite
        Replace existing files.
    """
    from unseam.api.measure_files import DEFAULT, measure_files
    from unseam.api.measured_report import check_page, write_measured_report

    if pixel_size is not None and not 0 < pixel_size < float("inf"):
        raise SettingsError(f"--pixel-size {pixel_size:g}: the side of a pixel is above 0. Give it in um, such as 0.65.")
    wanted = [name.strip() for name in (properties or "default").split(",") if name.strip()]
    names = [name for one in wanted for name in (DEFAULT if one == "default" else (one,))]
    page = out.with_suffix(".html")
    if report:
        check_page(page)
    with PredictConsole() as console:
        written = measure_files(
            (masks, *more),
            images,
            out,
            holds=holds,
            pieces=pieces,
            properties=names,
            spacing_um=None if pixel_size is None else (pixel_size, pixel_size),
            units=units,
            groups=groups,
            outlines=outlines,
            overwrite=overwrite,
            on_progress=console.watch().on_progress,
        )
    for note in written.tables.notes:
        console.tell(note)
    for line in written.lines():
        print(line)
    if report:
        given = (("--properties", properties), ("--groups", groups), ("--pixel-size", pixel_size), ("--units", units))
        options = [str(word) for option, value in given if value not in (None, "auto") for word in (option, value)]
        shown = ["--images", *map(str, images)] if images else []
        kind = [*(["--masks", holds] if holds != "auto" else []), *(["--pieces"] if pieces else [])]
        command = ["unseam", "measure", str(masks), *map(str, more), *shown, "--out", str(out), *kind, *options, "--report"]
        write_measured_report(page, written.tables, (masks, *more), images, holds=holds, pieces=pieces, command=command)
        print(f"report: {page}")
    return True
