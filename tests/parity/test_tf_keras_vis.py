"""Agreement with tf-keras-vis, which ran on the TensorFlow backend, on twins that give logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

import method_checks as checks
import oracles
from parity import cases, make_references

NOISE = {
    "samples": cases.NOISE["samples"],
    "noise": cases.NOISE["share"],
    "seed": cases.NOISE["seed"],
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    return make_references.load("tensorflow")


def explained(net: str, name: str, **options: Any) -> checks.ks.Attribution:
    return checks.explain(net, name, model=checks.model(net, softmax=False), **options)


@pytest.mark.parametrize("net", cases.KERAS_VIS)
def test_twin_gives_the_same_scores(theirs: dict[str, np.ndarray], net: str) -> None:
    twin, x = cases.pictured(net)
    checks.check_equal(theirs[f"{net}/scores"], twin.upto(x, len(twin.layers)))


def test_gradient(theirs: dict[str, np.ndarray]) -> None:
    checks.check_equal(explained(cases.KERAS_VIS[-1], "gradient").values, theirs["gradient"])


def test_smooth_grad(theirs: dict[str, np.ndarray]) -> None:
    checks.check_equal(
        explained(cases.KERAS_VIS[-1], "smooth_grad", pairs=False, **NOISE).values,
        theirs["smooth_grad"],
    )


@pytest.mark.parametrize("name", ["grad_cam", "layer_cam"])
def test_maps(theirs: dict[str, np.ndarray], name: str) -> None:
    for net in cases.KERAS_VIS:
        checks.check_equal(explained(net, name).values, theirs[f"{net}/{name}"])


def test_score_cam(theirs: dict[str, np.ndarray]) -> None:
    """Their weights are the class's probabilities: in effect the softmax of log-probabilities.

    Theirs adds a softmax of its own to the output, hence the twin with logits. Compared on maps as
    large as the input, as theirs enlarges with corners aligned.
    """

    def log_probability(logits: Any) -> Any:
        return ops.log_softmax(logits)[:, cases.K]

    found = explained("whole", "score_cam", target=log_probability).values
    raw = theirs["whole/score_cam"]
    scale = raw.sum(axis=(1, 2), keepdims=True) / found.sum(axis=(1, 2), keepdims=True)
    checks.check_equal(found * scale, raw)


def test_grad_cam_plus_plus_differs_by_a_normalisation(theirs: dict[str, np.ndarray]) -> None:
    """Theirs divides α by its sum, as the authors' code does and their equation 19 does not."""
    for which in cases.KERAS_VIS:
        net, x = cases.pictured(which)
        raw = theirs[f"{which}/grad_cam_plus_plus"]
        y = np.exp(net.scores(x, cases.K))[:, None, None]
        normalised = np.maximum(y * oracles.grad_cam_plus_plus(net, x, cases.K, normalise=True), 0)
        checks.check_equal(normalised, raw, 2e-4)  # denominators near zero, in float32
        with pytest.raises(AssertionError, match="differs by"):
            checks.check_equal(y * explained(which, "grad_cam_plus_plus").values, raw, 0.05)
