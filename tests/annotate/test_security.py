"""Who may not talk to the server: other sites, other local servers, other users, and pages that never end."""

import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate.folders import raw_folder, stroke
from annotate.page_client import Page, served
from unseam.annotate.server import address, guard, run
from unseam.annotate.server.address import bind, state_folder, write_redirect
from unseam.errors import OutputError

NO_COOKIE = {"set-cookie", "access-control-allow-origin", "access-control-allow-headers", "access-control-allow-methods"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        yield page


def test_every_reply_has_the_headers_and_no_cookie(page: Page) -> None:
    for reply in (
        page.call("GET", "/"),
        page.call("GET", "/nothing"),
        page.call("GET", "/api/images"),
        page.call("GET", "/api/images", headers={"Authorization": None}),
        page.call("GET", "/api/images", headers={"Host": "evil.test"}),
        page.call("GET", "/api/images/0/tiles/0/0/0"),
        page.call("GET", "/api/images/0/labels/0/0/0"),
        page.call("POST", "/api/project", b"{"),
    ):
        assert reply.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-resource-policy"] == reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["cache-control"] == "no-store"
        assert not NO_COOKIE & reply.headers.keys()
        assert "server" not in reply.headers


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/hello?nonce=" + "0" * 32, "/api/images"])
@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1", "127.0.0.1:1", "localhost", "0.0.0.0:{}", "127.0.0.1:{}.evil.test", ""]
)
def test_another_host_name_is_refused(page: Page, path: str, host: str) -> None:
    """A name that suddenly means 127.0.0.1 (DNS rebinding) carries its own Host."""
    reply = page.call("GET", path, headers={"Host": host.format(page.port)})
    assert (reply.status, reply.json["error"]) == (403, "host")


def test_two_host_headers_are_refused(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port)) as sock:
        own = f"Host: 127.0.0.1:{page.port}\r\n"
        sock.sendall(f"GET / HTTP/1.1\r\n{own}{own}\r\n".encode())
        assert sock.recv(100).split()[1] in (b"400", b"403")


