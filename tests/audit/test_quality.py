"""The first page's numbers against scikit-learn and against sums written out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics

from audit.made import failed, made, said
from kerascope.audit.calibration import calibration, equal_mass, equal_width
from kerascope.audit.quality import quality
from kerascope.audit.shares import Share
from kerascope.errors import BadInput
from once import once

pytestmark = once

CLASSES = ("ant", "bee", "cat", "dog")


def drawn(count: int = 300, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits that are often right, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes)).astype(np.float32)
    scores[np.arange(count), labels] += 1.2
    return scores, labels


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Any:
    scores, labels = drawn()
    chances = softmax(scores, axis=1)
    found = made(tmp_path_factory.mktemp("rows"), said(scores, labels, chances=chances),
                 classes=CLASSES)  # fmt: skip
    return quality(found), chances, labels, scores


class TestAgainstScikitLearn:
    def test_shares(self, usual: Any) -> None:
        found, chances, labels, _ = usual
        predicted = chances.argmax(axis=1)
        assert found.accuracy.value == metrics.accuracy_score(labels, predicted)
        assert found.balanced == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
        precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted)
        for k, one in enumerate(found.per_class):
            assert one.name == CLASSES[k]
            assert one.precision.value == pytest.approx(precision[k])
            assert one.recall.value == pytest.approx(recall[k])
            assert one.f1 == pytest.approx(f1[k])
            assert one.support == support[k]
        assert found.always.value == support.max() / len(labels)

    def test_confusion(self, usual: Any) -> None:
        found, chances, labels, _ = usual
        wanted = metrics.confusion_matrix(labels, chances.argmax(axis=1))
        np.testing.assert_array_equal(found.matrix(), wanted)
        off = wanted - np.diag(np.diag(wanted))
        assert [c.share.hits for c in found.confusions] == sorted(off[off > 0], reverse=True)
        first = found.confusions[0]
        place = CLASSES.index(first.true), CLASSES.index(first.predicted)
        assert off[place] == first.share.hits == off.max()
        assert first.share.total == wanted[place[0]].sum()

    def test_scores_of_probabilities(self, usual: Any) -> None:
        found, chances, labels, _ = usual
        said = found.calibration
        assert said.log_loss == pytest.approx(metrics.log_loss(labels, chances), rel=1e-5)
        right = np.eye(4)[labels]
        assert said.brier == pytest.approx(((chances - right) ** 2).sum(axis=1).mean(), abs=1e-3)

    def test_top_five(self, tmp_path: Path) -> None:
        scores, labels = drawn(200, 12)
        found = quality(made(tmp_path, said(scores, labels, chances=softmax(scores, axis=1))))
        wanted = metrics.top_k_accuracy_score(labels, scores, k=5, labels=range(12))
        assert found.top.value == pytest.approx(wanted)


class TestCalibration:
    def test_bins_by_hand(self, usual: Any) -> None:
        found, chances, labels, _ = usual
        confidence, right = chances.max(axis=1), chances.argmax(axis=1) == labels
        total = 0.0
        bins = iter(found.calibration.bins)
        for i in range(15):
            inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
            if not inside.any():
                continue
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
            one = next(bins)
            assert one.right == Share(right[inside].sum(), inside.sum())
            assert one.confidence == pytest.approx(confidence[inside].mean(), abs=1e-6)
            assert (one.low, one.high) == pytest.approx((i / 15, (i + 1) / 15))
        assert next(bins, None) is None
        assert found.calibration.ece == pytest.approx(total, abs=1e-6)

    def test_adaptive_by_hand(self) -> None:
        rng = np.random.default_rng(1)
        confidence, right = rng.random(150), rng.random(150) < 0.5
        groups = np.array_split(np.argsort(confidence), 15)
        wanted = np.mean([abs(right[g].mean() - confidence[g].mean()) for g in groups])
        assert calibration(confidence, right).adaptive_ece == pytest.approx(wanted)

    def test_order_is_of_no_effect(self) -> None:
        rng = np.random.default_rng(2)
        confidence, right = np.round(rng.random(200), 1), rng.random(200) < 0.6
        again = rng.permutation(200)
        one, other = calibration(confidence, right), calibration(confidence[again], right[again])
        assert one.adaptive_ece == pytest.approx(other.adaptive_ece)
        assert [b.right for b in one.equal] == [b.right for b in other.equal]
        assert len(set(equal_mass(np.full(50, 0.3), 15))) == 1
        assert equal_width(np.array([0.0, 1 / 15, 0.07, 1.0]), 15).tolist() == [0, 0, 1, 14]

    def test_true_confidences_stay_under_the_chance(self) -> None:
        under = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            confidence = rng.uniform(0.4, 1, 120)
            found = calibration(confidence, rng.random(120) < confidence, seed=seed)
            under += found.ece <= found.chance
        assert under >= 34
        sure = calibration(np.full(400, 0.95), np.arange(400) % 10 < 7)
        assert sure.ece == pytest.approx(0.25)
        assert sure.chance < 0.05
        assert "surer than it should be" in sure.words


class TestMistakes:
    def test_surest_first(self, usual: Any) -> None:
        found, chances, labels, _ = usual
        wrong = np.flatnonzero(chances.argmax(axis=1) != labels)
        wanted = wrong[np.argsort(-chances.max(axis=1)[wrong], kind="stable")][:20]
        assert [m.id for m in found.mistakes] == wanted.tolist()
        assert found.mistakes[0].confidence == pytest.approx(chances.max(axis=1)[wanted[0]])
        assert found.mistakes[0].path == f"{wanted[0]}.png"
        plain = found.to_json()["mistakes"][0]
        assert plain["label"] == CLASSES[labels[wanted[0]]]
        assert plain["predicted"] == CLASSES[chances[wanted[0]].argmax()]


class TestOtherModels:
    def test_scores_without_probabilities(self, tmp_path: Path) -> None:
        scores, labels = drawn(60)
        found = quality(made(tmp_path, said(scores, labels)))
        assert found.accuracy.value == (scores.argmax(axis=1) == labels).mean()
        assert found.calibration is None
        assert "no probabilities" in " ".join(found.notes)
        margins = scores.max(axis=1) - scores[np.arange(60), labels]
        assert found.mistakes[0].id == margins.argmax()
        assert found.mistakes[0].confidence is None
        assert found.mistakes[0].margin == pytest.approx(margins.max(), rel=2e-3)

    def test_one_unit_is_two_classes(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        logit = rng.normal(size=80).astype(np.float32)
        scores, chance = np.stack([-logit, logit], axis=1), expit(logit)
        chances = np.stack([1 - chance, chance], axis=1)
        labels = (rng.random(80) < chance).astype(int)
        found = quality(made(tmp_path, said(scores, labels, chances=chances)))
        wanted = 2 * metrics.brier_score_loss(labels, chance)
        assert found.calibration.brier == pytest.approx(wanted, abs=1e-3)

    def test_units_that_do_not_exclude_each_other(self, tmp_path: Path) -> None:
        scores, labels = drawn(60)
        found = quality(made(tmp_path, said(scores, labels, chances=expit(scores))))
        assert found.calibration.brier is None
        assert found.calibration.log_loss is None
        assert found.calibration.ece > 0
        assert "do not exclude each other" in " ".join(found.notes)

    def test_one_number(self, tmp_path: Path) -> None:
        scores = np.random.default_rng(0).normal(size=(9, 1)).astype(np.float32)
        found = quality(made(tmp_path, said(scores, [-1] * 9)))
        assert (found.samples, found.classes, found.accuracy, found.per_class) == (9, 1, None, ())
        assert "one number" in found.notes[0]
        json.dumps(found.to_json(), allow_nan=False)

    def test_one_number_and_its_truth(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        true = rng.normal(40, 9, 30)
        predicted = (true + rng.normal(1, 3, 30)).astype(np.float32)
        meta = {"age": [*true[:29], None], "site": ["a"] * 30}
        rows = said(predicted[:, None], [-1] * 30, score=predicted, meta_age=meta["age"],
                    meta_site=meta["site"])  # fmt: skip
        collected = made(tmp_path, [*rows, failed(30)], meta=meta)
        found = quality(collected, truth="meta_age").regression
        y, p = true[:29], predicted[:29]
        assert found.samples == 29
        assert found.mae == pytest.approx(metrics.mean_absolute_error(y, p))
        assert found.rmse == pytest.approx(metrics.root_mean_squared_error(y, p))
        assert found.r2 == pytest.approx(metrics.r2_score(y, p))
        assert found.correlation == pytest.approx(np.corrcoef(y, p)[0, 1])
        assert found.bias == pytest.approx((p - y).mean())
        assert (
            "predictions of 'meta_age' are off by" in quality(collected, truth="meta_age").words[0]
        )
        for bad, words in (
            ("meta_site", "column of string"), ("meta_agee", "did you mean 'meta_age'"),
            ("jpeg_quality", "holds no number"),
        ):  # fmt: skip
            with pytest.raises(BadInput, match=words):
                quality(collected, truth=bad)
        classes = made(tmp_path / "b", said(*drawn(9)))
        with pytest.raises(BadInput, match="this one has 4 classes"):
            quality(classes, truth="score")

    def test_unlabelled(self, tmp_path: Path) -> None:
        scores, _ = drawn(50)
        chances = softmax(scores, axis=1)
        found = quality(made(tmp_path, said(scores, [-1] * 50, chances=chances), classes=CLASSES))
        assert found.accuracy is None
        assert found.calibration is None
        assert found.confidence[3] == pytest.approx(np.median(chances.max(axis=1)))
        assert found.unsure[0].id == chances.max(axis=1).argmin()
        counts = np.bincount(scores.argmax(axis=1), minlength=4)
        assert found.to_json()["predicted"] == dict(zip(CLASSES, counts.tolist(), strict=True))
        assert "50 samples have no label" in found.notes[0]

    def test_some_labels_and_errors(self, tmp_path: Path) -> None:
        scores, labels = drawn(30)
        given = [int(label) if i % 2 else -1 for i, label in enumerate(labels)]
        rows = said(scores, given, chances=softmax(scores, axis=1))
        rows = [*[r for r in rows if r["id"] not in (3, 4)], failed(3), failed(4, "an empty file")]
        rows.sort(key=lambda row: row["id"])
        found = quality(made(tmp_path, rows, classes=CLASSES))
        assert (found.samples, found.errors, found.labelled) == (30, 2, 14)
        assert [f.error for f in found.failures] == ["cannot be read", "an empty file"]
        kept = [i for i in range(30) if i % 2 and i != 3]
        assert found.accuracy.hits == (scores.argmax(axis=1) == labels)[kept].sum()
        assert "2 of 30 samples have no numbers, the first: cannot be read" in found.words

    def test_several_methods_count_once(self, tmp_path: Path) -> None:
        scores, labels = drawn(40)
        chances = softmax(scores, axis=1)
        rows = said(scores, labels, chances=chances)
        both = [{**row, "method": m} for row in rows for m in ("grad_cam", "gradient")]
        one = quality(made(tmp_path / "a", rows, classes=CLASSES))
        two = quality(made(tmp_path / "b", both, classes=CLASSES, methods=("grad_cam", "gradient"),
                           part=3))  # fmt: skip
        assert one.to_json() == two.to_json()

    def test_rows_of_a_sample_in_two_batches_count_once(self, tmp_path: Path) -> None:
        scores, labels = drawn(400)
        names = ("a", "b", "c")
        rows = [{**row, "method": m} for row in said(scores, labels) for m in names]
        collected = made(tmp_path, rows, methods=names, part=400)
        assert len(rows) > 2 * 1024
        assert 1024 % 6
        found = quality(collected)
        assert (found.samples, found.labelled) == (400, 400)
        wrong = np.flatnonzero(scores.argmax(axis=1) != labels)
        margins = (scores.max(axis=1) - scores[np.arange(400), labels])[wrong]
        assert [m.id for m in found.mistakes[:5]] == wrong[np.argsort(-margins)][:5].tolist()

    def test_all_wrong_and_a_class_never_seen(self, tmp_path: Path) -> None:
        scores = np.array([[9, 0, 0], [9, 0, 0]], np.float32)
        found = quality(made(tmp_path, said(scores, [1, 1], chances=softmax(scores, axis=1))))
        assert found.accuracy.value == 0
        assert [c.label for c in found.per_class] == [0, 1]
        assert found.per_class[1].f1 == 0
        json.dumps(found.to_json(), allow_nan=False)

    def test_all_errors(self, tmp_path: Path) -> None:
        found = quality(made(tmp_path, [failed(0), failed(1)]))
        assert (found.samples, found.errors, found.classes) == (2, 2, 0)
        json.dumps(found.to_json(), allow_nan=False)


def test_wilson() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for hits, count, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert Share(hits, count).interval == pytest.approx((low, high), abs=5e-5)
    assert Share(0, 0).to_json()["value"] is None
