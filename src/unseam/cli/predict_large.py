"""``unseam predict`` of large images, each into one result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseam.errors import DataError, SettingsError

if TYPE_CHECKING:
    from unseam.model import Model


def refuse(given: Mapping[str, Any], why: str) -> None:
    """Refuse options that would be for nothing.

    Raises
    ------
    SettingsError
        Names those that were given.
    """
    vain = [name for name, value in given.items() if value not in (None, False)]
    if vain:
        raise SettingsError(f"{', '.join(vain)}: {why}")


def split_stores(images: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Zarr stores, and what else there is."""
    from unseam.io.large import is_store

    stores = tuple(image for image in images if is_store(image))
    return stores, tuple(image for image in images if image not in stores)


def predict_large_ones(model: "Model", images: Sequence[Path], out: Path, **options: Any) -> None:
    """Segment large images: one into the result that ``out`` names, or each into a store of the folder ``out``.

    Raises
    ------
    DataError
        If several are to become one; and as `unseam.predict_store`.
    """
    from unseam.io.write import make_folder
    from unseam.scale.folder import is_one_result, work_folder

    if is_one_result(out):
        if len(images) != 1:
            raise DataError(f"{len(images)} images came, and {out} is one result. Give one image, or a folder with --out.")
        _predict_one(model, images[0], out, **options)
        return
    results = [out / f"{image.name.split('.')[0]}_seg.ome.zarr" for image in images]
    if len(set(results)) < len(results):
        raise DataError(
            f"Two of the images would be written to the same store in {out}. Give one call for each, with its own --out."
        )
    make_folder(out)
    for image, result in zip(images, results, strict=True):
        is_begun = (work_folder(result) / "plan.json").exists()
        if options["resume"] and result.exists() and not is_begun:
            print(f"{image}: {result} is there already")
            continue
        _predict_one(model, image, result, **options | {"resume": options["resume"] and is_begun})


def _predict_one(model: "Model", image: Path, out: Path, **options: Any) -> None:
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from unseam.scale.folder import work_folder
    from unseam.scale.predict_large import Progress as Told
    from unseam.scale.predict_store import predict_store

    terminal = Terminal(stderr=True)
    words = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"))
    bar = Progress(*words, TimeRemainingColumn(), console=terminal, transient=True, disable=not terminal.is_terminal)

    def tell(sentence: str) -> None:
        terminal.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)

    is_begun = False

    def on_chunk(what: str, done: int, total: int) -> None:
        nonlocal is_begun
        is_begun = True
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        task = bar.add_task("opening", total=None)
        try:
            found = predict_store(model, image, out, progress=Told(tell, on_chunk), **options)
        except BaseException:
            if is_begun:
                tell(f"what is finished is kept in {work_folder(out)}; the same command with --resume goes on")
            raise
    if not found.foreground:
        tell("nothing but background was found: is the image like those trained on? (unseam check IMAGES --model MODEL)")
    objects = f", {found.num_objects} objects" if found.num_objects is not None else ""
    planes = f"{found.num_planes} planes, " if found.num_planes > 1 else ""
    pixels = sum(found.num_pixels)
    size = f"{planes}{pixels:,} px in {found.num_chunks} chunks"
    print(f"{image}: {size}, {found.foreground:.1%} foreground{objects} -> {found.path}")
    terminal.print(f"computed with {model.engine}", highlight=False, markup=False, soft_wrap=True)
