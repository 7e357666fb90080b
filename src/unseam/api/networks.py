"""The networks that ship with the package, as their own files describe them."""

from dataclasses import dataclass
from pathlib import Path

from unseam.model.model_file import ModelInfo, read_info
from unseam.model.release import Release
from unseam.networks import reading_shipped, shipped_networks

__all__ = ["Shipped", "networks"]


@dataclass(frozen=True)
class Shipped:
    """A network that ships: its name, its file, and what the file says."""

    name: str
    file: Path
    info: ModelInfo

    @property
    def release(self) -> Release:
        """Its card; one without a word if the file has none."""
        return self.info.release or Release(purpose="")


def networks() -> tuple[Shipped, ...]:
    """Return all networks that ship, in alphabetical order.

    Raises `ModelFileError` for one that is damaged.
    """
    found = []
    for name, file in shipped_networks().items():
        with reading_shipped(name):
            found.append(Shipped(name, file, read_info(file)))
    return tuple(found)
