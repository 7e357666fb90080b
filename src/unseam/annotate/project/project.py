"""A folder that is being annotated: its images, ``annotate.toml``, and the journal in which every stroke is before it counts.

::

    FOLDER/images/            the user's; never written
    FOLDER/masks/NAME.png     what was painted; ordinary files
    FOLDER/annotate.toml      what they hold
    FOLDER/.annotate/journal  every operation
    FOLDER/.annotate/kept/    the masks as they were written last
    FOLDER/.annotate/before/  masks of others as they were found
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from unseam.annotate.project.image_state import ImageState
from unseam.annotate.project.ledger import Ledger
from unseam.annotate.project.mask_files import sum_of
from unseam.annotate.project.open_image import OpenImage
from unseam.annotate.project.picture import Picture
from unseam.annotate.project.records import ImageStatus, StatusRecord
from unseam.data.declaration import (
    Declaration,
    DeclaredClass,
    DeclaredKind,
    declared_images,
    none_of,
    read_declaration,
    write_declaration,
)
from unseam.data.file_names import IMAGE_FOLDERS, MASK_FOLDERS, subfolder
from unseam.errors import DataError, UnseamError
from unseam.io import make_folders
from unseam.io.lock import locked

if TYPE_CHECKING:
    from unseam.annotate.project.found_masks import FoundMasks, FoundOutlines

INNER = ".annotate"
_MOST_OPEN = 16  # label maps that are held though they are written
_PICTURE_BYTES = 512 * 2**20


class NotDeclaredError(DataError):
    """Nothing can be painted before the classes have names."""


@dataclass
class ProjectImage:
    """An image of the project: number, name, file, and why it cannot be painted (empty: it can)."""

    number: int
    name: str
    path: Path
    problem: str = ""


class Project:
    """A folder that this process alone annotates; all methods may be called by several threads.

    Attributes
    ----------
    said
        What the masks hold; None until :meth:`declare`.
    found
        Masks that lay there before, until :meth:`declare` takes them over.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.inner = folder, folder / INNER
        self.lock = RLock()
        self.said = read_declaration(folder)
        self._place = self.said.images if self.said is not None else place_of_images(folder)
        paths = declared_images(folder, self._place)
        self.images = [ProjectImage(number, name, path) for number, (name, path) in enumerate(paths.items())]
        for inner in ("kept", "before", "fresh"):
            make_folders(self.inner / inner)
        self.masks = subfolder(folder, MASK_FOLDERS) or folder / "masks"
        self.found: "FoundMasks | FoundOutlines | None" = None
        if self.said is None and self.masks.is_dir():
            from unseam.annotate.project.found_masks import find_masks  # it needs PyTorch, which takes seconds to import

            self.found = find_masks(folder, paths)
        self._pictures: dict[int, Picture] = {}
        self._open: dict[int, OpenImage] = {}
        self.ledger = Ledger(self.inner / "journal")

    def declare(self, kind: DeclaredKind, classes: Sequence[DeclaredClass]) -> None:
        """Say what the masks hold; later: rename or add classes.

        Raises
        ------
        DataError
            If the kind changes or a class is removed after something was painted.
        SettingsError
            If the classes are impossible.
        OutputError
            If it cannot be written.
        """
        with self.lock:
            said = Declaration(kind, none_of(kind), tuple(classes), self._place, self.said.left_out if self.said else ())
            if self.said is not None and (kind != self.said.kind or len(classes) < len(self.said.classes)):
                raise DataError(
                    "Classes can be renamed and added, but not removed, and their kind stays. Begin another folder."
                )
            if self.found is not None and self.found.can_be_used and kind != self.found.kind:
                raise DataError(f"The masks that lie there hold {self.found.kind}. Choose that, or move the folder masks away.")
            if self.found is not None and not self.found.can_be_used:
                raise DataError(f"{self.found.message} Mend them, or move the folder masks away.")
            make_folders(self.masks)
            before, self.said = self.said, said
            try:
                if before is None:
                    self._take_over()
                write_declaration(self.folder, said)
            except BaseException:
                self.said = before
                raise
            self.found = None
            for image in self._open.values():
                image.said = said

    def picture(self, number: int) -> Picture:
        """Return the pixels of an image. Raises ImageReadError if it cannot be read."""
        with self.lock:
            if number not in self._pictures:
                try:
                    self._pictures[number] = Picture(self.images[number].path)
                except UnseamError as error:
                    self.images[number].problem = str(error)
                    raise
            picture = self._pictures.pop(number)
            self._pictures[number] = picture  # the last one was used last
            others = [one for key, one in self._pictures.items() if key != number]
            while others and sum(one.num_bytes for one in others) > _PICTURE_BYTES:
                others.pop(0).forget()
            return picture

    def state(self, number: int) -> ImageState:
        """Return what the journal says of an image."""
        return self.ledger.state(self.images[number].name)

    def opened(self, number: int) -> OpenImage:
        """Return the label map of an image.

        Raises
        ------
        NotDeclaredError
            If there are no classes yet.
        ImageReadError, OutputError
            If the image or its mask cannot be read.
        """
        with self.lock:
            if self.said is None:
                raise NotDeclaredError("There are no classes yet. Name them first.")
            if self.ledger.is_lost:
                self._open.clear()
                self.ledger.load()
            if number not in self._open:
                picture = self.picture(number)
                size, folders = (picture.height, picture.width), (self.masks, self.inner)
                self._open[number] = OpenImage(self.state(number), size, self.said, folders, self.ledger.append)
                self._close_some(number)
            return self._open[number]

    def set_status(self, number: int, status: ImageStatus) -> None:
        """Note what the user calls an image. Raises OutputError if it cannot be written."""
        with self.lock:
            self.opened(number)
            name = self.images[number].name
            record = StatusRecord(name, status)
            self.ledger.append([record])
            self.state(number).add(record)
            assert self.said is not None
            others = tuple(one for one in self.said.left_out if one != name)
            left_out = (*others, name) if status == "left out" else others
            if left_out != self.said.left_out:
                self.said = replace(self.said, left_out=left_out)
                write_declaration(self.folder, self.said)

    def write_masks(self, *, is_end: bool = False) -> Iterator[int]:
        """Write the masks that are older than their label maps; yield the number of each written image.

        Large ones, which take seconds, are written with ``is_end`` only. Raises OutputError.
        """
        for number in list(self._open):
            if is_end or not self.picture(number).is_large:
                with self.lock:
                    if number in self._open and self._open[number].write():
                        yield number
        with self.lock:
            if self.ledger.is_long and not any(image.is_dirty for image in self._open.values()):
                self.ledger.begin_anew()
                self._open.clear()

    def open_unwritten(self) -> None:
        """Open the images whose masks are not those that were written last: a process was killed, or another one wrote.

        Then :meth:`write_masks` writes them, or :attr:`OpenImage.is_question` is true.
        """
        for image in self.images if self.said is not None else ():
            state = self.state(image.number)
            if state.revision != state.mask_revision or self._mask_sum(state.name) not in state.sums:
                with suppress(UnseamError):  # the page shows the problem when the image is opened
                    self.opened(image.number)

    def is_changed(self, number: int) -> bool:
        """Whether another program changed the mask of an image, as far as is known."""
        return number in self._open and self._open[number].is_question

    def close(self) -> None:
        """Close the journal."""
        with self.lock:
            self.ledger.close()

    def _take_over(self) -> None:
        """Put the masks that were found into the journal, in the values of this project; their files stay as yet.

        A kill in the middle leaves no ``annotate.toml``, and so the next call begins anew.
        """
        self.ledger.erase()
        self._open.clear()
        for image in self.images:
            if self.found is not None and image.name in self.found.masks:
                try:
                    opened = self.opened(image.number)
                    labels = self.found.read(image.name, opened.height, opened.width)
                    mask, operation = self.found.masks[image.name], f"found-{image.number}"
                    opened.take_over(labels, mask, operation, is_complete=self.found.is_complete)
                except ValueError as error:  # the mask stays, and the page asks about it
                    image.problem = str(error)

    def _mask_sum(self, name: str) -> str:
        """Return the SHA-256 of the mask of an image; empty if there is none."""
        paths = (self.masks / f"{name}{suffix}" for suffix in (".png", ".tif"))
        return next((found for path in paths if (found := sum_of(path))), "")

    def _close_some(self, number: int) -> None:
        """Forget label maps that are written, but the last few."""
        written = [key for key, image in self._open.items() if key != number and not image.is_dirty and not image.is_question]
        for key in written[: max(0, len(self._open) - _MOST_OPEN)]:
            del self._open[key]


def place_of_images(folder: Path) -> str:
    """Return the folder of the images of a new project, "." for the folder itself. Raises DataError if there are none."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder. Give the folder with your images.")
    inner = subfolder(folder, IMAGE_FOLDERS)
    place = inner.name if inner is not None else "."
    if not declared_images(folder, place):
        raise DataError(
            f"{folder} holds no image that can be read. Put TIFF or PNG files there, or into a folder images in it."
        )
    return place


@contextmanager
def open_project(folder: Path) -> Iterator[Project]:
    """Open a folder alone.

    Raises
    ------
    InUseError
        If another process annotates it.
    DataError, OutputError
        If it holds no image, or cannot be read or written.
    """
    if not (folder / INNER).is_dir():
        place_of_images(folder)  # before anything is made in a wrong folder
    make_folders(folder / INNER)
    with locked(folder / INNER, "annotating"):
        project = Project(folder)
        try:
            yield project
        finally:
            project.close()
