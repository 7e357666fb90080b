"""Prediction of an image larger than memory into one result: the function that programs and the command line call."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from unseam.errors import SettingsError
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.io.large import LargeImage, open_large
from unseam.machine.memory import available_bytes, parse_bytes
from unseam.model import Model
from unseam.scale.executors import Executor, LocalExecutor
from unseam.scale.folder import TIFF
from unseam.scale.predict_large import LargeResult, Progress, predict_large
from unseam.scale.prediction import CHUNK, LargePrediction, ProbabilityType, SavedResults
from unseam.scale.worker import ChunkWorker

Save = Literal["auto", "classes", "instances", "both"]

_CHUNKS_A_FOLDER = 2**16
"""Most files of one plane; beyond, a file holds several chunks: folders of millions of files are slow everywhere."""


def predict_store(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
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
    """Segment an image of any size, chunk by chunk; the result is that of :meth:`unseam.Model.predict`.

    Parameters
    ----------
    model
        The trained network. Several workers read it from the work folder.
    source
        An OME-Zarr store, a TIFF, a .npy file, or any other image that can be read.
    out
        The result: an OME-Zarr store if the name ends in .zarr, a tiled BigTIFF if it ends in .tif.
    save
        Whether to write the instance map besides the classes; ``auto``: if the model was trained on objects. A TIFF holds one.
    probabilities
        Type in which probabilities are written.
    object_class
        Index of the class that makes objects; None: all but the background.
    workers
        Processes of this machine; None: this one alone.
    scheduler
        Address of a Dask scheduler whose workers compute instead.
    max_memory
        Most memory of this process and its workers together, ``"2GB"`` or bytes; with a scheduler, of each worker.
    max_input_tile
        Largest input tile, px.
    channels
        Channels of the image that the model receives, counted from 0; none: all.
    resume, overwrite, fill_missing, progress
        As for :func:`unseam.scale.predict_large.predict_large` and :class:`unseam.scale.prediction.LargePrediction`.

    Raises
    ------
    UnseamError
        As :func:`unseam.scale.predict_large.predict_large`.
    """
    out = Path(out)
    saves_objects = save in ("instances", "both") or (save == "auto" and model.info.kind_facts.has_objects)
    if out.name.lower().endswith(TIFF) and (save == "both" or probabilities != "none"):
        raise SettingsError(
            f"{out}: a TIFF holds the classes or the objects. Choose one with --save, or write to a name in .ome.zarr."
        )
    if workers is not None and scheduler is not None:
        raise SettingsError(
            "--workers and --scheduler came together: workers of this machine, or those of a cluster. Give one."
        )
    if workers is not None and not 1 <= workers <= 1024:
        raise SettingsError(f"{workers} workers came; 1 to 1024 may come. Give another number.")
    most = available_bytes() if max_memory is None and workers else None if max_memory is None else parse_bytes(max_memory)
    work = LargePrediction(
        source="",
        folder="",
        saves=SavedResults(saves_objects, probabilities, object_class),
        chunk=_chunk(model),
        shard=_shard(open_large(Path(source), fill_missing=fill_missing), _chunk(model)),
        tile=max_input_tile,
        max_bytes=None if most is None else most // (1 + (workers or 0)),
        fill_missing=fill_missing,
        channels=tuple(channels),
        device=str(model.device),
        precision=model.precision,
        engine=model.engine_name,
    )
    return predict_large(
        model, Path(source), out, work, _executor_for(workers, scheduler), resume=resume, overwrite=overwrite, progress=progress
    )


def _executor_for(workers: int | None, scheduler: str | None) -> Callable[[ChunkWorker], Executor]:
    if workers is None and scheduler is None:
        return LocalExecutor
    try:
        from unseam.scale.cluster import Cluster
    except ImportError as error:
        raise SettingsError(
            "Several workers need Dask, which is not installed here. Run pip install 'unseam[cluster]', or leave --workers and "
            "--scheduler out."
        ) from error
    return lambda worker: Cluster(worker.work, scheduler, workers or 1)


def _chunk(model: Model) -> int:
    """A multiple of the phase, so that a tile of a chunk gives what one pass over the plane gives."""
    phase = model.engine.geometry.phase
    return max(1, CHUNK // phase) * phase


def _shard(images: tuple[LargeImage, ...], chunk: int) -> int:
    return max(shard_of(image.height, image.width, chunk) for image in images)


def shard_of(height: int, width: int, chunk: int) -> int:
    """Chunks along a side of one file, which is one task: 1, except for planes of very many chunks.

    >>> shard_of(100_000, 100_000, 1024), shard_of(1_000_000, 1_000_000, 1024)
    (1, 4)
    """
    num_chunks, shard = -(-height // chunk) * -(-width // chunk), 1
    while num_chunks // shard**2 > _CHUNKS_A_FOLDER and shard < 16:
        shard *= 2
    return shard
