"""Predict one image of any size into one result: plane by plane, chunk by chunk.

::

    grey range    the grey values that become 0 and 1, from the sample that an image in memory would give; of a plane or a stack
    network       classes, probabilities and foreground of each chunk
    objects       components of each chunk, joined across its edges; sizes and holes of whole objects
    pyramid       the smaller levels

Until all of this is done, the result lies in the work folder. Finished parts are never computed again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from unseam._version import __version__
from unseam.data.normalise import GreyRange
from unseam.data.stack_ranges import stack_note
from unseam.errors import OutputError
from unseam.geometry.chunk_grid import ChunkGrid
from unseam.io.append_journal import AppendJournal
from unseam.io.large.bands import bands_of
from unseam.io.large.stored_image import StoredImage
from unseam.io.result import mark_complete, write_tiff
from unseam.io.write import plain_text
from unseam.model import Model
from unseam.scale.arrays import create_results, create_scratch, layout_of, names_of
from unseam.scale.executors import Executor
from unseam.scale.folder import (
    TIFF,
    claim,
    clear,
    probability_store,
    publish,
    read_finished,
    write_finished,
    write_or_check_plan,
)
from unseam.scale.journalled import Journalled
from unseam.scale.plane_objects import objects_of_plane
from unseam.scale.prediction import CLASS_LABELS, CLASSES, OBJECTS, PROBABILITIES, LargePrediction
from unseam.scale.resume_plan import check_channels, find_stacks, plan_of
from unseam.scale.stages.grey_range import ranges_from
from unseam.scale.stages.network import NetworkTables
from unseam.scale.task import PassKind, PlanePass
from unseam.scale.worker import ChunkWorker


@dataclass(frozen=True)
class Progress:
    """Receives sentences for the user, and (name of the pass, finished chunks, all chunks) for each finished chunk."""

    tell: Callable[[str], None] = lambda _: None
    on_chunk: Callable[[str, int, int], None] = lambda *_: None


@dataclass(frozen=True)
class LargeResult:
    """The written store or file, and counts over all positions and planes.

    Attributes
    ----------
    num_chunks
        Chunks at full size.
    num_pixels
        px of each class.
    num_objects
        None if no objects were computed.
    probabilities
        The store of the probabilities; None if they were not written.
    """

    path: Path
    num_planes: int
    num_chunks: int
    num_pixels: tuple[int, ...]
    num_objects: int | None
    probabilities: Path | None = None

    @property
    def foreground(self) -> float:
        """Share of all pixels that are not background."""
        return sum(self.num_pixels[1:]) / sum(self.num_pixels)


def predict_large(
    model: Model,
    images: tuple[StoredImage, ...],
    out: Path,
    work: LargePrediction,
    executor_for: Callable[[ChunkWorker], Executor],
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> LargeResult:
    """Segment an image that is never held in memory. Other parameters are those of :func:`unseam.predict_store`.

    Parameters
    ----------
    images
        The source, as :func:`unseam.io.large.open_large` opens it.
    work
        Settings, with the path of the source. This function fills in the folder and what it finds out about the channels.
    executor_for
        Makes the executor from the worker of this process.

    Raises
    ------
    ImageReadError, DataError
        If the source cannot be read, or this model cannot segment it.
    OutputError
        If the result exists or cannot be written; its subclass InUseError if another process is writing it.
    SettingsError
        If unfinished work has other settings.
    ClusterError
        If chunks failed, or the scheduler was lost; finished chunks are kept.
    """
    source, out = Path(work.source).absolute(), out.absolute()
    beside = probability_store(out)
    more = [beside] if work.saves.probabilities != "none" else []
    if source in (out, *more):
        raise OutputError(f"{source} is the image itself. Give another --out.")
    with claim(out, *more, resume=resume, overwrite=overwrite) as folder:
        counts, stacks = tuple(image.num_channels for image in images), find_stacks(images, model.info.net.in_channels)
        work = replace(work, source=str(source), folder=str(folder), num_channels=counts, stacks=stacks)
        worker = ChunkWorker(work, lambda: model, images)
        # Whatever can refuse the work comes before the first file: a refused call must leave nothing behind.
        check_channels(worker)
        plan = plan_of(worker, out)
        with closing(executor_for(worker)) as executor:
            if not resume:
                model.save(work.model)  # before the plan, which says that there is work to resume
            write_or_check_plan(folder, plan, resume=resume)
            with AppendJournal(folder / "journal.txt") as journal:
                result = _Prediction(worker, journal, executor, progress or Progress()).all(out, plan)
        clear(folder)
    if progress is not None and beside.exists() and not more:
        progress.tell(f"{beside} is of an earlier result: these probabilities do not belong to the new {out.name}")
    return result


class _Prediction:
    def __init__(self, worker: ChunkWorker, journal: AppendJournal, executor: Executor, progress: Progress) -> None:
        self.worker, self.progress = worker, progress
        if journal.note:
            progress.tell(journal.note)
        self.run = Journalled(journal, executor, self._on_chunk, self._where)

    def all(self, out: Path, plan: dict[str, Any]) -> LargeResult:
        work, images = self.worker.work, self.worker.images
        counts = read_finished(Path(work.folder))
        if counts is None:
            counts = self._compute(plan)
            write_finished(Path(work.folder), counts)
        beside = probability_store(out) if work.saves.probabilities != "none" else None
        if out.name.lower().endswith(TIFF):
            self.progress.tell("writing the TIFF")
            name, names = OBJECTS if work.saves.objects else CLASSES, self.worker.model.info.names_of_values
            largest = (
                {"largest": counts["most_objects"]} if work.saves.objects else {"largest": max(names), "class_names": names}
            )
            write_tiff(out, work.group("", name), layout_of(self.worker, 0, name), **largest)
        else:
            if beside is not None:  # before the result: who sees a result shall find its probabilities
                publish(work.probabilities, beside)
            publish(work.result, out)
        num_chunks = sum(image.num_planes * len(self.worker.grid(position)) for position, image in enumerate(images))
        num_planes = sum(image.num_planes for image in images)
        return LargeResult(out, num_planes, num_chunks, tuple(counts["num_pixels"]), counts["num_objects"], beside)

    def _compute(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Compute all groups and mark them as complete; return the counts."""
        images = self.worker.images
        for note in dict.fromkeys(note for image in images for note in image.notes):
            self.progress.tell(note)
        create_results(self.worker)
        num_pixels = np.zeros(len(self.worker.model.info.class_names), np.int64)
        num_objects, most_objects = 0, [0] * len(images)
        for position in range(len(images)):
            create_scratch(self.worker, position)
            for plane, ranges in enumerate(self._ranges(position)):
                found = self._plane(position, plane, ranges)
                num_pixels, num_objects = num_pixels + found[0], num_objects + found[1]
                most_objects[position] = max(most_objects[position], found[1])  # their numbers start at 1 in each plane
            self._pyramids(position)
        facts = {
            "made_by": f"unseam {__version__}",
            "source": plain_text(Path(self.worker.work.source).name),
            "model_sha256": plan["model"],
            "num_pixels": num_pixels.tolist(),
            "num_objects": num_objects if self.worker.work.saves.objects else None,
        }
        self._mark_complete(facts, most_objects)
        return {**facts, "most_objects": max(most_objects)}

    def _ranges(self, position: int) -> Iterator[Float[np.ndarray, "channels 2"]]:
        """Yield the grey ranges of each plane of an image; at the end, tell where those of its planes differ much.

        A range is that of a whole plane or stack: with one per chunk, the borders of chunks would show.
        """
        info, planes = self.worker.model.info, range(self.worker.images[position].num_planes)
        if info.normalise.over == "stack":
            common = self._range(position, planes)
            yield from (common for _ in planes)
            return
        found = []
        for plane in planes:
            found.append(self._range(position, [plane]))
            yield found[-1]
        spans = [tuple(GreyRange(low, high) for low, high in ranges.tolist()) for ranges in found]
        for note in stack_note(spans, info.normalise, "--normalise-over stack"):
            self.progress.tell(note)

    def _range(self, position: int, planes: Iterable[int]) -> Float[np.ndarray, "channels 2"]:
        """Return the grey range of each channel that the network receives, over some planes of an image."""
        image = self.worker.images[position]
        bands = (
            facts
            for plane in planes
            for _, facts in self.run.run(PlanePass(PassKind.GREY_RANGE, position, plane), range(len(bands_of(image))))
        )
        ranges, is_grey = ranges_from(bands, self.worker.model.info.normalise)
        check_channels(self.worker, image, is_grey=is_grey)  # whether colour is grey is only known after all pixels were read
        return ranges[: self.worker.model.info.net.in_channels]  # the first of three equal channels

    def _plane(self, position: int, plane: int, ranges: Float[np.ndarray, "channels 2"]) -> tuple[np.ndarray, int]:
        """Return px of each class, and the number of objects."""
        grid = self.worker.grid(position)
        tables = NetworkTables(ranges)
        num_pixels = np.zeros(len(self.worker.model.info.class_names), np.int64)
        for _, facts in self.run.run(PlanePass(PassKind.NETWORK, position, plane), range(len(grid)), lambda _: tables):
            num_pixels += facts.num_pixels
        num_objects = 0
        if self.worker.work.saves.objects:
            found = objects_of_plane(self.worker, self.run, position, plane)
            num_objects = found.num_objects
            if found.num_undecided:
                self.progress.tell(
                    f"{found.num_undecided:,} px may belong to a neighbouring object: with a threshold above 0.5, the flood "
                    "reaches them from too far away to decide"
                )
        return num_pixels, num_objects

    def _pyramids(self, position: int) -> None:
        image = self.worker.images[position]
        for name in names_of(self.worker.work.saves):
            if name == CLASS_LABELS:  # the pass that writes a chunk of the classes copies it
                continue
            layout = layout_of(self.worker, position, name)
            klasses = range(layout.shape[layout.axes.index("C")]) if name == PROBABILITIES else (None,)
            for level in range(1, layout.num_levels):
                grid = self.worker.result(position, name, level).grid
                for plane in range(image.num_planes):
                    for klass in klasses:
                        stage = PlanePass(PassKind.PYRAMID, position, plane, result=name, klass=klass, level=level)
                        self.run.finish(stage, range(len(grid)))

    def _mark_complete(self, facts: dict[str, Any], most_objects: Sequence[int]) -> None:
        """``most_objects``: the highest number of an object of each position."""
        work = self.worker.work
        for position, image in enumerate(self.worker.images):
            for name in reversed(names_of(work.saves)):  # the classes hold the other groups, so they are complete last
                highest = most_objects[position] if name == OBJECTS else 0
                mark_complete(work.group(image.position, name), {**facts, "kind_of_result": name}, highest)

    def _on_chunk(self, stage: PlanePass, done: int, total: int) -> None:
        image = self.worker.images[stage.position]
        more = f" {stage.plane + 1}/{image.num_planes}" if image.num_planes > 1 else ""
        self.progress.on_chunk(f"{stage.kind.value}{more}", done, total)

    def _where(self, stage: PlanePass, chunk: int) -> str:
        image = self.worker.images[stage.position]
        if stage.kind is PassKind.GREY_RANGE:
            rows, columns = bands_of(image).window(chunk)
        else:  # a chunk of a smaller level covers more of the source
            rows, columns = ChunkGrid(image.height, image.width, self.worker.work.side << stage.level).window(chunk)
        position = f"position {image.position}, " if image.position else ""
        plane = f"plane {stage.plane}, " if image.num_planes > 1 else ""
        return f"{position}{plane}rows {rows.start}-{rows.stop - 1}, columns {columns.start}-{columns.stop - 1}"
