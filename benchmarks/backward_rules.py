"""Backward rules in units of a plain gradient, on VGG16 at 224 with random weights.

    python benchmarks/backward_rules.py [--rounds 5] [--zennit]

Rounds are interleaved: each measures the gradient and every rule once, and the ratio is that of the
medians. With --zennit (needs torch, torchvision and zennit), zennit's composites on torchvision's
VGG16 are measured in the same way in units of torch's own gradient, on one sample as ours.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# rule: (forward + backward linear maps over those of a gradient, goal)
FLOORS = {
    "gradient": (1.0, 1.0),
    "guided_backprop": (1.0, 1.15),
    "deconvnet": (1.0, 1.15),
    "zero": (1.0, 1.15),
    "epsilon": (1.0, 1.15),
    "epsilon_plus": (1.5, 1.6),
    "epsilon_gamma_box": (1.5, 1.6),
    "epsilon_alpha2_beta1": (2.0, 2.25),
    "deep_lift": (1.5, 1.7),
}


def measured(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median seconds of every call, in CPU time of the process; the first is warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def ours(rounds: int) -> dict[str, float]:
    """Measure the passes alone: charts, notes and checks of the inputs are left out."""
    import keras

    from kerascope.hooks import HookedModel
    from kerascope.hooks.rectifiers import Rectifiers
    from kerascope.lrp.composites import COMPOSITES
    from kerascope.lrp.differences import Differences
    from kerascope.lrp.relevance import Propagation
    from kerascope.targets import resolve_targets

    keras.utils.set_random_seed(0)
    model = HookedModel(keras.applications.VGG16(weights=None))
    x = model.read(np.random.default_rng(0).normal(size=(1, 224, 224, 3)).astype("float32"))
    targets = resolve_targets(3, model.spec(), 1)
    rules: dict[str, Any] = {"gradient": None}
    rules |= {name: Rectifiers(name) for name in ("guided_backprop", "deconvnet")}
    rules |= {name: Propagation(COMPOSITES[name]) for name in FLOORS if name in COMPOSITES}
    calls = {
        name: lambda rule=rule: model.gradients(x, targets, rules=rule)
        for name, rule in rules.items()
    }
    zero = {name: 0 * array for name, array in x.items()}
    calls["deep_lift"] = lambda: model.gradients(x, targets, rules=Differences(), reference=zero)
    return measured(calls, rounds)


def theirs(rounds: int) -> dict[str, float]:
    """Measure zennit's composites on torchvision's VGG16."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision.models import vgg16
    from zennit import composites as zc
    from zennit.attribution import Gradient

    model = vgg16(weights=None).eval().requires_grad_(requires_grad=False)
    x, target = torch.randn(1, 3, 224, 224), torch.eye(1000)[[3]]
    low, high = -3 * torch.ones(1), 3 * torch.ones(1)
    kinds = {
        "gradient": None,
        "guided_backprop": zc.GuidedBackprop(),
        "epsilon_plus": zc.EpsilonPlus(),
        "epsilon_gamma_box": zc.EpsilonGammaBox(low=low, high=high),
        "epsilon_alpha2_beta1": zc.EpsilonAlpha2Beta1(),
    }

    def call(composite: Any) -> Any:
        with Gradient(model=model, composite=composite) as attributor:
            return attributor(x.clone(), target)

    return measured({n: lambda c=c: call(c) for n, c in kinds.items()}, rounds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--zennit", action="store_true")
    options = parser.parse_args()
    import keras

    found = ours(options.rounds)
    other = theirs(options.rounds) if options.zennit else {}
    print(f"VGG16, 224 × 224, one sample, Keras on {keras.backend.backend()}, CPU time")
    print(f"{'rule':24}{'seconds':>9}{'gradients':>11}{'floor':>7}{'goal':>7}{'zennit':>8}")
    for name, (floor, goal) in FLOORS.items():
        ratio = found[name] / found["gradient"]
        peer = f"{other[name] / other['gradient']:8.2f}" if name in other else f"{'':8}"
        print(f"{name:24}{found[name]:9.3f}{ratio:11.2f}{floor:7.2f}{goal:7.2f}{peer}")


if __name__ == "__main__":
    main()
