"""Opens results in the programs that are installed, and says what each sees. interop.py runs it, where unseam is not installed.

    python benchmarks/interop_open.py FOLDER [IJ_JAR]

Prints JSON: {result: [[program, rows or the reason why it does not open it]]}; COLUMNS are those of a row.
"""

import contextlib
import io
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Row = dict[str, str]
COLUMNS = ("part", "axes", "shape", "spacing", "range", "names")


class NotInstalled(Exception):
    """A program is not there: that says nothing about the result."""


def row(*values: object) -> Row:
    """A row of the table; what a program says at length is cut."""
    texts = [" ".join(str(value).split()) for value in values]
    return dict(zip(COLUMNS, [text if len(text) <= 200 else f"{text[:197]}..." for text in texts], strict=True))


def listed(values: Any) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def by_tifffile(path: Path) -> list[Row]:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        series, page = tiff.series[0], tiff.pages[0]
        shapes = " ".join("x".join(map(str, level.shape)) for level in series.levels)
        spacing, shown, names = "", "", ""
        if tiff.is_ome:
            image = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]
            pixels = image["Pixels"]
            steps = {axis: (f"PhysicalSize{axis}", f"PhysicalSize{axis}Unit") for axis in "ZYX"}
            steps["T"] = ("TimeIncrement", "TimeIncrementUnit")
            given = [(axis, pixels[step], pixels.get(unit, "")) for axis, (step, unit) in steps.items() if step in pixels]
            spacing = listed(f"{axis} {step:g} {unit}" for axis, step, unit in given)
            channels = pixels.get("Channel", [])
            names = listed(one.get("Name", "") for one in (channels if isinstance(channels, list) else [channels]))
        elif tiff.is_imagej:
            about = tiff.imagej_metadata or {}
            resolution = [page.tags[name].value for name in ("YResolution", "XResolution") if name in page.tags]
            sides = [round(below / above, 6) for above, below in resolution]
            spacing = listed([*sides, about.get("unit"), *(f"{k} {about[k]}" for k in ("spacing", "finterval") if k in about)])
            shown = listed(about[key] for key in ("min", "max") if key in about)
            names = listed(str(about[key]).strip() for key in ("Info", "Labels") if key in about)
        return [row(page.dtype, series.axes, shapes, spacing, shown, names)]


def by_zarr(path: Path) -> list[Row]:
    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about METADATA.ome.xml, which is no array
        found = sorted(zarr.open_group(str(path), mode="r").members(max_depth=None))
    rows = []
    for name, one in [("", zarr.open_group(str(path), mode="r")), *found]:
        ome = one.attrs.get("ome", {})
        for image in ome.get("multiscales", []):  # type: ignore[union-attr]
            axes, place = image["axes"], image["datasets"][0]["coordinateTransformations"]
            scale = place[0]["scale"]
            spacing = listed(f"{a['name']} {s:g} {a.get('unit', '')}".strip() for a, s in zip(axes, scale, strict=True))
            at = f"; at {listed(place[1]['translation'])}" if len(place) > 1 else ""
            arrays = [one[level["path"]] for level in image["datasets"]]
            omero, label = ome.get("omero", {}).get("channels", []), ome.get("image-label", {})
            shown = listed(f"{c['window']['start']} to {c['window']['end']}" for c in omero)
            names = listed([c["label"] for c in omero] or [p["name"] for p in label.get("properties", [])])
            share = (
                listed(f"{(array[...] > 0).mean():.1%}" for array in arrays)
                if arrays[0].dtype.kind == "u" and len(omero) < 2
                else ""
            )
            colours = f"; {len(label['colors'])} colours" if "colors" in label else ""
            more = f"{names}{colours}" + (f"; not 0: {share}" if share else "")
            shapes = " ".join("x".join(map(str, array.shape)) for array in arrays)
            rows.append(row(name or "/", "".join(a["name"] for a in axes), shapes, spacing + at, shown, more))
    return rows


def by_validator(path: Path) -> list[Row]:
    import yaozarrs

    yaozarrs.validate_zarr_store(str(path))
    return [row("valid OME-Zarr", "", "", "", "", "")]


def by_ome_zarr_py(path: Path) -> list[Row]:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    rows = []
    for node in Reader(parse_url(str(path)))():
        if not node.data:
            continue
        about = node.metadata
        spacing = listed(about["coordinateTransformations"][0][0]["scale"])
        units = listed(axis.get("unit", "-") for axis in about["axes"])
        named = about.get("channel_names") or [one.get("name", "") for one in about.get("properties", {}).values()]
        colours = f"; {len(about['color'])} colours" if about.get("color") else ""
        axes = "".join(axis["name"] for axis in about["axes"])
        shape = "x".join(map(str, node.data[0].shape))
        shown = listed(about.get("contrast_limits") or [])
        rows.append(row(str(node).split("/")[-1] or "/", axes, shape, f"{spacing} {units}", shown, listed(named) + colours))
    if not rows:
        raise ValueError("finds no image")
    return rows


