"""FullGrad: the oracle, and completeness with biases and batch normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
import numpy_net
import oracles


def test_paper() -> None:
    checks.check_paper("full_grad")


@pytest.mark.parametrize("name", ["deep", "pooled", "single", "homogeneous"])
def test_terms_sum_to_the_score(name: str) -> None:
    """Equation 1, exact on nets of linear and ReLU layers: in the oracle and in the gap."""
    net = numpy_net.net(name)
    scores = net.scores(net.pictures, checks.K)
    terms = oracles.full_gradient_terms(net, net.pictures, checks.K)
    sums = sum(term.reshape(len(scores), -1).sum(axis=1) for term in terms)
    checks.check_equal(sums, scores, 1e-9)
    gap = checks.explain(name, "full_grad").gap
    assert np.abs(gap).max() <= 1e-5 * np.abs(scores).max()


def test_gap_and_note_where_the_net_is_not_piecewise_linear() -> None:
    net = numpy_net.net("smooth")
    result = checks.explain("smooth", "full_grad")
    terms = oracles.full_gradient_terms(net, net.pictures, checks.K)
    sums = sum(term.reshape(2, -1).sum(axis=1) for term in terms)
    checks.check_equal(result.gap, net.scores(net.pictures, checks.K) - sums)
    assert any("completeness gap" in note for note in result.notes)


def test_linear_model() -> None:
    checks.check_linear("full_grad")
