"""Units of length in image metadata: the names that OME, OME-NGFF and ImageJ use."""

_MICROMETRES = {
    # OME's and ImageJ's
    "µm": 1.0, "μm": 1.0, "um": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "microns": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "å": 1e-4, "pm": 1e-6, "mm": 1e3, "cm": 1e4, "m": 1e6, "in": 25_400.0,
    # OME-NGFF's, all that its specification lists
    "angstrom": 1e-4, "attometer": 1e-12, "centimeter": 1e4, "decimeter": 1e5, "exameter": 1e24, "femtometer": 1e-9,
    "foot": 304_800.0, "gigameter": 1e15, "hectometer": 1e8, "inch": 25_400.0, "kilometer": 1e9, "megameter": 1e12,
    "meter": 1e6, "micrometer": 1.0, "mile": 1_609_344e3, "millimeter": 1e3, "nanometer": 1e-3,
    "parsec": 3.0856775814913673e22, "petameter": 1e21, "picometer": 1e-6, "terameter": 1e18, "yard": 914_400.0,
    "yoctometer": 1e-18, "yottameter": 1e30, "zeptometer": 1e-15, "zettameter": 1e27,
}  # fmt: skip


def micrometres(unit: str) -> float | None:
    """Return the length of a unit in micrometres; None if it is unknown.

    >>> micrometres("nm"), micrometres("Micrometer"), micrometres("pixel")
    (0.001, 1.0, None)
    """
    return _MICROMETRES.get(unit.strip().lower())
