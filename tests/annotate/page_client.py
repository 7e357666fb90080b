"""What a page says to the server, without a browser."""

import http.client
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotate.folders import new_id
from unseam.annotate.project import open_project
from unseam.annotate.server import Address, run_server


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Page:
    """A tab of the page."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token, self.tab = port, token, new_id()

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Send one request, with the token unless ``headers`` says otherwise (None leaves a header out)."""
        sent = {"Authorization": f"Bearer {self.token}", "Host": f"127.0.0.1:{self.port}"} | (headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            got = connection.getresponse()
            return Reply(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        reply = self.call("GET", path)
        assert reply.status == 200, reply.body
        return reply.json

    def post(self, path: str, expected: int = 200, **fields: Any) -> Any:
        reply = self.call("POST", path, json.dumps(fields).encode())
        assert reply.status == expected, reply.body
        return reply.json

    def paint(self, image: int, runs: np.ndarray, expected: int = 200, **header: Any) -> Any:
        """Send an operation; ``header`` overrides its fields."""
        fields = {"id": new_id(), "stroke": new_id(), "tab": self.tab, "tool": "brush", "mode": "all", "is_end": True} | header
        text = json.dumps(fields).encode()
        reply = self.call("POST", f"/api/images/{image}/ops", struct.pack("<I", len(text)) + text + runs.tobytes())
        assert reply.status == expected, reply.body
        return reply.json

    def declare(self, *names: str, kind: str = "classes") -> Any:
        named = [{"value": value, "name": name} for value, name in enumerate(names or ("background", "cell"))]
        return self.post("/api/project", kind=kind, classes=named)

    @contextmanager
    def events(self, after: int | None = None) -> Iterator[Iterator[dict[str, Any]]]:
        """Follow the events; signs of life are left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        after_text = "" if after is None else f"&after={after}"
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("GET", f"/api/events?tab={self.tab}{after_text}", headers=headers)
        got = connection.getresponse()
        assert got.status == 200

        def lines() -> Iterator[dict[str, Any]]:
            while line := got.readline():
                event = json.loads(line)
                if event["event"] != "alive":
                    yield event

        try:
            yield lines()
        finally:
            connection.sock.close() if connection.sock else None
            got.close()
            connection.close()


@contextmanager
def served(folder: Path, trainer: tuple[str, ...] = (), quiet_seconds: float = 0.05) -> Iterator[Page]:
    """Serve a folder from a thread of this process."""
    stop, ready, addresses, failed = threading.Event(), threading.Event(), [], []

    def run() -> None:
        def note(address: Address) -> None:
            addresses.append(address)
            ready.set()

        try:
            with open_project(folder) as project:
                run_server(project, trainer, note, quiet_seconds=quiet_seconds, stop=stop)
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    if failed:
        raise failed[0]
    try:
        yield Page(addresses[0].port, addresses[0].token)
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
    if failed:
        raise failed[0]
