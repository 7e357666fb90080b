"""Who may talk to the server: this page, with the token. Every request passes here before anything else looks at it.

==========================  ===========================================================================
rule                        against
==========================  ===========================================================================
Host exactly ours, once     DNS rebinding: a page of another site whose name suddenly means 127.0.0.1
token in Authorization      other users of this computer; a cookie would go to every port of 127.0.0.1
Origin, Sec-Fetch-Site      pages of other sites and of other local servers
OPTIONS refused, no CORS    the same: the browser asks before it sends a header of ours from elsewhere
Content-Security-Policy     a script that gets into the page by a name of a file
8 MB, 30 s a body           a page that never ends its request
==========================  ===========================================================================

Source: the rules follow from attacks on Jupyter, webpack-dev-server, Vite and MLflow; docs/annotate.md names them.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 8 * 2**20
BODY_SECONDS = 30.0

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""The headers of every reply, also of a refusal."""


class BodyTooLargeError(Exception):
    """A body of more than 8 MB, or one that does not end."""


class Guard:
    """The outermost application: refuses, or hands on and adds the headers.

    Parameters
    ----------
    app
        What answers the requests that pass.
    token
        64 hexadecimal digits.
    port
        The port of the server.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        self._origins = {b"http://" + host for host in self._hosts}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket knows no CORS: there is none
            return
        refusal = self.refuse(scope["method"], scope["path"], scope["headers"])
        if refusal is not None:
            await _reply(send, *refusal)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self._app(scope, _limited(receive), send_guarded)

    def refuse(self, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, str, str] | None:
        """Return status, word and sentence of a refusal; None if the request may pass."""

        def all_of(name: bytes) -> list[bytes]:
            return [value for key, value in headers if key == name]

        hosts, origins, sites = all_of(b"host"), all_of(b"origin"), all_of(b"sec-fetch-site")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return 403, "host", "This address is not that of unseam annotate. Open the one that the command printed."
        # the browser comes from the file with which the command opens it; a page without token shows nothing
        is_first = method == "GET" and path == "/" and not origins and all_of(b"sec-fetch-dest") == [b"document"]
        if is_first:
            sites = []
        if len(origins) > 1 or not set(origins) <= self._origins or not set(sites) <= {b"same-origin", b"none"}:
            return 403, "origin", "Another page asked. Open the address that the command printed."
        if method not in ("GET", "POST", "HEAD"):
            return 405, "request", "Only GET and POST are answered."
        if path == "/api" or path.startswith("/api/"):
            tokens = all_of(b"authorization")
            expected = b"Bearer " + self._token.encode()
            if len(tokens) != 1 or not hmac.compare_digest(tokens[0], expected):
                return 401, "token", "The token is missing or wrong. Open the address that the command printed."
        return None


def _limited(receive: Receive) -> Receive:
    """Return ``receive`` that ends a body which is too large or too slow."""
    total = 0

    async def limited() -> Message:
        nonlocal total
        if total < 0:  # the body is complete; what follows is the end of the connection, whenever that comes
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), BODY_SECONDS)
        except TimeoutError as error:
            raise BodyTooLargeError(f"The request did not end within {BODY_SECONDS:.0f} s. Send it again.") from error
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > MOST_BODY_BYTES:
                raise BodyTooLargeError(f"The request is larger than {MOST_BODY_BYTES // 2**20} MB. Send smaller parts.")
            if not message.get("more_body"):
                total = -1
        return message

    return limited


async def _reply(send: Send, status: int, word: str, message: str) -> None:
    body = json.dumps({"error": word, "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
