"""Units of length and time in every spelling."""

import pytest

from unseam.io.units import micrometres, seconds

MICROMETRES = (
    "µm", "μm", "um", "uM", "UM", " µm ", "µ m", "㎛", "micron", "Microns",
    "micrometer", "micrometers", "micrometre", "Micrometres",
    "\\u00B5m", "\\u03bcm", "\\xb5m", "&#181;m", "&#xB5;m", "&micro;m", "&amp;#181;m", "Âµm", "Î¼m", "Ã‚Âµm", "¬µm", "�m", "?m",
    "[µm]", "(um)", "µm/pixel", "um/px", "microns per pixel",
    "µmeter", "µmetres", "microm", "micro-meter", "Mikrometer", "мкм", "微米",
)  # fmt: skip


@pytest.mark.parametrize("unit", MICROMETRES)
def test_micrometres_in_any_spelling(unit):
    assert micrometres(unit) == 1


@pytest.mark.parametrize(
    ("unit", "length"),
    [
        ("nm", 1e-3), ("NM", 1e-3), ("nanometers", 1e-3), ("nanometre", 1e-3), ("㎚", 1e-3), ("mm", 1e3), ("Mm", 1e12),
        ("MM", 1e3), ("millimetres", 1e3), ("cm", 1e4), ("m", 1e6), ("meter", 1e6), ("pm", 1e-6), ("Å", 1e-4),
        ("A\N{COMBINING RING ABOVE}", 1e-4), ("\N{ANGSTROM SIGN}", 1e-4), ("Ã…", 1e-4), ("å", 1e-4), ("Angstroms", 1e-4),
        ("in", 25400), ("Inches", 25400), ("inch", 25400), ("feet", 304800), ("thou", 25.4), ("pt", 25400 / 72),
    ],
)  # fmt: skip
def test_other_lengths(unit, length):
    assert micrometres(unit) == pytest.approx(length, rel=1e-12)


@pytest.mark.parametrize(
    "unit", ["", "pixel", "pixels", "px", "voxel", "reference frame", "s", "sec", "a.u.", "unknown", "micro", "µ"]
)
def test_no_length(unit):
    assert micrometres(unit) is None


@pytest.mark.parametrize(
    ("unit", "length"),
    [
        ("s", 1), ("sec", 1), ("Seconds", 1), ("ms", 1e-3), ("msec", 1e-3), ("milliseconds", 1e-3), ("µs", 1e-6), ("us", 1e-6),
        ("min", 60), ("mins", 60), ("minutes", 60), ("h", 3600), ("hrs", 3600), ("hours", 3600), ("d", 86400), ("days", 86400),
    ],
)  # fmt: skip
def test_times(unit, length):
    assert seconds(unit) == pytest.approx(length, rel=1e-12)


@pytest.mark.parametrize("unit", ["", "frame", "frames", "m", "um", "pixel"])
def test_no_time(unit):
    assert seconds(unit) is None
