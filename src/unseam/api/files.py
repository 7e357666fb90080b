"""``write_text``: write a text file, complete or not at all."""

from unseam.io import write_text_whole as write_text

__all__ = ["write_text"]
