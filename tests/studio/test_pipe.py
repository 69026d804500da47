"""The pipe to a model's process: nobody waits for one that reads nothing, or ends slowly."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import odd_workers
from kerascope.studio import worker as module
from kerascope.studio.worker import Worker
from once import only_on

pytestmark = only_on("torch")


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(module, "main", odd_workers.deaf)
    talking = threading.Event()
    made = Worker({}, lambda message, content: talking.set(), lambda words: None)
    assert talking.wait(30)
    yield made
    made.stop()


def test_to_send_is_not_to_wait_for_who_reads(deaf: Worker) -> None:
    def send() -> None:
        for _ in range(4):
            deaf.send({"mask": "x" * 1_000_000})

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


def test_the_pipe_stays_as_long_as_somebody_reads_it(deaf: Worker) -> None:
    place = deaf._near.fileno()
    ending = threading.Thread(target=deaf.stop)
    ending.start()
    threading.Event().wait(0.3)
    others = [end for _ in range(20) for end in os.pipe()]
    assert place not in others  # else messages of the one would be read by the other
    for end in others:
        os.close(end)
    ending.join(20)
    assert not ending.is_alive()
    assert deaf._near.closed


def test_what_is_sent_comes_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "main", odd_workers.echo)
    heard: list[Any] = []
    all_here = threading.Event()

    def hear(message: dict[str, Any], content: bytes) -> None:
        heard.append((message["number"], content))
        if len(heard) == 50:
            all_here.set()

    made = Worker({}, hear, lambda words: None)
    for number in range(50):  # some of them before the process is there
        made.send({"number": number})
    try:
        assert all_here.wait(30)
        assert heard == [(number, b"%d" % number) for number in range(50)]
    finally:
        made.stop()
