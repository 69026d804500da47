"""The local engine: results that do not hang on threads, bounded memory, Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from audit.data import folder, means, picture
from kerascope.audit.collect import collect
from kerascope.engines import Local
from kerascope.errors import BadInput
from once import once

pytestmark = once


class Counted(np.ndarray):
    """An array of which it is known how many are alive."""

    alive = most = 0
    lock = threading.Lock()

    @classmethod
    def make(cls, seed: int) -> Counted:
        array = np.asarray(picture(seed % 50), "float32").view(cls)
        with cls.lock:
            cls.alive += 1
            cls.most = max(cls.most, cls.alive)
        weakref.finalize(array, cls.gone)
        return array

    @classmethod
    def gone(cls) -> None:
        with cls.lock:
            cls.alive -= 1


class Lazy:
    """A sequence that makes its samples when asked."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Counted:
        return Counted.make(index)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wrong", [False, True])
def test_memory_does_not_grow_with_the_data(tmp_path: Path, stream: bool, wrong: bool) -> None:
    def model(x: Any) -> Any:
        time.sleep(0.0005)  # slower than reading, so that reading runs ahead
        return means(x) * [1, 0]

    most = []
    for count in (100, 400):
        Counted.alive = Counted.most = 0
        data: Any = (Counted.make(i) for i in range(count)) if stream else Lazy(count)
        found = collect(
            model, data, tmp_path / f"{count}", labels=[int(wrong)] * count, classes=["a", "b"],
            batch_size=4, part_size=50, engine=Local(threads=3, ahead=8),
        )  # fmt: skip
        assert found.rows == 2 * count
        most.append(Counted.most)
    # Those waiting, the batch that gathers, the one being computed, one per thread and one in hand.
    assert max(most) <= 8 + 2 * 4 + 3 + 2


def test_results_do_not_hang_on_the_threads(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", ("a", "b", "c"), each=9)
    (root / "a" / "bad.png").write_bytes(b"x")

    def model(x: Any) -> Any:
        return np.concatenate([means(x), means(x[:, ::2]).max(axis=1, keepdims=True)], axis=1)

    tables = [
        collect(
            model, root, tmp_path / f"{threads}-{ahead}", size=(12, 12), preprocess="unit",
            part_size=5, batch_size=3, engine=Local(threads=threads, ahead=ahead),
        ).table()
        for threads, ahead in ((1, 1), (4, 40), (2, 3))
    ]  # fmt: skip
    assert tables[1].equals(tables[0])
    assert tables[2].equals(tables[0])


def test_samples_come_in_order_and_are_read_ahead_within_bounds() -> None:
    waiting, most, lock = [0], [0], threading.Lock()

    class Job:
        def handles(self, part: int) -> Iterator[Any]:
            return iter(range(10 * part, 10 * part + 10))

        def read(self, handle: int) -> int:
            time.sleep(0.001 * (handle % 3))
            with lock:
                waiting[0] += 1
                most[0] = max(most[0], waiting[0])
            return handle

        def compute(self, part: int, samples: Iterator[int]) -> list[int]:
            found = []
            for sample in samples:
                with lock:
                    waiting[0] -= 1
                found.append(sample)
            return found

        def write(self, part: int, result: list[int]) -> None:
            written[part] = result

    written: dict[int, list[int]] = {}
    done = list(Local(threads=4, ahead=6).run(Job(), [0, 2, 3], threading.Event()))
    assert done == [0, 2, 3]
    assert written == {part: list(range(10 * part, 10 * part + 10)) for part in (0, 2, 3)}
    assert most[0] <= 7


def test_ctrl_c_ends_after_the_part_in_hand(tmp_path: Path) -> None:
    x = np.stack([picture(i).astype("float32") for i in range(12)])
    seen = []

    def model(batch: Any) -> Any:
        seen.append(len(batch))
        if len(seen) == 5:  # the first look, then two batches a part: in the second part
            os.kill(os.getpid(), signal.SIGINT)
        return means(batch)

    def quiet(batch: Any) -> Any:
        return means(batch)

    quiet.__qualname__ = model.__qualname__
    how: dict[str, Any] = {"labels": [0] * 12, "part_size": 4, "batch_size": 2}
    part = collect(model, x, tmp_path / "a", **how)
    assert not part.complete
    assert (part.done, part.rows) == (2, 16)
    assert "1 of 3 parts are left; run again" in part.notes[-1]
    rest = collect(quiet, x, tmp_path / "a", **how)
    assert (rest.complete, rest.resumed) == (True, 2)
    assert rest.table().equals(collect(quiet, x, tmp_path / "b", **how).table())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_leaves_finished_parts(tmp_path: Path) -> None:
    x = np.stack([picture(i).astype("float32") for i in range(12)])
    seen = []

    def model(batch: Any) -> Any:
        seen.append(1)
        if len(seen) == 6:
            raise RuntimeError("the service is gone")
        return means(batch)

    how: dict[str, Any] = {"labels": [0] * 12, "part_size": 4, "batch_size": 2}
    with pytest.raises(RuntimeError, match="the service is gone"):
        collect(model, x, tmp_path, **how)
    seen.extend([1] * 9)
    assert collect(model, x, tmp_path, **how).resumed == 2


def test_progress_counts_samples(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    x = np.stack([picture(i).astype("float32") for i in range(7)])
    with ks.reporting(lambda *news: told.append(news)):
        collect(means, x, tmp_path, labels=[0] * 7, part_size=3)
    assert told == [("samples", i + 1, 7) for i in range(7)]


def test_bad_numbers() -> None:
    for bad in ({"threads": 0}, {"ahead": 0}, {"threads": 1.5}):
        with pytest.raises(BadInput, match="must be a whole number"):
            Local(**bad)
