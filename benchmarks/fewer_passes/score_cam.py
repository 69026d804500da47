"""Score-CAM: scores of some channels predict the others', against all of them and the strongest.

`python benchmarks/fewer_passes/score_cam.py` compares the maps of top_k="auto" and of the strongest
quarter of the channels with the map of all. Beside the maps' correlation it gives the strict one:
of the deviation from the map of equal weights, which alone correlates highly already. Settings were
chosen on captum_elephant, captum_swan, coral_dragonfly, coral_hot_dog, coral_owl, coral_sunflower,
kvis_ouzel1 and pair_doberman with MobileNetV1, six of them with MobileNetV2.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import curves
import numpy as np
from rich.console import Console
from rich.table import Table

import kerascope as ks

# net, layer, photographs
CASES = [
    (
        "mobilenet_v1", None,
        ["coral_cat.bmp", "captum_zebra.jpg", "tfkv_goldfish.jpg", "coral_parrot.jpg",
         "captum_siamese.jpg", "tfkv_bear.jpg", "coral_bird.bmp", "tfjs_cat.jpg"],
    ),
    ("mobilenet_v2", None, ["coral_cat.bmp", "captum_zebra.jpg", "tfkv_goldfish.jpg"]),
    ("mobilenet_v2", "block_13_expand_relu", ["coral_parrot.jpg", "captum_siamese.jpg"]),
]  # fmt: skip


def compare(view: Any, picture: str, layer: str | None) -> list[dict[str, Any]]:
    """Return a row for each way, on one photograph."""
    x = curves.photographs(view, [picture])
    counted = view.store.passes

    def explain(top_k: Any) -> tuple[ks.Attribution, int]:
        before = counted["forward"]
        result = ks.explain(view, x, "score_cam", layer=layer, top_k=top_k)
        return result, counted["forward"] - before

    full, every = explain(None)
    maps = next(iter(view.activations(view.read(x), [full.layer]).values()))[0]
    flat, whole = maps.mean(axis=-1), full.extras["signed"][0]
    rows = []
    for way in ("auto", maps.shape[-1] // 4):
        result, passes = explain(way)
        found = result.extras["signed"][0]
        rows.append(
            {
                "picture": picture,
                "layer": str(full.layer),
                "channels": maps.shape[-1],
                "way": "predicted" if way == "auto" else "strongest quarter",
                "factor": (every - 2) / (passes - 2),
                "correlation": curves.correlation(found, whole),
                "strict": curves.correlation(found - flat, whole - flat),
                "flat": curves.correlation(flat, whole),
                "error": curves.relative_error(found - flat, whole - flat),
                "notes": [note for note in result.notes if "score_cam" in note],
            }
        )
    return rows


def main() -> None:
    """Measure, save, print."""
    rows = []
    for net, layer, pictures in CASES:
        view = curves.net(net)
        rows += [{"net": net} | row for p in pictures for row in compare(view, p, layer)]
    path = Path(__file__).parent / "curves" / "score_cam.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    names = ("factor", "correlation", "strict", "flat", "error")
    table = Table("net", "layer", "picture", "way", *names, box=None)
    for row in rows:
        said = [f"{row[name]:.4f}" if name != "factor" else f"{row[name]:.1f}" for name in names]
        table.add_row(row["net"], row["layer"], row["picture"], row["way"], *said)
    for way in ("predicted", "strongest quarter"):
        mine = [row for row in rows if row["way"] == way]
        best = [f"{np.median([r[name] for r in mine]):.4f}" for name in names]
        worst = [f"{min(r[name] for r in mine):.4f}" for name in names[:-1]]
        table.add_row("median", "", "", way, *best)
        table.add_row("worst", "", "", way, *worst, f"{max(r['error'] for r in mine):.4f}")
    Console(width=160).print(table)
    for row in rows:
        print(row["picture"], *row["notes"])


if __name__ == "__main__":
    main()
