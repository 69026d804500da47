"""The demo: two nets that are right for different reasons, told as a report."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.demo.evidence import CELLS, PIXELS, Evidence, measure, share_inside, why
from kerascope.demo.scenes import CLASS_NAMES, Scenes, make_scenes
from kerascope.errors import KerascopeError
from kerascope.report import Comparison, Explanations, Interval, Story, Table, write_report

NETS = {
    "sky_net": "trained where the weather betrays the class",
    "object_net": "trained where it does not",
}
SCENES = 240
_SEED = 20_000  # far from the seeds of training and testing
_SHOWN = 8
HONEST, FOOLED = 0.6, 0.2  # the shares that the story stands on


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """What the demo found out about one net."""

    name: str
    evidence: Evidence  # pixel by pixel
    cells: Evidence  # of the class activation map
    own: float  # accuracy on scenes like those it was trained on

    def row(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        low, high = self.evidence.interval()
        return {
            "net": self.name,
            "training": NETS[self.name],
            "accuracy_like_training": self.own,
            "accuracy_any_weather": self.evidence.accuracy,
            "share_inside_object": self.evidence.mean,
            "interval_95": [low, high],
            "share_of_activation_map": self.cells.mean,
            "activation_map_interval_95": list(self.cells.interval()),
            "scenes": len(self.evidence.shares),
        }


class DemoFailed(KerascopeError):
    """The nets do not show what the demo is about."""


def load_net(name: str) -> Any:
    """Return one of the bundled nets, with its class names."""
    from kerascope.loading import load_model

    with resources.as_file(resources.files("kerascope.demo") / "data" / f"{name}.keras") as path:
        return load_model(str(path), labels=list(CLASS_NAMES))


def accuracy_like_training(name: str) -> float:
    """Return the accuracy that the training script measured on fresh scenes like its own."""
    text = (resources.files("kerascope.demo") / "data" / "facts.json").read_text()
    return float(json.loads(text)["nets"][name]["accuracy"]["own"])


def investigate(*, scenes: int = SCENES) -> tuple[list[Finding], dict[str, Any]]:
    """Measure both nets on fresh scenes whose weather says nothing; return findings and nets."""
    fresh = make_scenes(scenes, seed=_SEED, bias=0.0)
    nets = {name: load_net(name) for name in NETS}
    findings = [
        Finding(
            name,
            measure(net, fresh, PIXELS),
            measure(net, fresh, CELLS),
            accuracy_like_training(name),
        )
        for name, net in nets.items()
    ]
    return findings, nets


def check(findings: list[Finding]) -> None:
    """Raise `DemoFailed` unless the numbers carry the story: the shares apart, and far enough."""
    fooled, honest = findings
    apart = fooled.evidence.interval()[1] < honest.evidence.interval()[0]
    if not (apart and honest.evidence.mean >= HONEST and fooled.evidence.mean <= FOOLED):
        raise DemoFailed(
            f"the demo's story does not hold: {fooled.name} {fooled.evidence.mean:.2f} (at most "
            f"{FOOLED}), "
            f"{honest.name} {honest.evidence.mean:.2f} (at least {HONEST}), intervals apart: "
            f"{apart}"
        )


def write(findings: list[Finding], nets: dict[str, Any], path: Path) -> Path:
    """Write the report of the demo."""
    shown = make_scenes(_SHOWN, seed=_SEED + 1, bias=0.0)
    results = [_drawn(why(net, shown.images), shown) for net in nets.values()]
    captions = tuple(
        tuple(f"{share:.0%} of this map on the vehicle" for share in shares)
        for shares in zip(*(share_inside(r.heatmap(), shown.masks) for r in results), strict=True)
    )
    sections = [
        _story(findings),
        Comparison(
            title="The same pictures, two reasons",
            results=tuple(results),
            headings=tuple(f"{name}: {words}" for name, words in NETS.items()),
            captions=captions,
            outlines=tuple(shown.masks),
        ),
        _methods(nets["object_net"], shown),
    ]
    return write_report(path, sections, title="Right for the wrong reason")


def _drawn(result: Any, scenes: Scenes) -> Any:
    """Return a result with the pictures to draw on."""
    names = tuple(
        f"{CLASS_NAMES[label]}, {'sunny' if sun else 'overcast'}"
        for label, sun in zip(scenes.labels, scenes.sunny, strict=True)
    )
    return dataclasses.replace(result, display=tuple(scenes.images), names=names)


def _interval(evidence: Evidence) -> Interval:
    low, high = evidence.interval()
    return Interval(mean=evidence.mean, low=low, high=high)


def _story(findings: list[Finding]) -> Story:
    fooled, honest = (finding.evidence for finding in findings)
    rows = tuple(
        (
            finding.name,
            NETS[finding.name],
            f"{finding.own:.0%}",
            f"{finding.evidence.accuracy:.0%}",
            _interval(finding.evidence),
            _interval(finding.cells),
        )
        for finding in findings
    )
    reason = (
        "Two small nets tell tanks from trucks. In the training pictures of the first, every truck "
        "stood in the sun and every tank under clouds; in those of the second, the weather said "
        "nothing. Asked for its reasons, the first points at the sky: only "
        f"{fooled.mean:.0%} of the evidence for its decision lies on the vehicle. The second "
        f"points at the vehicle: {honest.mean:.0%}."
    )
    return Story(
        headline="Both nets are accurate on pictures like their own. Only one of them looks at "
        "the vehicle.",
        paragraphs=(
            reason,
            "An accuracy alone would not have told them apart until the weather changed.",
        ),
        table=Table(
            columns=(
                "net",
                "training",
                "right on pictures like its own",
                "right in any weather",
                "evidence on the vehicle",
                "of the activation map",
            ),
            rows=rows,
            caption=(
                "Share of the positive evidence inside the vehicle's outline, mean over "
                f"{len(honest.shares)} fresh scenes with 95 % confidence interval (bootstrap over "
                "scenes). Evidence is for the predicted class rather than the other: integrated "
                "gradients from the picture out of focus, pixel by pixel; and the class "
                "activation map, whose cells of four pixels smear over the outline."
            ),
        ),
    )


def _methods(net: Any, shown: Scenes) -> Explanations:
    """Return the first pictures explained by several methods, side by side."""
    from kerascope.explain import explain

    few = dataclasses.replace(
        shown, **{f.name: getattr(shown, f.name)[:2] for f in dataclasses.fields(shown)}
    )
    x = np.asarray(few.images, np.float32)
    methods = ("grad_cam", "integrated_gradients", "smooth_grad", "occlusion")
    results = [_drawn(explain(net, x, method, target="top-2"), few) for method in methods]
    return Explanations(
        title="One net, four methods",
        intro="The second net, explained by four methods for both classes.",
        results=tuple(results),
    )
