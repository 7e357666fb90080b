"""What OME and ImageJ state of size, distance, interval and place, in every way to write it."""

import numpy as np
import pytest
import tifffile

from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.large import open_large

PIXELS = np.arange(2 * 3 * 5 * 6, dtype=np.uint8).reshape(2, 3, 5, 6)
BOTH = "PhysicalSizeX='0.25' PhysicalSizeY='0.5'"
NEW = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def ome(path, about, *, inside="", image="", space=NEW, prefix="", text="{}", num_images=1):
    """Write an OME-TIFF with these attributes of its ``Pixels``; ``text`` is put round the XML."""
    p = f"{prefix}:" if prefix else ""
    xmlns = f"xmlns:{prefix}" if prefix else "xmlns"
    one = (
        "<{p}Image ID='Image:{n}' {image}><{p}Pixels ID='Pixels:{n}' DimensionOrder='XYZTC' Type='uint8' SizeX='6' SizeY='5'"
        " SizeZ='3' SizeT='2' SizeC='1' {about}><{p}Channel ID='C:{n}' SamplesPerPixel='1'/>"
        "<{p}TiffData IFD='{ifd}' PlaneCount='6'/>{inside}</{p}Pixels></{p}Image>"
    )
    each = about if isinstance(about, list) else [about] * num_images
    images = "".join(one.format(p=p, n=n, ifd=6 * n, image=image, about=said, inside=inside) for n, said in enumerate(each))
    xml = text.format(f"<{p}OME {xmlns}='{space}'>{images}</{p}OME>")
    with tifffile.TiffWriter(path) as writer:
        for plane in [*PIXELS.reshape(6, 5, 6)] * len(each):
            writer.write(plane, contiguous=False, metadata=None, description=xml.encode())
            xml = ""
    return path


def both(path):
    """Read a file as a whole and window by window; the two must agree."""
    found = read_image(path).calibration
    assert open_large(path)[0].calibration == found
    return found


@pytest.mark.parametrize(
    "about",
    [
        BOTH,
        'PhysicalSizeX="0.25" PhysicalSizeY="0.5"',
        "PhysicalSizeX = '0.25'\n\tPhysicalSizeY\n=\n'5.0e-1'",
        "PhysicalSizeY='&#48;.5' PhysicalSizeX='0.25'",
        BOTH + " PhysicalSizeXUnit='&#181;m' PhysicalSizeYUnit='&#xb5;m'",
        BOTH + " PhysicalSizeXUnit='µm' PhysicalSizeYUnit='micron'",
        "PhysicalSizeX='250' PhysicalSizeXUnit='nm' PhysicalSizeY='0.0005' PhysicalSizeYUnit='mm'",
        "PhysicalSizeX='2500' PhysicalSizeXUnit='Å' PhysicalSizeY='5000' PhysicalSizeYUnit='&#197;'",
    ],
)
def test_ome_in_any_valid_xml(about, tmp_path):
    assert both(ome(tmp_path / "a.ome.tif", about)).pixel_um == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize(
    "how",
    [
        {"prefix": "OME"},
        {"prefix": "o", "text": "<?xml version='1.0' encoding='ISO-8859-1'?><!-- <Pixels PhysicalSizeX='9'> > -->{}"},
        {"text": "\n {}\n"},
        {"space": "http://www.openmicroscopy.org/Schemas/OME/2010-06"},
        {"inside": "<Plane TheC='0' TheZ='0' TheT='0' Note='&lt;Pixels PhysicalSizeX=&quot;9&quot;&gt;'/>"},
        {"image": "Name='a &gt; b'"},
    ],
)
def test_ome_of_other_forms(how, tmp_path):
    path = ome(tmp_path / "a.ome.tif", BOTH, **how)
    assert read_image(path).calibration.pixel_um == (0.5, 0.25)


def test_ome_of_2003_states_the_size_at_the_image(tmp_path):
    space = "http://www.openmicroscopy.org/XMLschemas/OME/FC/ome.xsd"
    path = ome(tmp_path / "a.tif", "", image="PixelSizeX='0.25' PixelSizeY='0.5' PixelSizeZ='2'", space=space)
    assert both(path) == Calibration((0.5, 0.25), 2)


@pytest.mark.parametrize(
    "about",
    [
        "",
        "PhysicalSizeX='0.25'",
        BOTH + " PhysicalSizeXUnit='pixel' PhysicalSizeYUnit='pixel'",
        BOTH + " PhysicalSizeXUnit='reference frame'",
        "PhysicalSizeX='0' PhysicalSizeY='0'",
        "PhysicalSizeX='NaN' PhysicalSizeY='INF'",
        "PhysicalSizeX='-1' PhysicalSizeY='wide'",
        "PhysicalSizeX='1e308' PhysicalSizeY='1' PhysicalSizeXUnit='km'",
    ],
)
def test_no_size_where_ome_states_none(about, tmp_path):
    assert both(ome(tmp_path / "a.ome.tif", about)) == UNKNOWN


