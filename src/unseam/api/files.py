"""Files that stand next to results: a text is written whole or not at all."""

from unseam.io import write_text_whole as write_text

__all__ = ["write_text"]
