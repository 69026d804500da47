"""Memory over many calls of every method: `docs/leaks.md`.

    KERAS_BACKEND=tensorflow python tests/leaks.py [--calls 500] [METHOD …]

Every method explains new random inputs of one model, call after call, with small settings. Counted
after a full collection, at the first fifth of the calls and at the end: the objects that Python
keeps track of, the process's resident memory, and the passes compiled. Then models are built,
explained and dropped: those that stay in memory are counted. Exit code 1 where something grows.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import psutil

import contract_checks as cc
import kerascope as ks
import zoo
from kerascope.hooks import store_of

TABLE = Path(__file__).parents[1] / "docs" / "leaks.md"
HEAD = """# Memory over many calls

Written by `make leaks` (`tests/leaks.py`): every method explains new inputs of one model
{calls} times, with small settings, on {backend} (Keras {keras}). From call {first} to call {calls},
after a full collection:

- objects: how many more Python keeps track of. passes: how many more are traced, compiled or kept.
- KB a call: growth of the process's resident memory, the allocator's and the framework's share
  included, which moves by some MB without a leak: above {limit:.0f} KB a call counts as growth.
- models that stay: {fresh} models are built, explained and dropped; how many are still in memory.

| method | objects | passes | KB a call | models that stay | ms a call |
|---|---:|---:|---:|---:|---:|
"""
# What is known of growth that was seen, said below the table where it is seen again.
KNOWN = {
    "xrai": "`xrai`: its integrated gradients take more steps where the gap is too large. An\n"
    "input that needed a third round came after the first {first} calls, and its chunks of a\n"
    "further size were compiled then, which leaves objects; there are as many sizes as rounds.\n"
    "Its resident memory stays below the limit.",
}
KB_PER_CALL = 8.0
OBJECTS = 50  # caches of Python and NumPy fill now and then; a leak adds at least one a call
FRESH = 4


class Grown(NamedTuple):
    """What a method left behind."""

    method: str
    objects: int
    compiled: int
    kilobytes: float
    models: int
    milliseconds: float

    @property
    def leaks(self) -> bool:
        """Whether any of it grows with the calls."""
        return bool(
            self.objects > OBJECTS or self.compiled or self.models or self.kilobytes > KB_PER_CALL
        )


def state(model: Any) -> tuple[int, int, float]:
    """Return objects, compiled passes and resident KB, after a full collection."""
    for _ in range(3):
        gc.collect()
    store = store_of(model)
    kept = len(store.compiled) + len(store.memo) + store.traces
    return len(gc.get_objects()), kept, psutil.Process().memory_info().rss / 1024


def inputs(case: zoo.Case, seed: int) -> Any:
    """Return one new sample of the shape of the case's."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(1, *case.x.shape[1:])).astype(case.x.dtype)


def grown(name: str, calls: int, fresh: int = FRESH) -> Grown:
    """Return what `calls` calls of a method leave behind."""
    method, shape = cc.small(name), cc.home(name)
    case = zoo.SHAPES[shape]()
    before = (0, 0, 0.0)
    started = time.perf_counter()
    for call in range(calls):
        if call == calls // 5:
            before = state(case.model)
            started = time.perf_counter()
        ks.explain(case.model, inputs(case, call), method, seed=call)
    seconds = time.perf_counter() - started
    after = state(case.model)
    refs = []
    for seed in range(fresh):
        one = zoo.SHAPES[shape]()
        ks.explain(one.model, inputs(one, seed), method)
        refs.append(weakref.ref(one.model))
        del one
        keras.backend.clear_session()
    gc.collect()
    measured = calls - calls // 5
    return Grown(
        name, after[0] - before[0], after[1] - before[1], (after[2] - before[2]) / measured,
        sum(ref() is not None for ref in refs), 1000 * seconds / measured,
    )  # fmt: skip


def main() -> int:
    """Measure, print a line for each method, and write the table where all were measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--calls", type=int, default=500)
    asked = parser.parse_args()
    names = asked.methods or ks.methods()
    rows, notes = [], []
    grown(names[0], 50, fresh=1)  # what the first calls of a process take belongs to no method
    for name in names:
        row = grown(name, asked.calls)
        rows.append(
            f"| {row.method}{' **grows**' * row.leaks} | {row.objects} | {row.compiled} | "
            f"{row.kilobytes:.2f} | {row.models} of {FRESH} | {row.milliseconds:.0f} |"
        )
        late = row.compiled == 1 and not row.models and row.kilobytes <= KB_PER_CALL
        if late and name in KNOWN:
            notes.append("\n" + KNOWN[name].format(first=asked.calls // 5))
        sys.stdout.write(rows[-1] + "\n")
        sys.stdout.flush()
    if not asked.methods:
        head = HEAD.format(
            calls=asked.calls, first=asked.calls // 5, backend=keras.backend.backend(),
            keras=keras.__version__, limit=KB_PER_CALL, fresh=FRESH,
        )  # fmt: skip
        TABLE.write_text(head + "\n".join([*rows, *notes]) + "\n", encoding="utf-8")
    return int(any("grows" in row for row in rows))


if __name__ == "__main__":
    os.environ.setdefault("KERASCOPE_CACHE", "off")
    sys.exit(main())
