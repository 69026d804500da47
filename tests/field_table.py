"""The field table: every method on every model shape, on every backend, and the page that shows it.

    python tests/field_table.py     # take in what the runs of the three suites kept, write the page

`contract/test_field_table.py` proves each cell; `make fields` runs it for the cells that are not in
the table yet, and then this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from saved import cells_of

TABLE = Path(__file__).parent / "data" / "field_table.json"
PAGE = Path(__file__).parents[1] / "docs" / "field-table.md"
BACKENDS = ("tensorflow", "jax", "torch")
LETTERS = {"works": "w", "refuses": "r", "cannot run here": "n"}  # a letter for each backend
FAMILIES = {
    "Gradients": (
        "gradient", "gradient_x_input", "smooth_grad", "smooth_grad_squared", "var_grad",
        "integrated_gradients", "blur_ig", "guided_ig", "expected_gradients", "full_grad",
    ),
    "Class activation maps": (
        "cam", "grad_cam", "grad_cam_plus_plus", "x_grad_cam", "hires_cam", "layer_cam",
        "eigen_cam", "score_cam", "ablation_cam",
        "seg_grad_cam",
    ),
    "Segments, covered and shown": (
        "feature_ablation", "lime", "kernel_shap", "shapley_sampling", "owen", "sobol",
    ),
    "Masks": ("occlusion", "rise", "extremal_perturbation", "d_rise", "xrai"),
    "Backward rules": (
        "guided_backprop", "deconvnet", "rect_grad", "guided_grad_cam", "lrp", "deep_lift",
        "deep_shap", "excitation_backprop", "deep_taylor",
    ),
    "Attention": (
        "attention_rollout", "attention_flow", "chefer", "attention_x_gradient", "legrad",
    ),
}  # fmt: skip
HEAD = """# The field table

Every method on every shape of model that people bring, on TensorFlow, JAX and PyTorch. In each
cell a tiny net with random weights was explained: the map is finite, is not constant, mirrors the
inputs and is as large as they are, or the method refuses by name, with the layer and the reason.
The maps of the three backends agree to 1e-4, half precision and a few named exceptions apart. Each
cell is a test ([tests/contract/test_field_table.py](../tests/contract/test_field_table.py)); the
nets are in [tests/zoo.py](../tests/zoo.py). This page is written from what those tests did, by
`make fields`, and a test fails where it is stale.

✓ works on all three backends. A number is the reason below for which the method refuses on all
three. "T", "J", "P": works on TensorFlow, JAX, PyTorch only.
"""


def stored() -> dict[str, dict[str, str]]:
    """Return the letters of every cell in the order of `BACKENDS`, by shape and method."""
    return json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}


def missing(backend: str) -> set[tuple[str, str]]:
    """Return the cells (method, shape) that no run on a backend has proven yet."""
    import zoo
    from kerascope.method import registry

    table, place = stored(), BACKENDS.index(backend)
    return {
        (method, shape)
        for method in registry()
        for shape in zoo.SHAPES
        if table.get(shape, {}).get(method, "---")[place] == "-"
    }


def merged() -> dict[str, dict[str, str]]:
    """Return the table with what runs have kept since; cells of what is gone are left out."""
    import zoo
    from kerascope.method import registry

    before = stored()
    cells = {
        shape: {method: list(before.get(shape, {}).get(method, "---")) for method in registry()}
        for shape in zoo.SHAPES
    }
    for place, backend in enumerate(BACKENDS):
        for method, shape, state in cells_of(backend):
            if shape in cells and method in cells[shape]:
                cells[shape][method][place] = LETTERS[state]
    return {
        shape: {method: "".join(letters) for method, letters in row.items()}
        for shape, row in cells.items()
    }


def page() -> str:
    """Return the page that shows the table."""
    from contract_checks import refusals

    table, why = stored(), refusals()
    reasons = [reason for rows in why.values() for reason in rows.values()]
    numbers = {reason: i for i, reason in enumerate(dict.fromkeys(reasons), 1)}

    def cell(method: str, shape: str) -> str:
        reason = why.get(method, {}).get(shape)
        found = table[shape][method]
        if found == "www":
            return "✓"
        if reason and "w" not in found:
            return str(numbers[reason])
        return "".join(b for b, letter in zip("TJP", found, strict=True) if letter == "w") or "?"

    lines = [HEAD, *_totals(table)]
    for family, methods in FAMILIES.items():
        lines += [f"\n## {family}\n", f"| | {' | '.join(f'`{m}`' for m in methods)} |"]
        lines += ["|---|" + ":-:|" * len(methods)]
        lines += [
            f"| {shape.replace('_', ' ')} | {' | '.join(cell(m, shape) for m in methods)} |"
            for shape in table
        ]
    lines += ["\n## Reasons\n", *(f"{i}. {reason}" for reason, i in numbers.items())]
    return "\n".join(lines) + "\n"


def _totals(table: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield a row of numbers for each family and backend."""
    yield "| | cells | TensorFlow | JAX | PyTorch | refuse by name |"
    yield "|---|--:|--:|--:|--:|--:|"
    for family, methods in FAMILIES.items():
        cells = [row[method] for row in table.values() for method in methods]
        works = [sum(found[place] == "w" for found in cells) for place in range(3)]
        refuses = sum("r" in found and "w" not in found for found in cells)
        yield f"| {family} | {len(cells)} | {' | '.join(map(str, works))} | {refuses} |"


def main() -> None:
    """Take in what was kept, write table and page, and say what is not proven yet."""
    table = merged()
    rows = [f'"{shape}": {json.dumps(row)}' for shape, row in table.items()]
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    for backend in BACKENDS:
        print(f"{backend}: {len(missing(backend))} cells not proven yet")


if __name__ == "__main__":
    main()
