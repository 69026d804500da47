"""Texts and rows of a table for the page, made by hand: no model runs and no Keras is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from fake_results import provenance
from kerascope.attribution import Attribution
from kerascope.columns import Column
from kerascope.method import method_class
from kerascope.texts.align import aligned
from kerascope.tokens import Tokens

# Tokens with their values for "dull" and for "lively"; what is in brackets is no word.
FIRST = (
    ("[CLS]", 0.02, 0.01), ("the", 0.0, 0.05), ("film", -0.3, 0.4), ("was", 0.1, 0.0),
    ("un", 0.7, -0.2), ("##believ", 1.4, -0.5), ("##ably", 0.5, -0.1), ("boring", 3.0, -2.0),
    (",", 0.0, 0.0), ("and", 0.05, 0.02), ("the", 0.01, 0.0), ("plot", 0.2, 0.3),
    ("great", -1.1, 2.2), (".", 0.0, 0.0), ("[SEP]", 0.3, 0.1),
)  # fmt: skip
TEXTS = {
    "The film was unbelievably boring, and the plot <b>great</b>.": FIRST,
    "A lively scene; never dull!": (
        ("[CLS]", 0.0, 0.0), ("a", 0.0, 0.1), ("lively", -1.5, 2.5), ("scene", 0.1, 0.2),
        (";", 0.0, 0.0), ("never", -0.4, 0.6), ("dull", 0.9, -0.7), ("!", 0.0, 0.1),
        ("[SEP]", 0.0, 0.0),
    ),
}  # fmt: skip
LENGTH = 18  # with padding
LABELS = ("dull", "lively")


def long_text(count: int = 90) -> tuple[str, tuple[tuple[str, float, float], ...]]:
    """A text of more words than carry numbers."""
    words = [f"word{i}" for i in range(count)]
    values = np.random.default_rng(0).normal(size=(count, 2))
    rows = tuple((w, float(a), float(b)) for w, (a, b) in zip(words, values, strict=True))
    return " ".join(words), rows


def text_result(
    name: str = "integrated_gradients",
    texts: dict[str, Any] | None = None,
    length: int = LENGTH,
    scale: float = 1.0,
    **changes: Any,
) -> Attribution:
    """The result of a method for the texts and both classes."""
    given = TEXTS if texts is None else texts
    tokens = tuple(_tokens(text, rows, length) for text, rows in given.items())
    values = np.zeros((len(given), 2, length), np.float32)
    for sample, rows in enumerate(given.values()):
        values[sample, :, : len(rows)] = scale * np.array([row[1:] for row in rows]).T
    shares = np.tile(np.array([0.83, 0.17], np.float32), (len(given), 1))
    scores = values.sum(axis=-1) + 0.5
    method = method_class(name)()
    made: dict[str, Any] = {
        "values": values,
        "axes": ("sample", "target", "token"),
        "inputs": np.arange(values[:, 0].size, dtype=np.int32).reshape(values[:, 0].shape),
        "input_axes": {"ids": ("sample", "token")},
        "scores": scores,
        "explained": tuple(
            tuple(f"logit of '{label}' ({s:.3g})" for label, s in zip(LABELS, row, strict=True))
            for row in scores
        ),
        "predictions": shares,
        "method": method,
        "target": "top-2",
        "layer": None,
        "gap": None,
        "notes": (),
        "names": tuple(text if len(text) < 40 else f"{text[:39]}…" for text in given),
        "provenance": provenance(method, model="reviews.keras", target="top-2"),
        "labels": LABELS,
        "features": {"ids": tokens},
    }
    return Attribution(**(made | changes))


def _tokens(text: str, rows: Any, length: int) -> Tokens:
    names = [row[0] for row in rows] + [""] * (length - len(rows))
    return aligned(text, names, [not n or n.startswith("[") for n in names])


NAMES = ("age", "income", "region", "height", "weight", "a column with a very long name",
         *(f"x{i}" for i in range(9)))  # fmt: skip
REGIONS = ("north", "south", "west")


def table_result(name: str = "kernel_shap", count: int = 40, **changes: Any) -> Attribution:
    """The result of a method for rows of a table, "income" ahead of all others, and two classes."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(count, len(NAMES))).astype(np.float32) * 10
    x[:, 2] = rng.integers(0, 3, count)
    worth = np.array([-0.8, 3.0, 0.5, 0.3, -0.2, 0.1, *np.linspace(0.09, 0.01, 9)])
    values = (x / 10 * worth)[:, None] * np.array([1.0, -0.6])[:, None]
    gap = np.full((count, 2), 0.05, np.float32)
    gap[1] = 1.5  # a row that is not accounted for
    scores = values.sum(axis=-1) + 0.25 + gap
    method = method_class(name)()
    shares = 1 / (1 + np.exp(-scores))
    made: dict[str, Any] = {
        "values": values.astype(np.float32),
        "axes": ("sample", "target", "feature"),
        "inputs": x,
        "input_axes": {"rows": ("sample", "feature")},
        "scores": scores.astype(np.float32),
        "explained": tuple(
            tuple(f"logit of '{label}' ({s:.3g})" for label, s in zip(LABELS, row, strict=True))
            for row in scores
        ),
        "predictions": (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32),
        "method": method,
        "target": "top-2",
        "layer": None,
        "gap": gap,
        "notes": (),
        "names": tuple(f"row {i}" for i in range(count)),
        "provenance": provenance(method, model="people.keras", target="top-2"),
        "labels": LABELS,
        "features": {
            "rows": tuple(
                Column(
                    name=column, input="rows", places=(i,),
                    categories=REGIONS if column == "region" else (),
                    codes=(0.0, 1.0, 2.0) if column == "region" else (),
                )
                for i, column in enumerate(NAMES)
            )
        },
    }  # fmt: skip
    return Attribution(**(made | changes))
