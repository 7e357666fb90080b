"""What each patch of disagreeing pixels does, by flipping it and counting everything again."""

import numpy as np

from reference.homotopic_warp import num_components


def patches(is_in: np.ndarray, *, has_corners: bool) -> list[list[tuple[int, int]]]:
    left = {(int(r), int(c)) for r, c in np.argwhere(is_in)}
    found = []
    while left:
        patch = [left.pop()]
        for row, column in patch:  # grows while it is walked through
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    place = row + down, column + right
                    if place in left and (has_corners or 0 in (down, right)):
                        left.remove(place)
                        patch.append(place)
        found.append(patch)
    return found


def mistakes_by_counting(warped: np.ndarray, predicted: np.ndarray) -> list[tuple[str, int]]:
    """Name and size of each patch, sorted."""
    cells, grounds = num_components(warped)
    joined = []
    for is_added in (True, False):
        places = {}
        differs = predicted & ~warped if is_added else warped & ~predicted
        for patch in patches(differs, has_corners=not is_added):
            flipped = warped.copy()
            for place in patch:
                flipped[place] = is_added
            cells_then, grounds_then = num_components(flipped)
            places.setdefault(_name(cells_then - cells, grounds_then - grounds, is_added), []).extend(patch)
        for name, of_one_name in places.items():
            is_in = np.zeros(warped.shape, bool)
            is_in[tuple(np.transpose(of_one_name))] = True
            joined += [(name, len(patch)) for patch in patches(is_in, has_corners=True)]
    return sorted(joined)


def _name(more_cells: int, more_holes: int, is_added: bool) -> str:
    if more_cells:
        names = ("merger", "invented cell") if is_added else ("lost cell", "split")
        return names[more_cells > 0]
    if more_holes:
        return "invented hole" if more_holes > 0 else "lost hole"
    return "moved border"
