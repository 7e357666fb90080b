"""A label map that is one plain array, and undo that remembers whole arrays."""

import numpy as np


class PlainMap:
    def __init__(self, height: int, width: int, none: int) -> None:
        self.labels = np.full((height, width), none, np.int64)
        self.none = none
        self.done: list[tuple[str, np.ndarray, np.ndarray]] = []
        self.undone: list[tuple[str, np.ndarray, np.ndarray]] = []

    def paint(self, stroke: str, pixels: list[int], values: list[int], mode: str, only: int) -> None:
        before = self.labels.copy()
        for pixel, value in zip(pixels, values, strict=True):
            old = self.labels.flat[pixel]
            if mode == "all" or (mode == "empty" and old == self.none) or (mode == "only" and old == only):
                self.labels.flat[pixel] = value
        self.done.append((stroke, before, self.labels.copy()))
        self.undone.clear()

    def undo(self) -> None:
        self.undone.append(self.done.pop())
        self.labels = self.undone[-1][1].copy()

    def redo(self) -> None:
        self.done.append(self.undone.pop())
        self.labels = self.done[-1][2].copy()
