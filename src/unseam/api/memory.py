"""``is_out_of_memory``: recognise an error that means that memory ran out."""

from unseam.machine.memory import is_out_of_memory

__all__ = ["is_out_of_memory"]
