"""Tables that are made from the tests."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from typing import Any

from kerascope.metrics import metrics

TESTS = Path(__file__).resolve().parents[1] / "tests"
ORACLES = TESTS.parent / "requirements" / "oracles.txt"
PACKAGES = {
    "captum": "captum", "pytorch-grad-cam": "grad-cam", "tf-keras-vis": "tf-keras-vis",
    "shap": "shap", "saliency": "saliency", "lime": "lime", "zennit": "zennit",
    "Quantus": "quantus",
}  # fmt: skip
HEAD = """# The parity table

Each method gives the numbers of an independent NumPy version written from its paper, of identities
that theory demands, and of other libraries on the same weights, inputs and random draws. Every ✓ is
a test that runs on TensorFlow, JAX and PyTorch, and `python tests/methods/proof.py` prints this
table after `make test`, with the largest difference that was measured.

"Equal" is, unless a test states another bound, a difference of at most {tolerance} of the largest
value; where a method draws at random and the draws cannot be shared, it is the other library's own
sampling error.

"""


def parity() -> str:
    """Return the page of what each method was compared with."""
    proof: dict[str, Any] = runpy.run_path(str(TESTS / "methods" / "proof.py"))
    table, columns, found = proof["TABLE"], proof["COLUMNS"], proof["agreement"]()
    reasons: list[str] = []
    lines = [f"| | {' | '.join(map(_title, columns))} |", f"|---|{':-:|' * len(columns)}"]
    for name, row in table.items():
        cells = []
        for column in columns:
            cell = row[column]
            if isinstance(cell, tuple):
                cells.append(proof["measured"](cell, found))
            else:
                words = re.sub(r"parity/\S+::test_(\S+)", r"`\1`", str(cell))
                reasons += [words] if words not in reasons else []
                cells.append(str(reasons.index(words) + 1))
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    why = "\n".join(f"{i}. {reason}" for i, reason in enumerate(reasons, 1))
    head = HEAD.replace("{tolerance}", f"{_constant(TESTS / 'method_checks.py', 'TOLERANCE'):g}")
    return (
        head + "\n".join(lines) + f"\n\nWhy a cell has no test:\n\n{why}\n\n"
        f"{_metrics()}\n\n"
        f"## The tests\n\nIn `tests/parity`, against the versions named above:\n\n{_files()}\n"
    )


def _metrics() -> str:
    """Return which metrics the test that compares with Quantus takes, and its own words."""
    tree = ast.parse((TESTS / "metrics" / "test_quantus.py").read_text(encoding="utf-8"))
    taken = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "kerascope.metrics"
        for alias in node.names
    }
    named = ", ".join(f"`{name}`" for name, kind in metrics().items() if kind.__name__ in taken)
    words = (ast.get_docstring(tree) or "").replace("\n", " ")
    return f"## Metrics\n\n{words.replace('Quantus', _title('Quantus'), 1)}\n\nCompared: {named}."


def _title(column: str) -> str:
    """Return a library's name and the version that is compared with."""
    if column not in PACKAGES:
        return column
    found = re.search(
        rf"^{re.escape(PACKAGES[column])}==(\S+)", ORACLES.read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise SystemExit(f"{ORACLES.name} does not pin {PACKAGES[column]}")
    return f"{column} {found[1]}"


def _constant(file: Path, name: str) -> Any:
    """Return the value of a constant of a module, without running it."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise SystemExit(f"{file.name} has no constant {name}")


def _files() -> str:
    """Return what each file of tests compares, in its own words."""
    rows = []
    for file in sorted((TESTS / "parity").glob("test_*.py")):
        words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        rows.append(f"- `{file.name}`: {words.splitlines()[0]}")
    return "\n".join(rows)
