"""Grey values: images with other channels or bits, blank, saturated, dim, drifting or tiny ones."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from unseam.doctor.finding import Finding, Place, shorten_list
from unseam.doctor.item import Item

_FEW_LEVELS = 8  # between dark and bright: below it steps of a grey value are seen as structure
_MUCH_SATURATED = 0.2
_SATURATED = 0.05
_DRIFT = 10.0  # ratio of contrast, from the median image to one that is far from the others
_TINY = 32


def check_grey_values(items: Sequence[Item], context: int) -> list[Finding]:
    """Findings on grey values and sizes of images (at least one; of a stack one plane); ``context`` of the network in px."""
    checks = (_channels, _bit_depth, _blank, _saturated, _few_levels, _drift)
    found = [finding for check in checks if (finding := check(items)) is not None]
    tiny = _tiny(items, context)
    return found if tiny is None else [*found, tiny]


def _where(items: Sequence[Item]) -> tuple[Place, ...]:
    return tuple(item.in_image for item in items)


def _channels(items: Sequence[Item]) -> Finding | None:
    counts = Counter(item.grey.channels for item in items)
    raw = Counter(1 if item.image.ndim == 2 else item.image.shape[-1] for item in items)
    if len(counts) == 1 or len(raw) == 1:  # grey saved as colour among true colour is trained on as it is
        return None
    usual = raw.most_common(1)[0][0]
    odd = [item for item in items if (1 if item.image.ndim == 2 else item.image.shape[-1]) != usual]
    has = " and ".join(f"{number} with {channels}" for channels, number in sorted(raw.items()))
    return Finding(
        "channels differ",
        "stops",
        f"images have different numbers of channels: {has}",
        _where(odd),
        "a network takes one number of channels: training refuses the folder",
        "convert these images (in Fiji: Image > Type > 8-bit or RGB Color), or train on one kind at a time",
    )


def _bit_depth(items: Sequence[Item]) -> Finding | None:
    counts = Counter(item.grey.type_name for item in items)
    if len(counts) == 1:
        return None
    usual = counts.most_common(1)[0][0]
    return Finding(
        "bit depth differs",
        "note",
        f"images are of different number types: {', '.join(f'{n} of {kind}' for kind, n in counts.most_common())}",
        _where([item for item in items if item.grey.type_name != usual]),
        "none by itself, for grey values are normalised image by image; but they may come from another source",
        "export all images by the same route, unless you know why they differ",
    )


def _blank(items: Sequence[Item]) -> Finding | None:
    blank = [item for item in items if item.grey.is_blank]
    if not blank:
        return None
    painted = sum(int(np.any(item.annotated.labels > 0)) for item in blank)
    return Finding(
        "blank image",
        "hurts",
        f"one grey value everywhere, {shorten_list(len(blank), len(items))}"
        + (f"; {painted} of them with something in the mask" if painted else ""),
        _where(blank),
        "there is nothing to see, so what the mask says there cannot be learnt",
        "export these images again (was an empty channel saved?), or take them out with their masks",
    )


def _saturated(items: Sequence[Item]) -> Finding | None:
    clipped = [item for item in items if item.grey.top_share >= _SATURATED and not item.grey.is_blank and not _is_dim(item)]
    if not clipped:
        return None
    clipped.sort(key=lambda item: -item.grey.top_share)
    worst = clipped[0].grey
    return Finding(
        "saturated image",
        "hurts" if worst.top_share >= _MUCH_SATURATED else "note",
        f"over {_SATURATED:.0%} of the pixels have the highest grey value, {shorten_list(len(clipped), len(items))}; "
        f"most: {worst.top_share:.0%} at {worst.highest:g}",
        _where(clipped),
        "what lies there has lost its detail; borders between bright objects may be gone",
        "expose shorter, or export without stretching the contrast; harmless where it is empty background",
    )


def _is_dim(item: Item) -> bool:
    facts = item.grey
    is_whole = facts.type_name.startswith(("u", "i"))
    return is_whole and facts.highest - facts.lowest < 2 * _FEW_LEVELS and facts.high - facts.low < _FEW_LEVELS


def _few_levels(items: Sequence[Item]) -> Finding | None:
    dim = [item for item in items if _is_dim(item) and not item.grey.is_blank]
    if not dim:
        return None
    dim.sort(key=lambda item: item.grey.high - item.grey.low)
    least = dim[0].grey.high - dim[0].grey.low
    return Finding(
        "few grey levels",
        "hurts" if 2 * len(dim) >= len(items) else "note",
        f"dark and bright lie only {least:.0f} grey levels apart, {shorten_list(len(dim), len(items))}",
        _where(dim),
        "normalisation stretches these few steps to the whole range, and the noise with them",
        "export the original 12- or 16-bit image instead of an 8-bit copy",
    )


def _drift(items: Sequence[Item]) -> Finding | None:
    shown = [item for item in items if not item.grey.is_blank and item.grey.high > item.grey.low]
    if len(shown) < 2:
        return None

    def contrast(item: Item) -> float:
        return item.grey.high - item.grey.low

    def far(value: Callable[[Item], float], ratio: float) -> list[Item]:
        usual = float(np.median([value(item) for item in shown]))
        return [item for item in shown if usual > 0 and not 1 / ratio < value(item) / usual < ratio]

    odd = [item for item in far(contrast, _DRIFT) if not _is_dim(item)]
    if not odd:
        return None
    values = sorted(contrast(item) for item in shown)
    usual = float(np.median(values))
    odd.sort(key=lambda item: -max(contrast(item) / usual, usual / contrast(item)))
    return Finding(
        "intensity drift",
        "note",
        f"the grey range (1st to 99.8th percentile) goes from {values[0]:.3g} to {values[-1]:.3g}; more than "
        f"{_DRIFT:.0f} times from the median {usual:.3g} {shorten_list(len(odd), len(shown))}",
        _where(odd),
        "the range itself is normalised away; but a dim image is noisier, and one from another source may look different",
        "see that such images are among those that train, in proportion to those you will predict",
    )


def _tiny(items: Sequence[Item], context: int) -> Finding | None:
    seen = 2 * context + 1
    small = [item for item in items if min(item.image.shape[:2]) < context]
    if not small:
        return None
    small.sort(key=lambda item: min(item.image.shape[:2]))
    least = small[0].image.shape
    return Finding(
        "tiny image",
        "hurts" if min(least[:2]) < _TINY else "note",
        f"smaller than the {context} px of surroundings that the network needs, "
        f"{shorten_list(len(small), len(items))}; smallest: {least[0]} x {least[1]} px",
        _where(small),
        f"the network looks at {seen} x {seen} px round each pixel, and most of that is mirrored image here",
        "give whole images instead of cut-outs, or take a shallower network: --set net.unet.depth=2",
    )
