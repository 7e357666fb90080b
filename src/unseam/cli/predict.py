"""``unseam predict``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unseam.api.choices import DEFAULT_INPUT_TILE, ENGINES
from unseam.cli.console import PredictConsole

_ENGINES = (
    "Library that computes. auto: OpenVINO on a processor where it is installed, otherwise PyTorch. Or one of: "
    f"{', '.join(f'{name} ({text})' for name, text in ENGINES.items())}."
)


def predict(
    model: Path,
    /,
    *images: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    save: Literal["auto", "classes", "instances", "both"] = "auto",
    probabilities: Annotated[bool, Parameter(negative=())] = False,
    overlay: Annotated[bool, Parameter(negative=())] = False,
    table: Annotated[bool, Parameter(negative=())] = False,
    objects_of: str | None = None,
    threshold: float | None = None,
    split: float | None = None,
    min_size: int | None = None,
    average: Literal["none", "rotations", "flips", "planes"] | None = None,
    normalise_over: Literal["plane", "stack"] | None = None,
    rescale: Annotated[bool, Parameter(negative=())] = False,
    diameter: float | None = None,
    tile: int = DEFAULT_INPUT_TILE,
    memory: str | None = None,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "float32",
    engine: Annotated[str, Parameter(help=_ENGINES)] = "auto",
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    resume: Annotated[bool, Parameter(negative=())] = False,
    workers: int | None = None,
    scheduler: str | None = None,
    probabilities_as: Literal["uint8", "float16"] | None = None,
    missing_chunks: Literal["refuse", "fill"] = "refuse",
    channel: Annotated[tuple[int, ...], Parameter(negative=())] = (),
) -> bool:
    """Segment images of any size. The result does not depend on the tiles.

    For an image x, writes x_masks.tif (one number per object), x_classes.tif (classes, with the values of the training masks),
    or both. Stacks are segmented plane by plane.

    OME-Zarr stores may be larger than memory, and interrupted work on them can be resumed. The same holds for any image if the
    name after --out ends in .zarr (OME-Zarr with a pyramid) or .tif (tiled OME-TIFF).

    Parameters
    ----------
    model
        Run folder, model file, or a network that ships: unseam networks lists them. What lies here under that name wins.
    images
        Image files, folders of images, data sets with or without masks, OME-Zarr stores.
    out
        Folder for the results (a store gets x_seg.ome.zarr), or the name of one large result in .zarr or .tif.
    save
        What to write. auto: objects if the model was trained on objects, otherwise classes.
    probabilities
        Also write x_prob.tif, the probability of each class (float32).
    overlay
        Also write x_overlay.png, the image with its segmentation.
    table
        Also write table.csv, a row for each object or class, and table_images.csv; unseam measure does the same later.
    objects_of
        Class whose objects you want, by name or value. Default: all classes but the background together.
    threshold
        Probability above which an object starts. Default: that of the model.
    split
        Split objects whose parts are surer than what joins them, if each part has at least this share of the object's pixels.
        Lower it when objects merge, raise it when they fall apart; 0 splits nothing. Default: that of the model.
    min_size
        Smallest object, px. Default: that of the model.
    average
        Average over eight flips of the image, over seven rotations (as in the paper; not for large images), or over nothing,
        which is seven or eight times as fast. planes: a stack is a volume, and three orientations of it are averaged; not for
        large images. Default: that of the model, flips with the default recipe.
    normalise_over
        Stacks: stretch the grey values of each plane to its own range, or of all planes to the range of the stack. Default: as
        in training.
    rescale
        Resample images to the pixel size of the training images, and results back to their own pixels; not for large images.
    diameter
        Median diameter of the objects, px: images are resampled to objects of the size that the network learnt, and results
        back. Default: networks that ship measure it in each image; other networks take the images as they are.
    tile
        Largest input tile, px. Larger tiles take more memory, and are faster up to about the default.
    memory
        Memory limit, such as 2GB or 500MB; tiles become smaller to fit. Default: the free memory of the machine.
    device
        auto, cpu, cuda, ...
    precision
        Number format of the network. bfloat16 is faster on some machines, and less exact.
    overwrite
        Replace existing results.
    skip_existing
        Keep existing results and write the missing ones. Several such calls may share one --out; each image is computed once.
        Without this option, unseam refuses a folder that another call writes into (exit code 75).
    resume
        Large images: continue unfinished work.
    workers
        Large images: number of processes on this machine, which share --memory.
    scheduler
        Large images: address of a Dask scheduler, tcp://HOST:8786. Each of its workers may take --memory.
    probabilities_as
        Large images: also write the probabilities, to x-prob.ome.zarr beside x.ome.zarr: in 255 levels (uint8, which every
        viewer opens) or with 11 bits (float16, which viewers in a browser do not open). With --probabilities alone: float16.
    missing_chunks
        OME-Zarr images that lack chunks: refuse them, or fill the chunks. Some programs omit chunks of the fill value.
    channel
        A channel that the model receives, counted from 0. Repeat for several. Default: all.
    """
    from unseam.api.models import load
    from unseam.api.predict import predict as predict_images

    with PredictConsole() as console:
        results = predict_images(
            load(model, device, precision, engine),
            images,
            out,
            save=save,
            probabilities=probabilities,
            overlay=overlay,
            objects_of=objects_of,
            threshold=threshold,
            split=split,
            min_size=min_size,
            average=average,
            normalise_over=normalise_over,
            rescale=rescale,
            diameter=diameter,
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
            table=table,
            watch=console.watch(),
        )
    if not results:
        print(f"nothing to do: all results already exist in {out}")
    return True
