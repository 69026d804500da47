"""The table of results: as cells, and as a section of a Markdown file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascope.bench.rows import EXTRA, GOAL, PEER_GOAL, SHORT, Row

HEADINGS = (
    "method", "settings", "pictures × passes", "floor ms", "warm ms", "ratio", "goal", "cold ms",
    "memory MB", "repeats", "ours / theirs",
)  # fmt: skip
_INTRO = f"""# Results

Made by `kerascope bench`; each section states its command. Sections are replaced one by one.

- **floor**: pictures × passes × the best time per picture of such a pass, at its best batch size,
  timed in this run before every call. `f` is a forward pass, `g` a forward and backward pass to the
  inputs, `l` one to the layer that is explained. Methods that stop by themselves have the passes
  they made, all others those they declare. Each library has the floor of its own framework.
- **warm**, **ratio**: medians over interleaved repeats; the ratio is call / floor within a repeat,
  its smallest and largest value in brackets.
- **goal**: a ratio of at most {GOAL:.2f} where a call takes {SHORT * 1e3:.0f} ms or more, else at
  most {EXTRA * 1e3:.0f} ms over the floor.
- **cold**: the first call, with the framework warm and nothing kept of the model: it includes
  tracing, and for a peer building its explainer.
- **memory**: the process's resident memory at its highest during one warm call, less that before
  it, looked at every 2 ms. It may read low: frameworks keep memory of earlier calls.
- **ours / theirs**: Kerascope's ratio divided by the peer's, the goal being at most
  {PEER_GOAL:.2f}.
"""


def name(row: Row) -> str:
    """Return what a row is called: a peer's with its library."""
    return row.name if row.library == "kerascope" else f"{row.library} {row.name}"


def left_out(rows: Sequence[Row]) -> list[str]:
    """Say what was not measured, and why."""
    return [f"{name(row)}: {row.error}" for row in rows if row.error]


def cells(row: Row) -> tuple[str, ...]:
    """Return a measured row's cells, in the order of `HEADINGS`."""
    passes = " + ".join(f"{count:.4g} {kind[0]}" for kind, count in row.passes.items() if count)
    low, high = row.spread
    against = ""
    if row.against is not None:
        against = f"{row.against:.2f}" + (" missed" if row.against > PEER_GOAL else "")
    return (
        name(row), row.settings, f"{row.pictures} × ({passes})", _ms(row.floor), _ms(row.warm),
        f"{row.ratio:.2f} ({low:.2f}…{high:.2f})", _goal(row), _ms(row.cold),
        f"{row.growth / 1e6:.0f}", str(row.repeats), against,
    )  # fmt: skip


def _goal(row: Row) -> str:
    if row.library != "kerascope":
        return ""
    return "met" if row.goal else "missed"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def missed(rows: Sequence[Row]) -> list[str]:
    """Say where a goal is missed, and by how much."""
    words = []
    for row in rows:
        if row.library == "kerascope" and row.goal is False:
            over = (row.warm - row.floor) * 1e3
            words.append(f"{row.name}: {row.ratio:.2f} of its floor, {over:.3g} ms over it")
        if row.against is not None and row.against > PEER_GOAL:
            words.append(
                f"{row.method}: {row.against:.2f} of {row.library} {row.name}, in units of each "
                "library's own floor"
            )
    return words


def write(
    file: Path, title: str, facts: Mapping[str, Any], rows: Sequence[Row], notes: Sequence[str]
) -> None:
    """Write a section of rows into a Markdown file, in place of an earlier one of that title."""
    put(file, title, _section(title, facts, rows, notes))


def put(file: Path, title: str, section: str) -> None:
    """Write a section, whose first line is its title, in place of an earlier one of that title."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    kept = {part.split("\n", 1)[0].strip(): part.rstrip() for part in parts}
    kept[title] = section
    file.write_text(
        "\n\n".join([_INTRO.rstrip(), *(f"## {part}" for part in kept.values())]) + "\n",
        encoding="utf-8",
    )


def _section(
    title: str, facts: Mapping[str, Any], rows: Sequence[Row], notes: Sequence[str]
) -> str:
    lines = [title, "", f"    {facts['command']}", ""]
    lines += [f"- {line}" for line in described(facts)]
    lines += [f"- {note}" for note in notes]
    lines += ["", _line(HEADINGS), _line(["---", "---", "---", *["---:"] * (len(HEADINGS) - 3)])]
    lines += [_line(cells(row)) for row in rows if not row.error]
    lines += ["", "Where a goal is missed:", ""]
    lines += [f"- {words}" for words in missed(rows)] or ["- nowhere"]
    if left := left_out(rows):
        lines += ["", "Not measured:", "", *(f"- {words}" for words in left)]
    return "\n".join(lines)


def described(facts: Mapping[str, Any]) -> list[str]:
    """Return the facts of a run in words, one line each."""
    threads = ", ".join(f"{name} {value}" for name, value in facts["threads"].items())
    pools = ", ".join(f"{name} {count}" for name, count in facts["thread_pools"].items())
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    units = ", ".join(
        f"{kind} {took * 1e3:.3g} ms at batch {size}" for kind, (size, took) in
        facts["units"].items()
    )  # fmt: skip
    when = dt.datetime.now(tz=dt.UTC).date().isoformat()
    what = (
        when, f"{facts['minutes']} minutes", facts["backend"], facts["model"],
        f"inputs {facts['inputs']}", facts["explained"],
    )  # fmt: skip
    where = (
        facts["processor"], f"{facts['cores']} cores", f"{facts['memory_gib']} GiB",
        facts["system"], *facts["devices"], f"load average before {facts['load_before']}",
    )  # fmt: skip
    own = "TensorFlow and XLA have one of their own, a thread per core"
    return [
        ", ".join(what),
        ", ".join(where),
        f"threads: {threads}; pools: {pools or 'none found'}; {own}",
        f"Python {facts['python']}, {packages}",
        f"one pass per picture: {units}",
    ]


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"
