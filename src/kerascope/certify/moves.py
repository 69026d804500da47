"""How far a method's maps move by themselves, where backends are further apart than the limit."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from kerascope.attribution import Attribution
from kerascope.certify.compare import Results, agreements_of, apart
from kerascope.certify.job import INPUTS, Job
from kerascope.certify.processes import run_backends

_DRAWS = 8  # a unit at zero turns in about every second draw


def own_movements(job: Job, folder: Path, results: list[Results], limit: float) -> dict[int, float]:
    """Return by number of the method how far inputs moved by a millionth move its maps.

    Only of methods whose maps are above the limit; on the first backend that ran, once more.
    """
    shaky = [
        k for k, found in enumerate(results)
        if any(not a.maps <= limit for a in agreements_of("", found))
    ]  # fmt: skip
    if not shaky:
        return {}
    name = next(iter(results[shaky[0]]))
    shaky = [k for k in shaky if name in results[k]]
    place = folder / "moved"
    place.mkdir()
    for path in (*folder.glob(INPUTS), *folder.glob("*.npy")):
        shutil.copy(path, place)
    again = dataclasses.replace(job, methods=[job.methods[k] for k in shaky], draws=_DRAWS)
    again.write(place)
    run_backends([name], place)
    return {
        k: max(_moved(path, results[k][name]) for path in paths)
        for place_, k in enumerate(shaky)
        if (paths := sorted((place / name).glob(f"{place_}-*.safetensors")))
    }


def _moved(path: Path, still: Attribution) -> float:
    return float(apart(still.values, Attribution.load(path).values).max())
