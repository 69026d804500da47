"""A page for every method, from what its class declares, what was measured and its picture."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import re

from docs_site.docstrings import listed
from docs_site.nav import DOCS
from kerascope.citations import cite
from kerascope.cli.costs import cost
from kerascope.method import AttributionMethod, registry
from kerascope.methods.families import FAMILIES

RESULTS = DOCS.parent / "benchmarks" / "RESULTS.md"
PICTURES = DOCS / "pictures"
ON_CAT = (
    "MobileNetV2 with ImageNet weights on scikit-image's photograph “Chelsea” (Stefan van der "
    "Walt, CC0), all fields at their defaults."
)
ON_SCENES = {
    "Attention": "A small vision transformer of the tests: one patch carries the texture of the "
    "class, four others are random.",
    "seg_grad_cam": "The U-Net of `docs_src/segmentation.py`: the lamp says what the block is.",
    "d_rise": "The detector of `docs_src/detection.py`, its surest box.",
}
AXIOMS = {
    "completeness": "values sum to the score minus the baseline's score",
    "linearity": "on a linear model, the values are w·(x − baseline)",
    "dummy": "an input that the model does not read gets zero",
    "class sensitivity": "two classes get two different maps",
    "implementation invariance": "equal functions, equal maps",
    "location": "evidence lies where the only pixels are that the model reads",
}
_INDEX = """# Methods

Which one? [What each is good at](../trust.md#where-the-truth-is-known) where the truth is known,
[on which models each runs](../field-table.md), [how fast](../speed.md), and [what proves
it](../parity.md). `kerascope methods NAME` says what its page says."""
_LETTERS = (
    "*y* is the score that is explained, *x* the input, *x′* a baseline, *A* activations, (·)⁺ the "
    "positive part."
)
_CLAIMS = (
    "What is claimed is checked by the contract suite on every backend; what is not claimed may "
    "still hold for some models."
)


def names() -> list[str]:
    """Return the methods of this package; plug-ins that happen to be installed have no page."""
    return [name for members in FAMILIES.values() for name in members]


def pages() -> dict[str, str]:
    """Return the text of every page by its name: the index and one for each method."""
    kinds = registry()
    made = {"methods/index.md": _index(kinds)}
    for family, members in FAMILIES.items():
        for name in members:
            made[f"methods/{name}.md"] = page(kinds[name], family)
    return made


def _index(kinds: dict[str, type[AttributionMethod]]) -> str:
    """Return the page that lists all methods by family."""
    parts = [_INDEX]
    for family, members in FAMILIES.items():
        rows = [f"| [{kinds[n].title}]({n}.md) | {kinds[n].use} |" for n in members]
        parts += [f"## {family}", "\n".join(["| method | good for |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def page(kind: type[AttributionMethod], family: str) -> str:
    """Return the page of one method."""
    name = kind.name
    parts = [
        f"# {kind.title}",
        (kind.__doc__ or "").split("\n", maxsplit=1)[0],
        f'```python\nks.explain(model, images, "{name}")\n```',
        _picture(name, family),
        f"## Formula\n\n```text\n{kind.formula}\n```",
        _LETTERS,
        f"## When to use it\n\n{kind.use}",
        f"## When not\n\n{kind.avoid}",
        f"## Cost\n\n{_cost(kind)}",
        f"## What it satisfies\n\n{_axioms(kind)}",
        _fields(kind),
        f"## Measured\n\n{_measured(name)}",
        f"## Paper\n\n{cite([kind])[0]}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


@functools.cache
def _said() -> dict[str, dict[str, list[str]]]:
    """Return what the results said that were drawn."""
    said: dict[str, dict[str, list[str]]] = json.loads(
        (PICTURES / "pictures.json").read_text(encoding="utf-8")
    )
    return said


def _picture(name: str, family: str) -> str:
    """Return the picture, what is in it, and what the result said of itself."""
    words = ON_SCENES.get(name) or ON_SCENES.get(family) or ON_CAT
    notes = "".join(f"\n\n> Note of the result: {note}." for note in _said()[name]["notes"])
    explained = _said()[name]["explained"][0]
    return f"![{explained}](../pictures/{name}.webp)\n\n{words}{notes}"


def _cost(kind: type[AttributionMethod]) -> str:
    """Return the passes over one picture, and what they need."""
    needs = ", ".join(sorted(need.value for need in kind.needs))
    return f"{cost(kind())}. Needs {needs}."


def _axioms(kind: type[AttributionMethod]) -> str:
    """Return the axioms that the contract suite checks of it."""
    claimed = [axiom.value for axiom in kind.axioms]
    rows = [
        f"| {'✓' if axiom in claimed else ''} | {axiom} | {words} |"
        for axiom, words in AXIOMS.items()
    ]
    head = ["| claimed | axiom | what it says |", "|:-:|---|---|"]
    return "\n".join([*head, *rows]) + f"\n\n{_CLAIMS}"


def _fields(kind: type[AttributionMethod]) -> str:
    """Return the fields with their defaults, and what the docstring says of them."""
    fields = dataclasses.fields(kind)
    rows = [f"| `{f.name}` | `{f.default!r}` |" for f in fields]
    table = "\n".join(["| field | default |", "|---|---|", *rows]) if rows else "It has none."
    lines = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[1:]
    return "\n\n".join(["## Fields", table, *(listed(part) for part in lines)])


def _measured(name: str) -> str:
    """Return the rows of the speed table and of the trust table that are about a method."""
    parts = []
    for section, rows in _speed().items():
        if name in rows:
            parts += [
                f"[Speed](../speed.md) on {section}, beside other libraries, by `make bench`:",
                "\n".join([_HEAD, "|---|---|---|--:|--:|--:|", *rows[name]]),
            ]
    if found := re.search(rf"^\| `{name}` \|(.*)\|$", _trust(), re.MULTILINE):
        mass, rank, pointing, false, *_ = (cell.strip() for cell in found[1].split("|"))
        parts.append(
            "On [planted evidence](../trust.md#where-the-truth-is-known), by `kerascope benchmark "
            f"--samples 8`: {mass} of its positive values and {rank} of its highest pixels lie on "
            f"the evidence, the peak in {pointing} of scenes; {false} of the map lies on "
            "distractors."
        )
    return "\n\n".join(parts) or "It is in neither the speed table nor that of planted evidence."


_HEAD = "| | settings | pictures × passes | floor ms | warm ms | ratio |"


@functools.cache
def _trust() -> str:
    return (DOCS / "trust.md").read_text(encoding="utf-8")


@functools.cache
def _speed() -> dict[str, dict[str, list[str]]]:
    """Return the speed table: by section and method its row, and those of other libraries."""
    found: dict[str, dict[str, list[str]]] = {}
    section = name = ""
    for line in RESULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and section and not section.startswith("trust"):
            cells = [cell.strip() for cell in line.strip("|").split("|")][:6]
            name = cells[0] if cells[0] in names() else name
            if cells[0] not in ("method", "---") and name:
                rows = found.setdefault(section, {}).setdefault(name, [])
                rows.append(f"| {' | '.join(cells)} |")
    return found
