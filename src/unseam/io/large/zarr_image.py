"""Reads Zarr stores, above all OME-Zarr 0.4 and 0.5: images in many small files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.io.arrays import not_an_image
from unseam.io.calibration import UNKNOWN
from unseam.io.guard import status_of
from unseam.io.large.recent import Recent
from unseam.io.large.some_channels import without_opaque
from unseam.io.large.stored_axes import StoredAxes
from unseam.io.large.stored_image import StoredImage
from unseam.io.large.zarr_array import ZarrArray
from unseam.io.large.zarr_metadata import read_metadata
from unseam.io.large.zarr_ome import FullResolution, named_axes, read_full_resolution
from unseam.io.large.zarr_store import Node, Store, check_parents, find_store, is_store, read_node
from unseam.io.large.zarr_tree import images_of


@dataclass(frozen=True)
class ZarrReader:
    """Reads OME-Zarr, and plain Zarr arrays of format 2 and 3, sharded or not.

    It gives the full resolution of each image, of each series of a converted file and of each field of a plate. A path to a
    group or an array inside a store gives that one alone.

    :mod:`unseam.io.large.zarr_codecs` decodes the files, not the library zarr: zarr's decoders take any memory that a stream
    asks for, and its event loop costs about a millisecond per chunk. The tests compare this reader with zarr.
    """

    def can_read(self, path: Path) -> bool:
        return is_store(path)

    def images(self, path: Path, *, fill_missing: bool, num_channels: Sequence[int]) -> tuple[StoredImage, ...]:
        """Read the metadata. Raises ImageReadError if they are missing, damaged, hostile or of a kind that is not read."""
        status_of(path)
        store, key = find_store(path)
        if not path.is_dir():
            raise store.error("is not a folder, as a Zarr store must be; if it is an archive (ZIP), unpack it")
        node = read_node(store, key)
        if node is None:
            raise store.error(
                "has no zarr.json, .zgroup or .zarray; it is not a Zarr store, or an incomplete copy: copy it again"
            )
        parents = check_parents(store, key)
        found = images_of(store, node)
        recent = Recent()
        images = []
        counts: Sequence[int | None] = num_channels or [None] * len(found)
        for (position, one), count in zip(found, counts, strict=True):
            array, full = _array(store, one, parents if one is node else [node])
            images.append(_image(store, array, full, position if len(found) > 1 else "", (fill_missing, recent), count))
        return tuple(images)


def _array(store: Store, node: Node, parents: list[Node]) -> tuple[Node, FullResolution | None]:
    """Return the array of an image and its metadata; those of an array come from a parent group that lists it."""
    if node.is_array:
        listed = (read_full_resolution(store, parent, node.key) for parent in parents)
        return node, next((full for full in listed if full is not None), None)
    full = read_full_resolution(store, node)
    assert full is not None
    array = read_node(store, full.path)
    if array is None or not array.is_array:
        raise store.error(f"its metadata name the array {full.path}, which is missing; copy the store again")
    return array, full


def _image(
    store: Store,
    array: Node,
    full: FullResolution | None,
    position: str,
    how: tuple[bool, Recent],
    num_channels: int | None,
) -> StoredImage:
    metadata = read_metadata(store, array)
    axes, notes = (full.axes, full.notes) if full is not None else ("", ())
    is_guess = False
    if not axes:
        axes, note = named_axes(array, metadata.shape)
        notes, is_guess = ((*notes, note), True) if note else (notes, False)
    if not axes:
        raise not_an_image(store.path, metadata.shape)
    if len(axes) != len(metadata.shape):
        raise store.error(f"its metadata give {len(axes)} axes to an array of shape {metadata.shape}; export it again")
    stored = StoredAxes.of(axes, metadata.shape)
    source = ZarrArray(store, array.key, metadata, stored, *how)
    sides = metadata.chain.shape
    piece = sides[axes.index("Y")], sides[axes.index("X")]
    image = StoredImage(store.path, axes, source, full.calibration if full else UNKNOWN, piece, notes, position)
    return without_opaque(image, num_channels) if is_guess else image
