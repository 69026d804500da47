"""Tables of how far methods can be trusted on photographs: `python benchmarks/trust.py`.

All methods on the rightly predicted photographs of a folder with hand-drawn boxes, on MobileNetV2:
deletion, insertion, pointing game, share of the evidence in the boxes, and grades. The section
"trust" of RESULTS.md is written anew after every method, from `trust.json`, which keeps what is
done: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import kerascope as ks
from kerascope.bench.results import put
from kerascope.errors import Refused
from kerascope.metrics import CONTROLS
from kerascope.metrics.statistics import mean_of

TITLE = "trust, mobilenetv2_1.00_224"
METRICS = ("deletion", "insertion", "pointing_game", "energy_pointing_game")
# A word of the ImageNet name that makes a prediction the object that the boxes are drawn round.
RIGHT = {
    "tfkv_bear.jpg": "bear", "tfkv_goldfish.jpg": "goldfish", "captum_zebra.jpg": "zebra",
    "captum_elephant.jpg": "elephant|tusker", "captum_siamese.jpg": "Siamese",
    "coral_bird.bmp": "chickadee", "coral_cat.bmp": "cat|tabby", "coral_owl.jpg": "owl",
    "coral_parrot.jpg": "macaw", "coral_hot_dog.jpg": "hotdog", "kvis_ouzel1.jpg": "ouzel",
    "pair_doberman.png": "Doberman",
}  # fmt: skip


# Fewer than by default, which is 5000 masks, 6433 passes and 800 steps for each picture.
SETTINGS: dict[str, dict[str, Any]] = {
    "d_rise": {"masks": 1000},
    "extremal_perturbation": {"steps": 200},
    "sobol": {"designs": 8},
}


def pictures(real: Path, model: Any, most: int) -> tuple[Any, list[Any]]:
    """Return the first rightly predicted pictures, and their boxes at the model's size."""
    drawn = json.loads((real / "boxes.json").read_text())
    files, boxes = [], []
    for name, words in RIGHT.items():
        images = ks.load_images(str(real / "images" / name), model)
        said = ks.explain(model, images, "gradient").explained[0]
        if any(word in said for word in words.split("|")):
            width, height = drawn[name]["size"]
            scale = np.array([224 / width, 224 / height] * 2)
            own = [box for group in drawn[name]["boxes_xyxy"].values() for box in group]
            boxes.append([tuple(np.clip(np.array(b) * scale, 0, 224)) for b in own])
            files.append(str(real / "images" / name))
    return ks.load_images(files[:most], model), boxes[:most]


def measured(model: Any, images: Any, boxes: Any, method: str) -> dict[str, Any]:
    """Return values by metric, (sample,), and the letters of the grades; or why not."""
    started = time.perf_counter()
    try:
        result = ks.explain(model, images, method, grade=True, **SETTINGS.get(method, {}))
        found = ks.evaluate(
            model, images, result, METRICS, boxes=boxes, controls=method == "gradient"
        )
    except (Refused, ks.BadInput) as error:
        return {method: {"refused": str(error)}}
    rows = {name: {m: found.of_method(name, m).tolist() for m in METRICS} for name in found.methods}
    rows[method]["letters"] = [result.grades(i)[0].letter for i in range(len(result))]
    rows[method]["score"] = [result.grades(i)[0].score for i in range(len(result))]
    rows[method]["seconds"] = round(time.perf_counter() - started, 1)
    return rows


def section(done: dict[str, Any], count: int, command: str) -> str:
    """Return the section of RESULTS.md, the best by insertion minus deletion first."""
    rows = []
    for name, values in done.items():
        if "refused" in values:
            continue
        means = {metric: mean_of(np.array(values[metric], float)) for metric in METRICS}
        letters = Counter(values.get("letters", ()))
        told = " ".join(f"{letters[k]} {k}" for k in "ABCD" if letters[k])
        cells = [f"{m.value:.3f} ({m.low:.3f}–{m.high:.3f})" for m in means.values()]
        order = means["insertion"].value - means["deletion"].value
        score = f"{np.mean(values['score']):.2f}" if "score" in values else ""
        rows.append((order, [f"*{name}*" if name in CONTROLS else name, *cells, told, score]))
    rows.sort(key=lambda row: -row[0])
    head = [
        "method",
        *(f"{m} {'↓' if m == 'deletion' else '↑'}" for m in METRICS),
        "grades",
        "score",
    ]
    lines = [
        TITLE, "", f"    {command}", "",
        f"- {count} photographs that MobileNetV2 predicts rightly; the predicted class",
        f"- settings: defaults, but {SETTINGS}",
        "- deletion and insertion: areas under the probability, 32 steps; mean (95 % interval)",
        "- pointing game: share of peaks in a hand-drawn box; energy: positive values there",
        "- maps in italics know nothing of the model; sorted by insertion − deletion",
        "- the objects are large and central: the centre map points into every box",
        "", "| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |",
        *("| " + " | ".join(row) + " |" for _, row in rows),
    ]  # fmt: skip
    refused = [f"- {name}: {v['refused']}" for name, v in done.items() if "refused" in v]
    return "\n".join([*lines, *(["", "Refused:", "", *refused] if refused else [])])


def main() -> None:
    """Measure all methods, or those named."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=here.parents[1] / "shared" / "real")
    parser.add_argument("--keep", type=Path, default=here / "trust.json")
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("methods", nargs="*")
    options = parser.parse_args()
    model = ks.load_model(
        str(options.real / "models" / "mobilenet_v2_100_224_imagenet.keras"),
        labels=str(options.real / "imagenet_class_index.json"),
    )
    images, boxes = pictures(options.real, model, options.pictures)
    done = json.loads(options.keep.read_text()) if options.keep.is_file() else {}
    for method in options.methods or ks.methods():
        if method not in done:
            done |= measured(model, images, boxes, method)
            options.keep.write_text(json.dumps(done))
            print(method, done[method].get("seconds", "refused"), flush=True)
            put(
                here / "RESULTS.md", TITLE, section(done, len(images), "python benchmarks/trust.py")
            )


if __name__ == "__main__":
    main()
