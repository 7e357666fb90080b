"""Zarr stores, above all OME-Zarr 0.4 and 0.5: images in many small files."""

from dataclasses import dataclass
from pathlib import Path

from unseam.io.arrays import not_an_image
from unseam.io.guard import status_of
from unseam.io.large.image import LargeImage
from unseam.io.large.recent import Recent
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

    The full resolution of each image, of each series of a converted file and of each field of a plate; a path inside a
    store, to a group or an array, is read alone.

    The files are decoded by :mod:`unseam.io.large.zarr_codecs`, not by the library zarr: its decoders take any memory that a
    stream asks for, and its event loop costs about a millisecond per chunk. The tests compare this reader with it.
    """

    def can_read(self, path: Path) -> bool:
        """Whether it is a folder with Zarr's metadata, or has the name of a store."""
        return is_store(path)

    def images(self, path: Path, *, fill_missing: bool) -> tuple[LargeImage, ...]:
        """Read the metadata.

        Raises
        ------
        ImageReadError
            If a part of the metadata is missing, damaged, hostile or of a kind that is not read.
        """
        status_of(path)
        store, key = find_store(path)
        if not path.is_dir():
            raise store.error("is no folder, as a Zarr store is; if it is an archive (ZIP), unpack it")
        node = read_node(store, key)
        if node is None:
            raise store.error("holds none of zarr.json, .zgroup, .zarray; it is no Zarr store, or an incomplete copy of one")
        parents = check_parents(store, key)
        found = images_of(store, node)
        recent = Recent()
        images = []
        for position, one in found:
            array, full = _array(store, one, parents if one is node else [node])
            images.append(_image(store, array, full, position if len(found) > 1 else "", (fill_missing, recent)))
        return tuple(images)


def _array(store: Store, node: Node, parents: list[Node]) -> tuple[Node, FullResolution | None]:
    """The array of an image, and what is said about it; by a group that an array lies in, if it is one of its resolutions."""
    if node.is_array:
        found = (read_full_resolution(store, parent, node.key) for parent in parents)
        return node, next((full for full in found if full is not None), None)
    full = read_full_resolution(store, node)
    assert full is not None
    array = read_node(store, full.path)
    if array is None or not array.is_array:
        raise store.error(f"its metadata name the array {full.path}, which is not there; copy the store again")
    return array, full


def _image(store: Store, array: Node, full: FullResolution | None, position: str, how: tuple[bool, Recent]) -> LargeImage:
    metadata = read_metadata(store, array)
    axes, notes = (full.axes, full.notes) if full is not None else ("", ())
    if not axes:
        axes, note = named_axes(array, metadata.shape)
        notes = (*notes, note) if note else notes
    if not axes:
        raise not_an_image(store.path, metadata.shape)
    if len(axes) != len(metadata.shape):
        raise store.error(f"its metadata give {len(axes)} axes to an array of shape {metadata.shape}; export it again")
    stored = StoredAxes.of(axes, metadata.shape)
    source = ZarrArray(store, array.key, metadata, stored, *how)
    sides = metadata.chain.shape
    piece = sides[axes.index("Y")], sides[axes.index("X")]
    return StoredImage(store.path, axes, source, full.spacing_um if full else None, piece, notes, position)
