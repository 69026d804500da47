"""Strategies planted in maps are found, as many as were planted; where evidence lies, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from audit.made import failed, made
from kerascope.audit.collected import Collected
from kerascope.audit.components import block, principal
from kerascope.audit.drawing import drawn
from kerascope.audit.groups import groups
from kerascope.audit.spectral import clear_gap, clusters
from kerascope.audit.strategies import strategies
from kerascope.audit.whereabouts import REGIONS, region_weights, whereabouts
from kerascope.errors import BadInput
from once import once

pytestmark = once

PLACES = ((3, 3), (12, 12), (3, 12))


def spots(kinds: np.ndarray, seed: int, noise: float = 0.1) -> np.ndarray:
    """Return maps (sample, 16, 16) with a spot that wanders about the place of its kind."""
    rng = np.random.default_rng(seed)
    grid, maps = np.arange(16), []
    for kind in kinds:
        y, x = np.array(PLACES[kind]) + rng.normal(size=2)
        spot = np.exp(-((grid[:, None] - y) ** 2 + (grid - x) ** 2) / 8) * rng.uniform(0.5, 2)
        maps.append(spot + noise * rng.normal(size=(16, 16)))
    return np.array(maps, np.float32)


def rows_of(
    maps: Any, labels: Any, *, embedding: Any = None, target: str = "true", **more: Any
) -> list[dict[str, Any]]:
    return [
        {
            "id": i, "target": target, "target_index": int(label), "method": "grad_cam",
            "map": None if one is None else np.asarray(one),
            "map_shape": None if one is None else np.shape(one),
            "embedding": None if embedding is None else embedding[i],
            **{name: values[i] for name, values in more.items()},
        }
        for i, (one, label) in enumerate(zip(maps, labels, strict=True))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collected, np.ndarray]:
    """Three classes of 1, 2 and 3 kinds."""
    labels = np.repeat([0, 1, 2], 60)
    kinds = np.concatenate([np.zeros(60, int), np.arange(60) % 2, np.arange(60) % 3])
    folder = tmp_path_factory.mktemp("rows")
    rows = rows_of(spots(kinds, 0), labels)
    return made(folder, rows, classes=("one", "two", "three"), part=50), kinds


class TestPlanted:
    def test_as_many_as_were_planted(self, planted: Any) -> None:
        collected, kinds = planted
        found = strategies(collected)
        assert (found.method, found.target) == ("grad_cam", "true")
        for one, count in zip(found.classes, (1, 2, 3), strict=True):
            assert len(one.strategies) == count
            assert adjusted_rand_score(kinds[one.ids], one.assigned) >= 0.9
            assert sum(s.share for s in one.strategies) == pytest.approx(1)
            shares = [s.share for s in one.strategies]
            assert shares == sorted(shares, reverse=True)
        json.dumps(found.to_json(), allow_nan=False)
        assert "form one group: eigengap 0." in found.of("one").words
        assert "3 strategies (33 %, 33 %, 33 %)" in found.of("three").words
        with pytest.raises(BadInput, match=r"class 'tow' has no maps; did you mean 'two'\?"):
            found.of("tow")

    def test_a_strategy_is_its_members(self, planted: Any) -> None:
        collected, kinds = planted
        one = strategies(collected).of("three")
        every = {row["id"]: np.array(row["map"]) for row in collected}
        for strategy in one.strategies:
            maps = np.array([every[i] / np.linalg.norm(every[i]) for i in strategy.members])
            np.testing.assert_allclose(strategy.mean.ravel(), maps.mean(axis=0), atol=1e-6)
            far = np.linalg.norm(maps - maps.mean(axis=0), axis=1)
            assert list(strategy.nearest) == strategy.members[np.argsort(far)[:9]].tolist()
            kind = kinds[strategy.members[0]]
            y, x = np.unravel_index(strategy.mean.argmax(), (16, 16))
            assert np.abs(np.array([y, x]) - PLACES[kind]).max() <= 1

    def test_one_in_ten(self) -> None:
        kinds = (np.arange(300) % 10 == 0).astype(int)
        maps = spots(kinds, 1).reshape(300, -1)
        found = clusters(maps / np.linalg.norm(maps, axis=1, keepdims=True))
        assert found.number == 2
        assert np.bincount(found.labels).tolist() == [270, 30]
        assert adjusted_rand_score(kinds, found.labels) >= 0.9

    def test_order_is_of_no_effect(self, planted: Any, tmp_path: Path) -> None:
        collected, _ = planted
        rows = list(collected)
        turned = [{**row, "id": 179 - row["id"]} for row in reversed(rows)]
        other = strategies(made(tmp_path, turned, classes=("one", "two", "three"), part=37))
        for mine, theirs in zip(strategies(collected).classes, other.classes, strict=True):
            assert len(mine.strategies) == len(theirs.strategies)
            back = [theirs.assigned[list(theirs.ids).index(179 - i)] for i in mine.ids]
            assert adjusted_rand_score(mine.assigned, back) == 1
        shuffled = [rows[i] for i in np.random.default_rng(0).permutation(180)]
        same = made(tmp_path / "b", shuffled, classes=("one", "two", "three"), part=180)
        assert strategies(same).to_json() == strategies(collected).to_json()


class TestOneCloud:
    def test_is_not_cut_in_pieces(self) -> None:
        several = 0
        for seed in range(20):
            rng = np.random.default_rng(seed)
            wander = spots(np.zeros(40, int), seed).reshape(40, -1)
            long = rng.normal(size=(40, 2)) * (3, 1)
            for cloud in (wander, rng.normal(size=(40, 30)), long, rng.random((40, 2))):
                several += clusters(cloud).number > 1
        assert several <= 2

    def test_equal_vectors(self) -> None:
        found = clusters(np.ones((30, 5)))
        assert np.isfinite(found.eigenvalues).all()
        assert clusters(np.zeros((0, 5))).number == 0

    def test_the_gap_is_of_the_eigenvalues(self) -> None:
        found = clusters(spots(np.arange(60) % 2, 3).reshape(60, -1))
        values = found.eigenvalues
        assert values[0] == pytest.approx(0, abs=1e-9)
        assert (np.diff(values) >= -1e-12).all()
        assert clear_gap(60) <= found.gap <= (values[2] - values[1]) / values[2]


class TestEmbedding:
    def test_different_features_at_one_place(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        hidden = np.arange(80) % 2
        embedding = rng.normal(size=(80, 12))
        embedding[:, :6] += 6 * hidden[:, None]
        rows = rows_of(spots(np.zeros(80, int), 0), np.zeros(80), embedding=embedding)
        collected = made(tmp_path, rows, part=80)
        assert len(strategies(collected).classes[0].strategies) == 1
        both = strategies(collected, space="both").classes[0]
        assert adjusted_rand_score(hidden, both.assigned) >= 0.9

    def test_without_one(self, planted: Any) -> None:
        found = strategies(planted[0], space="both")
        assert "the rows have no embedding: the maps alone" in found.classes[0].notes
        assert [len(c.strategies) for c in found.classes] == [1, 2, 3]

    def test_blocks_weigh_the_same(self) -> None:
        rng = np.random.default_rng(0)
        for values in (rng.normal(size=(40, 300)) * 7, rng.normal(size=(40, 3)), np.ones((40, 3))):
            spread = block(values, 10).var(axis=0).sum()
            assert spread == pytest.approx(1 if values.std() else 0)


class TestComponents:
    @pytest.mark.parametrize("shape", [(40, 9), (9, 40)])
    def test_against_scikit_learn(self, shape: tuple[int, int]) -> None:
        from sklearn.decomposition import PCA

        values = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
        wanted = PCA(4, svd_solver="full").fit_transform(values)
        np.testing.assert_allclose(np.abs(principal(values, 4)), np.abs(wanted), rtol=1e-6)
        turned = np.random.default_rng(1).permutation(len(values))
        np.testing.assert_allclose(principal(values[turned], 4), principal(values, 4)[turned],
                                   rtol=1e-6, atol=1e-9)  # fmt: skip


class TestDegenerate:
    def test_empty_maps_few_samples_and_errors(self, tmp_path: Path) -> None:
        good = spots(np.zeros(14, int), 0)
        maps = [*good, np.zeros((16, 16)), None, np.ones((16, 16)), np.full((16, 16), np.nan)]
        labels = [0] * 16 + [1, 2]
        rows = [*rows_of(maps, labels), failed(18)]
        found = strategies(made(tmp_path, rows, classes=("a", "b", "c")))
        first, single, none = found.classes
        assert first.notes == ("2 maps without any evidence left out",)
        assert first.ids.tolist() == list(range(14))
        assert single.strategies[0].members.tolist() == [16]
        assert "too few to tell strategies apart" in single.words
        assert (len(none.ids), none.strategies) == (0, ())
        assert none.notes == ("1 maps without any evidence left out",)
        json.dumps(found.to_json(), allow_nan=False)

    def test_maps_of_another_shape(self, tmp_path: Path) -> None:
        maps = [np.ones((2, 2)), *spots(np.zeros(13, int), 0), np.ones((20, 16))]
        found = strategies(made(tmp_path, rows_of(maps, [0] * 15), part=15)).classes[0]
        assert found.ids.tolist() == list(range(1, 14))
        assert found.notes == ("2 maps of another shape left out",)

    def test_series_have_strategies_too(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        kinds = np.arange(60) % 2
        maps = rng.normal(size=(60, 16)) * 0.2
        maps[np.arange(60), 3 + 8 * kinds] += 2
        found = strategies(made(tmp_path, rows_of(maps, [0] * 60), part=60)).classes[0]
        assert adjusted_rand_score(kinds, found.assigned) >= 0.9
        assert found.strategies[0].mean.shape == (16,)

    def test_unlabelled_is_by_predicted_class(self, tmp_path: Path) -> None:
        maps = spots(np.zeros(20, int), 0)
        rows = rows_of(maps, np.arange(20) % 2, target="predicted")
        found = strategies(made(tmp_path, rows))
        assert (found.target, len(found.classes)) == ("predicted", 2)
        assert found.classes[0].name == "class 0"

    def test_no_maps(self, tmp_path: Path) -> None:
        rows = [{"id": 0, "target": "predicted", "target_index": 0}]
        found = strategies(made(tmp_path, rows, methods=()))
        assert (found.classes, found.notes) == ((), ("there are no maps to find strategies in",))
        assert whereabouts(Collected.load(tmp_path)) == ()

    def test_wrong_options(self, planted: Any) -> None:
        for bad, words in (
            ({"space": "maps"}, "space='maps' is not known; did you mean 'map'"),
            ({"target": "right"}, "target='right' is not known"),
            ({"method": "gradcam"}, "no maps of 'gradcam'; did you mean 'grad_cam'"),
            ({"most": 0}, "most=0"),
        ):
            with pytest.raises(BadInput, match=words):
                strategies(planted[0], **bad)


class TestDraws:
    def test_are_of_seed_and_class_alone(self) -> None:
        ids = np.arange(1000)
        one = drawn(ids, 50, seed=1, label=3)
        assert len(np.unique(one)) == 50
        np.testing.assert_array_equal(one, drawn(ids[::-1].tolist(), 50, seed=1, label=3))
        assert not np.array_equal(one, drawn(ids, 50, seed=2, label=3))
        assert not np.array_equal(one, drawn(ids, 50, seed=1, label=4))
        assert abs(np.mean([drawn(ids, 50, seed=s).mean() for s in range(40)]) - 499.5) < 25
        assert drawn([5, 3], 9, seed=0).tolist() == [3, 5]

    def test_are_said_and_bounded(self, planted: Any) -> None:
        found = strategies(planted[0], most=20)
        assert all(len(one.ids) == 20 for one in found.classes)
        assert found.classes[0].notes == ("20 of 60 samples, drawn",)
        small = list(
            groups(planted[0], method="grad_cam", target="true", most=20, seed=0, memory=1)
        )
        whole = list(groups(planted[0], method="grad_cam", target="true", most=20, seed=0))
        for one, other, of in zip(small, whole, found.classes, strict=True):
            np.testing.assert_array_equal(one.maps, other.maps)
            np.testing.assert_array_equal(one.ids, of.ids)


class TestWhereabouts:
    def test_weights_cover_what_they_say(self) -> None:
        for shape in ((16, 16), (7, 5), (1, 3)):
            weights = region_weights(shape)
            for name, (x0, y0, x1, y1) in REGIONS.items():
                assert weights[name].mean() == pytest.approx((x1 - x0) * (y1 - y0)), name
            assert weights["border"].mean() == pytest.approx(1 - 0.75**2)
            np.testing.assert_allclose(weights["upper half"] + weights["lower half"], 1)
        assert region_weights((16, 16))["upper right corner"][:4, 12:].all()

    def test_by_hand(self, tmp_path: Path) -> None:
        maps = spots(np.repeat([0, 1], 15), 0)
        inside = np.random.default_rng(0).random(30).astype(np.float32)
        rows = rows_of(maps, np.repeat([0, 1], 15), map_inside=inside, mask_area=[0.25] * 30)
        found = whereabouts(made(tmp_path, rows, classes=("a", "b")))
        above = np.maximum(maps, 0)
        corner = above[:, :4, :4].sum((1, 2)) / above.sum((1, 2))
        places = {place.region: place for place in found[0].places}
        place = places["upper left corner"]
        assert place.share == pytest.approx(corner[:15].mean(), abs=2e-3)
        assert place.others == pytest.approx(corner[15:].mean(), abs=2e-3)
        welch = stats.ttest_ind(corner[:15], corner[15:], equal_var=False).confidence_interval()
        assert place.interval == pytest.approx((welch.low, welch.high), abs=3e-3)
        assert place.area == 1 / 16
        assert places["outside the object"].share == pytest.approx(1 - inside[:15].mean(), abs=1e-5)
        assert places["outside the object"].area == 0.75
        differences = [abs(p.difference) for p in found[0].places]
        assert differences == sorted(differences, reverse=True)
        assert "of the positive evidence lies in the upper left corner, which is 6 %" in place.words

    def test_degenerate(self, tmp_path: Path) -> None:
        maps = [-np.ones((16, 16)), None, np.ones((16, 16)), np.ones(16)]
        found = whereabouts(made(tmp_path, rows_of(maps, [0, 0, 0, 1])))
        assert [one.samples for one in found] == [1, 0]
        assert found[0].places[0].others != found[0].places[0].others
        assert found[1].places == ()
        json.dumps([one.to_json() for one in found], allow_nan=False)
