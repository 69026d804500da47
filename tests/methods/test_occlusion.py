"""Occlusion: the oracle, linear models, the piecewise constant heat map, clipping at the border."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
import numpy_net
import oracles

PATCH, STRIDE = (4, 3), (2, 3)


def test_paper() -> None:
    checks.check_paper("occlusion")


@pytest.mark.parametrize(("patch", "stride"), [((2, 3), (2, 3)), ((3, 2), (2, 1)), (4, 3)])
def test_linear_model(patch: int | tuple[int, int], stride: int | tuple[int, int]) -> None:
    """The drop is the sum of w·(x − x′) over the patch."""
    net, w = numpy_net.net("linear"), checks.linear_weights()
    share = (w * (net.pictures - 0.3)).sum(axis=-1)
    pair = [n if isinstance(n, tuple) else (n, n) for n in (patch, stride)]
    ys, xs = oracles.patches((5, 7), *pair)
    expected = [[share[:, y, x].sum(axis=(1, 2)) for x in xs] for y in ys]
    found = checks.explain("linear", "occlusion", patch=patch, stride=stride, baseline=0.3).values
    checks.check_equal(found, np.moveaxis(np.array(expected), -1, 0))


@pytest.mark.parametrize(("patch", "stride"), [(PATCH, STRIDE), ((3, 5), (3, 5)), ((5, 4), (3, 4))])
def test_heatmap_is_the_mean_of_the_patches_that_cover_a_pixel(
    patch: tuple[int, int], stride: tuple[int, int]
) -> None:
    result = checks.explain("smooth", "occlusion", patch=patch, stride=stride)
    expected = oracles.occlusion_heatmap(result.values, (9, 12), patch, stride)
    checks.check_equal(result.heatmap(), expected, 1e-6)


def test_border_patch_is_clipped() -> None:
    """9 × 12 pixels, patch 4 × 5, no overlap: the last row covers one line, the last column two."""
    net = numpy_net.net("smooth")
    result = checks.explain("smooth", "occlusion", patch=(4, 5), stride=(4, 5), baseline=0.0)
    assert result.values.shape == (2, 3, 3)
    corner = net.pictures.copy()
    corner[:, 8:, 10:] = 0
    drop = net.scores(net.pictures, checks.K) - net.scores(corner, checks.K)
    assert np.abs(result.values[:, 2, 2] - drop).max() <= 2e-5 * np.abs(result.values).max()


def test_predicted_class_at_each_position() -> None:
    net = numpy_net.net("deep")
    result = checks.explain("deep", "occlusion", patch=PATCH, stride=STRIDE, baseline=2.0)
    ys, xs = oracles.patches((8, 10), PATCH, STRIDE)
    for i, j in np.ndindex(len(ys), len(xs)):
        covered = net.pictures.copy()
        covered[:, ys[i], xs[j]] = 2.0
        predicted = net.upto(covered, len(net.layers)).argmax(axis=1)
        assert np.array_equal(result.extras["predicted"][:, i, j], predicted)
    assert len(np.unique(result.extras["predicted"])) > 1, (
        "always the same class: the test shows nothing"
    )
