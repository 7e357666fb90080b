"""Runs the server until it is told to end; masks are written whenever nobody painted for three seconds."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from uvicorn.protocols.http.h11_impl import H11Protocol

from unseam.annotate.project import Project
from unseam.annotate.server.address import Address, bind
from unseam.annotate.server.guard import Guard
from unseam.annotate.server.routes import make_app
from unseam.annotate.server.service import Service

QUIET_SECONDS = 3.0
LONG_QUIET_SECONDS = 60.0
"""After so long also the masks of large images are written, which takes seconds each."""

HEADER_SECONDS = 10.0
MOST_CONNECTIONS = 32
_TICK = 0.25
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class _Protocol(H11Protocol):
    """HTTP that closes a connection on which no request arrives in time."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(HEADER_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """A server whose signals are handled here: the masks are written before the process ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run_server(
    project: Project,
    trainer_command: tuple[str, ...],
    ready: Callable[[Address], None],
    *,
    port: int | None = None,
    quiet_seconds: float = QUIET_SECONDS,
    stop: Event | None = None,
) -> None:
    """Serve the page of a project on this computer until a signal ends the process; then write all masks.

    Parameters
    ----------
    trainer_command
        The program that learns; empty: nothing learns.
    ready
        Is called with the address once the server answers.
    port
        The port that the user wants; None: any.
    quiet_seconds
        How long nobody must have painted before masks are written.
    stop
        Ends the server like a signal, when it is set by another thread.

    Raises
    ------
    OutputError
        If the port is taken, or the masks cannot be written at the end; the journal has all strokes.
    """
    listener, address = bind(project.folder, port)
    service = Service(project, trainer_command)
    config = uvicorn.Config(
        Guard(make_app(service, address.token), address.token, address.port),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=16 * 1024,
    )
    try:
        asyncio.run(_serve(_Server(config), listener, service, lambda: ready(address), quiet_seconds, stop or Event()))
    finally:
        listener.close()
        service.end_trainer()
        service.write_masks(is_end=True)
    service.check_written()


async def _serve(
    server: _Server, listener: Any, service: Service, ready: Callable[[], None], quiet_seconds: float, stop: Event
) -> None:
    service.events.bind()
    loop = asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True

    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; or not the main thread
                loop.add_signal_handler(number, end)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        ready()
        service.start_trainer()
        await _write_when_quiet(server, service, quiet_seconds, stop)
    finally:
        service.events.close()
        server.should_exit = True
        await serving


async def _write_when_quiet(server: _Server, service: Service, quiet_seconds: float, stop: Event) -> None:
    looked = 0.0
    while not (server.should_exit or stop.is_set()):
        await asyncio.sleep(min(_TICK, quiet_seconds))
        now = time.monotonic()
        if now - max(service.last_operation, looked) >= quiet_seconds:
            looked = now
            is_long = now - service.last_operation >= LONG_QUIET_SECONDS
            await run_in_threadpool(partial(service.write_masks, is_end=is_long))