def test_localhost_is_ours_too(page: Page) -> None:
    assert page.call("GET", "/api/images", headers={"Host": f"localhost:{page.port}"}).status == 200


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer " + "0" * 64, "Basic {}", "bearer {}", "Bearer {} ", "Bearer {}0"]
)
def test_without_the_token_nothing_of_the_api_answers(page: Page, token: str | None) -> None:
    sent = None if token is None else token.format(page.token)
    for method, path in (("GET", "/api/project"), ("GET", "/api/nothing"), ("POST", "/api/images/0/ops"), ("GET", "/api")):
        if sent is not None and sent.strip() != sent:
            continue  # HTTP removes spaces at the ends
        assert page.call(method, path, headers={"Authorization": sent}).status == 401
    for query in (f"?token={page.token}", f"?access_token={page.token}"):
        assert page.call("GET", f"/api/project{query}", headers={"Authorization": None}).status == 401
    cookie = {"Authorization": None, "Cookie": f"token={page.token}"}
    assert page.call("GET", "/api/project", headers=cookie).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{}"},
        {"Origin": "http://127.0.0.1:{}.evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_origin_is_refused_even_with_the_token(page: Page, headers: dict[str, str]) -> None:
    sent = {name: value.format(page.port) for name, value in headers.items()}
    for method, path in (("GET", "/api/images"), ("POST", "/api/images/0/ops"), ("GET", "/static/main.js"), ("GET", "/hello")):
        assert page.call(method, path, headers=sent).json["error"] == "origin"


def test_our_own_origin_passes(page: Page) -> None:
    headers = {"Origin": f"http://127.0.0.1:{page.port}", "Sec-Fetch-Site": "same-origin"}
    assert page.call("GET", "/api/images", headers=headers).status == 200


def test_only_the_first_page_may_be_opened_from_a_file(page: Page) -> None:
    """The command opens the browser with a file; such a navigation is cross-site, and the page holds no data."""
    opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert page.call("GET", "/", headers=opened).status != 403
    assert page.call("GET", "/", headers=opened | {"Sec-Fetch-Dest": "iframe"}).status == 403
    assert page.call("GET", "/api/images", headers=opened).status == 403


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"])
def test_no_preflight_and_no_other_method(page: Page, method: str) -> None:
    assert page.call(method, "/api/images").status in (400, 405)


@pytest.mark.parametrize(
    "path",
    ["../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "....//etc/passwd",
     "..\\..\\etc\\passwd", "__init__.py", "C:/Windows/win.ini", "%00", "main.js/../../__init__.py"],
)  # fmt: skip
def test_files_come_from_a_fixed_table(page: Page, path: str) -> None:
    for start in ("/static/", "/"):
        assert page.call("GET", start + path).status == 404


@pytest.mark.parametrize(
    "path", ["2", "-1", "99999999999999999999", "a", "0/tiles/0/0/9", "0/tiles/99/0/0", "0/tiles/0/-1/0", "0/prediction?step=1",
             "0/labels/40/0/0", "0/labels/0/99999999999/0", "..%2f0"]
)  # fmt: skip
def test_numbers_instead_of_paths(page: Page, path: str) -> None:
    assert page.call("GET", f"/api/images/{path}").status == 404


def _is_cut(sock: socket.socket, part: bytes, times: int) -> bool:
    """Whether the server closes the connection while parts are sent."""
    try:
        for _ in range(times):
            sock.sendall(part)
            time.sleep(0.0005)
    except OSError:
        return True
    return False


def test_a_body_of_more_than_8_mb_is_refused(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as sock:
        head = f"POST /api/images/0/ops HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nAuthorization: Bearer {page.token}\r\n"
        sock.sendall(f"{head}Content-Length: {2**40}\r\n\r\n".encode())
        assert _is_cut(sock, b"x" * 2**17, 200), "25 MB were taken"
    assert page.get("/api/images")["images"]


def test_a_body_and_a_header_that_do_not_end_are_cut(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(run, "HEADER_SECONDS", 0.2)
    head = f"POST /api/project HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n"
    for sent in (f"{head}Authorization: Bearer {page.token}\r\nContent-Length: 100\r\n\r\n{{", head, ""):
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as sock:
            sock.sendall(sent.encode())
            answer = sock.recv(1000)
            assert b" 413 " in answer if "Content-Length" in sent else answer == b""


def test_many_connections_do_not_end_the_server(page: Page) -> None:
    sockets = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(60)]
    for sock in sockets:
        sock.close()
    time.sleep(0.2)  # the limit of connections answers 503 until they are closed
    page.paint(0, stroke(3))


def test_headers_of_any_size_do_not_end_the_server(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        assert _is_cut(sock, b"X-A: " + b"a" * 1000 + b"\r\n", 2000), "2 MB of headers were taken"
    assert page.get("/api/images")["images"]


def test_it_listens_on_this_computer_only(tmp_path: Path) -> None:
    listener, found = bind(tmp_path, None)
    with listener:
        assert listener.getsockname() == ("127.0.0.1", found.port)
        assert found.url == f"http://127.0.0.1:{found.port}/#token={found.token}"
        assert len(set(found.token)) > 8
        with pytest.raises(OutputError, match="taken by another program"):
            bind(tmp_path, found.port)


def test_the_token_is_kept_where_no_other_user_may_look(tmp_path: Path) -> None:
    listener, found = bind(tmp_path, None)
    listener.close()
    folder = state_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and found.token in path.read_text(errors="replace")]
    assert found.url in write_redirect(tmp_path, found).read_text()
    folder.chmod(0o755)
    with pytest.raises(OutputError, match="other users may read this folder"):
        bind(tmp_path, None)


def test_the_token_is_kept_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listener, first = bind(tmp_path, None)
    listener.close()
    listener, second = bind(tmp_path, None)
    listener.close()
    assert second == first
    now = time.time()
    monkeypatch.setattr(address.time, "time", lambda: now + address.KEPT_SECONDS + 1)
    listener, third = bind(tmp_path, None)
    listener.close()
    assert third.token != first.token


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 80, "token": "x", "time": 1}', '{"port": "a"}', "[" * 100_000])
def test_a_damaged_file_of_the_token_is_written_anew(tmp_path: Path, text: str) -> None:
    listener, first = bind(tmp_path, None)
    listener.close()
    (path,) = state_folder().glob("*.json")
    path.write_text(text)
    listener, second = bind(tmp_path, None)
    listener.close()
    assert second.token != first.token


def test_the_event_stream_needs_an_id_of_a_tab(page: Page) -> None:
    assert page.call("GET", "/api/events?tab=1").status == 400
