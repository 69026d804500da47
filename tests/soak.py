"""A day of the studio in 10,000 requests: `docs/soak.md`.

    KERAS_BACKEND=tensorflow python tests/soak.py [--requests 10000]

`kerascope studio` runs as people run it, with a bundled net in its worker process. A client looks
at the page, samples and pictures, asks for explanations by five methods and for predictions,
uploads pictures, asks for what is not there, sends what is no JSON and knocks without the token.
The resident memory of the server and its worker is read ten times; over the second half it must
stay flat. Exit code 1 where it grows by more than 5 % and 20 MB, or a request is answered wrongly.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image

TABLE = Path(__file__).parents[1] / "docs" / "soak.md"
WHOLE = 10_000  # requests of a day; the table is of no fewer
LOOKS = 10  # times that memory is read
METHODS = ("gradient", "grad_cam", "hires_cam", "lrp", "occlusion:patch=16,stride=16")
HEAD = """# A day of the studio

Written by `make soak` (`tests/soak.py`): {requests:,} requests to `kerascope studio` with a bundled
net on {backend}: the page, samples, pictures, explanations by five methods, predictions, uploads,
and what must be refused. Resident memory in MB, of the server and of the process
that holds the model.

| requests | jobs | server | worker |
|---:|---:|---:|---:|
"""


class Day:
    """One studio and its client."""

    def __init__(self, folder: Path) -> None:
        data = Path(str(files("kerascope") / "demo" / "data"))
        pictures = folder / "pictures"
        pictures.mkdir()
        for picture in data.glob("*.png"):
            (pictures / picture.name).write_bytes(picture.read_bytes())
        command = [sys.executable, "-m", "kerascope", "studio", str(data / "object_net.keras"),
                   str(pictures), "--no-open", "--json", "--preprocess", "unit"]  # fmt: skip
        # Results are kept on disk, as on people's machines; without a cache they are in memory.
        own = os.environ | {"KERASCOPE_CACHE": str(folder / "cache")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own)
        assert self.process.stdout
        told = json.loads(self.process.stdout.readline())
        bearer = {"authorization": f"Bearer {told['token']}"}
        self.client = httpx.Client(base_url=told["address"], headers=bearer, timeout=300)
        self.stranger = httpx.Client(base_url=told["address"], timeout=60)
        self.random = np.random.default_rng(0)
        self.jobs = 0
        self.samples = self._first()

    def _first(self) -> list[str]:
        for _ in range(600):
            found = self.client.get("/api/samples").json()["samples"]
            if len(found) >= 10:
                return [one["id"] for one in found]
            time.sleep(0.1)
        raise AssertionError("the studio shows no samples")

    def get(self, place: str, status: int = 200) -> Any:
        """Ask for a page or JSON; the status must be as said."""
        answer = self.client.get(place)
        assert answer.status_code == status, (place, answer.status_code, answer.text[:200])
        return answer

    def job(self, **body: Any) -> dict[str, Any]:
        """Ask for a job and wait for it; every question counts as a request."""
        asked = self.client.post("/api/jobs", json=body)
        assert asked.status_code in (200, 202), (body, asked.text)
        self.jobs += 1
        while True:
            state = self.get(f"/api/jobs/{asked.json()['id']}").json()
            if state["state"] not in ("waiting", "running"):
                assert state["state"] == "done", state
                return state
            time.sleep(0.01)

    def step(self, number: int) -> None:
        """Make one request, or one job."""
        sample = self.samples[int(self.random.integers(len(self.samples)))]
        kind = number % 10
        if kind < 3:
            method = METHODS[int(self.random.integers(len(METHODS)))]
            name, _, fields = method.partition(":")
            body: dict[str, Any] = {"kind": "explain", "sample": sample, "method": name}
            if fields:
                pairs = (pair.split("=") for pair in fields.split(","))
                body["fields"] = {key: int(value) for key, value in pairs}
            # A seed of its own: otherwise the answer is one that is kept.
            self.job(**body, target=int(self.random.integers(2)), seed=number)
        elif kind == 3:
            self.job(kind="predict", sample=sample)
        elif kind == 4:
            self.get("/")
        elif kind == 5:
            self.get("/api/samples")
        elif kind == 6:
            self.get(f"/api/picture/{sample}")
        elif kind == 7:
            self.get("/api/jobs/none", 404)
        elif kind == 8:
            answer = self.client.post("/api/jobs", content=b"{", headers=JSON)
            assert answer.status_code == 400, answer.text
        else:
            self._rare(number)

    def _rare(self, number: int) -> None:
        """Upload a picture, or knock without the token."""
        if number % 100 == 99:
            pixels = self.random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
            held = io.BytesIO()
            Image.fromarray(pixels).save(held, "PNG")
            sent = {"files": (f"{number % 500}.png", held.getvalue(), "image/png")}
            answer = self.client.post("/api/samples", files=sent)
            assert answer.status_code in (200, 201, 202, 413, 409), answer.text
        else:
            assert self.stranger.get("/api/samples").status_code in (401, 403)

    def memory(self) -> tuple[float, float]:
        """Return MB of the server and of its largest child."""
        server = psutil.Process(self.process.pid)
        children = [child.memory_info().rss for child in server.children(recursive=True)]
        return server.memory_info().rss / 2**20, max(children, default=0) / 2**20

    def close(self) -> None:
        """End the studio as Ctrl-C does."""
        self.client.close()
        self.stranger.close()
        self.process.terminate()
        self.process.wait(30)


JSON = {"content-type": "application/json"}


def main() -> int:
    """Run the day, print what memory is taken, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=WHOLE)
    asked = parser.parse_args()
    if asked.requests < LOOKS:
        parser.error(f"--requests {asked.requests}: memory is read {LOOKS} times, give {LOOKS}+")
    rows: list[tuple[int, int, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="kerascope-soak-") as place:
        day = Day(Path(place))
        try:
            for number in range(asked.requests):
                day.step(number)
                if (number + 1) % (asked.requests // LOOKS) == 0:
                    rows.append((number + 1, day.jobs, *day.memory()))
                    line = "| {:,} | {:,} | {:.0f} | {:.0f} |".format(*rows[-1])
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()
        finally:
            day.close()
    head = HEAD.format(requests=asked.requests, backend=os.environ.get("KERAS_BACKEND", "?"))
    lines = ["| {:,} | {:,} | {:.0f} | {:.0f} |".format(*row) for row in rows]
    if asked.requests >= WHOLE:  # fewer are a try, and no day
        TABLE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    middle, last = rows[4], rows[-1]
    grown = [last[k] - middle[k] for k in (2, 3)]
    return int(any(by > 20 and by > 0.05 * middle[k] for by, k in zip(grown, (2, 3), strict=True)))


if __name__ == "__main__":
    sys.exit(main())
