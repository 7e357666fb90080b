"""The version of the package, alone in its file, so that every room may read it."""

__version__ = "0.1.0"
