"""What an audit found: findings, evidence, how good the model is, and what could not be seen."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from pathlib import Path
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.audit.collected import Collected
from kerascope.audit.duplicates import Duplicates
from kerascope.audit.finding import Finding
from kerascope.audit.quality import Quality
from kerascope.audit.source import Source
from kerascope.audit.strategies import Strategies
from kerascope.audit.whereabouts import ClassPlaces
from kerascope.files import write_whole

FILE = "findings.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes:
        model: its name. samples: how many the data has. collected: the rows.
        findings: strongest first, "added" before questions.
        evidence: by class what it otherwise hangs on, no alarm.
        quality: how good the model is. strategies: groups of maps by class; None without maps.
        duplicates: copies in the data.
        tested: hypotheses that were decided by an intervention; rate: false discovery rate.
        strongest: largest effect that was no finding. least: by class the smallest share of files
            whose overlay could have been proposed; None: too few files.
        examined: classes; pictures: that interventions worked on.
        unseen: what could not be seen, in sentences. passes: pictures put to the model after the
            rows. notes: what was decided on the way. source: the data.
        stopped: whether a Ctrl-C ended it before all was done.
    """

    model: str
    samples: int
    collected: Collected
    findings: tuple[Finding, ...]
    evidence: dict[str, dict[str, Any]]
    quality: Quality
    strategies: Strategies | None
    places: tuple[ClassPlaces, ...]
    duplicates: Duplicates | None
    tested: int
    rate: float
    strongest: float
    least: dict[str, float | None]
    unseen: tuple[str, ...]
    passes: int = 0
    notes: tuple[str, ...] = ()
    source: Source | None = None
    stopped: bool = False
    examined: tuple[str, ...] = ()
    pictures: int = 0

    @property
    def added(self) -> tuple[Finding, ...]:
        """Return the findings that look added: the alarms."""
        return tuple(f for f in self.findings if f.level == "added")

    @property
    def summary(self) -> str:
        """Say in a sentence what was found, and never that a model is clean."""
        if not self.tested:
            return f"No intervention could be made on the {self.samples} samples."
        tested = f"{self.tested} hypotheses were tried by intervention"
        most = max(0.0, self.strongest)
        if not self.findings:
            return (
                f"{tested}; beside places and objects, where evidence lies, none moved more than "
                f"{most:.0%} of predictions beyond its control."
            )
        alarms, questions = len(self.added), len(self.findings) - len(self.added)
        return (
            f"{alarms} {_plural(alarms, 'cue')} that {_verb(alarms)} on the model and "
            f"{'looks' if alarms == 1 else 'look'} added, {questions} "
            f"{_plural(questions, 'question')} for you; {tested}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "model": self.model,
            "samples": self.samples,
            "summary": self.summary,
            "findings": [f.to_json() for f in self.findings],
            "evidence": self.evidence,
            "tested": self.tested,
            "false_discovery_rate": self.rate,
            "examined": list(self.examined),
            "pictures": self.pictures,
            "smallest_prevalence": self.least,
            "not_seen": list(self.unseen),
            "passes": self.passes,
            "quality": self.quality.to_json(),
            "duplicates": None if self.duplicates is None else self.duplicates.to_json(),
            "notes": list(self.notes),
        }

    def to_pandas(self) -> Any:
        """Return the rows of all samples as a pandas data frame."""
        return self.collected.to_pandas()

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write findings as JSON, and the files of each as CSV and Parquet; return the places."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        first = place / FILE
        write_whole(first, (json.dumps(self.to_json(), indent=2) + "\n").encode())
        return [
            first,
            *(p for i, f in enumerate(self.findings, 1) for p in self._slice(place, i, f)),
        ]

    def _slice(self, place: Path, number: int, finding: Finding) -> list[Path]:
        """Write the rows of the files that carry a cue."""
        if not finding.ids:
            return []
        pa = arrow()
        columns = ["id", "path", "label", "predicted", "confidence"]
        wanted, seen = set(finding.ids), set()
        rows = []
        for batch in self.collected.batches(columns):
            for row in batch.to_pylist():
                if row["id"] in wanted and row["id"] not in seen:
                    seen.add(row["id"])
                    rows.append(row)
        name = f"finding-{number:02d}-{finding.label}-{finding.kind}"
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        held = io.BytesIO()
        pa.parquet.write_table(pa.Table.from_pylist(rows), held)
        places = [place / f"{name}.csv", place / f"{name}.parquet"]
        for path, content in zip(places, (text.getvalue().encode(), held.getvalue()), strict=True):
            write_whole(path, content)
        return places


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _verb(count: int) -> str:
    return "acts" if count == 1 else "act"
