"""Agreement with PAIR's `saliency`, by the authors of blur-IG, guided IG and SmoothGrad."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
import oracles
from kerascope.methods.xrai import XRAI, _superpixels
from parity import cases, make_references

NET = cases.SALIENCY
NOISE = {
    "samples": cases.NOISE["samples"],
    "noise": cases.NOISE["share"],
    "seed": cases.NOISE["seed"],
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    return make_references.load("saliency")


@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "smooth_grad_squared"])
def test_gradients(theirs: dict[str, np.ndarray], name: str) -> None:
    fields = {} if name == "gradient" else NOISE
    fields = fields | {"pairs": False} if name == "smooth_grad" else fields
    checks.check_equal(checks.explain(NET, name, **fields).values, theirs[name])


def test_integrated_gradients(theirs: dict[str, np.ndarray]) -> None:
    """In the limit: theirs takes both ends of the path with the weight of the places between."""
    found = checks.explain(
        "deep", "integrated_gradients", baseline=cases.COVER, steps=512, tolerance=None
    )
    checks.check_equal(found.values, theirs["integrated_gradients"], 5e-3)


def test_grad_cam(theirs: dict[str, np.ndarray]) -> None:
    checks.check_equal(checks.explain(NET, "grad_cam").values, theirs["grad_cam"])


def test_occlusion(theirs: dict[str, np.ndarray]) -> None:
    """Theirs sums the drops of all patches that cover a pixel, where ours gives their mean."""
    found = checks.explain(NET, "occlusion", patch=cases.SQUARE, stride=1, baseline=cases.COVER)
    size = found.inputs.shape[1:3]
    ys, xs = oracles.patches(size, (cases.SQUARE,) * 2, (1, 1))
    count = np.zeros(size)
    for y in ys:
        for x in xs:
            count[y, x] += 1
    assert np.ptp(theirs["occlusion"], axis=-1).max() == 0
    checks.check_equal(found.heatmap() * count, theirs["occlusion"][..., 0])


@pytest.mark.parametrize("which", cases.GUIDED)
def test_guided_ig(theirs: dict[str, np.ndarray], which: str) -> None:
    steps, fraction, distance = cases.GUIDED[which]
    found = checks.explain(
        "smooth", "guided_ig", steps=steps, fraction=fraction, max_distance=distance
    )
    checks.check_equal(found.values, theirs[f"guided_{which}"])


@pytest.mark.parametrize("which", ["framed_linear", "framed"])
def test_blur_ig(theirs: dict[str, np.ndarray], which: str) -> None:
    """In the limit, on soft pictures far from the border.

    Theirs cuts its kernel off at four σ and steps evenly in σ, from the sharp end.
    """
    net, x = cases.pictured(which)
    found = checks.explain(
        which, "blur_ig", x=x, model=checks.twin(net), steps=64, max_sigma=cases.SIGMA
    )
    checks.check_equal(found.values, theirs[which], 2e-3)


@pytest.mark.parametrize("algorithm", ["full", "fast"])
def test_xrai_ranks_the_same(theirs: dict[str, np.ndarray], algorithm: str) -> None:
    attribution, masks = cases.regions()
    method = XRAI(algorithm=algorithm, smallest=cases.LEAST / masks[0].size)
    density, order = method._rank(attribution.max(axis=-1), masks)
    checks.check_equal(density, theirs[f"xrai_{algorithm}"], 1e-12)
    assert np.array_equal(order, theirs[f"xrai_{algorithm}_order"])


def test_xrai_cuts_the_same(theirs: dict[str, np.ndarray]) -> None:
    """Every segment of every scale, grown by the same disk."""
    found = _superpixels(cases.scene(), XRAI().dilation)
    assert len(found) > 100
    assert np.array_equal(np.packbits(found), theirs["xrai_segments"])


def test_xrai(theirs: dict[str, np.ndarray]) -> None:
    """From the gradients on; theirs takes both ends of the path with the weight of a step."""
    masks = cases.regions()[1]
    found = checks.explain(
        "smooth", "xrai", segments=masks, steps=128, smallest=cases.LEAST / masks[0].size
    )
    checks.check_equal(found.values, theirs["xrai"], 5e-3)
