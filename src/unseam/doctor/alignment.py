"""Find masks that do not fit their images: inverted, shifted or turned masks, and masks of other images.

The agreement of image and mask is the correlation of grey values with the foreground, at 256 px or less. It is only compared
with that of the mask shifted or turned, or of another image. Where grey values alone do not separate foreground from background
(phase contrast), the doctor concludes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import fft, ndimage

from unseam.doctor.finding import Finding, shorten_list
from unseam.doctor.item import Labelled

_SIDE = 256
_LEAST_SIDE = 48  # of the image, px: a few objects agree with anything, so smaller images are not judged
_AGREES = 0.35
_GAIN = 1.4  # least ratio of the agreement elsewhere to that in place
_LEAST_SHIFT = 3  # px of the shrunken image
_FLIPS: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("upside down", lambda a: a[::-1]),
    ("left for right", lambda a: a[:, ::-1]),
    ("by half a turn", lambda a: a[::-1, ::-1]),
    ("rows for columns", lambda a: a.T),
    ("by a quarter turn", np.rot90),
    ("by a quarter turn", lambda a: np.rot90(a, 3)),
)


@dataclass(frozen=True, eq=False)
class Fit:
    """Grey values and foreground of an image, shrunk by ``step``, minus their means, scaled to length one."""

    labelled: Labelled
    grey: Float[np.ndarray, "rows columns"]
    inside: Float[np.ndarray, "rows columns"]
    step: int

    @property
    def agreement(self) -> float:
        """Correlation of grey values and foreground."""
        return float((self.grey * self.inside).sum())


def check_alignment(labelled: Sequence[Labelled], *, is_binary: bool, has_objects: bool) -> list[Finding]:
    """Find masks that do not fit their images. Only masks of two values can be inverted.

    Where masks hold classes (``has_objects`` is False), the contrast does not tell kinds of images apart.
    """
    inverted = _inverted(labelled) if is_binary else []
    known = {id(one) for one in inverted}
    found = [_inverted_masks(inverted, labelled)] if inverted else []
    fits = [fit for one in labelled if id(one) not in known and (fit := _fit(one)) is not None]
    # Where most masks do not agree with their own images, agreement with another image means nothing.
    agreeing = fits if fits and float(np.median([abs(fit.agreement) for fit in fits])) >= _AGREES else []
    misfits = [fit for fit in fits if abs(fit.agreement) < _AGREES]
    shifted: list[tuple[Fit, tuple[int, int]]] = []
    turned: list[tuple[Fit, str]] = []
    foreign: list[tuple[Fit, Fit]] = []
    for fit in misfits:
        shift, flip, other = _shift(fit), _flip(fit), _other_image(fit, agreeing)
        if shift is not None:  # several may explain one mask; the smallest change is the likeliest
            shifted.append((fit, shift))
        elif flip is not None:
            turned.append((fit, flip))
        elif other is not None:
            foreign.append((fit, other))
    found += [_shifted_masks(shifted, len(labelled))] if shifted else []
    found += [_turned_masks(turned, len(labelled))] if turned else []
    found += [_foreign_masks(foreign, len(labelled))] if foreign else []
    if not found:  # a mask that does not fit has a contrast that means nothing
        mixed = _two_contrasts([one for one in labelled if not one.item.is_plane]) if has_objects else None
        found += [] if mixed is None else [mixed]
    return found


def _fit(one: Labelled) -> Fit | None:
    shape = one.classes.shape
    if min(shape) < _LEAST_SIDE or not 0.01 < one.share < 0.99:  # nearly uniform masks agree with anything
        return None
    step = -(-max(shape) // _SIDE)
    grey, inside = (_shrunk(a, step) for a in (one.item.plane, one.foreground))
    if min(grey.shape) < _LEAST_SIDE // 2:
        return None
    low, high = np.percentile(grey, [1, 99])
    grey = np.clip(grey, low, high)  # otherwise a few very bright pixels decide the correlation
    grey, inside = grey - grey.mean(), inside - inside.mean()
    lengths = [float(np.sqrt(np.square(values).sum())) for values in (grey, inside)]
    if min(lengths) == 0:
        return None
    return Fit(one, grey / lengths[0], inside / lengths[1], step)


def _shrunk(values: np.ndarray, step: int) -> Float[np.ndarray, "rows columns"]:
    rows, columns = (n // step for n in values.shape)
    cut = values[: rows * step, : columns * step].astype(np.float32)
    return cut.reshape(rows, step, columns, step).mean(axis=(1, 3)).astype(np.float64)


def _shift(fit: Fit) -> tuple[int, int] | None:
    """Return the shift of the mask, px of the image, at which it agrees far better; None if no shift does."""
    # One Fourier transform gives the agreement at all shifts.
    spectrum = fft.rfft2(fit.grey) * np.conj(fft.rfft2(fit.inside))
    over_shifts = fft.irfft2(spectrum, fit.grey.shape)
    reach = [min(n // 5, 64) for n in fit.grey.shape]  # shifts wrap around: a far one compares with the opposite border
    rows, columns = (np.r_[0 : r + 1, -r:0] for r in reach)
    window = np.abs(over_shifts[np.ix_(rows, columns)])
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    best, shift = float(window[row, column]), (int(rows[row]), int(columns[column]))
    if best < max(_AGREES, _GAIN * abs(fit.agreement)) or max(map(abs, shift)) < _LEAST_SHIFT:
        return None
    return shift[0] * fit.step, shift[1] * fit.step


def _flip(fit: Fit) -> str | None:
    """Return the turn of the mask at which it agrees far better; None if no turn does."""
    best, words = max(
        (abs(float((fit.grey * flip(fit.inside)).sum())), words)
        for words, flip in _FLIPS
        if flip(fit.inside).shape == fit.inside.shape
    )
    return words if best > max(_AGREES, 2 * _GAIN * abs(fit.agreement)) else None


def _other_image(fit: Fit, fits: Sequence[Fit]) -> Fit | None:
    """Return another image with which the mask agrees far better; None if no image does."""
    for other in fits:
        if other is fit or other.grey.shape != fit.grey.shape or np.array_equal(other.inside, fit.inside):
            continue  # one mask under two images is another finding
        agreement = abs(float((other.grey * fit.inside).sum()))
        if agreement > max(_AGREES, 2 * _GAIN * abs(fit.agreement)):
            return other
    return None


def _inverted(labelled: Sequence[Labelled]) -> list[Labelled]:
    """Return masks of two values whose foreground looks like a background: one sheet with many holes, unlike the others."""
    shares = np.array([one.share for one in labelled])
    usual = float(np.median(shares)) if len(labelled) >= 3 else 0.0
    found = []
    for one, share in zip(labelled, shares, strict=True):
        is_unlike = len(labelled) >= 3 and share > 0.5 > usual and abs(1 - share - usual) < abs(share - usual)
        if (is_unlike or (len(labelled) < 3 and share > 0.5)) and _is_sheet_with_holes(one.foreground):
            found.append(one)
    if not found and len(labelled) >= 3 and usual > 0.5:  # no mask differs from the others, so all may be inverted
        sheets = [one for one in labelled if one.share > 0.5 and _is_sheet_with_holes(one.foreground)]
        return sheets if len(sheets) >= 0.8 * len(labelled) else []
    return found


def _is_sheet_with_holes(foreground: Bool[np.ndarray, "height width"]) -> bool:
    pieces, number = ndimage.label(foreground)
    if number == 0:
        return False
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    sheet = pieces == int(sizes.argmax())
    if sizes.max() < 0.9 * sizes.sum():
        return False
    edges = (sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1])
    num_holes = ndimage.label(~foreground)[1]
    return num_holes >= 3 and all(float(edge.mean()) > 0.5 for edge in edges)


def _two_contrasts(labelled: Sequence[Labelled]) -> Finding | None:
    sure = [one for one in labelled if abs(one.contrast) > 0.8]
    bright = [one for one in sure if one.contrast > 0]
    dark = [one for one in sure if one.contrast < 0]
    fewer = min(bright, dark, key=len)
    if len(sure) < 4 or not fewer:
        return None
    words = "darker" if fewer is dark else "brighter"
    fewer.sort(key=lambda one: -abs(one.contrast))
    return Finding(
        "two kinds of contrast",
        "hurts" if len(fewer) < 0.1 * len(sure) else "note",
        f"the foreground is {words} than the background {shorten_list(len(fewer), len(sure))}; in the others it is the reverse",
        tuple(one.item.in_image for one in fewer),
        "the network must learn two kinds of images, and learns the rarer kind badly",
        "annotate more of the rarer kind, or train one model for each; if these images were inverted, invert them back",
    )


def _inverted_masks(inverted: Sequence[Labelled], labelled: Sequence[Labelled]) -> Finding:
    is_all = len(inverted) == len(labelled)
    return Finding(
        "mask inverted",
        "note" if is_all else "hurts",
        f"the foreground is one sheet with holes, as a background is, {shorten_list(len(inverted), len(labelled))}"
        + ("" if is_all else "; in the other masks it is the reverse"),
        tuple(one.item.in_mask for one in inverted),
        "the network learns background as foreground" + (", if the holes are your objects" if is_all else ""),
        "invert these masks (in Fiji: Edit > Invert)" + (", if the holes are your objects" if is_all else ""),
    )


def _shifted_masks(shifted: Sequence[tuple[Fit, tuple[int, int]]], total: int) -> Finding:
    rows, columns = shifted[0][1]
    return Finding(
        "mask shifted",
        "hurts",
        f"the mask would fit its image far better if it were moved, {shorten_list(len(shifted), total)}; the first by about "
        f"{rows:+d} rows and {columns:+d} columns",
        tuple(fit.labelled.item.in_mask for fit, _ in shifted),
        "the network learns to draw next to the objects, or learns nothing",
        "export the masks from the same picture, uncropped; check image and mask as two layers of a viewer",
    )


def _turned_masks(turned: Sequence[tuple[Fit, str]], total: int) -> Finding:
    return Finding(
        "mask turned",
        "hurts",
        f"the mask would fit its image if it were turned {turned[0][1]}, {shorten_list(len(turned), total)}",
        tuple(fit.labelled.item.in_mask for fit, _ in turned),
        "the network learns nothing about the image",
        "turn these masks; programs disagree on whether rows or columns come first",
    )


def _foreign_masks(foreign: Sequence[tuple[Fit, Fit]], total: int) -> Finding:
    fit, other = foreign[0]
    return Finding(
        "mask of another image",
        "hurts",
        f"the mask fits another image, {shorten_list(len(foreign), total)}: {fit.labelled.item.in_mask} fits "
        f"{other.labelled.item.in_image}",
        tuple(fit.labelled.item.in_mask for fit, _ in foreign),
        "the network learns nothing about the image",
        "rename the masks: each needs the name of its image",
    )
