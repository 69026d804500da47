"""A real studio in a process of its own: a bundled net, bundled pictures, a live worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

DEMO = Path(__file__).parents[2] / "src" / "kerascope" / "demo" / "data"


class Studio:
    """`kerascope studio sky_net.keras PICTURES`, and more options.

    folder: for what is written; bundled pictures go there unless some are given.
    """

    def __init__(self, folder: Path, *options: object, pictures: Path | None = None) -> None:
        if pictures is None:
            pictures = folder / "pictures"
            pictures.mkdir()
            for file in sorted(DEMO.glob("scene_*.png")):
                shutil.copy(file, pictures)
        command = [
            sys.executable, "-m", "kerascope", "studio", DEMO / "sky_net.keras", pictures,
            *options, "--no-open", "--json",
        ]  # fmt: skip
        self.errors = (folder / "errors.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=os.environ | {"KERASCOPE_CACHE": "off", "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said()
        told = json.loads(line)
        self.url, self.address, self.token = told["url"], told["address"], told["token"]
        self.client = httpx.Client(
            base_url=self.address, headers={"authorization": f"Bearer {self.token}"}, timeout=60
        )

    def said(self) -> str:
        """What the studio wrote to its terminal besides the address."""
        self.errors.flush()
        return Path(self.errors.name).read_text(encoding="utf-8")

    def get(self, what: str) -> Any:
        """What an endpoint answers."""
        answer = self.client.get(f"/api/{what}")
        answer.raise_for_status()
        return answer.json()

    def workers(self) -> list[psutil.Process]:
        """The processes that hold the models."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in found if one.memory_info().rss > 150e6]

    def close(self) -> None:
        """End as Ctrl-C does; nothing may be left running."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.errors.close()
        _, alive = psutil.wait_procs(children, timeout=10)
        for one in alive:
            one.kill()
        assert not alive, f"left running: {alive}"
