"""Owen values: hierarchies, what is split first, what the whole takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles_shapley as oracles
from kerascope.methods.hierarchies import Tree
from kerascope.run import Run

Array = np.ndarray


def test_owen_on_two_levels_of_any_size_is_owens_formula() -> None:
    """A pair of blocks: the gain of i averages over its block's coalitions and the other block."""
    worths = np.random.default_rng(0).normal(size=16)
    worth = lambda coalition: float(worths[sum(1 << i for i in coalition)])  # noqa: E731
    tree = np.array([[0, 1], [2, 3], [4, 5]])
    expected = np.mean(
        [
            worth(frozenset({0, *mine, *other})) - worth(frozenset({*mine, *other}))
            for mine in ((), (1,))
            for other in ((), (2, 3))
        ]
    )
    assert oracles.owen_values(worth, tree)[0] == pytest.approx(expected)


def test_owen_of_pairs_is_shapley_of_pairs() -> None:
    """Blocks of one level: the values of the top blocks are the Shapley values of two players."""
    found = checks.explain("deep", "owen", segments=oracles.NINE, baseline=0.5, coalitions=2)
    net = numpy_net.net("deep")
    children = found.extras["hierarchy"]
    assert children.shape == (2, 8, 2)
    for i, one in enumerate(net.pictures):
        left = Tree(children[i], 9).members[children[i, -1, 0]]
        labels = np.where(left[oracles.NINE], 0, 1)
        pair = oracles.shapley_values(oracles.game(net, one, 0, labels, 0.5), 2)
        values = found.extras["segment_values"][i]
        assert values[left].sum() == pytest.approx(pair[0], rel=1e-4)
        assert np.ptp(values[left]) < 1e-6, "what was not split shares equally"
    assert "do not hold the whole hierarchy" in found.notes[-1]


def test_owen_splits_what_matters_first() -> None:
    """All the worth is in one of 64 columns: a small part of the hierarchy finds it."""
    x = np.ones((1, 64), np.float32)
    found = ks.explain(
        lambda batch: batch[:, 41:42], x, "owen", coalitions=400, baseline=0.0, target=0
    )
    assert found.values[0, 41] == pytest.approx(1)
    assert np.abs(np.delete(found.values[0], 41)).max() < 1e-6
    assert Tree(found.extras["hierarchy"][0], 64).worths > 2000


def test_what_is_known_beforehand_is_asked_for_at_once() -> None:
    """Of 8 columns all splits are sure to come: one call of the model, no coalition twice."""
    seen: list[np.ndarray] = []

    def net(batch: np.ndarray) -> np.ndarray:
        seen.append(np.array(batch))
        return np.array(batch).prod(axis=1, keepdims=True)

    x = np.full((1, 8), 2.0, np.float32)
    found = ks.explain(
        net, x, "owen", coalitions=400, baseline=1.0, target=0, batch_size=512, segments="single"
    )
    assert Tree(found.extras["hierarchy"][0], 8).worths == 2 * (1 + 4 + 16)
    assert found.values.sum() == pytest.approx(2**8 - 1)
    # Looked at once, scored once, then nobody and all coalitions together.
    assert [len(batch) for batch in seen] == [1, 1, 1 + 42]
    assert len({row.tobytes() for row in seen[2]}) == 43


def _stopped(monkeypatch: pytest.MonkeyPatch, x: Array, most: int, **fields: Any) -> Any:
    """Return what Owen gives of Σ weight · column where a Ctrl-C comes after so many rows."""
    runs: list[Run] = []
    created = Run.__init__

    def keep(self: Run, *args: Any, **options: Any) -> None:
        created(self, *args, **options)
        runs.append(self)

    rows: list[int] = []

    def net(batch: Array) -> Array:
        rows.append(len(batch))
        if sum(rows) > most:
            runs[-1].stop.set()
        return np.array(batch) @ np.arange(1.0, 9.0)[:, None]

    monkeypatch.setattr(Run, "__init__", keep)
    found = ks.explain(net, x, "owen", batch_size=4, baseline=0.0, target=0, **fields)
    assert sum(rows) < most + 8
    assert any("stopped before the hierarchy" in note for note in found.notes)
    return found


def test_a_stop_keeps_the_splits_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """All coalitions are asked for at once; the first of them are not lost with the last."""
    values = _stopped(monkeypatch, np.ones((1, 8), np.float32), 30, segments="single").values
    assert values.sum() == pytest.approx(36)
    assert values[0, 4:].sum() == pytest.approx(5 + 6 + 7 + 8)
    assert np.ptp(values) > 1


def test_a_stop_among_samples_of_different_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's worth is there for every sample, however many coalitions each has."""
    segments = np.array([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 2, 2, 2, 2, 2]])
    found = _stopped(monkeypatch, np.ones((2, 8), np.float32), 7, segments=segments)
    assert np.allclose(found.extras["segment_values"].sum(axis=-1), 36)


def test_similar_neighbours_meet_first() -> None:
    """Two colours in two halves: the last merge joins the halves."""
    x = np.zeros((1, 8, 12, 3), np.float32)
    x[:, :, 7:] = 1
    x += np.random.default_rng(0).normal(size=x.shape).astype(np.float32) * 0.01
    labels = np.arange(8)[:, None] // 4 * 12 + np.arange(12)
    found = ks.explain(
        lambda b: b.reshape(len(b), -1)[:, :1], x, "owen", segments=labels, baseline=0.0, target=0
    )
    children = found.extras["hierarchy"][0]
    tops = [Tree(children, 24).members[child] for child in children[-1]]
    columns = [set(np.flatnonzero(top) % 12) for top in tops]
    assert sorted(columns, key=min) == [set(range(7)), set(range(7, 12))]


def test_every_node_of_a_similar_tree_is_connected() -> None:
    x = np.random.default_rng(1).normal(size=(1, 16, 20, 3)).astype(np.float32)
    found = ks.explain(
        lambda b: b.reshape(len(b), -1)[:, :1], x, "owen", segments="grid-20", baseline=0.0,
        target=0, coalitions=2,
    )  # fmt: skip
    tree = Tree(found.extras["hierarchy"][0], int(found.extras["segments"].max()) + 1)
    for members in tree.members:
        assert ndimage.label(members[found.extras["segments"][0]])[1] == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 24))
def test_halves_are_balanced(columns: int) -> None:
    x = np.ones((1, columns), np.float32)
    found = ks.explain(
        lambda b: b[:, :1], x, "owen", hierarchy="halves", coalitions=2, baseline=0.0, target=0
    )
    tree = Tree(found.extras["hierarchy"][0], columns)
    for left, right in tree.children:
        assert abs(tree.members[left].sum() - tree.members[right].sum()) <= 1


def test_worths_of_a_tree_are_what_the_whole_takes() -> None:
    seen = []

    def function(batch: Array) -> Array:
        seen.append(len(batch))
        return batch.sum(axis=1, keepdims=True) ** 2

    x = np.ones((1, 7), np.float32)
    fields = {"baseline": 0.0, "target": 0, "batch_size": 1000}
    found = ks.explain(function, x, "owen", **fields)
    tree = Tree(found.extras["hierarchy"][0], 7)
    assert sum(seen) == tree.worths + 3, "one to learn the outputs, one of everybody, of nobody"
    assert not any("hierarchy" in note for note in found.notes)
    fewer = ks.explain(function, x, "owen", coalitions=tree.worths - 1, **fields)
    assert any("hierarchy" in note for note in fewer.notes)
