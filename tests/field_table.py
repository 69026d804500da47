"""The field table: what every method must do on every model shape, and the page that shows it.

    python tests/field_table.py     # write docs/field-table.md

`contract/test_field_table.py` proves each cell on the backend at hand, and fails where the page is
stale; `across/test_field_table.py` fails where a cell that a backend tries was not proven on it.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import zoo
from contract_checks import home, refusals
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
`make fields` writes the page, and a test fails where it is stale. `make test` goes through every
cell on TensorFlow and PyTorch and through a sixth of them on JAX, every method and every shape
among them; `make matrix` goes through all on all three.

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


# JAX compiles every operation of every net anew: `make test` tries one cell in so many there.
EVERY = {"jax": 6}


@functools.cache
def tried(backend: str) -> list[tuple[str, str]]:
    """Return the cells that `make test` goes through on a backend; all of them with KERASCOPE_FULL.

    Where not all: every method on the shape its promises are checked on, and on each shape other
    methods than on the shapes beside it.
    """
    step = 1 if os.environ.get("KERASCOPE_FULL") else EVERY.get(backend, 1)
    return [
        (method, shape)
        for (i, method), (j, shape) in itertools.product(
            enumerate(registry()), enumerate(zoo.SHAPES)
        )
        if (i + j) % step == 0 or shape == home(method)
    ]


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
