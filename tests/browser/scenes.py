"""Results and documents for the page, made by hand: pictures of animals, maps that look at them.

No model runs and no Keras is loaded; methods are real values, so titles, fields and what they
declare are those of the library.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from fake_results import EVIL, provenance
from kerascope.attribution import Attribution
from kerascope.method import method_class
from kerascope.report.document import document_of
from kerascope.verdict import Grade

HEIGHT, WIDTH = 96, 128
CLASSES = ("tabby", "lynx", "red fox", "snow leopard", "Arctic fox", "Persian cat")
# Breaks out of a script, an attribute, a line of JavaScript, an address and a style.
HOSTILE = (
    f"{EVIL}\"'><img src=x onerror=alert(2)><svg/onload=alert(3)>\u2028${{alert(4)}}"
    "javascript:alert(5)</style>{{7*7}}\u202e&amp;\x00"
)
_FUR = np.array([[214, 140, 62], [150, 142, 130], [196, 74, 32]])
_STABLE = "stays under small noise and another seed (correlation 0.99)"
_GRADES = (
    Grade(
        letter="A", score=0.93, checks={"stability": 0.99},
        reasons=("the score hangs on what it points to (0.62; a random map 0.01)", _STABLE),
    ),
    Grade(
        letter="B", score=0.81, checks={"stability": 0.99},
        reasons=("its evidence lies partly where covering costs most (0.52 of 1)", _STABLE),
    ),
    Grade(
        letter="D", score=0.21, checks={"weights": 0.91},
        reasons=("looks much the same: it shows the input more than the model",),
    ),
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """One sample: what it is, what the model says and how sure, where it looks."""

    truth: int
    says: int
    share: float
    centre: tuple[float, float]
    astray: bool = False

    @property
    def looks(self) -> tuple[float, float]:
        """Where the evidence lies, (y, x) in 0 … 1."""
        return (0.12, 0.9) if self.astray else self.centre


def scenes(count: int = 12) -> list[Scene]:
    """The first is right and sure; 3 is wrong, 4 unsure, 7 looks at a corner."""
    made = []
    for i in range(count):
        centre = (0.45 + 0.25 * np.sin(i), 0.3 + 0.4 * (i * 0.381966 % 1))
        truth = i % 3
        says = (truth + 1) % 3 if i == 3 else truth
        share = 0.41 if i == 4 else 0.91 - 0.02 * (i % 5)
        made.append(Scene(truth=truth, says=says, share=share, centre=centre, astray=i == 7))
    return made


def bump(height: int, width: int, centre: tuple[float, float], spread: float) -> np.ndarray:
    """A bell of height 1 around (y, x) in 0 … 1; spread is a share of the height."""
    y, x = np.mgrid[:height, :width]
    far = ((y + 0.5) / height - centre[0]) ** 2
    far = far + (((x + 0.5) / width - centre[1]) * WIDTH / HEIGHT) ** 2
    return np.exp(-far / (2 * spread**2)).astype(np.float32)


def picture(one: Scene, seed: int) -> np.ndarray:
    """Sky, ground and an animal: uint8 RGB."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, HEIGHT)[:, None, None]
    sky = np.array([120, 165, 215]) * (1 - y) + np.array([205, 220, 230]) * y
    ground = np.array([96, 128, 70]) + rng.normal(0, 12, (HEIGHT, WIDTH, 1))
    drawn = np.where(y < 0.5, np.broadcast_to(sky, (HEIGHT, WIDTH, 3)), ground)
    body = bump(HEIGHT, WIDTH, one.centre, 0.16)[..., None] > 0.45
    head = bump(HEIGHT, WIDTH, (one.centre[0] - 0.14, one.centre[1] + 0.1), 0.09)[..., None] > 0.45
    fur = _FUR[one.truth] + rng.normal(0, 10, (HEIGHT, WIDTH, 1))
    return np.clip(np.where(body | head, fur, drawn), 0, 255).astype(np.uint8)


def _grad_cam(one: Scene, target: int, rng: np.random.Generator) -> np.ndarray:
    strength = 1.0 if target == 0 else 0.45
    place = one.looks if target == 0 else (one.looks[0] - 0.15, one.looks[1] + 0.12)
    here = strength * bump(7, 9, place, 0.2)
    return here - 0.25 * bump(7, 9, (0.85, 0.2), 0.2) + rng.normal(0, 0.02, (7, 9))


def _integrated(one: Scene, target: int, rng: np.random.Generator) -> np.ndarray:
    here = bump(HEIGHT, WIDTH, one.looks, 0.11) * rng.normal(0.6, 0.5, (HEIGHT, WIDTH))
    there = 0.4 * bump(HEIGHT, WIDTH, (0.8, 0.75), 0.12) * rng.normal(-0.5, 0.4, (HEIGHT, WIDTH))
    one_map = (here + there) * (1 if target == 0 else -0.5) / 100
    return np.repeat(one_map[..., None] / 3, 3, axis=-1)


def _smooth(one: Scene, target: int, rng: np.random.Generator) -> np.ndarray:
    here = bump(HEIGHT, WIDTH, one.looks, 0.14) * np.abs(rng.normal(0, 1, (HEIGHT, WIDTH)))
    return np.repeat(here[..., None] / (2 + target), 3, axis=-1)


