"""How often the audit finds shortcuts that nets verifiably use, and accuses clean ones.

    python -m kerascope.planted.shortcuts.benchmark --seeds 10 --first 100 --folder F --shard 1/2

Nets are trained on worlds with a planted shortcut, or with none; planted flips measure whether a
net uses it (see `nets.uses_cue`); the audit, which knows nothing of it, is judged by what it says.
Without masks the background of a picture cannot be told from the whole of it: there a cue of the
background also counts as found where a place or the changed trait is named (see
`benchmark_outcome.RIGHT`); companions and sizes are looked for with 20 rough boxes a class.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kerascope.backend import choose
from kerascope.checks import check_whole
from kerascope.errors import BadFile, BadInput, choices
from kerascope.planted.shortcuts.benchmark_kept import Kept, outcomes_in
from kerascope.planted.shortcuts.benchmark_outcome import (
    BACKGROUNDS,
    MASKED,
    WHOLES,
    Cell,
    Outcome,
)
from kerascope.planted.shortcuts.benchmark_result import Result
from kerascope.planted.shortcuts.benchmark_subject import Subject, Train
from kerascope.planted.shortcuts.cues import CLEAN, KINDS
from kerascope.run import Run

PREVALENCES = (0.9, 0.45, 0.15)


def run(
    *,
    seeds: int = 1,
    first: int = 100,
    kinds: Sequence[str] | None = None,
    prevalences: Sequence[float] = PREVALENCES,
    clean: Sequence[str] | None = None,
    count: int = 500,
    folder: str | os.PathLike[str] | None = None,
    masks: bool = False,
    shard: tuple[int, int] = (1, 1),
    train: Train | None = None,
    told: Callable[[Outcome], None] | None = None,
) -> Result:
    """Train nets on worlds with and without shortcuts, audit them, and judge what is said.

    Args:
        seeds: worlds of each kind and prevalence, and of each clean sort.
        first: the first seed.
        kinds: of shortcuts; None: all.
        prevalences: shares of the class that carry it.
        clean: sorts of worlds without one; None: all.
        count: scenes of a class.
        folder: keeps a line of JSON for every net that is done, and its weights, so that a run
            that ended early goes on; without these lines, nets are audited anew.
        masks: audit nets with cues of backgrounds and of whole pictures a second time, with 20
            rough boxes a class.
        shard: (i, n): this is the i-th of n runs that share the work.
        train: makes the net of a world, in place of training one.
        told: called with every outcome; `run.reporting` counts the nets.

    Raises:
        BadInput: unknown kinds, or numbers out of range. BadFile: the folder cannot be written.
    """
    groups = list(_groups(seeds, first, kinds, prevalences, clean, count, masks=masks))
    place, shards = shard
    check_whole(1, shard=place, shards=shards)
    if place > shards:
        raise BadInput(f"shard={place}/{shards} must be one of 1/{shards} … {shards}/{shards}")
    if train is None:
        choose()
    found = []
    for outcome in _outcomes(groups[place - 1 :: shards], Kept(folder, shard), train):
        found.append(outcome)
        if told is not None:
            told(outcome)
    return Result(outcomes=tuple(found))


def read(folder: str | os.PathLike[str]) -> Result:
    """Return all that is kept in a folder; raise `BadFile` where there is nothing."""
    outcomes = tuple(outcomes_in(folder))
    if not outcomes:
        raise BadFile(f"'{folder}' holds no outcome of a benchmark")
    return Result(outcomes=outcomes)


def _groups(
    seeds: int, first: int, kinds: Sequence[str] | None, prevalences: Sequence[float],
    clean: Sequence[str] | None, count: int, *, masks: bool,
) -> Iterator[tuple[Cell, ...]]:  # fmt: skip
    """Yield the audits of every net, seed by seed: half a run is about all kinds."""
    check_whole(1, seeds=seeds)
    check_whole(0, first=first)
    check_whole(16, count=count)
    cues = tuple(KINDS) if kinds is None else tuple(kinds)
    sorts = tuple(CLEAN) if clean is None else tuple(clean)
    for what, names, known in (("shortcut", cues, KINDS), ("clean world", sorts, CLEAN)):
        for name in names:
            if name not in known:
                raise BadInput(f"{what} '{name}' is not known{choices(name, known, limit=24)}")
    for share in prevalences:
        if not 0 < share <= 1:
            raise BadInput(f"prevalence={share} must be above 0 and at most 1")
    for seed in range(first, first + seeds):
        for kind, share in ((k, p) for k in cues for p in prevalences):
            cell = Cell(kind=kind, prevalence=share, seed=seed, count=count, masks=kind in MASKED)
            twice = masks and kind in (*BACKGROUNDS, *WHOLES)
            yield (cell, dataclasses.replace(cell, masks=True)) if twice else (cell,)
        for sort in sorts:
            # "alike" has a cue in every class: as rare as those of shortcuts, in turn
            share = prevalences[seed % len(prevalences)] if sort == "alike" and prevalences else 0.0
            yield (Cell(kind=sort, prevalence=share, seed=seed, count=count),)


def _outcomes(
    groups: Sequence[tuple[Cell, ...]], kept: Kept, train: Train | None
) -> Iterator[Outcome]:
    counted = Run()
    for done, cells in enumerate(groups):
        counted.report(cells[0].net, done, len(groups))
        subject = Subject(cells[0], kept.nets, train)
        for cell in cells:
            found = kept.get(cell.name)
            if found is None:
                found = subject.outcome(masks=cell.masks)
                kept.add(found)
            yield found
    counted.report("nets", len(groups), len(groups))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, run, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m kerascope.planted.shortcuts.benchmark")
    parser.add_argument("--seeds", type=int, default=1, help="worlds of each kind and prevalence")
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--kinds", help="of shortcuts, with commas between; default: all")
    parser.add_argument("--clean", help="sorts of worlds without one, likewise")
    parser.add_argument("--prevalences", default=",".join(map(str, PREVALENCES)))
    parser.add_argument("--count", type=int, default=500, help="scenes of a class")
    parser.add_argument("--folder", type=Path, help="where what is done is kept")
    parser.add_argument("--masks", action="store_true", help="audit with rough masks as well")
    parser.add_argument("--shard", default="1/1", help="i/n: the i-th of n runs")
    parser.add_argument("--read", action="store_true", help="only show what the folder holds")
    parser.add_argument("--markdown", action="store_true", help="tables for the documentation")
    options = parser.parse_args(arguments)
    if options.read and options.folder is None:
        parser.error("--read needs --folder")
    place, _, shards = options.shard.partition("/")
    if not (place.isdecimal() and shards.isdecimal()):
        parser.error(f"--shard {options.shard} must be i/n, as 1/2")
    os.environ["KERASCOPE_CACHE"] = "off"
    result = read(options.folder) if options.read else run(
        seeds=options.seeds, first=options.first, kinds=_names(options.kinds),
        prevalences=[float(p) for p in _names(options.prevalences) or ()],
        clean=_names(options.clean), count=options.count, folder=options.folder,
        masks=options.masks, shard=(int(place), int(shards)),
        told=lambda outcome: print(outcome.words, flush=True),
    )  # fmt: skip
    print(result.markdown() if options.markdown else "\n".join(result.words()))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for name in text.split(",") if name]


if __name__ == "__main__":
    main()
