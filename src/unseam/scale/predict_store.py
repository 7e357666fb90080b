"""Predict an image larger than memory into one result: the function that programs and the command line call."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from unseam.errors import SettingsError
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.io.large import open_large
from unseam.machine.memory import available_bytes, parse_bytes
from unseam.model import Model
from unseam.scale.executors import Executor, LocalExecutor
from unseam.scale.folder import TIFF
from unseam.scale.predict_large import LargeResult, Progress, predict_large
from unseam.scale.prediction import CHUNK, LargePrediction, ProbabilityType, SavedResults
from unseam.scale.worker import ChunkWorker

Save = Literal["auto", "classes", "instances", "both"]

_MOST_FILES = 2**16  # of one plane; beyond, a file holds several chunks: folders of millions of files are slow everywhere


def predict_store(  # noqa: PLR0913 - each argument is an option of the command line
    model: Model,
    source: str | Path,
    out: str | Path,
    *,
    save: Save = "auto",
    probabilities: ProbabilityType = "none",
    object_class: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    max_memory: str | int | None = None,
    max_input_tile: int = DEFAULT_INPUT_TILE,
    resume: bool = False,
    overwrite: bool = False,
    fill_missing: bool = False,
    channels: Sequence[int] = (),
    progress: Progress | None = None,
) -> LargeResult:
    """Segment an image of any size, chunk by chunk. The result equals that of :meth:`unseam.Model.predict`.

    Parameters
    ----------
    model
        The trained network. Other processes read it from the work folder.
    source
        An OME-Zarr store, a TIFF, a .npy file, or any other image that can be read.
    out
        The result: an OME-Zarr store if the name ends in .zarr, a tiled OME-TIFF if it ends in .tif.
    save
        Whether to write the instance map next to the classes; ``auto``: if the model was trained on objects. A TIFF holds one.
    probabilities
        Type of the probabilities, which get a store of their own beside ``out``: ``x-prob.ome.zarr`` for ``x.ome.zarr``.
    object_class
        Index of the class that makes objects; None: all classes but the background together.
    workers
        Processes on this machine; None: only this one.
    scheduler
        Address of a Dask scheduler whose workers compute instead.
    max_memory
        Memory limit of this process and its workers together, ``"2GB"`` or bytes; with a scheduler, of each worker.
    max_input_tile
        Largest input tile, px.
    resume
        Continue unfinished work.
    overwrite
        Replace a result, and discard unfinished work.
    fill_missing
        Read chunks that the source lacks as its fill value, instead of refusing the image.
    channels
        Channels of the image that the model receives, counted from 0; empty: all.
    progress
        Receives the progress.

    Returns
    -------
    LargeResult
        Paths, numbers of planes, chunks, pixels of each class and objects, and ``foreground``.

    Raises
    ------
    SettingsError
        If options contradict each other, or Dask is needed and not installed.
    UnseamError
        As :func:`unseam.scale.predict_large.predict_large`.
    """
    out = Path(out)
    saves_objects = save in ("instances", "both") or (save == "auto" and model.info.kind_facts.has_objects)
    if out.name.lower().endswith(TIFF) and (save == "both" or probabilities != "none"):
        raise SettingsError(
            f"{out}: a TIFF holds either the classes or the objects, and no probabilities. Choose one with --save, or give a "
            "name that ends in .ome.zarr."
        )
    if workers is not None and scheduler is not None:
        raise SettingsError("Got both --workers (on this machine) and --scheduler (of a cluster). Give one of them.")
    if workers is not None and not 1 <= workers <= 1024:
        raise SettingsError(f"Got {workers} workers. Give 1 to 1024.")
    max_bytes = parse_bytes(max_memory) if max_memory is not None else available_bytes() if workers else None
    phase = model.engine.geometry.phase
    chunk = max(1, CHUNK // phase) * phase  # only tiles on the phase grid give what one pass over the plane gives
    images = open_large(Path(source), fill_missing=fill_missing)
    work = LargePrediction(
        source=str(source),
        folder="",
        saves=SavedResults(saves_objects, probabilities, object_class),
        chunk=chunk,
        shard=max(shard_of(image.height, image.width, chunk) for image in images),
        tile=max_input_tile,
        max_bytes=None if max_bytes is None else max_bytes // (1 + (workers or 0)),
        fill_missing=fill_missing,
        channels=tuple(channels),
        device=str(model.device),
        precision=model.precision,
        engine=model.engine_name,
    )
    return predict_large(
        model, images, out, work, _executor_for(workers, scheduler), resume=resume, overwrite=overwrite, progress=progress
    )


def _executor_for(workers: int | None, scheduler: str | None) -> Callable[[ChunkWorker], Executor]:
    if workers is None and scheduler is None:
        return LocalExecutor
    try:
        from unseam.scale.cluster import Cluster
    except ImportError as error:
        raise SettingsError(
            "--workers and --scheduler need Dask, which is not installed. Run pip install 'unseam[cluster]', or leave out both."
        ) from error
    return lambda worker: Cluster(worker.work, scheduler, workers or 1)


def shard_of(height: int, width: int, chunk: int) -> int:
    """Return the chunks along a side of one file, which is one task: 1, except for planes of very many chunks.

    >>> shard_of(100_000, 100_000, 1024), shard_of(1_000_000, 1_000_000, 1024)
    (1, 4)
    """
    num_chunks, shard = -(-height // chunk) * -(-width // chunk), 1
    while num_chunks // shard**2 > _MOST_FILES and shard < 16:
        shard *= 2
    return shard
