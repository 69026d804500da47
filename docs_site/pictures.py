"""Draw the picture of every method's page: one method after the other on the same photograph.

    make pictures      # writes docs/pictures/NAME.webp, and what results say in pictures.json

MODEL is a MobileNetV2 with ImageNet weights; the photograph is scikit-image's cat "Chelsea".
Methods that need attention, boxes or regions are drawn on nets of the tests and examples, whose
cause is known.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import kerascope as ks
from kerascope.facts import remember
from kerascope.method import method_class
from kerascope.methods.attention_family import AttentionMap

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
FACTS = OUT / "pictures.json"
CAT = (slice(0, 300), slice(75, 375))  # rows and columns of the photograph, a square
PLACES = {"seg_grad_cam": "segmentation", "d_rise": "detection"}  # method: example in docs_src
SCENES, DPI, QUALITY = 2, 80, 80


def on_tokens(name: str) -> ks.Attribution:
    """Explain scenes of the small vision transformer, whose class one patch carries."""
    import small_vit

    pictures, kinds, _ = small_vit.scenes(40, seed=5)
    told = np.flatnonzero(kinds < small_vit.CLASSES)[:SCENES]
    return ks.explain(small_vit.load(), pictures[told], name, target=[int(k) for k in kinds[told]])


def in_places(name: str) -> ks.Attribution:
    """Explain scenes of the example of segmentation or of detection."""
    import places_nets

    example = places_nets.example(PLACES[name])
    net = example.unet() if name == "seg_grad_cam" else example.grid_detector()
    if name == "d_rise":
        remember(net, boxes=example.FORMAT)
    return ks.explain(net, example.scenes(SCENES)[0], name)


def photographed(model: str, labels: str | None) -> Callable[[str], ks.Attribution]:
    """Return a function that explains the photograph."""
    from skimage import data

    net = ks.load_model(model, labels=labels)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chelsea.png"
        Image.fromarray(data.chelsea()[CAT]).save(file)
        cat = ks.load_images(file, net)
    return lambda name: ks.explain(net, cat, name)


def save(result: ks.Attribution, file: Path) -> dict[str, list[str]]:
    """Write the figure of a result as a small WebP file; return what the result says."""
    result.plot().savefig(
        file, dpi=DPI, bbox_inches="tight", pil_kwargs={"quality": QUALITY, "method": 6}
    )
    return {"explained": list(result.explained), "notes": list(result.notes)}


def main() -> None:
    """Draw the pictures asked for, or all."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the methods' pages.")
    parser.add_argument("model")
    parser.add_argument("-l", "--labels")
    parser.add_argument("-m", "--method", action="append")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    OUT.mkdir(exist_ok=True)
    on_cat = photographed(asked.model, asked.labels)
    said = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
    for name in asked.method or ks.methods():
        started = time.monotonic()
        explain = on_cat
        if name in PLACES:
            explain = in_places
        elif issubclass(method_class(name), AttentionMap):
            explain = on_tokens
        said[name] = save(explain(name), OUT / f"{name}.webp")
        FACTS.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
