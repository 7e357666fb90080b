"""The addresses of the server; docs/annotate.md lists them."""

import hashlib
import hmac
import re
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from unseam.annotate.ops import TILE, OrderError
from unseam.annotate.project import NotDeclaredError, Project, outlines_geojson, overlay_png
from unseam.annotate.server.guard import BodyTooLargeError
from unseam.annotate.server.label_tiles import label_tile
from unseam.annotate.server.leases import LeaseError
from unseam.annotate.server.page_files import read_page_files
from unseam.annotate.server.requests import (
    ChangedRequest,
    LeaseRequest,
    ProjectRequest,
    SomewhereRequest,
    StatusRequest,
    TrainerRequest,
    ViewRequest,
    check_id,
    decode_request,
    split_operation,
)
from unseam.annotate.server.service import ChangedError, NoTrainerError, Service
from unseam.errors import ImageReadError, OutputError, UnseamError

_ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (LeaseError, 409, "lease"),
    (NotDeclaredError, 409, "classes"),
    (OrderError, 409, "order"),
    (ChangedError, 409, "changed"),
    (NoTrainerError, 503, "trainer"),
    (OutputError, 507, "disk"),
    (ImageReadError, 422, "image"),
    (BodyTooLargeError, 413, "large"),
    (UnseamError, 400, "request"),
    (IndexError, 404, "unknown"),
)
_OCTETS = "application/octet-stream"
_NONCE = re.compile("[0-9a-f]{32}")

Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(service: Service, token: str) -> Starlette:
    """Return the application; :class:`~unseam.annotate.server.guard.Guard` must stand before it."""
    page = read_page_files()
    calls = _Calls(service)

    async def static(request: Request) -> Response:
        file = page.get(request.path_params.get("path", "index.html"))
        return _unknown() if file is None else Response(file.content, media_type=file.media_type)

    async def hello(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            return JSONResponse({"error": "request", "message": "nonce must be 32 hexadecimal digits."}, 400)
        proof = hmac.new(token.encode(), f"unseam annotate {nonce}".encode(), hashlib.sha256).hexdigest()
        return JSONResponse({"proof": proof})

    one = "/api/images/{image:int}"
    routes = [
        Route("/", static),
        Route("/static/{path:path}", static),
        Route("/hello", hello),
        Route("/api/project", calls.get_project),
        Route("/api/project", calls.post(ProjectRequest, service.declare), methods=["POST"]),
        Route("/api/images", calls.get_images),
        Route(one, calls.get_image),
        Route(f"{one}/thumbnail", calls.get_thumbnail),
        Route(f"{one}/tiles/{{level:int}}/{{row:int}}/{{column:int}}", calls.get_tile),
        Route(f"{one}/labels/{{level:int}}/{{row:int}}/{{column:int}}", calls.get_labels),
        Route(f"{one}/prediction", calls.get_prediction),
        Route(f"{one}/export/overlay.png", calls.export(overlay_png, "image/png")),
        Route(f"{one}/export/outlines.geojson", calls.export(outlines_geojson, "application/geo+json")),
        Route(f"{one}/ops", calls.post_operation, methods=["POST"]),
        Route(f"{one}/lease", calls.post(LeaseRequest, service.lease, has_image=True), methods=["POST"]),
        Route(f"{one}/status", calls.post(StatusRequest, service.set_status, has_image=True), methods=["POST"]),
        Route(f"{one}/changed", calls.post(ChangedRequest, service.answer_changed, has_image=True), methods=["POST"]),
        Route("/api/view", calls.post(ViewRequest, service.look), methods=["POST"]),
        Route("/api/trainer", calls.post(TrainerRequest, service.order), methods=["POST"]),
        Route("/api/somewhere", calls.post(SomewhereRequest, lambda _: service.somewhere()), methods=["POST"]),
        Route("/api/events", calls.get_events),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    handlers: Any = {404: lambda request, error: _unknown(), 405: lambda request, error: _unknown()}
    handlers |= {kind: partial(_refuse, status, word) for kind, status, word in _ERRORS}
    return Starlette(routes=routes, middleware=[trusted], exception_handlers=handlers)


class _Calls:
    """The calls below ``/api/``; what touches files runs in a thread."""

    def __init__(self, service: Service) -> None:
        self._service, self._project = service, service.project

    def post(self, kind: type[Any], act: Callable[..., dict[str, Any]], *, has_image: bool = False) -> Endpoint:
        """Return an endpoint that decodes a JSON body and acts on it."""

        async def endpoint(request: Request) -> Response:
            decoded = decode_request(kind, await request.body())
            where = (self._image(request),) if has_image else ()
            return JSONResponse(await run_in_threadpool(act, *where, decoded))

        return endpoint

    def export(self, make: Callable[[Project, int], bytes], media_type: str) -> Endpoint:
        """Return an endpoint that makes a file of an image."""

        async def endpoint(request: Request) -> Response:
            return Response(await run_in_threadpool(make, self._project, self._image(request)), media_type=media_type)

        return endpoint

    async def get_project(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._service.describe_project))

    async def get_images(self, request: Request) -> Response:
        numbers = range(len(self._project.images))
        listed = await run_in_threadpool(lambda: [self._service.list_image(number) for number in numbers])
        return JSONResponse({"images": listed})

    async def get_image(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._service.describe_image, self._image(request)))

    async def get_thumbnail(self, request: Request) -> Response:
        image = self._image(request)
        return Response(await run_in_threadpool(lambda: self._project.picture(image).thumbnail()), media_type="image/png")

    async def get_tile(self, request: Request) -> Response:
        image, where = self._image(request), _place(request)

        def read() -> bytes:
            tile = self._project.picture(image).tile(*where)
            return np.ascontiguousarray(tile, tile.dtype.newbyteorder("<")).tobytes()

        return Response(await run_in_threadpool(read), media_type=_OCTETS)

    async def get_labels(self, request: Request) -> Response:
        image, (level, row, column) = self._image(request), _place(request)

        def read() -> tuple[bytes | None, int]:
            with self._project.lock:
                opened = self._project.opened(image)
                return label_tile(opened.labels, level, row, column), opened.state.revision

        content, revision = await run_in_threadpool(read)
        headers = {"X-Revision": str(revision)}
        return Response(status_code=204, headers=headers) if content is None else Response(content, 200, headers, _OCTETS)

    async def get_prediction(self, request: Request) -> Response:
        step = request.query_params.get("step", "")
        found = self._service.trainer.prediction(self._image(request), int(step) if step.isdecimal() and len(step) < 10 else -1)
        if found is None:
            return _unknown()
        about, body = found
        head = struct.pack("<4I", about.row, about.column, about.height, about.width)
        return Response(head + await run_in_threadpool(zlib.decompress, body), media_type=_OCTETS)

    async def post_operation(self, request: Request) -> Response:
        operation, runs = split_operation(await request.body())
        return JSONResponse(await run_in_threadpool(self._service.operate, self._image(request), operation, runs))

    async def get_events(self, request: Request) -> Response:
        tab, after = request.query_params.get("tab", ""), request.query_params.get("after", "")
        check_id("tab", tab)
        leases, events = self._service.leases, self._service.events

        async def lines() -> AsyncIterator[bytes]:
            leases.came(tab)
            try:
                async for line in events.follow(int(after) if after.isdecimal() and len(after) < 16 else None):
                    yield line
            finally:
                leases.left(tab)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    def _image(self, request: Request) -> int:
        image = int(request.path_params["image"])
        if image >= len(self._project.images):
            raise IndexError(image)
        return image


def _place(request: Request) -> tuple[int, int, int]:
    level, row, column = (min(2**32, int(request.path_params[name])) for name in ("level", "row", "column"))
    if level > 32 or max(row, column) * TILE >= 2**32:
        raise IndexError(level)
    return level, row, column


def _unknown() -> Response:
    return JSONResponse({"error": "unknown", "message": "There is no such thing. Load the page again."}, 404)


async def _refuse(status: int, word: str, request: Request, error: Exception) -> Response:
    if isinstance(error, IndexError):
        return _unknown()
    more = {"holder": error.holder} if isinstance(error, LeaseError) else {}
    # what is left of a body that is too large is not read
    headers = {"Connection": "close"} if isinstance(error, BodyTooLargeError) else None
    return JSONResponse({"error": word, "message": str(error), **more}, status, headers)
