"""The errors of this package, as one tree.

A user's mistake always raises an :class:`UnseamError`; any other exception that escapes is a bug in this package. Each error
also has a fitting builtin base, so code that does not know this package can catch it::

    UnseamError
    ├── SizeError        (ValueError)   an image or tile size that the network cannot take
    ├── SettingsError    (ValueError)   a setting with an unknown name, a wrong type or a value out of range
    ├── DataError        (ValueError)   a folder, a pair or an array that cannot be trained on, predicted or scored
    │   └── LabelError                  an ambiguous annotation
    ├── ImageReadError   (ValueError)   a file that is not a readable image
    ├── ModelFileError   (ValueError)   a file that is not a model, or not one that this version reads
    ├── OutputError      (OSError)      a result that could not be written
    │   └── InUseError                  another process is writing into the same folder
    ├── MemoryShortError (MemoryError)  the smallest tile does not fit into the available memory
    ├── TrainingError    (RuntimeError) training cannot continue (diverged, no progress)
    ├── ClusterError     (RuntimeError) workers or a scheduler that cannot be reached, die, or do not match
    └── RankError        (RuntimeError) training by several processes that another process ended

A message has three parts: what the package got, what it accepts, and what to do.
"""

from pathlib import Path


class UnseamError(Exception):
    """Base of every error that this package raises on purpose."""


class SizeError(UnseamError, ValueError):
    """An image or tile size that the network cannot take."""


class SettingsError(UnseamError, ValueError):
    """A setting with an unknown name, a wrong type or a value out of range."""


class DataError(UnseamError, ValueError):
    """A folder, a pair or an array that cannot be trained on, predicted or scored."""


class LabelError(DataError):
    """An ambiguous annotation; ``where`` is the file or the name of the mask at fault, empty if there is no single one."""

    def __init__(self, message: str, where: Path | str = "") -> None:
        super().__init__(message)
        self.where = str(where)


class ImageReadError(UnseamError, ValueError):
    """A file that is not a readable image; ``reason`` says what is wrong with it and how to fix it."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


class ModelFileError(UnseamError, ValueError):
    """A file that is not a model, or not one that this version reads."""


class OutputError(UnseamError, OSError):
    """A result that could not be written."""


class InUseError(OutputError):
    """Another process is writing into the same folder; the folder may be free later."""


class MemoryShortError(UnseamError, MemoryError):
    """The smallest tile does not fit into the available or the allowed memory."""


class TrainingError(UnseamError, RuntimeError):
    """Training cannot continue: it diverged or makes no progress."""


class ClusterError(UnseamError, RuntimeError):
    """Workers or a scheduler that cannot be reached, die repeatedly, or do not match each other."""


class RankError(UnseamError, RuntimeError):
    """Training by several processes ended because another of them stopped."""

    is_told = False  # whether the process that knows the reason has already printed it


def sentence_of_exit(error: SystemExit) -> str:
    """Return what a library said when it ended the program, which only the command line may do.

    >>> sentence_of_exit(SystemExit("no licence")), sentence_of_exit(SystemExit(None))
    ('A library or a callback ended the program (no licence).', 'A library or a callback ended the program (exit code 0).')
    """
    words = error.code if isinstance(error.code, str) and error.code else f"exit code {error.code or 0}"
    return f"A library or a callback ended the program ({words})."
