"""The field table: what every method must do on every model shape, and the page that shows it.

    python tests/field_table.py     # write docs/field-table.md

`contract/test_field_table.py` proves each cell on the backend at hand, and fails where the page is
stale; `across/test_field_table.py` fails where a cell of the page was not proven on all backends.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path

import zoo
from contract_checks import refusals
from kerascope.method import registry
from kerascope.methods.families import FAMILIES

PAGE = Path(__file__).parents[1] / "docs" / "field-table.md"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
HEAD = """# The field table

Every method on every shape of model that people bring, on TensorFlow, JAX and PyTorch. In each
cell a tiny net with random weights was explained: the map is finite, is not constant, mirrors the
inputs and is as large as they are, or the method refuses by name, with the layer and the reason.
The maps of the three backends agree to 1e-4, half precision and a few named exceptions apart. Each
cell is a test ([tests/contract/test_field_table.py](../tests/contract/test_field_table.py)) that
fails where it does not do what this page says; the nets are in [tests/zoo.py](../tests/zoo.py).
`make fields` writes the page, and a test fails where it is stale.

✓ works on all three backends. A number is the reason below for which the method refuses. "JP"
works on JAX and PyTorch, and cannot be tested on TensorFlow.
"""


@functools.cache
def cells(backend: str) -> dict[tuple[str, str], str]:
    """Return what each cell (method, shape) must do: "works", "refuses" or "cannot run here"."""
    refused = refusals()

    def state(method: str, shape: str) -> str:
        if zoo.runs_here(shape, backend):
            return "cannot run here"
        return "refuses" if shape in refused.get(method, {}) else "works"

    return {(method, shape): state(method, shape) for method in registry() for shape in zoo.SHAPES}


def page() -> str:
    """Return the page that shows the table."""
    why = refusals()
    reasons = [reason for rows in why.values() for reason in rows.values()]
    numbers = {reason: str(i) for i, reason in enumerate(dict.fromkeys(reasons), 1)}

    def cell(method: str, shape: str) -> str:
        if shape in why.get(method, {}):
            return numbers[why[method][shape]]
        works = [name[0] for b, name in BACKENDS.items() if cells(b)[method, shape] == "works"]
        return "✓" if len(works) == len(BACKENDS) else "".join(works)

    lines = [HEAD, *_totals()]
    for family, methods in FAMILIES.items():
        lines += [f"\n## {family}\n", f"| | {' | '.join(f'`{m}`' for m in methods)} |"]
        lines += ["|---|" + ":-:|" * len(methods)]
        lines += [
            f"| {shape.replace('_', ' ')} | {' | '.join(cell(m, shape) for m in methods)} |"
            for shape in zoo.SHAPES
        ]
    lines += ["\n## Reasons\n", *(f"{i}. {reason}" for reason, i in numbers.items())]
    lines += ["\n## Not tested\n"]
    for (backend, name), shape in itertools.product(BACKENDS.items(), zoo.SHAPES):
        if left := zoo.runs_here(shape, backend):
            lines += [f"- {shape.replace('_', ' ')}, on {name}: {left}"]
    return "\n".join(lines) + "\n"


def _totals() -> Iterator[str]:
    """Yield a row of numbers for each family and backend."""
    yield f"| | cells | {' | '.join(BACKENDS.values())} | refuse by name |"
    yield "|---|--:|--:|--:|--:|--:|"
    for family, methods in FAMILIES.items():
        every = [(method, shape) for method in methods for shape in zoo.SHAPES]
        works = [sum(cells(b)[key] == "works" for key in every) for b in BACKENDS]
        refuses = sum(shape in refusals().get(method, {}) for method, shape in every)
        yield f"| {family} | {len(every)} | {' | '.join(map(str, works))} | {refuses} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
