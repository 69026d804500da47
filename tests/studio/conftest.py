"""A running studio on a port of its own, with a worker that is no process unless it is meant."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fake_worker import FakeWorker
from kerascope.studio.nets import Opening
from kerascope.studio.server import Server, Settings
from running_studio import Running

Serve = Callable[..., Running]


def _pictures(folder: Path) -> Path:
    rng = np.random.default_rng(3)
    for place in ("cat/a.png", "cat/b.png", "dog/<script>alert(1)<script>.png"):
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).save(file)
    return folder


def _starting(stack: contextlib.ExitStack, pictures: Path) -> Serve:
    def start(
        *, models: tuple[Opening, ...] | None = None, folder: Path | None = pictures,
        make: Any = FakeWorker, **options: Any,
    ) -> Running:  # fmt: skip
        some = (Opening(name="net.keras", source="keras:Fake"),) if models is None else models
        running = Running(Server(Settings(models=some, folder=folder), make=make, **options))
        stack.callback(running.close)
        return running

    return start


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of tiny pictures in two sub-folders; one has a script for a name."""
    return _pictures(tmp_path / "photos")


@pytest.fixture
def serve(pictures: Path) -> Iterator[Serve]:
    """Start studios: a model that is a `FakeWorker`, and the pictures."""
    with contextlib.ExitStack() as stack:
        yield _starting(stack, pictures)


@pytest.fixture
def studio(shared_studio: Running) -> Running:
    """A studio with one model and three pictures, shared by tests that change nothing of it."""
    shared_studio.bare.cookies.clear()
    return shared_studio


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The studio behind `studio`."""
    with contextlib.ExitStack() as stack:
        yield _starting(stack, _pictures(tmp_path_factory.mktemp("studio") / "photos"))()