def _occlusion(one: Scene, target: int, rng: np.random.Generator) -> np.ndarray:
    here = 3 * bump(15, 15, one.looks, 0.15) - 0.8 * bump(15, 15, (0.7, 0.8), 0.1)
    return here / (1 + target) + rng.normal(0, 0.05, (15, 15))


Draw = Callable[[Scene, int, np.random.Generator], np.ndarray]
# method: how its maps are drawn, its layer, whether it keeps only what speaks for the class
METHODS: dict[str, tuple[Draw, str | None, bool]] = {
    "grad_cam": (_grad_cam, "block5_conv3", True),
    "integrated_gradients": (_integrated, None, False),
    "smooth_grad": (_smooth, None, False),
    "occlusion": (_occlusion, None, False),
    "hires_cam": (_grad_cam, "block5_conv3", True),
}


def result(
    name: str = "grad_cam", *, count: int = 12, targets: int = 2, **changes: Any
) -> Attribution:
    """The result of a method for the first `count` scenes and `targets` classes."""
    draw, layer, relu = METHODS[name]
    told, method = scenes(count), method_class(name)()
    rng = np.random.default_rng(len(name))
    maps = np.stack([[draw(one, t, rng) for t in range(targets)] for one in told])
    maps = maps.astype(np.float32)
    pictures = [picture(one, i) for i, one in enumerate(told)]
    shares = np.stack([_shares(one) for one in told])
    order = np.argsort(-shares, axis=1, kind="stable")[:, :targets]
    scores = np.take_along_axis(np.log(shares), order, axis=1) + 9
    words = tuple(
        tuple(f"logit of '{CLASSES[k]}' ({s:.3g})" for k, s in zip(row, told_, strict=True))
        for row, told_ in zip(order, scores, strict=True)
    )
    graded = name in ("grad_cam", "occlusion")
    grades = [tuple(_GRADES[(i + t) % 3] for t in range(targets)) for i in range(count)]
    made: dict[str, Any] = {
        "values": np.maximum(maps, 0) if relu else maps,
        "axes": ("sample", "target", "y", "x", *(("channel",) if maps.ndim == 5 else ())),
        "inputs": np.stack(pictures).astype(np.float32) / 255,
        "input_axes": {"image": ("sample", "y", "x", "channel")},
        "scores": scores.astype(np.float32),
        "explained": words,
        "predictions": shares.astype(np.float32),
        "method": method,
        "target": f"top-{targets}",
        "layer": layer,
        "gap": np.full((count, targets), 0.02, np.float32)
        if name == "integrated_gradients"
        else None,
        "notes": ("gradients were averaged over 24 draws",) if name == "smooth_grad" else (),
        "names": tuple(f"animal_{i:02}.jpg" for i in range(count)),
        "provenance": provenance(method, model="animals.keras", target=f"top-{targets}"),
        "grade": grades if graded else None,
        "extras": {"signed": maps} if relu else {},
        "labels": CLASSES,
        "display": tuple(pictures),
    }
    return Attribution(**(made | changes))


def _shares(one: Scene) -> np.ndarray:
    """What the model says first, then the truth where that is another, then the rest."""
    order = dict.fromkeys([one.says, one.truth, *(np.roll(range(6), -one.says))])
    shares = np.empty(len(CLASSES))
    rest = np.array([0.52, 0.24, 0.12, 0.08, 0.04])
    shares[list(order)] = [one.share, *((1 - one.share) * rest)]
    return shares


def truths(count: int = 12) -> list[str]:
    """The right class of every scene."""
    return [CLASSES[one.truth] for one in scenes(count)]


def results(count: int = 12, methods: tuple[str, ...] = tuple(METHODS)) -> list[Attribution]:
    """Results of several methods for the same scenes."""
    return [result(name, count=count) for name in methods]


def document(count: int = 12, **options: Any) -> dict[str, Any]:
    """The document of `results`."""
    made = document_of(results(count, **options), title="Animals", truths=truths(count))
    return copy.deepcopy(made)


def many(count: int, document_: dict[str, Any] | None = None) -> dict[str, Any]:
    """A document of `count` samples, which share the pictures and maps of a few."""
    base = document_ or document(12, methods=("grad_cam",))
    made = {**base, "samples": [], "predictions": [], "maps": []}
    for i in range(count):
        old = base["samples"][i % len(base["samples"])]
        name = f"t{i}"
        made["samples"].append({**old, "id": name, "name": f"animal_{i:05}.jpg"})
        for kind in ("predictions", "maps"):
            for item in base[kind]:
                if item["sample"] == old["id"]:
                    own = {"id": f"{item['id']}_{i}"} if "id" in item else {}
                    made[kind].append({**item, "sample": name, **own})
    return made


_ADDRESSES = {"id", "sample", "model", "method", "kind", "meaning", "blob", "picture", "thumb",
              "packed", "key", "letter", "figure", "sha256"}  # fmt: skip


def hostile(document_: dict[str, Any]) -> dict[str, Any]:
    """A document in which every text, and every name of a target, tries to break out."""
    blobs = document_["blobs"]

    def turned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: v if k == "blobs" else turned(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [turned(v, key) for v in value]
        if not isinstance(value, str) or not value or value in blobs:
            return value
        return value if key in _ADDRESSES - {"key"} else f"{HOSTILE} {value}"

    return turned(document_)
