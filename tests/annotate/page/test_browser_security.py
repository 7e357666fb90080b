"""What other pages and programs try, in a real browser: rebinding, foreign fetches, forms, scripts, frames."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

ATTACK = """<!doctype html><title>waiting</title><script>
const told = {}, target = "TARGET";
const get = (name, options) => fetch(target + name, options).then(
  (reply) => (reply.type === "opaque" ? "opaque" : String(reply.status)), () => "blocked");
const add = (kind, src, read) => new Promise((done) => {
  const one = Object.assign(document.createElement(kind), { src: target + src });
  one.onload = () => { try { done(read(one)); } catch { done("opaque"); } };
  one.onerror = () => done("blocked");
  document.documentElement.append(one);
});
(async () => {
  told.read = await get("/api/project");
  told.token = await get("/api/project", { headers: { Authorization: "Bearer " + "0".repeat(64) } });
  told.form = await get("/api/project", { method: "POST", mode: "no-cors", body: "{}" });
  told.page = await get("/");
  told.hello = await get("/hello?nonce=" + "0".repeat(32));
  told.script = await add("script", "/static/main.js", () => "ran");
  told.frame = await add("iframe", "/", (one) => (one.contentDocument === null ? "opaque" : "read"));
  document.body.textContent = JSON.stringify(told);
})();
</script><body></body>"""


@pytest.fixture(scope="module")
def other_page(served):
    """A page of another program on this computer."""
    target = served.address.partition("/#")[0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ATTACK.replace("TARGET", target).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_another_page_reads_nothing_writes_nothing_and_frames_nothing(context, other_page, images):
    page = context.new_page()
    page.goto(other_page)
    page.wait_for_selector("body:not(:empty)", state="attached")
    page.get_by_text('"frame"').wait_for()
    told = page.evaluate("JSON.parse(document.body.textContent)")
    assert told == {
        "read": "blocked",
        "token": "blocked",
        "form": told["form"],
        "page": "blocked",
        "hello": "blocked",
        "script": "blocked",
        "frame": "opaque",
    }
    assert told["form"] in ("opaque", "blocked")
    assert not (images[0] / "annotate.toml").exists(), "the form changed nothing"
    page.close()


def test_a_name_that_points_here_is_refused(context, served):
    page = context.new_page()
    port = urlsplit(served.address).port
    reply = page.goto(f"http://evil.test:{port}/")
    assert reply.status in (400, 403)
    assert "main.js" not in page.content()
    page.close()


def test_the_page_itself_may_fetch_nothing_from_elsewhere(context, served, other_page):
    page = context.new_page()
    kept = page.goto(served.address).headers
    page.get_by_role("dialog").wait_for()
    assert (
        page.evaluate("(url) => fetch(url, { mode: 'no-cors' }).then(() => 'fetched', () => 'blocked')", other_page)
        == "blocked"
    )
    assert "default-src 'none'" in kept["content-security-policy"]
    assert kept["x-content-type-options"] == "nosniff"
    assert kept["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in kept
    assert page.evaluate("document.cookie") == ""
    page.close()
