"""``unseam predict`` into one large result."""

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


def predict_one(model: "Model", images: Sequence[Path], out: Path, **options: Any) -> None:
    """Segment one image into one result, and say how it goes.

    Raises
    ------
    DataError
        If there is not exactly one image; and as `unseam.predict_store`.
    """
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from unseam.predict_store import predict_store
    from unseam.scale.folder import work_folder
    from unseam.scale.predict_large import Progress as Told

    if len(images) != 1:
        raise DataError(f"{len(images)} images came, and {out} is one result. Give one image, or a folder with --out.")
    terminal = Terminal(stderr=True)
    words = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"))
    bar = Progress(*words, TimeRemainingColumn(), console=terminal, transient=True, disable=not terminal.is_terminal)

    def tell(sentence: str) -> None:
        terminal.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)

    with bar:
        task = bar.add_task("opening", total=None)
        try:
            found = predict_store(
                model,
                images[0],
                out,
                progress=Told(tell, lambda what, done, total: bar.update(task, description=what, completed=done, total=total)),
                **options,
            )
        except BaseException:
            if (work_folder(out) / "plan.json").exists():
                tell(f"what is finished is kept in {work_folder(out)}; the same command with --resume goes on")
            raise
    if found.surest <= 0.5:
        tell("nothing but background was found: is the image like those trained on? (unseam check IMAGES --model MODEL)")
    objects = f", {found.num_objects} objects" if found.num_objects is not None else ""
    planes = f"{found.num_planes} planes, " if found.num_planes > 1 else ""
    pixels = sum(found.num_pixels)
    size = f"{planes}{pixels:,} px in {found.num_chunks} chunks"
    print(f"{images[0]}: {size}, {found.foreground:.1%} foreground{objects} -> {found.path}")
    terminal.print(f"computed with {model.engine}", highlight=False, markup=False, soft_wrap=True)
