"""``unseam predict`` from many files into a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseam.errors import DataError, ImageReadError, UnseamError

if TYPE_CHECKING:
    from unseam.api.predict_files import Wanted
    from unseam.model import Model


def predict_many(
    model: "Model",
    images: Sequence[Path],
    out: Path,
    wanted: "Wanted",
    *,
    overwrite: bool,
    skip_existing: bool,
    **options: Any,
) -> None:
    """Segment each image, and say how it goes; one that cannot be segmented does not stop the others.

    Raises
    ------
    DataError
        At the end, if some were left out; and as `unseam.api.predict_files`.
    """
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    from unseam.api.predict_files import plan_outputs, predict_file, unclaimed
    from unseam.io.output_folder import output_folder

    terminal = Terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.percentage:3.0f} %"))
    bar = Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
    failed: list[UnseamError] = []
    with output_folder(out, "prediction", is_shared=skip_existing), bar as progress:
        jobs = plan_outputs(images, out, wanted, overwrite=overwrite, skip_existing=skip_existing)
        if not jobs:
            print(f"nothing to do: all results are in {out} already")
            return
        for job in unclaimed(jobs, out) if skip_existing else jobs:
            task = progress.add_task(job.image.name)

            def on_tile(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total)

            try:
                result = predict_file(model, job, wanted, on_tile=on_tile, **options)
            except (ImageReadError, DataError) as error:  # this image's own fault: the others shall not wait for it
                failed.append(error)
                continue
            finally:
                progress.remove_task(task)
            for note in result.notes:
                terminal.print(f"- {job.image.name}: {note}", highlight=False, markup=False, soft_wrap=True)
            print(f"{job.image}: {result.summary} -> {', '.join(str(path) for path in job.outputs)}")
        if len(failed) < len(jobs):
            terminal.print(f"computed with {model.engine}", highlight=False, markup=False, soft_wrap=True)
        if failed:
            others = f" {len(failed)} of {len(jobs)} images were left out; the others are written." if len(jobs) > 1 else ""
            raise DataError("\nunseam: ".join(str(error) for error in failed) + others)
