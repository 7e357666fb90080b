"""Do other programs find in our files of outlines what the map has?

A map of ellipses that touch, overlap and have holes is written as regions of ImageJ, GeoJSON and COCO. ImageJ opens the
regions in a macro and measures each on the map: it must count as many, and find in each the area of the object and no number
but its own. Shapely judges the polygons, by the rules of the library that QuPath uses; ``geojson_pydantic`` judges the file,
and ``pycocotools`` draws the masks, where they are installed. None of them is needed to use the package.

    python benchmarks/outlines_open.py --out benchmarks/results

ImageJ is that of Debian (``apt-get install imagej xvfb``), or any with ``--ij-jar``; its macros need a display or ``xvfb-run``.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from skimage.draw import ellipse

import unseam
from common import facts, heading, write_result

MACRO = """
folder = getArgument();
open(folder + "/map.tif");
roiManager("open", folder + "/map.zip");
number = roiManager("count");
print("version " + getVersion());
for (one = 0; one < number; one++) {
  roiManager("select", one);
  getRawStatistics(area, mean, min, max);
  print("roi " + Roi.getName + " " + area + " " + min + " " + max);
}
run("Quit");
"""


def made_map(side: int = 400, number: int = 450) -> np.ndarray:
    rng = np.random.default_rng(0)
    labels = np.zeros((side, side), np.uint16)
    for one in range(1, number + 1):
        rows, columns = ellipse(
            *rng.integers(0, side, 2), *rng.uniform(2, 16, 2), shape=labels.shape, rotation=rng.uniform(0, np.pi)
        )
        labels[rows, columns] = one
    labels[rng.integers(0, 60, labels.shape) == 0] = 0
    return labels


def in_imagej(folder: Path, labels: np.ndarray, jar: Path) -> str:
    (folder / "macro.ijm").write_text(MACRO)
    words = [
        "java",
        "-cp",
        f"{jar}:{jar.parent}/*",
        "ij.ImageJ",
        "-ijpath",
        str(folder),
        "-batch",
        str(folder / "macro.ijm"),
        str(folder),
    ]
    shown = ["xvfb-run", "-a"] if shutil.which("xvfb-run") else []
    said = subprocess.run([*shown, *words], check=True, capture_output=True, text=True).stdout.split("\n")
    version = next(line.split()[1] for line in said if line.startswith("version"))
    rows = [line.split()[1:] for line in said if line.startswith("roi")]
    found = {int(name): tuple(float(value) for value in values) for name, *values in rows}
    numbers, areas = np.unique(labels[labels > 0], return_counts=True)
    wrong = sum(
        found.get(number) != (area, number, number) for number, area in zip(numbers.tolist(), areas.tolist(), strict=True)
    )
    return (
        f"ImageJ {version}: {len(rows)} regions for {len(numbers)} objects; {wrong} with another area or another number inside"
    )


def in_shapely(folder: Path, labels: np.ndarray) -> str:
    import shapely

    features = json.loads((folder / "map.geojson").read_text())["features"]
    shapes = {int(one["properties"]["name"]): shapely.from_geojson(json.dumps(one["geometry"])) for one in features}
    invalid = sum(not shape.is_valid for shape in shapes.values())
    wrong = sum(shape.area != (labels == number).sum() for number, shape in shapes.items())
    holes = sum(shapely.get_num_interior_rings(shapely.get_parts(shape)).sum() > 0 for shape in shapes.values())
    return (
        f"Shapely {shapely.__version__}: {len(shapes)} shapes, {holes} with holes; {invalid} not valid, {wrong} of another area"
    )


def in_geojson_pydantic(folder: Path, labels: np.ndarray) -> str:
    from geojson_pydantic import FeatureCollection, __version__

    read = FeatureCollection.model_validate_json((folder / "map.geojson").read_text())
    return f"geojson-pydantic {__version__}: accepted, {len(read.features)} features"


def in_pycocotools(folder: Path, labels: np.ndarray) -> str:
    from pycocotools.coco import COCO

    coco = COCO(str(folder / "map.json"))
    numbers = np.unique(labels[labels > 0])
    annotations = coco.loadAnns(coco.getAnnIds())
    wrong = sum((coco.annToMask(one) != (labels == number)).any() for number, one in zip(numbers, annotations, strict=True))
    return f"pycocotools: {len(annotations)} masks; {wrong} differ from the map"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ij-jar", type=Path, default=Path("/usr/share/java/ij.jar"))
    chosen = parser.parse_args()
    labels = made_map()
    said: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tifffile.imwrite(folder / "map.tif", labels, imagej=True)
        for ending in (".geojson", ".zip", ".json"):
            unseam.write_outlines(labels, folder / f"map{ending}", unseam.measure(labels).objects)
        height, width = labels.shape
        for ending in (".geojson", ".zip"):
            again = unseam.read_outlines(folder / f"map{ending}", height, width)
            said.append(f"read back from {ending}: {np.count_nonzero(again != labels)} px differ from the map")
        said.append(in_imagej(folder, labels, chosen.ij_jar) if chosen.ij_jar.exists() else "ImageJ is not installed")
        for check in (in_shapely, in_geojson_pydantic, in_pycocotools):
            try:
                said.append(check(folder, labels))
            except ImportError as error:
                said.append(f"{error.name} is not installed")
    result = facts("numpy", "roifile", "shapely", "geojson-pydantic", "pycocotools") | {"said": said}
    lines = [f"- {one}" for one in said]
    text = "\n".join(["# Outlines in other programs", "", heading(result), "", f"    {result['command']}", "", *lines, ""])
    print(text)
    if chosen.out is not None:
        write_result(chosen.out, "outlines_open", result, text)


if __name__ == "__main__":
    sys.exit(main())
