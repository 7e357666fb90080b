"""Find images with other channels or bit depths, and blank, saturated, dim, drifting or tiny images."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from unseam.data.normalise import Ranges
from unseam.data.stack_ranges import uneven_planes
from unseam.doctor.finding import Finding, Place, shorten_list
from unseam.doctor.item import Item

_FEW_LEVELS = 8  # between dark and bright: below it, single grey levels look like structure
_MUCH_SATURATED = 0.2
_SATURATED = 0.05
_DRIFT = 10.0  # ratio of the grey range to that of the median image
_TINY = 32


def check_grey_values(items: Sequence[Item], context: int) -> list[Finding]:
    """Check grey values and sizes of images (at least one; one plane per stack); ``context`` of the network in px."""
    checks = (_channels, _bit_depth, _blank, _saturated, _few_levels, _drift)
    found = [finding for check in checks if (finding := check(items)) is not None]
    tiny = _tiny(items, context)
    return found if tiny is None else [*found, tiny]


def check_stacks(stacks: Sequence[tuple[Place, Sequence[Ranges]]]) -> list[Finding]:
    """Find stacks in which some planes span a small part of the grey values of others, from the ranges of their planes."""
    found = [(place, words) for place, ranges in stacks if (words := uneven_planes(ranges))]
    if not found:
        return []
    what = f"{found[0][0]}: {found[0][1]}"
    if len(stacks) > 1:
        what = f"{shorten_list(len(found), len(stacks), 'stack')}; the first, {what}"
    return [
        Finding(
            "planes differ",
            "note",
            what,
            tuple(place for place, _ in found),
            "each plane is stretched to its own range, so noise in a plane that is empty or out of focus may look like objects",
            "train with --set normalise.over=stack, or predict with --normalise-over stack: one range for the whole stack",
        )
    ]


def _where(items: Sequence[Item]) -> tuple[Place, ...]:
    return tuple(item.in_image for item in items)


def _channels(items: Sequence[Item]) -> Finding | None:
    counts = Counter(item.grey.channels for item in items)
    raw = Counter(1 if item.image.ndim == 2 else item.image.shape[-1] for item in items)
    if len(counts) == 1 or len(raw) == 1:  # grey saved as colour among true colour trains like it
        return None
    usual = raw.most_common(1)[0][0]
    odd = [item for item in items if (1 if item.image.ndim == 2 else item.image.shape[-1]) != usual]
    has = " and ".join(f"{number} with {channels}" for channels, number in sorted(raw.items()))
    return Finding(
        "channels differ",
        "stops",
        f"images have different numbers of channels: {has}",
        _where(odd),
        "a network takes one number of channels, so training refuses the folder",
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
        f"images have different number types: {', '.join(f'{n} of {kind}' for kind, n in counts.most_common())}",
        _where([item for item in items if item.grey.type_name != usual]),
        "none by itself, because each image is normalised alone; but the images may come from different sources",
        "export all images in the same way, unless you know why they differ",
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
        + (f"; {painted} of them have objects in the mask" if painted else ""),
        _where(blank),
        "the image shows nothing, so the network cannot learn its mask",
        "export these images again (was an empty channel saved?), or remove them and their masks",
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
        "detail is lost there; borders between bright objects may be gone",
        "expose for less time, or export without stretching the contrast; harmless in empty background",
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
        "normalisation stretches these few steps, and the noise, to the whole range",
        "export the original 12- or 16-bit image instead of an 8-bit copy",
    )


def _drift(items: Sequence[Item]) -> Finding | None:
    shown = [item for item in items if not item.grey.is_blank and item.grey.high > item.grey.low]
    if len(shown) < 2:
        return None

    def contrast(item: Item) -> float:
        return item.grey.high - item.grey.low

    values = sorted(contrast(item) for item in shown)
    usual = float(np.median(values))
    odd = [item for item in shown if not 1 / _DRIFT < contrast(item) / usual < _DRIFT and not _is_dim(item)]
    if not odd:
        return None
    odd.sort(key=lambda item: -max(contrast(item) / usual, usual / contrast(item)))
    return Finding(
        "intensity drift",
        "note",
        f"the grey range (1st to 99.8th percentile) goes from {values[0]:.3g} to {values[-1]:.3g}; it differs over "
        f"{_DRIFT:.0f}-fold from the median {usual:.3g} {shorten_list(len(odd), len(shown))}",
        _where(odd),
        "normalisation removes the range; but a dim image is noisier, and an image from another source may look different",
        "train on both kinds of images, in proportion to those that you will predict",
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
        f"smaller than the {context} px that the network needs around its output, "
        f"{shorten_list(len(small), len(items))}; smallest: {least[0]} x {least[1]} px",
        _where(small),
        f"the network sees {seen} x {seen} px around each pixel, and most of that is mirrored image here",
        "use whole images instead of cut-outs, or a shallower network: --set net.unet.depth=2",
    )
