"""Every architecture of Keras Applications at its own input size, with random weights: what runs.

    python tests/applications.py [NAME …]     # all, or some; those in the file are left out
    python tests/applications.py --page       # write docs/matrix.md from what is in the file

One line of JSON for each architecture is added to `data/applications.jsonl` as soon as it is done,
so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = Path(__file__).parent / "data" / "applications.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "matrix.md"
STEPS, POSITIONS = 4, 3  # of the path; of the patch along each axis
# The smallest of each family.
SMALLEST = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2",
    "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50",
    "ResNet50V2", "VGG16", "Xception",
)  # fmt: skip


def names() -> list[str]:
    """Return the architectures that Keras has: the smallest of each family, then the rest."""
    import keras

    found = [n for n in dir(keras.applications) if n[0].isupper()]
    assert set(SMALLEST) <= set(found), "an architecture is gone"
    large = ("Large", "L", "M", "B4", "B5", "B6", "B7")
    # TensorFlow compiles every grouped convolution of a ConvNeXt anew at each eager call.
    slow = lambda n: (n.startswith("ConvNeXt"), n not in SMALLEST, n.endswith(large))  # noqa: E731
    return sorted(found, key=lambda n: (*slow(n), n))


def build(name: str, side: int | None = None) -> Any:
    """Return an architecture with random weights, and a photograph as it takes them.

    side: of a smaller input than its own, with ten classes.
    """
    import keras
    from PIL import Image
    from skimage import data

    import kerascope as ks

    keras.utils.set_random_seed(0)
    smaller = {} if side is None else {"input_shape": (side, side, 3), "classes": 10}
    model = getattr(keras.applications, name)(weights=None, **smaller)
    x = ks.load_images(Image.fromarray(data.astronaut()), model).inputs
    _settle(model, x)
    return model, x


def _settle(model: Any, x: Any) -> None:
    """Give batch normalisations the picture's own statistics: else signals fade away below 1e-9."""
    from keras.layers import BatchNormalization

    norms = [layer for layer in model._flatten_layers() if isinstance(layer, BatchNormalization)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(x, training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


def measured(name: str, side: int | None = None) -> dict[str, Any]:
    """Return the row of an architecture: a state and numbers for each cell."""
    import keras

    from kerascope.hooks import HookedModel

    model, x = build(name, side)
    view = HookedModel(model, compiled=False)
    row: dict[str, Any] = {
        "name": name,
        "input": list(x.shape[1:]),
        "parameters": int(model.count_params()),
        "made_by": f"Keras {keras.__version__}, {keras.backend.backend()}",
    }
    for cell, run in CELLS.items():
        row[cell] = _state(lambda run=run: run(view, x))
    return row


def _state(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    import kerascope as ks

    try:
        return {"state": "works", **run()}
    except ks.Refused as refusal:
        return {"state": "refuses", "why": str(refusal)}
    except Exception as error:  # the table says what is broken; the test fails
        return {"state": "fails", "why": f"{type(error).__name__}: {error}"[:300]}


def _explained(view: Any, x: Any, method: str, **fields: Any) -> Any:
    """Return an explanation that is finite, not constant, and of the input's size."""
    import kerascope as ks

    result = ks.explain(view, x, method, **fields)
    assert np.isfinite(result.values).all(), "not finite"
    assert np.ptp(result.values) > 0, "constant"
    assert result.heatmap().shape == x.shape[:3], "not of the input's size"
    return result


def _grad_cam(view: Any, x: Any) -> dict[str, Any]:
    result = _explained(view, x, "grad_cam", relu=False)
    return {"layer": result.layer, "map": list(result.values.shape[1:3])}


def _integrated_gradients(view: Any, x: Any) -> dict[str, Any]:
    fields = {"steps": STEPS, "tolerance": None}
    result = _explained(view, x, "integrated_gradients", **fields)
    gap = abs(float(result.gap[0])) / float(np.abs(result.values).sum())
    return {"gap": float(f"{gap:.1e}")}


def _occlusion(view: Any, x: Any) -> dict[str, Any]:
    """Occlude; compare the middle position with the score of a picture covered by hand."""
    patch = tuple(-(-side // POSITIONS) for side in x.shape[1:3])
    result = _explained(view, x, "occlusion", patch=patch, stride=patch, baseline="zero")
    covered = x.copy()
    covered[:, patch[0] : 2 * patch[0], patch[1] : 2 * patch[1]] = 0
    raw, logits = view.predict(view.read(np.concatenate([x, covered])))
    scores = next(iter(logits.values()))
    kind = int(next(iter(raw.values()))[0].argmax())
    drop = float(scores[0, kind] - scores[1, kind])
    found = float(result.values[0, 1, 1])
    largest = float(np.abs(result.values).max())
    assert abs(found - drop) <= 1e-3 * largest, f"{found} is not {drop}, as covered by hand"
    return {"off": float(f"{abs(found - drop) / largest:.1e}")}


def _lrp(view: Any, x: Any) -> dict[str, Any]:
    result = _explained(view, x, "lrp")
    return {"kept": round(float(result.extras["conserved"][0]), 4), "notes": len(result.notes)}


def _summary(view: Any, x: Any) -> dict[str, Any]:
    """Tabulate the architecture; its parameters are those that Keras counts."""
    import kerascope as ks

    found = ks.architecture(view.model, x)
    assert found.parameters == view.model.count_params(), "parameters differ from Keras's"
    assert sum(row.parameters for row in found.values) == found.parameters, "rows miss parameters"
    return {"calls": len(found.values), "multiply_adds": int(found.multiply_adds)}


CELLS: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "grad_cam": _grad_cam,
    "integrated_gradients": _integrated_gradients,
    "occlusion": _occlusion,
    "lrp": _lrp,
    "summary": _summary,
}


GROWN = 2.0  # shares of relevance beyond it are none
HEAD = """# Keras Applications

Every architecture of `keras.applications` that was run, at its own input size, on a photograph,
with random weights (batch normalisations hold the statistics of that photograph, so that signals
keep their size): by Grad-CAM, integrated gradients in 4 steps, occlusion at 3 × 3 positions, LRP
(`epsilon_plus`) and `ks.architecture`. What is checked: maps are finite, not constant and as large
as the input; the middle position of occlusion is the drop of the score when the same patch is
covered by hand, to 1e-3 of the largest; parameters are those that Keras counts.

| column | what it says |
|---|---|
| Grad-CAM | the layer that is found by itself, and the size of its map |
| IG gap | what 4 steps miss of completeness, as a share of the sum of absolute values |
| occlusion off | how far the middle position is from the one covered by hand, of the largest |
| LRP kept | relevance that reaches the input, of the score, where it is a share: biases take some. "grows": it leaves the size of the score by far, in two deep stacks of normalisations before activations; the result's note says so |
| calls, multiply-adds | of `ks.architecture` |

`make matrix` goes on where this table ends: it is written by
[tests/applications.py](../tests/applications.py), and
[tests/contract/test_applications.py](../tests/contract/test_applications.py) runs the smallest of
each family at a smaller size each time.

| architecture | input | parameters | Grad-CAM | IG gap | occlusion off | LRP kept | calls | multiply-adds |
|---|---|--:|---|--:|--:|--:|--:|--:|
"""  # noqa: E501


def page() -> str:
    """Return the page that shows the rows."""
    rows = sorted(stored().values(), key=lambda row: row["name"])
    lines = [f"| {' | '.join(_shown(row))} |" for row in rows]
    left = [f"`{name}`" for name in sorted(names()) if name not in stored()]
    more = f"\nNot run yet: {', '.join(left)}.\n" if left else ""
    made = ", ".join(sorted({row["made_by"] for row in rows}))
    return HEAD + "\n".join(lines) + f"\n\nMade by {made}.\n" + more


def _shown(row: dict[str, Any]) -> list[str]:
    def cell(name: str, words: Callable[[dict[str, Any]], str]) -> str:
        found = row[name]
        return words(found) if found["state"] == "works" else f"{found['state']}: {found['why']}"

    calls = row["summary"]
    return [
        row["name"],
        "×".join(map(str, row["input"])),
        f"{row['parameters']:,}",
        cell("grad_cam", lambda c: f"`{c['layer']}` {'×'.join(map(str, c['map']))}"),
        cell("integrated_gradients", lambda c: f"{c['gap']:.1e}"),
        cell("occlusion", lambda c: f"{c['off']:.0e}"),
        cell("lrp", lambda c: f"{c['kept']:.0%}" if abs(c["kept"]) <= GROWN else "grows"),
        cell("summary", lambda c: f"{c['calls']}"),
        f"{calls.get('multiply_adds', 0) / 1e9:.2f} G",
    ]


def stored() -> dict[str, dict[str, Any]]:
    """Return the rows that were measured, by name."""
    lines = ROWS.read_text(encoding="utf-8").splitlines() if ROWS.exists() else []
    return {row["name"]: row for row in map(json.loads, lines)}


def main(asked: list[str]) -> None:
    """Measure what is not in the file yet, and write the page."""
    import gc

    import keras

    for name in [] if asked == ["--page"] else asked or names():
        if name in stored():
            continue
        row = measured(name)
        with ROWS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        PAGE.write_text(page(), encoding="utf-8")
        print(name, *(row[cell]["state"] for cell in CELLS), flush=True)
        keras.utils.clear_session()
        gc.collect()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
