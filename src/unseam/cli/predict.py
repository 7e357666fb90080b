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

    An image larger than memory is read and written chunk by chunk, and may be stopped and gone on with: an OME-Zarr store, or
    any image where the name after --out ends in .zarr (OME-Zarr with a pyramid) or .tif (a tiled BigTIFF with a pyramid).

    Parameters
    ----------
    model
        Run folder or model file.
    images
        Image files, folders of images, or data sets in any layout that training knows; OME-Zarr stores.
    out
        Folder for the results, where that of a store is called x_seg.ome.zarr; or the name of one large result, which ends in
        .zarr or .tif.
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
        program compiled for the tile, which takes about a minute before the first one.
    overwrite
        Replace results that are there already.
    skip_existing
        Leave results that are there already, and write those that are missing. Several such calls may share one --out: each
        image is computed by one of them. Without it, a folder into which another call writes is refused (exit code 75).
    resume
        Large images: go on with what an earlier call left unfinished.
    workers
        Large images: so many processes of this machine. --memory is then for all of them together.
    scheduler
        Large images: the workers of this Dask scheduler, tcp://HOST:8786. --memory is then for each of them.
    probabilities_as
        Large images: write the probabilities too, with 11 bits (float16) or in 255 levels (uint8).
    missing_chunks
        What a chunk is that an OME-Zarr image lacks: refused, or taken for its fill value, which some programs leave out.
    channel
        Large images: the channel that the model is to see, counted from 0; several times for several. Without it, all.
    """
    from unseam.api.predict_files import Wanted
    from unseam.cli.predict_large import predict_large_ones, refuse, split_stores
    from unseam.cli.predict_many import predict_many
    from unseam.machine.memory import parse_bytes
    from unseam.model import Model
    from unseam.scale.folder import is_one_result

    loaded = Model.load(model, device, precision, engine)
    saves_objects = save in ("instances", "both") or (save == "auto" and loaded.info.kind_facts.has_objects)
    of_objects = {"--objects-of": objects_of, "--threshold": threshold, "--min-size": min_size}
    if not saves_objects:
        refuse(of_objects, "this is about objects, and none are written. Add --save instances or --save both.")
    if threshold is not None:
        loaded = loaded.with_objects(replace(loaded.info.objects, threshold=threshold))
    if min_size is not None:
        loaded = loaded.with_objects(replace(loaded.info.objects, min_size=min_size))
    object_class = loaded.info.class_index(objects_of) if objects_of is not None else None
    saves_classes = save in ("classes", "both") or not saves_objects
    of_one: dict[str, object] = {"--resume": resume, "--workers": workers, "--scheduler": scheduler}
    of_one["--probabilities-as"] = probabilities_as
    large, files = (images, ()) if is_one_result(out) else split_stores(images)
    if large:
        of_many = {"--overlay": overlay, "--skip-existing": skip_existing, "--average": average != "none"}
        refuse(of_many, "for a large image there is no such thing. Leave it out, or give images that fit into memory.")
        predict_large_ones(
            loaded,
            large,
            out,
            save="both" if saves_classes and saves_objects else "instances" if saves_objects else "classes",
            probabilities=probabilities_as or ("float16" if probabilities else "none"),
            object_class=object_class,
            workers=workers,
            scheduler=scheduler,
            max_memory=memory,
            max_input_tile=tile,
            resume=resume,
            overwrite=overwrite,
            fill_missing=missing_chunks == "fill",
            channels=channel,
        )
        if not files:
            return
    else:
        of_one |= {"--missing-chunks": missing_chunks == "fill", "--channel": channel or None}
        refuse(of_one, "this is about large images. Give a Zarr store, or --out a name that ends in .zarr or .tif.")
    predict_many(
        loaded,
        files,
        out,
        Wanted(saves_classes, saves_objects, probabilities, overlay, object_class),
        overwrite=overwrite,
        skip_existing=skip_existing,
        max_input_tile=tile,
        average=average,
        max_memory=None if memory is None else parse_bytes(memory),
    )
