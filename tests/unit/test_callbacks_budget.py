"""What explanations may cost of a training: a fake clock tells."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.callbacks import training
from kerascope.callbacks.account import Account
from kerascope.callbacks.cost import Pace, spans
from once import only_on

pytestmark = only_on("torch")

STEPS = 4


class Time:
    """A clock that stands still unless it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Work(keras.callbacks.Callback):
    """Every step of the training takes this long."""

    def __init__(self, time: Time, seconds: float) -> None:
        super().__init__()
        self.time, self.seconds = time, seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.time.now += self.seconds


class Book(keras.callbacks.Callback):
    """Writes down after every epoch what was earned and spent."""

    def __init__(self, watch: Any) -> None:
        super().__init__()
        self.watch, self.rows = watch, []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        account = self.watch.account
        self.rows.append((account.trained, account.spent))


def trained(
    monkeypatch: pytest.MonkeyPatch, costs: list[float], *, epochs: int = 40, **options: Any
) -> tuple[Any, list[tuple[float, float]], list[float]]:
    """Train; a step takes 2.5 s, explanations what `costs` says: the watch, its book, their starts.

    The last of the costs goes on.
    """
    time, starts = Time(), []
    real = training.explain

    def explain(*arguments: Any, **given: Any) -> Any:
        starts.append(time.now)
        time.now += costs[min(len(starts), len(costs)) - 1]
        return real(*arguments, **given)

    monkeypatch.setattr(training, "explain", explain)
    keras.utils.set_random_seed(1)
    i = keras.Input((6, 6, 1))
    out = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(i)))
    model = keras.Model(i, out)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(1).normal(0, 1, (STEPS * 2, 6, 6, 1)).astype("float32")
    watch = ks.callbacks.ExplainDuringTraining(
        x[:2], "gradient", film=None, clock=time, **{"budget": 0.1} | options
    )
    book = Book(watch)
    model.fit(
        x, np.arange(len(x)) % 2, batch_size=2, epochs=epochs, verbose=0,
        callbacks=[Work(time, 2.5), watch, book],
    )  # fmt: skip
    return watch, book.rows, starts


def test_explanations_never_take_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, rows, _ = trained(monkeypatch, [2.0])
    assert rows[-1][0] == pytest.approx(40 * 10)
    assert all(spent <= 0.1 * seconds + 1e-9 for seconds, spent in rows)
    explained = watch.document["film"]["epochs"]
    assert 16 <= len(explained) <= 20  # 40 s are earned, an explanation takes 2 s
    assert watch.notes == []
    told = watch.document["film"]["notes"]
    assert len(told) == 1
    assert "not explained for lack of time: epochs 1" in told[0]
    assert "budget=0.1 allows 10 % of 400 s of training" in told[0]
    assert "budget=None explains every time" in told[0]


def test_without_a_budget_every_epoch_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, starts = trained(monkeypatch, [50.0], epochs=5, budget=None)
    assert watch.document["film"]["epochs"] == [1, 2, 3, 4, 5]
    assert len(starts) == 5
    assert watch.document["film"]["notes"] == []


def test_what_was_overdrawn_is_earned_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One explanation takes thirty seconds: the next waits until those and as many are earned."""
    slow = [2.0, 2.0, 2.0, 30.0, 2.0]
    _, rows, starts = trained(monkeypatch, slow, epochs=80)
    at = starts[3]
    later = [start for start in starts if start > at]
    before = sum(slow[:3])
    need = (before + 30 + 30) / 0.1  # seconds of training
    assert later[0] - 100 - before - 30 >= need - 1e-6
    assert rows[-1][1] <= 0.1 * rows[-1][0] + 1e-9


def test_an_explanation_that_costs_more_than_all_there_is_never_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch, rows, starts = trained(monkeypatch, [2.0], epochs=3, budget=0.001)
    assert starts == []
    assert rows[-1][1] == 0
    assert watch.document["film"]["epochs"] == []


def test_a_due_epoch_waits_for_the_next_one_that_has_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every fifth is due; the first may come late, and then does not wait for another fifth."""
    watch, _, _ = trained(monkeypatch, [12.0], epochs=40, every=5)
    explained = watch.document["film"]["epochs"]
    assert any(epoch % 5 for epoch in explained[1:])


def test_the_account_counts_training_and_explanations_apart() -> None:
    time = Time()
    account = Account(0.5, clock=time)
    time.now += 1000
    assert account.trained == 0
    account.start()
    time.now += 10
    with contextlib.suppress(ValueError), account.spending():
        time.now += 3
        raise ValueError
    assert (account.trained, account.spent, account.free) == (10, 3, 2)
    assert account.allows(2)
    assert not account.allows(2.1)
    account.stop()
    time.now += 1000  # no training
    account.start()
    time.now += 2
    assert account.trained == 12


def test_what_comes_after_a_crash_is_no_training() -> None:
    time = Time()
    account = Account(0.5, clock=time)
    account.start()
    time.now += 4
    account.see()  # the last step; then an error ends the training, and somebody thinks
    time.now += 1000
    account.start()
    time.now += 1
    assert account.trained == 5


def test_a_first_guess_comes_from_declared_passes() -> None:
    time = Time()
    pace = Pace(time)
    for batch in range(5):
        pace.step(batch)
        time.now += 7.0 if batch == 0 else 1.0
    method = ks.explain.__globals__["make_method"]("integrated_gradients", {"tolerance": None})
    x = np.zeros((64, 6, 6, 1), "float32")
    passes = method.passes({"": (6, 6, 1)})
    wanted = (passes.forward / 3 + passes.gradient) * 1.0 * 64 / 32
    compiled = 0 if keras.backend.backend() == "torch" else 7.0
    assert pace.guess([method], x) == pytest.approx(wanted + compiled)
    assert pace.guess([method], {"a": x}) == pytest.approx(wanted + compiled)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["epoch 3"], "epoch 3"),
        (["epoch 1", "epoch 2", "epoch 3", "epoch 6"], "epochs 1–3 and 6"),
        (["epoch 1", "epoch 3", "epoch 5"], "epochs 1, 3 and 5"),
        (["epoch 1, batch 3", "the end"], "epoch 1, batch 3; the end"),
    ],
)
def test_spans(labels: list[str], words: str) -> None:
    assert spans(labels) == words
