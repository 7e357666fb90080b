"""Everything that can go wrong because of what came in, as one tree.

A user's mistake is always an :class:`UnseamError`; anything else that escapes is a bug in this package. Each error is also the
builtin that fits, so that code which does not know this package can catch it::

    UnseamError
    ├── SizeError        (ValueError)   an image or tile size that the network cannot take
    ├── SettingsError    (ValueError)   a setting with an unknown name, a wrong type or a value out of range
    ├── DataError        (ValueError)   a folder, a pair or an array that cannot be trained on, predicted or scored
    │   └── LabelError                  an annotation that does not say what it means
    ├── ImageReadError   (ValueError)   a file that is no readable image
    ├── ModelFileError   (ValueError)   a file that is no model, or not one that this version reads
    ├── OutputError      (OSError)      a result that could not be written
    │   └── InUseError                  another process is writing into the same folder
    ├── MemoryShortError (MemoryError)  not even the smallest tile fits into the memory that there is
    ├── TrainingError    (RuntimeError) training cannot continue (diverged, no progress)
    ├── ClusterError     (RuntimeError) workers, or their scheduler, that cannot be reached, die, or do not fit
    └── RankError        (RuntimeError) training by several processes that ended because of another one of them

A message has three parts: what came, what may come, what to do.
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
    """An annotation that does not say what it means.

    Parameters
    ----------
    message
        For the user.
    where
        The file or the name of the mask at fault; empty: no single one.
    """

    def __init__(self, message: str, where: Path | str = "") -> None:
        super().__init__(message)
        self.where = str(where)


class ImageReadError(UnseamError, ValueError):
    """A file that is no readable image.

    Parameters
    ----------
    path
        The file.
    reason
        What is wrong with it, and what would mend it.
    """

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


class ModelFileError(UnseamError, ValueError):
    """A file that is no model, or not one that this version reads."""


class OutputError(UnseamError, OSError):
    """A result that could not be written."""


class InUseError(OutputError):
    """Another process is writing into the same folder; later it may be free."""


class MemoryShortError(UnseamError, MemoryError):
    """Not even the smallest tile fits into the memory that there is, or that was allowed."""


class TrainingError(UnseamError, RuntimeError):
    """Training cannot continue: it diverged, or it makes no progress."""


class ClusterError(UnseamError, RuntimeError):
    """Workers, or their scheduler, that cannot be reached, die again and again, or do not fit together."""


class RankError(UnseamError, RuntimeError):
    """Training by several processes ended because of another one of them.

    Attributes
    ----------
    is_told
        Whether the process that knows the reason has already printed it.
    """

    is_told = False
