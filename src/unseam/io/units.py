"""Units of length and time in image metadata, as OME, OME-NGFF, ImageJ and microscopes spell them."""

import html
import re
import unicodedata

_PREFIXES = {
    "yotta": ("Y", 24), "zetta": ("Z", 21), "exa": ("E", 18), "peta": ("P", 15), "tera": ("T", 12), "giga": ("G", 9),
    "mega": ("M", 6), "kilo": ("k", 3), "hecto": ("h", 2), "deca": ("da", 1), "": ("", 0), "deci": ("d", -1),
    "centi": ("c", -2), "milli": ("m", -3), "micro": ("μ", -6), "nano": ("n", -9), "pico": ("p", -12), "femto": ("f", -15),
    "atto": ("a", -18), "zepto": ("z", -21), "yocto": ("y", -24),
}  # fmt: skip

_METRES = {
    **{symbol + "m": 10.0**power for symbol, power in _PREFIXES.values()},
    **{name + metre: 10.0**power for name, (_, power) in _PREFIXES.items() for metre in ("meter", "metre")},
    "um": 1e-6, "mum": 1e-6, "mcm": 1e-6, "micron": 1e-6, "?m": 1e-6, "\N{REPLACEMENT CHARACTER}m": 1e-6,  # a lost μ
    **dict.fromkeys(("mikron", "mikrometer", "micromètre", "micrómetro", "micrômetro", "micrometro"), 1e-6),
    **dict.fromkeys(("мкм", "микрон", "微米", "microm", "micro-meter", "μmeter", "μmetre"), 1e-6),
    "Å": 1e-10, "å": 1e-10, "A": 1e-10, "angstrom": 1e-10, "ångström": 1e-10, "ångstrom": 1e-10, "angström": 1e-10,
    "thou": 2.54e-5, "mil": 2.54e-5, "li": 2.54e-2 / 12, "line": 2.54e-2 / 12, "in": 2.54e-2, "inch": 2.54e-2, "inche": 2.54e-2,
    '"': 2.54e-2, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "yd": 0.9144, "yard": 0.9144, "mi": 1609.344, "mile": 1609.344,
    "ua": 149_597_870_700.0, "ly": 9_460_730_472_580_800.0, "pc": 3.0856775814913673e16,
    "parsec": 3.0856775814913673e16, "pt": 2.54e-2 / 72,
}  # fmt: skip

_SECONDS = {
    **{symbol + "s": 10.0**power for symbol, power in _PREFIXES.values()},
    **{symbol + "sec": 10.0**power for symbol, power in _PREFIXES.values()},
    **{name + "second": 10.0**power for name, (_, power) in _PREFIXES.items()},
    "us": 1e-6, "usec": 1e-6, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0,
    "d": 86_400.0, "day": 86_400.0,
}  # fmt: skip


def micrometres(unit: str) -> float | None:
    """Return the length of a unit in micrometres; None for what is no length, such as pixels.

    >>> micrometres("nm"), micrometres("Micrometer"), micrometres("pixel")
    (0.001, 1.0, None)
    """
    metres = _found(unit, _METRES)
    return None if metres is None else _rounded(metres * 1e6)


def seconds(unit: str) -> float | None:
    """Return the duration of a unit in seconds; None for what is no time.

    >>> seconds("ms"), seconds("minutes"), seconds("frame")
    (0.001, 60.0, None)
    """
    return _found(unit, _SECONDS)


def _rounded(value: float) -> float:
    return float(f"{value:.15g}")  # a unit of 1e-9 m is 0.001 um, not 0.0010000000000000002


def _found(unit: str, table: dict[str, float]) -> float | None:
    """Look a unit up as it is spelled ("Mm" is no "mm"), then in small letters, then without the s of a plural."""
    text = _mended(unit)
    for spelling in (text, text.lower()):
        for word in (spelling, spelling[:-1] if len(spelling) > 3 and spelling.endswith("s") else spelling):
            if word in table:
                return table[word]
    return None


def _mended(unit: str) -> str:
    """Return a unit with one character for each sign, whatever way through files and encodings it took.

    >>> [_mended(one) for one in ("µm", "\\\\u00B5m", "&#181;m", "Âµm", "Î¼m")]
    ['μm', 'μm', 'μm', 'μm', 'μm']
    """
    text = html.unescape(html.unescape(unit))
    text = re.sub(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))", lambda found: chr(int(found[1] or found[2], 16)), text)
    # UTF-8 that a program read as one character per byte, once or twice
    for _ in range(2):
        text = next((again for codec in ("cp1252", "latin-1", "mac_roman") if (again := _decoded_again(text, codec))), text)
    # one sign for the micro sign and the Greek letter, for angstrom and Å, for ㎛ and its two letters
    text = "".join(unicodedata.normalize("NFKC", text).split()).strip("[]()")
    return re.sub(r"(?:/|per)(?:px|pixel|voxel)s?$", "", text, flags=re.IGNORECASE)


def _decoded_again(text: str, codec: str) -> str | None:
    try:
        return text.encode(codec).decode("utf-8") if not text.isascii() else None
    except UnicodeError:
        return None
