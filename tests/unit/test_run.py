"""Chunks, batch sizes found by timing, stopping, randomness: no model needed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerascope import run as run_module
from kerascope.errors import BadInput
from kerascope.interrupts import stopping_together, uninterrupted
from kerascope.memory import budget, words
from kerascope.run import Batch, Cancelled, Run


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 40), st.booleans())
def test_pairs_cover_everything_once(samples: int, draws: int, size: int, partial: bool) -> None:
    run = Run(batch=Batch(size))
    seen = [
        pair
        for chosen, drawn in run.pairs(samples, draws, partial=partial)
        for pair in zip(chosen.tolist(), drawn.tolist(), strict=True)
    ]
    assert sorted(seen) == [(s, d) for s in range(samples) for d in range(draws)]
    order = [d for _, d in seen] if partial else [s for s, _ in seen]
    assert order == sorted(order)
    assert len(seen) == samples * draws


def test_last_chunk_is_padded_only_where_there_are_several() -> None:
    run = Run(batch=Batch(4, found=True))
    assert [run.chunk for _ in run.pairs(1, 42)] == [4] * 11
    assert [run.chunk for _ in run.pairs(1, 3)] == [None]


@given(st.integers(1, 400), st.integers(1, 40))
def test_little_work_is_shared_out_evenly(total: int, size: int) -> None:
    """In as few chunks as there must be, with less than a row of padding for each."""
    run = Run(batch=Batch(size, found=True))
    rows = [len(drawn) for _, drawn in run.pairs(1, total)]
    assert len(rows) == -(-total // size)
    if 1 < len(rows) <= 8:
        assert len(rows) * run.chunk - total < len(rows)
    elif len(rows) > 8:
        assert run.chunk == size


def test_a_halved_batch_is_followed() -> None:
    run = Run(batch=Batch(8, found=True))
    sizes = []
    for chosen, _ in run.pairs(1, 80):
        sizes.append(len(chosen))
        run.batch.limit(4)
    assert sizes == [8] + [4] * 18


def slow(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> Run:
    """Return a run whose clock moves as if a row took `seconds[batch size]`."""
    clock = [0.0]
    monkeypatch.setattr(run_module.time, "perf_counter", lambda: clock[0])
    run = Run(batch=Batch(8))
    kept: list[int] = []
    run.batch.keep = kept.append
    for chosen, _ in run.pairs(1, 10_000):
        clock[0] += seconds.get(len(chosen), 1.0) * len(chosen)
    run.notes = [str(size) for size in kept]
    return run


@pytest.mark.parametrize(
    ("seconds", "best"),
    [({2: 1.0, 8: 2.0, 32: 3.0}, 2), ({2: 3.0, 8: 2.0, 32: 1.0}, 32)],
)
def test_the_fastest_batch_size_is_found_and_kept(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], best: int
) -> None:
    run = slow(monkeypatch, seconds)
    assert run.batch.size == best
    assert run.batch.found
    assert run.notes == [str(best)]


def test_short_work_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = slow(monkeypatch, dict.fromkeys((2, 8, 32), 1e-5))
    assert run.batch.size == 8
    assert not run.batch.found
    assert run.notes == []


def test_trials_stay_under_the_memory_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(run_module.time, "perf_counter", lambda: clock[0])
    run = Run(batch=Batch(8))
    run.batch.limit(10)
    sizes = set()
    for chosen, _ in run.pairs(1, 1000):
        sizes.add(len(chosen))
        clock[0] += 1 / len(chosen)
    assert max(sizes) == 10


def test_stop_ends_a_sampler_with_what_is_done() -> None:
    run = Run(batch=Batch(4, found=True))
    done = []
    for chosen, draws in run.pairs(2, 100, "masks", partial=True):
        done += zip(chosen, draws, strict=True)
        if len(done) == 12:
            run.stop.set()
    assert len(done) == 12
    assert run.notes == ["stopped after 6 of 100 masks: less exact"]
    assert list(run.pairs(2, 100, "masks", partial=True)) == []


def test_stop_before_the_first_draw_interrupts() -> None:
    run = Run()
    run.stop.set()
    with pytest.raises(KeyboardInterrupt):
        list(run.pairs(2, 10, partial=True))


def test_stop_interrupts_what_cannot_end_early() -> None:
    run = Run(batch=Batch(1, found=True))
    chunks = run.pairs(2, 10)
    next(chunks)
    run.stop.set()
    with pytest.raises(KeyboardInterrupt):
        next(chunks)


def test_after_a_stop_the_rest_that_must_be_done_goes_on() -> None:
    run = Run(batch=Batch(1, found=True))
    for _ in run.pairs(1, 10, partial=True):
        run.stop.set()
    assert len(list(run.pairs(1, 3))) == 3


def test_cancel() -> None:
    cancel = threading.Event()
    chunks = Run(cancel=cancel, batch=Batch(1, found=True)).pairs(1, 3)
    next(chunks)
    cancel.set()
    with pytest.raises(Cancelled):
        next(chunks)


@pytest.mark.parametrize("around", [contextlib.nullcontext, stopping_together])
def test_first_ctrl_c_stops_second_interrupts(
    around: Callable[[], contextlib.AbstractContextManager[object]],
) -> None:
    with around(), (run := Run(batch=Batch(1, found=True))).stoppable():
        for _ in run.pairs(1, 9, partial=True):
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    assert run.stopped
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_user_is_left_alone() -> None:
    called = []
    before = signal.signal(signal.SIGINT, lambda *_: called.append(1))
    try:
        with Run().stoppable():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert called == [1]


def test_draws_do_not_depend_on_each_other() -> None:
    one, two = Run(seed=3), Run(seed=3)
    two.generator(5, 7).random(100)
    assert np.array_equal(one.generator(1, 2).random(4), two.generator(1, 2).random(4))
    assert not np.array_equal(one.generator(1, 2).random(4), one.generator(2, 1).random(4))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [(512, 512), ("512", 512), ("1 KB", 1000), ("1.5MB", 1_500_000), ("2GiB", 2**31)],
)
def test_budget(given_: int | str, expected: int) -> None:
    assert budget(given_) == expected


@pytest.mark.parametrize("given_", ["", "many", "5 apples", -1, 0, "0MB", True, "1e9"])
def test_budget_of_nonsense(given_: int | str) -> None:
    with pytest.raises(BadInput, match="'512MB'"):
        budget(given_)


def test_budget_by_default_is_a_share_of_what_is_free() -> None:
    import psutil

    assert 0 < budget(None) < psutil.virtual_memory().total / 3


def test_words() -> None:
    assert [words(n) for n in (12, 1500, 2.34e6, 7e9)] == ["12 bytes", "1.5 KB", "2.34 MB", "7 GB"]


def test_ctrl_c_that_nothing_could_end_early_is_not_swallowed() -> None:
    def work() -> None:
        with Run().stoppable():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()


def test_runs_that_stop_together() -> None:
    with stopping_together() as event:
        one, two = Run(batch=Batch(1, found=True)), Run()
        for _ in one.pairs(1, 5, partial=True):
            one.stop.set()
        assert event.is_set()
        with pytest.raises(KeyboardInterrupt):
            list(two.pairs(1, 5, partial=True))
    assert not Run().stop.is_set()


def test_a_ctrl_c_that_garbage_collection_drops_still_stops() -> None:
    with stopping_together() as event:
        with contextlib.suppress(KeyboardInterrupt):  # as Python does in `__del__`
            signal.raise_signal(signal.SIGINT)
        assert event.is_set()
        with pytest.raises(KeyboardInterrupt):
            list(Run(batch=Batch(1, found=True)).pairs(1, 5, partial=True))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class _Interrupted:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_a_dropped_ctrl_c_is_told_by_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    hook = lambda lost: told.append(lost.exc_type)  # noqa: E731
    monkeypatch.setattr(sys, "unraisablehook", hook)
    with stopping_together() as event:
        _Interrupted()
        assert event.is_set()
    assert told == []
    assert sys.unraisablehook is hook


def _pressed_inside() -> list[str]:
    done = []
    with contextlib.suppress(KeyboardInterrupt):
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("inside")
        done.append("after")
    return done


def test_a_ctrl_c_waits_and_then_does_what_it_does_outside() -> None:
    assert _pressed_inside() == ["inside"]
    with stopping_together() as event:
        assert _pressed_inside() == ["inside"]
        assert event.is_set()
    own: list[int] = []
    for handler, pressed in ((signal.SIG_IGN, 0), (lambda number, _: own.append(number), 1)):
        before = signal.signal(signal.SIGINT, handler)
        try:
            assert _pressed_inside() == ["inside", "after"]
        finally:
            signal.signal(signal.SIGINT, before)
        assert len(own) == pressed


def test_interrupts_are_left_alone_off_the_main_thread() -> None:
    found = []

    def work() -> None:
        with stopping_together(), Run().stoppable():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
