"""Collect rows with a NumPy function in children that are killed; prints what became of them.

Run as a program of its own: nothing here imports Keras, and children are forks, so that each costs
milliseconds. `victim.py FOLDER random KILLS SEED` kills at random moments, `victim.py FOLDER calls`
before and after every call that makes a part durable.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # noqa: F401 — before the forks: each would import it anew
import pyarrow.csv
import pyarrow.parquet  # noqa: F401

from kerascope.audit.collect import collect
from kerascope.audit.collected import Collected
from kerascope.engines import Local

SAMPLES, PART = 60, 5
_CALLS = ("fsync", "replace")


def model(x: Any) -> Any:
    """Return two numbers for every sample, slowly."""
    time.sleep(0.002)
    means = x.mean(axis=(1, 2))
    return np.stack([means[:, 0], means[:, 1] - means[:, 2]], axis=1)


def run(folder: Path) -> Collected:
    """Collect the rows."""
    x = np.random.default_rng(0).normal(size=(SAMPLES, 8, 8, 3)).astype("float32")
    x[17] = np.nan
    labels = [i % 2 for i in range(SAMPLES)]
    return collect(
        model, x, folder, labels=labels, part_size=PART, batch_size=3, engine=Local(threads=2)
    )


def child(folder: Path, prepare: Callable[[], None]) -> int:
    """Start a run in a child and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        prepare()
        run(folder)
        status = 0
    finally:
        os._exit(status)


def ended(pid: int) -> bool:
    """Wait, and say whether the child was done, not killed; raise where it failed otherwise."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("a child failed")
    return True


def at_random(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill at random moments until `kills` are done; compare the rows of every finished round."""
    rng = random.Random(seed)
    whole = folder / "whole"
    assert ended(child(whole, lambda: None))
    done, rounds, wrong, longest, at_parts = 0, 0, 0, 0.25, set()
    while done < kills or not (folder / "round").exists():
        place = folder / "round"
        while True:
            pid = child(place, lambda: None)
            if done < kills:
                time.sleep(rng.uniform(0, longest))
                os.kill(pid, signal.SIGKILL)
            if ended(pid):
                break
            done += 1
            at_parts.add(len(list(place.glob("part-*.parquet"))))
        rounds += 1
        wrong += not same(whole, place)
        if done < kills:
            shutil.rmtree(place)
    return {"kills": done, "rounds": rounds, "wrong": wrong, "parts": sorted(at_parts)}


def at_calls(folder: Path) -> dict[str, Any]:
    """Kill at the n-th durable call, for n = 1, 2, …, always going on in one folder."""
    whole, kills, wrong = folder / "whole", 0, 0
    assert ended(child(whole, lambda: None))
    for after in (False, True):
        place, number = folder / f"calls-{after}", 1
        while not ended(child(place, lambda n=number, a=after: kill_at(n, after=a))):
            kills, number = kills + 1, number + 1
        wrong += not same(whole, place)
    return {"kills": kills, "wrong": wrong}


def kill_at(number: int, *, after: bool) -> None:
    """Make the n-th call of `os.fsync` or `os.replace` this process's last, or the next to come."""
    left = [number]

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            found = call(*args)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return called

    for name in _CALLS:
        setattr(os, name, deadly(getattr(os, name)))


def same(one: Path, other: Path) -> bool:
    """Say whether two folders hold equal rows, each once, and nothing half written."""
    a, b = Collected.load(one), Collected.load(other)
    clean = not list(other.glob(".*.tmp"))
    return a.table().equals(b.table()) and a.complete and b.complete and clean


if __name__ == "__main__":
    folder, how, *rest = sys.argv[1:]
    report = at_calls(Path(folder)) if how == "calls" else at_random(Path(folder), *map(int, rest))
    assert "keras" not in sys.modules
    print(json.dumps(report))
