"""Warping by counting all components before and after each flip, one pixel at a time."""

import numpy as np


def num_components(image: np.ndarray) -> tuple[int, int]:
    """Cells over four neighbours, and pieces of background over eight; all beyond the image is background."""
    padded = np.pad(image.astype(bool), 1)
    four = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    eight = [*four, (1, 1), (1, -1), (-1, 1), (-1, -1)]
    return _pieces(padded, four), _pieces(~padded, eight)


def _pieces(is_in: np.ndarray, steps: list[tuple[int, int]]) -> int:
    left = {(int(r), int(c)) for r, c in np.argwhere(is_in)}
    pieces = 0
    while left:
        pieces += 1
        stack = [left.pop()]
        while stack:
            row, column = stack.pop()
            for down, right in steps:
                place = row + down, column + right
                if place in left:
                    left.remove(place)
                    stack.append(place)
    return pieces


def keeps_components(image: np.ndarray, row: int, column: int) -> bool:
    flipped = image.copy()
    flipped[row, column] = not flipped[row, column]
    return num_components(flipped) == num_components(image)


def warp_by_counting(start: np.ndarray, goal: np.ndarray, may_flip: np.ndarray) -> np.ndarray:
    """Round and round over the four colours of a 2x2 checkerboard until nothing flips any more."""
    image = start.astype(bool).copy()
    has_flipped = True
    while has_flipped:
        has_flipped = False
        for odd_row, odd_column in ((1, 1), (1, 0), (0, 1), (0, 0)):
            for row in range(odd_row, image.shape[0], 2):
                for column in range(odd_column, image.shape[1], 2):
                    is_open = image[row, column] != goal[row, column] and may_flip[row, column]
                    if is_open and keeps_components(image, row, column):
                        image[row, column] = goal[row, column]
                        has_flipped = True
    return image
