"""A studio on a port of its own, in a thread, and a client that is let in."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from kerascope.studio.server import Server
from schema_check import wrong

# httpx's pool closes the connections it finds too many, and among them one that it has just
# given to another thread ("Bad file descriptor"): a client of many threads keeps them all.
KEPT = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=None)


class Running:
    """A server in a thread, and a client that is let in."""

    def __init__(self, server: Server) -> None:
        self.server, self.studio = server, server.studio
        self._thread = threading.Thread(target=server.run)
        self._thread.start()
        self.host = f"127.0.0.1:{server.port}"
        self.origin = f"http://{self.host}"
        self.bearer = {"authorization": f"Bearer {server.token}"}
        self.client = httpx.Client(
            base_url=self.origin, headers=self.bearer, timeout=60, limits=KEPT
        )
        self.bare = httpx.Client(base_url=self.origin, timeout=60)

    def samples(self) -> list[dict[str, Any]]:
        self.studio.shelf.filled.wait(10)
        return self.client.get("/api/samples").json()["samples"]

    def ask(self, **body: Any) -> str:
        answer = self.client.post("/api/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def state(self, job: str) -> dict[str, Any]:
        return self.client.get(f"/api/jobs/{job}").json()

    def finished(self, job: str, seconds: float = 240) -> dict[str, Any]:
        """Wait for a job by its events, and return its last state."""
        with self.client.stream("GET", f"/api/jobs/{job}/events", timeout=seconds) as stream:
            for line in stream.iter_lines():
                if line in ("event: result", "event: error"):
                    break
        return self.state(job)

    def explained(self, sample: str, **asked: Any) -> dict[str, Any]:
        """Ask for an explanation, and return its piece of the document."""
        job = self.finished(self.ask(kind="explain", sample=sample, **asked))
        assert job["state"] == "done", job["error"]
        self.check_described("get", "/api/jobs/{job}", job)
        return job["document"]

    def check_described(self, method: str, path: str, answer: dict[str, Any]) -> None:
        """Fail where an answer is not as the description says."""
        told = self.client.get("/api/openapi.json").json()
        found = told["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        assert wrong(answer, found["schema"], told) == []

    def wait_a_moment(self) -> None:
        time.sleep(0.05)

    def close(self) -> None:
        self.client.close()
        self.bare.close()
        self.server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
