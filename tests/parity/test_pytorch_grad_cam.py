"""Agreement with pytorch-grad-cam on torch twins with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
import numpy_net
import oracles
from parity import cases, make_references

PAIRS = [(name, net) for name, nets in cases.GRAD_CAM.items() for net in nets]
# Their maps before ReLU and scaling are compared one to one; the other two are compared below.
SAME = [name for name in cases.GRAD_CAM if name not in ("eigen_cam", "full_grad")]


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    return make_references.load("torch")


def explained(name: str, which: str) -> checks.ks.Attribution:
    net, x = cases.pictured(which)
    return checks.explain(which, name, x=x, model=checks.twin(net))


def unit(maps: np.ndarray) -> np.ndarray:
    """Scale every map to 0…1, as pytorch-grad-cam hands maps out."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return (maps - low) / (high - low)


@pytest.mark.parametrize("which", sorted({net for _, net in PAIRS}))
def test_twin_gives_the_same_scores(theirs: dict[str, np.ndarray], which: str) -> None:
    net, x = cases.pictured(which)
    checks.check_equal(theirs[f"grad_cam/scores/{which}"], net.upto(x, len(net.layers)))


@pytest.mark.parametrize("name", SAME)
def test_maps(theirs: dict[str, np.ndarray], name: str) -> None:
    """The map as computed, and as handed out: after ReLU, enlarged to the input, scaled to 0…1."""
    for which in cases.GRAD_CAM[name]:
        result = explained(name, which)
        checks.check_equal(result.extras["signed"], theirs[f"grad_cam/{name}/{which}/raw"], 5e-5)
        checks.check_equal(unit(result.heatmap()), theirs[f"grad_cam/{name}/{which}"], 5e-5)


def test_eigen_cam(theirs: dict[str, np.ndarray]) -> None:
    """On maps whose mean is zero, as theirs are centred and the paper's are not.

    Up to the sign, which a singular vector does not have.
    """
    found = explained("eigen_cam", "centred").extras["signed"]
    raw = theirs["grad_cam/eigen_cam/centred/raw"]
    checks.check_equal(found * np.sign((found * raw).sum()), raw)


def test_eigen_cam_differs_by_the_centring(theirs: dict[str, np.ndarray]) -> None:
    """On other maps the two differ, and do not when the maps are centred first."""
    net, x = cases.pictured("smooth")
    found = explained("eigen_cam", "smooth").extras["signed"]
    maps = net.upto(x, net.top)
    centred = (maps - maps.mean(axis=(1, 2), keepdims=True)).reshape(len(x), -1, maps.shape[-1])
    vectors = np.linalg.svd(centred, full_matrices=False)[2][:, 0]
    projected = np.einsum("npc,nc->np", centred, vectors).reshape(found.shape)
    raw = theirs["grad_cam/eigen_cam/smooth/raw"]
    signs = np.sign((projected * raw).sum(axis=(1, 2)))[:, None, None]
    checks.check_equal(projected * signs, raw)
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_equal(np.abs(found), np.abs(raw), 0.05)


def test_full_grad(theirs: dict[str, np.ndarray]) -> None:
    """With one channel in every layer: theirs scales by channel, the paper by layer."""
    checks.check_equal(
        unit(explained("full_grad", "single").values), theirs["grad_cam/full_grad/single"]
    )


def test_reference_of_score_cam_is_on_maps_as_large_as_the_input() -> None:
    """Theirs enlarges with corners aligned, ours between half-pixel centres."""
    net = numpy_net.net("whole")
    assert net.upto(net.pictures, net.top).shape[1:3] == net.pictures.shape[1:3]
    assert cases.GRAD_CAM["score_cam"] == ["whole"]
    assert np.array_equal(oracles.enlarged(net.pictures[..., 0], (7, 9)), net.pictures[..., 0])
