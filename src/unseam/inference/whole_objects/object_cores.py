"""Stage `cores`: find the components of each chunk, and unite them into those of the plane, numbered in scan order."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.numbering import Numbering
from unseam.inference.whole_objects.records import CoreFacts, ObjectStore
from unseam.inference.whole_objects.run_lengths import (
    TouchingPairs,
    first_places,
    in_plane,
    line_of,
    pairs_along,
    runs_of,
    unite,
)


def find_cores(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore) -> CoreFacts:
    """Number the cores of a chunk and write them."""
    window = rows, columns = grid.window(chunk)
    labels, num_cores = ndimage.label(store.read_likely(window) > settings.threshold)
    labels = labels.astype(np.int32, copy=False)
    store.write_cores(chunk, labels)
    firsts = first_places(labels, num_cores)[1:]
    return CoreFacts(
        in_plane(firsts, labels.shape[1], (rows.start, columns.start), grid.width),
        *(runs_of(edge) for edge in (labels[0], labels[:, 0], labels[-1], labels[:, -1])),
    )


def join_cores(grid: ChunkGrid, facts: Sequence[CoreFacts]) -> Numbering:
    """Unite cores that touch across the edges of chunks, and number them as a scan of the plane would."""
    offsets = np.cumsum([0, *(len(fact.firsts) for fact in facts)], dtype=np.int64)
    firsts = np.concatenate([fact.firsts for fact in facts])
    core = unite(_touching(grid, facts, offsets.tolist()), len(firsts))
    # The first pixel of a core is the first pixel of one of its parts, so the smallest place of its parts gives the order.
    first = np.full(core.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, core, firsts)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(1, len(first) + 1)
    return Numbering(grid, offsets, number[core], len(first))


def _touching(grid: ChunkGrid, facts: Sequence[CoreFacts], offsets: list[int]) -> Iterator[TouchingPairs]:
    for chunk, fact in enumerate(facts):
        right, below = grid.beside(chunk)
        if right is not None:
            yield pairs_along(line_of(fact.right), line_of(facts[right].left), offsets[chunk], offsets[right])
        if below is not None:
            yield pairs_along(line_of(fact.bottom), line_of(facts[below].top), offsets[chunk], offsets[below])
