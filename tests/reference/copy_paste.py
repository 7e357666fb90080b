"""Copy and paste, slow and plain: distances to every pixel of an object, one pixel at a time."""

import math

import numpy as np


def distance(place, pixels):
    return min(math.dist(place, pixel) for pixel in pixels)


def groups(objects, surroundings):
    """Numbers of the objects of each group that can be copied: sets of objects whose surroundings meet, at a side or corner."""
    numbers = [int(n) for n in np.unique(objects) if n > 0]
    shape = objects.shape
    pixels = {n: [tuple(p) for p in np.argwhere(objects == n).tolist()] for n in numbers}
    near = {n: {p for p in np.ndindex(shape) if distance(p, pixels[n]) <= surroundings} for n in numbers}
    left, found = set(numbers), []
    while left:
        group = {left.pop()}
        while more := {n for n in left if any(meet(near[n], near[m]) for m in group)}:
            group |= more
            left -= more
        region = set().union(*(near[n] for n in group))
        at_border = any(r in (0, shape[0] - 1) or c in (0, shape[1] - 1) for r, c in region)
        if not at_border and not any(objects[p] == -1 for p in region) and is_one_piece(region):
            found.append(tuple(sorted(group)))
    return sorted(found)


def meet(one, other):
    return any((r + i, c + j) in other for r, c in one for i in (-1, 0, 1) for j in (-1, 0, 1))


def is_one_piece(region):
    left = set(region)
    reached = [left.pop()]
    for r, c in reached:
        nearby = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
        left -= nearby
        reached += nearby
    return not left


def pasted(copied, own, image, objects, surroundings, shift, highest):
    """Image and objects of a window of the same size, with the objects ``own`` of another window over them."""
    pixels = [tuple(p) for p in np.argwhere(own > 0).tolist()]
    image, objects = image.astype(np.float64), objects.copy()
    for p in np.ndindex(own.shape):
        apart = distance(p, pixels)
        if apart == 0 or (apart <= surroundings and objects[p] == 0):
            share = 1 - apart / (surroundings + 1)
            for plane, grey, added in zip(image, copied, shift, strict=True):
                plane[p] = (1 - share) * plane[p] + share * (grey[p] + added)
    for p in pixels:
        objects[p] = own[p] + highest
    return image, objects
