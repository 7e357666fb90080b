"""Finds the images of a Zarr store: a single image, the series of a converted file, or the wells of a plate."""

import itertools
import os
import re
from collections.abc import Iterator
from typing import Any

from unseam.io.large.zarr_store import Node, Store, join_path, read_node

_MAX_MEMBERS = 10_000


def images_of(store: Store, node: Node) -> list[tuple[str, Node]]:
    """Return the position and the node of each image in a group, in the order of its metadata; an array is one image.

    Raises ImageReadError if an entry of the metadata is missing in the store, or if there is no image.
    """
    if node.is_array or "multiscales" in node.ome:
        return [("", node)]
    ome = node.ome
    if "plate" in ome:
        wells = [_group(store, node, path) for path in _paths(store, node, ome["plate"], "wells")]
        found = [_group(store, well, path) for well in wells for path in _paths(store, well, well.ome.get("well"), "images")]
    elif "well" in ome:
        found = [_group(store, node, path) for path in _paths(store, node, ome["well"], "images")]
    elif "labels" in ome:
        found = [_group(store, node, path) for path in _strings(store, node, ome["labels"])]
    elif "bioformats2raw.layout" in ome:
        found = _series(store, node)
    else:
        found = list(_members(store, node))
    unique = {one.key: one for one in found}
    if not unique:
        raise store.error("holds no image: it has neither an array nor a group with OME metadata; give the folder of the image")
    return [(key.removeprefix(node.key).lstrip("/"), one) for key, one in unique.items()]


def _group(store: Store, node: Node, path: str) -> Node:
    key = store.inside(node.key, path)
    found = read_node(store, key)
    if found is None:
        raise store.error(f"its metadata name {key}, which is missing; the copy is incomplete: copy the store again")
    return found


def _paths(store: Store, node: Node, branch: Any, name: str) -> list[str]:
    entries = branch.get(name) if isinstance(branch, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise store.error(f"its OME metadata list no {name} at {node.key or 'its root'}; they are damaged: export it again")
    return _strings(store, node, [one.get("path") for one in entries])


def _strings(store: Store, node: Node, found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise store.error(f"its OME metadata list no paths at {node.key or 'its root'}; they are damaged: export it again")
    return found


def _series(store: Store, node: Node) -> list[Node]:
    """Return the images that the group OME lists, or the numbered ones."""
    ome = read_node(store, join_path(node.key, "OME"))
    if ome is not None and "series" in ome.ome:
        return [_group(store, node, path) for path in _strings(store, node, ome.ome["series"])]
    numbered = (read_node(store, join_path(node.key, str(number))) for number in itertools.count())
    return list(itertools.takewhile(lambda one: one is not None, numbered))  # type: ignore[arg-type]


def _members(store: Store, node: Node) -> Iterator[Node]:
    """Yield the arrays and images of a group without OME metadata."""
    with os.scandir(os.path.join(store.root, node.key)) as entries:
        names = [entry.name for entry in itertools.islice(entries, _MAX_MEMBERS) if entry.is_dir()]
    for name in sorted(names, key=_by_number):
        found = read_node(store, store.inside(node.key, name))
        if found is not None and (found.is_array or "multiscales" in found.ome):
            yield found


def _by_number(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts 10 after 9."""
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