def test_planes_frames_and_place_of_ome(tmp_path):
    about = BOTH + " PhysicalSizeZ='1500' PhysicalSizeZUnit='nm' TimeIncrement='2' TimeIncrementUnit='min'"
    other, unit = "<Plane TheC='0' TheT='0' TheZ='1' PositionX='9' PositionXUnit='mm'/>", "PositionYUnit='µm'"
    first = (
        f"<Plane TheC='0' TheT='0' TheZ='0' PositionX='-1' PositionXUnit='mm' PositionY='20' {unit} PositionZ='7' DeltaT='3'/>"
    )
    found = both(ome(tmp_path / "a.ome.tif", about, inside=other + first))
    assert found == Calibration((0.5, 0.25), 1.5, 120.0, (0.0, 20.0, -1000.0), 3.0)  # a place without a unit says no length


def test_each_image_of_an_ome_tiff_has_its_own(tmp_path):
    path = ome(tmp_path / "a.ome.tif", [BOTH, "PhysicalSizeX='3' PhysicalSizeY='2'"])
    assert [one.calibration.pixel_um for one in open_large(path)] == [(0.5, 0.25), (2, 3)]
    assert read_image(path).calibration.pixel_um == (0.5, 0.25)


def test_a_file_of_a_series_takes_what_is_said_of_itself(tmp_path):
    def data(name):
        return f"<TiffData IFD='0' PlaneCount='6'><UUID FileName='{name}'>urn:uuid:{name}</UUID></TiffData>"

    path = ome(tmp_path / "b.ome.tif", [BOTH, "PhysicalSizeX='3' PhysicalSizeY='2'"])
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata
    for number, name in enumerate(("a.ome.tif", "b.ome.tif")):
        xml = xml.replace(f"<TiffData IFD='{6 * number}' PlaneCount='6'/>", data(name))
    with tifffile.TiffWriter(path) as writer:
        for plane in PIXELS.reshape(6, 5, 6):
            writer.write(plane, contiguous=False, metadata=None, description=xml.encode())
            xml = ""
    assert both(path).pixel_um == (2, 3)


@pytest.mark.parametrize("size", ["SizeZ = '999999999'", "SizeZ='9_999_999'"])
def test_a_promise_in_any_valid_xml_is_held_against_the_file(size, tmp_path):
    path = ome(tmp_path / "a.ome.tif", "")
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata.replace("SizeZ='3'", size)
    tifffile.imwrite(path, PIXELS[0, 0], metadata=None, description=xml.encode())
    with pytest.raises(ImageReadError, match=r"promises .*planes"):
        read_image(path)


def test_damaged_xml_is_said(tmp_path):
    path = ome(tmp_path / "a.ome.tif", BOTH, image="Name='R&D'")
    assert "no valid XML" in str(read_image(path).notes)


@pytest.mark.parametrize("entity", ["<!DOCTYPE OME [<!ENTITY a 'b'>]>{}", "<!DOCTYPE OME SYSTEM 'file:///etc/passwd'>{}"])
def test_entities_are_refused(entity, tmp_path):
    with pytest.raises(ImageReadError, match="entities"):
        read_image(ome(tmp_path / "a.ome.tif", BOTH, text=entity))


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"unit": "um"}, Calibration((0.5, 0.25))),
        ({"unit": "\\u00B5m", "spacing": 2.0}, Calibration((0.5, 0.25), 2.0)),
        ({"unit": "micron", "spacing": -2}, Calibration((0.5, 0.25), 2.0)),
        ({"unit": "mm", "zunit": "um", "spacing": 2}, Calibration((500.0, 250.0), 2.0)),
        ({"unit": "um", "finterval": 30}, Calibration((0.5, 0.25), frame_s=30.0)),
        ({"unit": "um", "finterval": 30, "tunit": "ms"}, Calibration((0.5, 0.25), frame_s=0.03)),
        ({"unit": "pixel", "finterval": 0.5, "fps": 7}, Calibration(frame_s=0.5)),
        ({"fps": 4}, Calibration(frame_s=0.25)),
        ({"unit": "um", "finterval": 0, "spacing": 0}, Calibration((0.5, 0.25))),
        (
            {"unit": "um", "spacing": 2, "xorigin": 4, "yorigin": -4, "zorigin": 1.5},
            Calibration((0.5, 0.25), 2.0, origin_um=(-3.0, 2.0, -1.0)),
        ),
        ({"unit": "pixel", "spacing": 2, "xorigin": 4}, UNKNOWN),
    ],
)
def test_imagej(about, expected, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, imagej=True, resolution=(4.0, 2.0), metadata={"axes": "TZYX", **about})
    assert both(path) == expected


def test_the_speed_at_which_planes_are_shown_is_no_interval(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS[0], imagej=True, metadata={"axes": "ZYX", "fps": 7})
    assert both(tmp_path / "a.tif") == UNKNOWN
