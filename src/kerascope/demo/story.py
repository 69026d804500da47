"""The demo: two nets that are right for different reasons, told as a report."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.demo.evidence import ACTIVATION_MAP, PIXELS, Evidence, measure, share_inside, why
from kerascope.demo.scenes import CLASS_NAMES, bundled_scenes, make_scenes
from kerascope.demo.unasked import audited, hangs_on
from kerascope.errors import KerascopeError, MissingDependency
from kerascope.report import Comparison, Explanations, Interval, Story, Table, write_report
from kerascope.wording import percentage

if TYPE_CHECKING:
    from kerascope.loading import Images

NETS = {
    "sky_net": "trained where the weather betrays the class",
    "object_net": "trained where it does not",
}
SCENES = 240
HONEST, FOOLED = 0.6, 0.2  # the shares that the story stands on
_PAGE = "Two nets"
_SEED = 20_000  # far from the seeds of training and testing
_DATA = resources.files("kerascope.demo") / "data"


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """What the demo found out about one net."""

    name: str
    evidence: Evidence  # by the class activation map: what the story stands on
    pixels: Evidence  # by integrated gradients
    own: float  # accuracy on scenes like those it was trained on

    def row(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "net": self.name,
            "training": NETS[self.name],
            "accuracy_like_training": self.own,
            "accuracy_any_weather": self.evidence.accuracy,
            "share_inside_object": self.evidence.mean,
            "interval_95": list(self.evidence.interval()),
            "share_in_sky": self.evidence.in_sky,
            "share_by_integrated_gradients": self.pixels.mean,
            "integrated_gradients_interval_95": list(self.pixels.interval()),
            "scenes": len(self.evidence.shares),
        }


class DemoFailed(KerascopeError):
    """The nets do not show what the demo is about."""


def load_net(name: str) -> Any:
    """Return one of the bundled nets, with its class names."""
    from kerascope.loading import load_model

    with resources.as_file(_DATA / f"{name}.keras") as path:
        return load_model(str(path), labels=list(CLASS_NAMES))


def load_pictures(net: Any) -> Images:
    """Return the bundled pictures as a net takes them, named after what they show."""
    from kerascope.loading import load_images

    with resources.as_file(_DATA) as folder:
        pictures = load_images(str(folder / "scene_*.png"), net)
    names = tuple(", ".join(name.split("_")[2:]) for name in pictures.names)  # truck, sunny
    return dataclasses.replace(pictures, names=names)


def accuracy_like_training(name: str) -> float:
    """Return the accuracy that the training script measured on fresh scenes like its own."""
    facts = json.loads((_DATA / "facts.json").read_text(encoding="utf-8"))
    return float(facts["nets"][name]["accuracy"]["own"])


def investigate(*, scenes: int = SCENES) -> tuple[list[Finding], dict[str, Any]]:
    """Measure both nets on fresh scenes whose weather says nothing; return findings and nets."""
    fresh = make_scenes(scenes, seed=_SEED, bias=0.0)
    nets = {name: load_net(name) for name in NETS}
    findings = [
        Finding(
            name,
            measure(net, fresh, ACTIVATION_MAP),
            measure(net, fresh, PIXELS),
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
            f"{FOOLED}), {honest.name} {honest.evidence.mean:.2f} (at least {HONEST}), intervals "
            f"apart: {apart}"
        )


def unasked(nets: dict[str, Any]) -> dict[str, str]:
    """Return by net what the audit says of it; nothing without pyarrow."""
    try:
        return {name: hangs_on(audited(net)) for name, net in nets.items()}
    except MissingDependency:
        return {}


def write(findings: list[Finding], nets: dict[str, Any], path: Path, said: dict[str, str]) -> Path:
    """Write the report of the demo; said: what the audit says of each net."""
    pictures, truth = load_pictures(nets["object_net"]), bundled_scenes()
    results = [why(net, pictures) for net in nets.values()]
    heats = (np.asarray(result.heatmap()) for result in results)
    shares = zip(*(share_inside(heat, truth.masks) for heat in heats), strict=True)
    sections = [
        _story(findings, said),
        Comparison(
            title="The same pictures, two reasons",
            page=_PAGE,
            results=tuple(results),
            headings=tuple(f"{name}: {words}" for name, words in NETS.items()),
            captions=tuple(tuple(f"{percentage(x)} on the vehicle" for x in row) for row in shares),
            outlines=tuple(bundled_scenes(size=pictures.display[0].shape[0]).masks),
        ),
        _methods(nets["object_net"], pictures[:2]),
    ]
    return write_report(path, sections, title="Right for the wrong reason")


def _interval(evidence: Evidence) -> Interval:
    low, high = evidence.interval()
    return Interval(mean=evidence.mean, low=low, high=high)


def _story(findings: list[Finding], said: dict[str, str]) -> Story:
    fooled, honest = (finding.evidence for finding in findings)
    reason = (
        "Two small nets tell tanks from trucks. In the training pictures of the first, every truck "
        "stood in the sun and every tank under clouds; in those of the second, the weather said "
        f"nothing. Asked for its reasons, the first points at the sky: {percentage(fooled.in_sky)} "
        f"of the evidence for its decision lies there, {percentage(fooled.mean)} on the vehicle. "
        f"The second points at the vehicle: {percentage(honest.mean)}, and "
        f"{percentage(honest.in_sky)} in the sky."
    )
    return Story(
        page=_PAGE,
        headline="Both nets are accurate on pictures like their own. Only one of them looks at "
        "the vehicle.",
        paragraphs=(
            reason,
            "An accuracy alone would not have told them apart until the weather changed.",
            *(
                f"The audit, not told where to look, says of {n}: {words}"
                for n, words in said.items()
            ),
        ),
        table=_table(findings),
    )


def _table(findings: list[Finding]) -> Table:
    rows = tuple(
        (
            finding.name,
            NETS[finding.name],
            percentage(finding.own),
            percentage(finding.evidence.accuracy),
            _interval(finding.evidence),
            _interval(finding.pixels),
        )
        for finding in findings
    )
    return Table(
        columns=(
            "net",
            "training",
            "right on pictures like its own",
            "right in any weather",
            "evidence on the vehicle: activation map",
            "integrated gradients",
        ),
        rows=rows,
        caption=(
            "Share of the positive evidence inside the vehicle's exact outline, mean over "
            f"{len(findings[0].evidence.shares)} fresh scenes with 95 % confidence interval "
            "(bootstrap over scenes). Evidence is for the predicted class rather than the other: "
            "by the class activation map, which adds up to the whole decision, and by integrated "
            "gradients from the picture out of focus."
        ),
    )


def _methods(net: Any, pictures: Images) -> Explanations:
    """Return pictures explained by several methods, side by side."""
    from kerascope.explain import explain

    methods = ("grad_cam", PIXELS, "smooth_grad", "occlusion")
    return Explanations(
        title="One net, four methods",
        intro="The second net, explained by four methods for both classes.",
        results=tuple(explain(net, pictures, method, target="top-2") for method in methods),
    )
