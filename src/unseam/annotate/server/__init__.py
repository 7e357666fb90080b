"""HTTP on this computer alone: the page, its calls, its events, and the trainer's process."""

from unseam.annotate.server.address import Address, remove_redirect, write_redirect
from unseam.annotate.server.run import run_server

__all__ = ["run_server", "Address", "write_redirect", "remove_redirect"]