def by_napari_ome_zarr(path: Path) -> list[Row]:
    from napari_ome_zarr._reader import napari_get_reader

    reader = napari_get_reader(str(path))
    if reader is None:
        raise ValueError("no reader")
    rows = []
    for data, about, kind in reader(str(path)):
        array = data[0] if isinstance(data, list) else data
        names = listed(about.get("properties", {}).get("name", [])) if kind == "labels" else ""
        colours = f"; {len(about['colormap'])} colours" if isinstance(about.get("colormap"), dict) else ""
        scale, units = listed(map(float, about.get("scale", []))), listed(map(str, about.get("units", [])))
        offset = about["affine"].translate if "affine" in about else about.get("translate", [])
        where = f"{scale} {units}; at {listed(map(float, offset))}"
        axes, shape = "".join(about.get("axis_labels", [])), "x".join(map(str, array.shape))
        rows.append(
            row(f"{kind} layer {about.get('name')}", axes, shape, where, about.get("contrast_limits", ""), names + colours)
        )
    if not rows:
        raise ValueError("makes no layer")
    return rows


def by_bioio(path: Path) -> list[Row]:
    from bioio import BioImage

    image = BioImage(str(path))
    step = image.scale
    spacing = listed(f"{axis} {getattr(step, axis)}" for axis in "TZYX" if getattr(step, axis) is not None)
    shape = "x".join(map(str, image.dims.shape))
    reader = type(image.reader).__module__.split(".")[0]
    return [
        row(f"{reader}, {len(image.scenes)} scenes", image.dims.order, shape, spacing, "", listed(image.channel_names or []))
    ]


def by_libvips(path: Path) -> list[Row]:
    import pyvips

    image = pyvips.Image.new_from_file(str(path))
    fields = {name: image.get(name) for name in ("n-pages", "n-subifds", "page-height") if name in image.get_fields()}
    spacing = f"{1000 / image.xres:g} x {1000 / image.yres:g} um a pixel"
    shape = f"{image.height}x{image.width}x{image.bands} {image.format}"
    return [row(", ".join(f"{name} {value}" for name, value in fields.items()), "", shape, spacing, "", "")]


IMAGEJ = """
public class See {
    public static void main(String[] words) {
        ij.ImagePlus image = new ij.io.Opener().openImage(words[0]);
        if (image == null) System.exit(1);
        ij.measure.Calibration known = image.getCalibration();
        String size = image.getHeight() + "x" + image.getWidth() + " " + image.getBitDepth() + " bit";
        String info = (image.getInfoProperty() + " " + image.getStack().getSliceLabel(1)).replace("null", "").trim();
        ij.process.LUT[] shown = image.getLuts();  // of a composite image each channel has its own range
        double low = shown.length > 1 ? shown[0].min : image.getDisplayRangeMin();
        double high = shown.length > 1 ? shown[0].max : image.getDisplayRangeMax();
        System.out.println(String.join(";", "SEEN",
            image.getNChannels() + " C " + image.getNSlices() + " Z " + image.getNFrames() + " T", size,
            known.pixelHeight + " x " + known.pixelWidth + " x " + known.pixelDepth + " " + known.getUnit()
                + ", interval " + known.frameInterval,
            low + " to " + high, info.replace("\\n", ", ")));
        System.exit(0);
    }
}
"""


def by_imagej(path: Path, jar: str | None) -> list[Row]:
    """What ImageJ's own opener makes of a file. A macro sees the same, but needs a display: its ``open`` makes the menus."""
    if jar is None or shutil.which("javac") is None:
        raise NotInstalled
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "See.java"
        source.write_text(IMAGEJ)
        words = ["java", "-Djava.awt.headless=true", "-cp", jar, str(source), str(path)]
        said = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    seen = [line.split(";", 5) for line in said.stdout.splitlines() if line.startswith("SEEN;")]
    if not seen:
        lines = (said.stdout + said.stderr).strip().splitlines()
        raise ValueError(next((line for line in lines if line.strip()), "no answer"))
    return [row("", *seen[0][1:6])]


TIFF: dict[str, Callable[..., list[Row]]] = {"tifffile": by_tifffile, "bioio": by_bioio, "libvips": by_libvips}
ZARR: dict[str, Callable[..., list[Row]]] = {
    "zarr-python": by_zarr,
    "yaozarrs": by_validator,
    "ome-zarr-py": by_ome_zarr_py,
    "napari-ome-zarr": by_napari_ome_zarr,
    "bioio": by_bioio,
}


def opened(program: Callable[[], list[Row]]) -> list[Row] | str:
    """What a program sees, or why not, in a line."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return program()
    except (ImportError, NotInstalled):
        return "not installed"
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"does not open it: {first[:200]}"


def main(folder: Path, jar: str | None) -> None:
    logging.disable()
    answers: dict[str, list[Any]] = {}
    for path in sorted(folder.iterdir()):
        programs: dict[str, Callable[[], list[Row]]] = {}
        if path.suffix == ".zarr":
            programs = {name: partial(program, path) for name, program in ZARR.items()}
        elif path.suffix == ".tif":
            programs = {name: partial(program, path) for name, program in TIFF.items()}
            programs["ImageJ"] = partial(by_imagej, path, jar)
        if programs:
            found = [[name, opened(program)] for name, program in programs.items()]
            # A message must not tell where it was made.
            answers[path.name] = json.loads(json.dumps(found).replace(f"{folder}/", ""))
    print(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
