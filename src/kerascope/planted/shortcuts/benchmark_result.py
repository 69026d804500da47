"""How well the audit does over many nets: tables, and totals beside the goals."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from kerascope.audit.shares import Share
from kerascope.planted.shortcuts.benchmark_outcome import (
    BACKGROUNDS,
    MASKED,
    WHOLES,
    Outcome,
)
from kerascope.planted.shortcuts.cues import CLEAN, KINDS

# Shares of the nets that use their cue, by the lowest and highest prevalence.
_FOUND = ((0.9, 1.0, 0.95), (0.4, 0.5, 0.85), (0.1, 0.2, 0.5))
_NAMED, _OVERLAP, _ALARMS = 0.9, 0.3, 3 / 60
COLUMNS = (
    "kind", "prevalence", "nets", "used", "found", "right first", "overlap", "alarms", "questions",
)  # fmt: skip
_SPLIT = (*BACKGROUNDS, *WHOLES)  # kinds that masks tell apart
MASK_COLUMNS = ("kind", "prevalence", "used", "found", "named background")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Goal:
    """A total beside what it should be. value: None where nothing was measured."""

    words: str
    value: float | None
    wanted: float
    detail: str = ""
    most: bool = False  # the goal is a limit from above

    @property
    def reached(self) -> bool | None:
        """Say whether it is; None where nothing was measured."""
        if self.value is None:
            return None
        return self.value <= self.wanted if self.most else self.value >= self.wanted

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**dataclasses.asdict(self), "reached": self.reached}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """Outcomes of nets, and what they come to."""

    outcomes: tuple[Outcome, ...]

    @property
    def plain(self) -> tuple[Outcome, ...]:
        """Return the outcomes that count: with masks only where a kind needs them."""
        return tuple(o for o in self.outcomes if o.cell.masks == (o.cell.kind in MASKED))

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return the table by kind and prevalence, as words under `COLUMNS`."""
        return tuple(_row(kind, share, nets) for kind, share, nets in _grouped(self.plain))

    @property
    def mask_rows(self) -> tuple[tuple[str, ...], ...]:
        """Return how often "background" was named with 20 rough masks; see `MASK_COLUMNS`."""
        chosen = [o for o in self.outcomes if o.cell.masks and o.cell.kind in _SPLIT and o.used]
        rows = [(kind, f"{share:g}", nets) for kind, share, nets in _grouped(chosen)]
        for words, kinds in (("backgrounds", BACKGROUNDS), ("whole pictures", WHOLES)):
            rows.append((words, "all", [o for o in chosen if o.cell.kind in kinds]))
        return tuple(
            (
                words, share, str(len(nets)), _of([bool(o.right) for o in nets]),
                _of([o.named_background for o in nets if o.said]),
            )
            for words, share, nets in rows
            if nets
        )  # fmt: skip

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Return the totals beside the goals."""
        return tuple(self._goals())

    def words(self) -> list[str]:
        """Return the tables and totals, line by line."""
        lines = _aligned(COLUMNS, self.rows)
        if self.mask_rows:
            lines += ["", "with 20 rough masks a class", *_aligned(MASK_COLUMNS, self.mask_rows)]
        marks = {True: "reached", False: "NOT reached", None: "not measured"}
        return [
            *lines,
            "",
            *(f"{g.words}: {g.detail or '–'} ({marks[g.reached]})" for g in self.goals),
        ]

    def markdown(self) -> str:
        """Return the tables for the documentation."""
        parts = [_piped(COLUMNS, self.rows)]
        if self.mask_rows:
            parts.append(_piped(MASK_COLUMNS, self.mask_rows))
        totals = [(g.words, g.detail or "–") for g in self.goals]
        return "\n\n".join([*parts, _piped(("over all", "measured"), totals)]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "nets": len(self.plain),
            "goals": [goal.to_json() for goal in self.goals],
            "table": [dict(zip(COLUMNS, row, strict=True)) for row in self.rows],
            "masks": [dict(zip(MASK_COLUMNS, row, strict=True)) for row in self.mask_rows],
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }

    def _goals(self) -> Iterator[Goal]:
        used = [o for o in self.plain if o.used]
        for low, high, wanted in _FOUND:
            some = [bool(o.right) for o in used if low <= o.cell.prevalence <= high]
            yield _share(
                f"found of nets that use the cue, prevalence {low:g}–{high:g}", some, wanted
            )
        told = [o for o in used if o.said]
        words = "right class and family, of nets that use the cue and of which anything was found"
        yield _share(words, [bool(o.right) for o in told], _NAMED)
        yield _share(f"{words}: by the first finding", [o.first for o in told], _NAMED)
        yield _overlaps([o for o in used if o.right and KINDS[o.cell.kind].placed])
        clean = [o for o in self.plain if o.clean]
        alarms = sum(o.alarms for o in clean)
        yield Goal(
            words="alarms on clean nets, at most 3 of 60", wanted=_ALARMS, most=True,
            value=alarms / len(clean) if clean else None,
            detail=f"{alarms} on {len(clean)} nets" if clean else "",
        )  # fmt: skip


def _grouped(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, float, list[Outcome]]]:
    """Yield (kind, prevalence, outcomes) in the order of kinds, high prevalences first."""
    for kind in (*KINDS, *CLEAN):
        own = [o for o in outcomes if o.cell.kind == kind]
        # a clean world's cue is everywhere or nowhere: its prevalence tells nothing apart
        shares = {0.0} if kind in CLEAN and own else {o.cell.prevalence for o in own}
        for share in sorted(shares, reverse=True):
            yield kind, share, [o for o in own if kind in CLEAN or o.cell.prevalence == share]


def _row(kind: str, share: float, nets: list[Outcome]) -> tuple[str, ...]:
    used = [o for o in nets if o.used]
    overlaps = [o.overlap for o in used if o.overlap is not None]
    clean = kind in CLEAN
    return (
        f"{kind} (clean)" if clean else kind, "–" if clean else f"{share:g}", str(len(nets)),
        "–" if clean else str(len(used)), _of([bool(o.right) for o in used]),
        _of([o.first for o in used]), f"{statistics.median(overlaps):.2f}" if overlaps else "–",
        str(sum(o.alarms for o in nets)), str(sum(o.questions for o in nets)),
    )  # fmt: skip


def _of(hits: list[bool]) -> str:
    return f"{sum(hits)} of {len(hits)}" if hits else "–"


def _share(words: str, hits: list[bool], wanted: float) -> Goal:
    share = Share(sum(hits), len(hits))
    detail = f"{sum(hits)} of {len(hits)}: {share.words}" if hits else ""
    return Goal(
        words=f"{words}, at least {100 * wanted:g} %", value=share.value if hits else None,
        wanted=wanted, detail=detail,
    )  # fmt: skip


def _overlaps(found: list[Outcome]) -> Goal:
    """Return the median overlap of the kind where it is least, of findings that say where."""
    parts, medians = [], []
    for kind in dict.fromkeys(o.cell.kind for o in found):
        own = [o.overlap for o in found if o.cell.kind == kind]
        values = [overlap for overlap in own if overlap is not None]
        if values:
            medians.append(statistics.median(values))
            parts.append(f"{kind} {medians[-1]:.2f} ({len(values)} of {len(own)} say where)")
    return Goal(
        words="median overlap of place and truth (intersection over union), at least 0.3 by kind",
        value=min(medians, default=None), wanted=_OVERLAP, detail=", ".join(parts),
    )  # fmt: skip


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    wide = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    return [
        "  ".join(cell.ljust(n) for cell, n in zip(row, wide, strict=True)).rstrip()
        for row in (columns, *rows)
    ]


def _piped(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows))
