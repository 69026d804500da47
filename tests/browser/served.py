"""A local server of the front end's modules, and of pages and documents put there by tests."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[2] / "src" / "kerascope" / "web"

# As strict as the studio's: what a module may not do there, it may not do here.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_BLANK = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>Modules</title>{styles}</head><body><main id="main"></main></body></html>"""


class Served:
    """`/` is an empty page with the style sheets, `/web/…` the modules, the rest what is `put`."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, bytes]] = {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def put(self, path: str, content: bytes | str | dict[str, Any]) -> str:
        """Serve `content` (a dict: as JSON) at `path`, which starts with a slash; its address."""
        text = json.dumps(content) if isinstance(content, dict) else content
        body = text.encode() if isinstance(text, str) else text
        self.held[path] = (_KINDS.get(Path(path).suffix, "application/octet-stream"), body)
        return self.address + path

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Return the kind and the content of what is served at `path`."""
        if path in self.held:
            return self.held[path]
        if path == "/":
            sheets = sorted(file.name for file in WEB.glob("*.css"))
            styles = "".join(f'<link rel="stylesheet" href="/web/{name}">' for name in sheets)
            return "text/html", _BLANK.format(styles=styles).encode()
        file = (WEB / path.removeprefix("/web/")).resolve()
        if path.startswith("/web/") and file.is_relative_to(WEB.resolve()) and file.is_file():
            return _KINDS.get(file.suffix, "application/octet-stream"), file.read_bytes()
        return None

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = served.answer(self.path.split("?")[0])
                kind, body = found or ("text/plain", b"not here")
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", _POLICY)
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
