"""What an audit of many samples will take, from what a few of them take here."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import tempfile
import time
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.audit.collect import PART
from kerascope.audit.parts import Store
from kerascope.audit.prepared import prepare
from kerascope.audit.trial import Trial
from kerascope.checks import check_whole
from kerascope.errors import BadInput
from kerascope.memory import words as size_words

MILLION = 1_000_000
EFFICIENCY = 0.8  # of several workers, assumed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a number of samples will take.

    hours: with one worker. hours_together: with all workers. storage: bytes of all files.
    """

    samples: int
    rows: int
    files: int
    hours: float
    hours_together: float
    storage: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What was measured on a few samples, and what follows for many.

    Attributes:
        measured: samples that were timed, after others that warmed up. batch: samples per pass.
        cores, backend: of this machine; a worker is one like it.
        start: seconds until the first rows: the first look, tracing.
        seconds: per sample, with reading, passes, rows and writing.
        rows: per sample. bytes_row, bytes_file: on disk, per row and for each file beside its rows.
        memory: bytes that this process had at most, with the rows of a part that it holds.
        workers, efficiency: how many, and the share of their speed that is assumed to come through.
        estimates: by number of samples.
    """

    measured: int
    batch: int
    cores: int
    backend: str | None
    start: float
    seconds: float
    rows: float
    bytes_row: float
    bytes_file: float
    memory: int
    part: int
    workers: int
    efficiency: float
    estimates: tuple[Estimate, ...]
    notes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the plan in lines."""
        backend = f", {self.backend}" if self.backend else ""
        first = (
            f"measured on {self.measured} samples here ({self.cores} cores{backend}, batches of "
            f"{self.batch}): {_time(self.seconds)} a sample after {_time(self.start)} to start, "
            f"{self.rows:.3g} rows a sample, {size_words(self.bytes_row)} a row"
        )
        lines = [first]
        for one in self.estimates:
            time_words = f"{_time(3600 * one.hours)} with one worker"
            if self.workers > 1:
                time_words += f", {_time(3600 * one.hours_together)} with {self.workers}"
            lines.append(
                f"{one.samples:,} samples: {time_words}; {one.rows:,} rows, "
                f"{size_words(one.storage)} in {one.files:,} files"
            )
        if self.workers > 1:
            lines.append(
                f"assumed: each of the {self.workers} workers has what this machine has, and "
                f"{self.efficiency:.0%} of their joint speed comes through"
            )
        lines.append(f"memory: {size_words(self.memory)} a worker, whatever the number of samples")
        return [*lines, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {**dataclasses.asdict(self), "words": self.words()}


def plan(
    model: Any,
    source: Any,
    methods: Any = None,
    *,
    samples: int | None = None,
    workers: int = 1,
    efficiency: float = EFFICIENCY,
    part_size: int = PART,
    **how: Any,
) -> Plan:
    """Return what `collect` would take, measured on samples spread over the data.

    An iterable gives its first samples to it. Nothing is kept.

    Args:
        model: as in `collect`, as are the next two and `how`.
        source: the data.
        methods: that make maps.
        samples: how many are planned for; None: as many as the data has, and a million.
        workers: machines like this one.
        efficiency: share of their joint speed that is assumed to come through.
        part_size: samples in a file.
        how: what else `collect` is given about model and data.

    Raises what `collect` raises before its first row; `BadFile` where no sample has numbers.
    """
    check_whole(1, samples=samples, workers=workers, part_size=part_size)
    if not 0 < efficiency <= 1:
        raise BadInput(f"efficiency={efficiency!r} must lie above 0 and be at most 1")
    arrow()
    began = time.perf_counter()
    ready = prepare(model, source, methods, **how)
    with tempfile.TemporaryDirectory(prefix="kerascope-") as folder:
        store = Store(folder, ready.settings, count=len(ready.source), size=part_size)
        trial = Trial(ready, store)
        trial.run(began)
        per_row, per_file = trial.sizes()
    rows = trial.rows / trial.measured
    counts = (len(ready.source), MILLION) if samples is None else (samples,)

    def estimate(count: int) -> Estimate:
        files, total = math.ceil(count / part_size), round(count * rows)
        hours = [
            (trial.start + count * trial.seconds / speed) / 3600
            for speed in (1, max(1.0, workers * efficiency))
        ]
        storage = round(total * per_row + files * per_file)
        return Estimate(
            samples=count, rows=total, files=files, hours=hours[0], hours_together=hours[1],
            storage=storage,
        )  # fmt: skip

    return Plan(
        measured=trial.measured, batch=ready.eyes.batch, cores=os.cpu_count() or 1,
        backend=_backend(), start=trial.start, seconds=trial.seconds, rows=rows,
        bytes_row=per_row, bytes_file=per_file, memory=trial.memory(part_size), part=part_size,
        workers=workers, efficiency=efficiency, notes=tuple(trial.notes),
        estimates=tuple(estimate(count) for count in dict.fromkeys(counts)),
    )  # fmt: skip


def _backend() -> str | None:
    keras = sys.modules.get("keras")
    return None if keras is None else str(keras.backend.backend())


def _time(seconds: float) -> str:
    """Return a time in words: "1.5 h"."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{1000 * seconds:.3g} ms"
