"""``unseam predict``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unseam.api.choices import DEFAULT_INPUT_TILE
from unseam.cli.console import PredictConsole


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
    tile: int = DEFAULT_INPUT_TILE,
    memory: str | None = None,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "float32",
    engine: Literal["auto", "torch", "compiled", "openvino"] = "auto",
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    resume: Annotated[bool, Parameter(negative=())] = False,
    workers: int | None = None,
    scheduler: str | None = None,
    probabilities_as: Literal["float16", "uint8"] | None = None,
    missing_chunks: Literal["refuse", "fill"] = "refuse",
    channel: Annotated[tuple[int, ...], Parameter(negative=())] = (),
) -> None:
    """Segment images of any size. The result does not depend on the tiles.

    Writes x_masks.tif (one number for each object), x_classes.tif (the classes, with the values of the training masks), or
    both, under the name of each image. Stacks are segmented plane by plane.

    An OME-Zarr store is read and written chunk by chunk, so it may be larger than memory, and the work may be interrupted and
    resumed. So is any image if the name after --out ends in .zarr (OME-Zarr with a pyramid) or .tif (tiled BigTIFF).

    Parameters
    ----------
    model
        Run folder or model file.
    images
        Image files, folders of images, or data sets in any layout that training knows; OME-Zarr stores.
    out
        Folder for the results (that of a store is x_seg.ome.zarr), or the name of one large result in .zarr or .tif.
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
        Most memory that the program may hold, such as 2GB or 500MB; tiles become smaller to fit. Without it, what the machine
        has left.
    device
        auto, cpu, cuda, ...
    precision
        Number format of the network; bfloat16 is faster on some machines, and less exact.
    engine
        What computes; auto: OpenVINO on a processor where it is installed, otherwise PyTorch. compiled is PyTorch with a
        program compiled for the tile, which takes about a minute before the first one.
    overwrite
        Replace results that are there already.
    skip_existing
        Leave results that are there already, and write the missing ones. Several such calls may share one --out; each image is
        computed by one of them. Without it, a folder that another call writes into is refused (exit code 75).
    resume
        Large images: continue what an earlier call left unfinished.
    workers
        Large images: number of processes on this machine. --memory is then for all of them together.
    scheduler
        Large images: the workers of this Dask scheduler, tcp://HOST:8786. --memory is then for each of them.
    probabilities_as
        Large images: write the probabilities too, with 11 bits (float16) or in 255 levels (uint8).
    missing_chunks
        Refuse an OME-Zarr image that lacks a chunk, or fill the chunk: some programs do not write chunks of the fill value.
    channel
        Large images: a channel that the model sees, counted from 0; may be given several times. Without it, all.
    """
    from rich.console import Console as Terminal

    from unseam.api.models import load
    from unseam.api.predict import predict as predict_images

    with PredictConsole(Terminal(stderr=True)) as console:
        results = predict_images(
            load(model, device, precision, engine),
            images,
            out,
            save=save,
            probabilities=probabilities,
            overlay=overlay,
            objects_of=objects_of,
            threshold=threshold,
            min_size=min_size,
            average=average,
            max_input_tile=tile,
            max_memory=memory,
            overwrite=overwrite,
            skip_existing=skip_existing,
            resume=resume,
            workers=workers,
            scheduler=scheduler,
            probabilities_as=probabilities_as,
            fill_missing=missing_chunks == "fill",
            channels=channel,
            watch=console.watch(),
        )
    if not results:
        print(f"nothing to do: all results are in {out} already")
