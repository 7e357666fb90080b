"""Whether a network may see the image at half resolution, which is a quarter of the work."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import ndimage

from unseam.data.grey_facts import diameters
from unseam.data.sample import Sample
from unseam.shapes import IGNORE

LARGE_PX = 12.0
"""Objects of this diameter keep their shape at half resolution: nuclei of 15 px and cells of 65 px gain (`docs/log.md`)."""

THIN_PX = 1.5
_MOST_THIN = 0.6  # myelin has 0.5, the membranes of ISBI 2012 have 0.4, and neither loses by half resolution


def choose_resolution(samples: Sequence[Sample]) -> tuple[Literal["full", "half"], str]:
    """Choose the resolution of a network, with a sentence for the user.

    Objects must be large: their median diameter (that of a disc of the same area), over all images, decides. Without objects
    no class may be thin: at most 60 % of its pixels may lie within 1.5 px of another class or of what is not annotated.
    """
    maps = [sample.instances for sample in samples if sample.instances is not None]
    known = [diameters(np.bincount(np.maximum(instances, 0).ravel())[1:]) for instances in maps]
    if known and (of_all := np.concatenate(known)).size:
        median = float(np.median(of_all))
        chosen: Literal["full", "half"] = "half" if median >= LARGE_PX else "full"
        return chosen, f"{chosen} resolution: the annotated objects measure {median:.0f} px"
    near, total = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for sample in samples:
        for klass in np.unique(sample.classes[sample.classes != IGNORE]):
            inside = np.pad(sample.classes == klass, 1, mode="edge")
            total[klass] += np.count_nonzero(inside[1:-1, 1:-1])
            near[klass] += np.count_nonzero(ndimage.distance_transform_edt(inside)[1:-1, 1:-1][inside[1:-1, 1:-1]] <= THIN_PX)
    thin = np.flatnonzero((total > 0) & (near > _MOST_THIN * total))
    if thin.size:
        share = near[thin[0]] / total[thin[0]]
        return "full", f"full resolution: {share:.0%} of class {thin[0]} lies within {THIN_PX:g} px of another class"
    return "half", f"half resolution: no class is mostly thinner than {2 * THIN_PX:g} px"
