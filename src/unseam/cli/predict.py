"""``unseam predict``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def predict(
    model: Path,
    /,
    *images: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    save: Literal["auto", "classes", "instances", "both"] = "auto",
    probabilities: Annotated[bool, Parameter(negative=())] = False,
    overlay: Annotated[bool, Parameter(negative=())] = False,
    objects_of: str | None = None,
    threshold: float | None = None,
    min_size: int | None = None,
    average: Literal["none", "rotations", "flips"] = "none",
    tile: int = 1212,
    memory: str | None = None,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "float32",
    engine: Literal["auto", "torch", "compiled", "recorded", "openvino"] = "auto",
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Segment images of any size. The result does not depend on the tiles.

    Writes x_masks.tif (one number for each object), x_classes.tif (the classes, with the values of the training masks), or
    both, under the name of each image. Stacks are segmented plane by plane.

    Parameters
    ----------
    model
        Run folder or model file.
    images
        Image files, folders of images, or data sets in any layout that training knows.
    out
        Folder for the results.
    save
        What to write; auto: objects if the model was trained on objects, otherwise classes.
    probabilities
        Also write x_prob.tif: the probability of each class, float32.
    overlay
        Also write x_overlay.png, to look at.
    objects_of
        Class whose objects are wanted, by name or value; without it, all classes but the background together.
    threshold
        Probability above which an object starts; without it, the model's own.
    min_size
        Smallest object, px; without it, the model's own.
    average
        Mean over seven rotated versions (as in the paper) or eight flipped ones.
    tile
        Largest input tile, px: larger takes more memory, and up to about the default is faster.
    memory
        Most memory that the program may hold, such as 2GB or 500MB: tiles are made smaller until it should do. Without it,
        what the machine has left.
    device
        auto, cpu, cuda, ...
    precision
        Number format of the network; bfloat16 is faster on some machines, and less exact.
    engine
        What computes; auto: OpenVINO on a processor where it is installed, otherwise PyTorch. compiled is PyTorch with a
        program compiled for the tile, which takes about a minute before the first one; recorded is PyTorch on a CUDA GPU
        with less work for Python.
    overwrite
        Replace results that are there already.
    skip_existing
        Leave results that are there already, and write those that are missing. Several such calls may share one --out: each
        image is computed by one of them. Without it, a folder into which another call writes is refused (exit code 75).
    """
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    from unseam.errors import DataError, ImageReadError, SettingsError, UnseamError
    from unseam.inference.memory import parse_bytes
    from unseam.io.output_folder import output_folder
    from unseam.model import Model
    from unseam.predict_files import Wanted, plan_outputs, predict_file, unclaimed

    max_memory = None if memory is None else parse_bytes(memory)
    loaded = Model.load(model, device, precision, engine)
    saves_objects = save in ("instances", "both") or (save == "auto" and loaded.info.masks == "instances")
    of_objects = {"--objects-of": objects_of, "--threshold": threshold, "--min-size": min_size}
    vain = [name for name, value in of_objects.items() if value is not None]
    if vain and not saves_objects:
        words = "this is about objects, and none are written. Add --save instances or --save both."
        raise SettingsError(f"{', '.join(vain)}: {words}")
    if threshold is not None:
        loaded = loaded.with_objects(replace(loaded.info.objects, threshold=threshold))
    if min_size is not None:
        loaded = loaded.with_objects(replace(loaded.info.objects, min_size=min_size))
    object_class = loaded.info.class_index(objects_of) if objects_of is not None else None
    saves_classes = save in ("classes", "both") or not saves_objects
    wanted = Wanted(saves_classes, saves_objects, probabilities, overlay, object_class)
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
                result = predict_file(
                    loaded, job, wanted, max_input_tile=tile, average=average, on_tile=on_tile, max_memory=max_memory
                )
            except (ImageReadError, DataError) as error:  # this image's own fault: the others shall not wait for it
                failed.append(error)
                continue
            finally:
                progress.remove_task(task)
            for note in result.notes:
                terminal.print(f"- {job.image.name}: {note}", highlight=False, markup=False, soft_wrap=True)
            print(f"{job.image}: {result.summary} -> {', '.join(str(path) for path in job.outputs)}")
        if len(failed) < len(jobs):
            terminal.print(f"computed with {loaded.engine}", highlight=False, markup=False, soft_wrap=True)
        if failed:
            others = f" {len(failed)} of {len(jobs)} images were left out; the others are written." if len(jobs) > 1 else ""
            raise DataError("\nunseam: ".join(str(error) for error in failed) + others)
