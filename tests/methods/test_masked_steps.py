"""Steps that a Masking layer leaves out: padded and cut series have the same explanation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.baselines import baseline_of
from kerascope.hooks import HookedModel
from kerascope.perturb import left_out, spans

PAD, STEPS, REAL = -7.0, 12, 8


def model(value: float = PAD) -> keras.Model:
    keras.utils.set_random_seed(2)
    body = [layers.Masking(value), layers.GRU(6), layers.Dense(3)]
    return keras.Sequential([keras.Input((None, 2), name="series"), *body])


def series() -> tuple[np.ndarray, np.ndarray]:
    """Return two series of 8 steps, and the same padded to 12."""
    x = np.random.default_rng(4).normal(size=(2, REAL, 2)).astype("float32")
    padded = np.full((2, STEPS, 2), PAD, "float32")
    padded[:, :REAL] = x
    return x, padded


METHODS = {
    "integrated_gradients": {"baseline": "mean", "steps": 8, "tolerance": None},
    "gradient": {},
    "gradient_x_input": {},
    "occlusion": {"patch": 1, "stride": 1, "baseline": "mean"},
    "feature_ablation": {"segments": "single", "baseline": "last"},
    "kernel_shap": {"segments": "single", "baseline": 0.5, "samples": 200},
    "shapley_sampling": {"segments": "channel", "baseline": "min", "samples": 200},
    "owen": {"segments": "single", "baseline": "mean"},
    "blur_ig": {"steps": 8},
    "expected_gradients": {"samples": 10},
}


@pytest.mark.parametrize("name", METHODS)
def test_padding_changes_nothing(name: str) -> None:
    short, long = series()
    options = {"target": 1, "seed": 3, **METHODS[name]}
    cut = ks.explain(model(), short, name, **options)
    padded = ks.explain(model(), long, name, **options)
    assert np.allclose(padded.scores, cut.scores, atol=1e-5)
    axis = padded.axes.index("time") if "time" in padded.axes else 1
    real = np.take(padded.values, range(REAL), axis=axis)
    rest = np.take(padded.values, range(REAL, STEPS), axis=axis)
    size = np.abs(cut.values).max()
    assert np.allclose(real, cut.values, atol=2e-3 * size)
    assert size > 0
    if name != "gradient":  # a slope says what a change would do
        assert not rest.any()


@pytest.mark.parametrize("hierarchy", ["similar", "halves"])
def test_owen_of_texts_of_different_lengths(hierarchy: str) -> None:
    """Padding belongs to no player: the shorter text has the values that it has alone."""
    keras.utils.set_random_seed(2)
    body = [layers.Embedding(6, 4, mask_zero=True), layers.GRU(5), layers.Dense(3)]
    net = keras.Sequential([keras.Input((8,), dtype="int32"), *body])
    words = ["", "[UNK]", "the", "film", "was", "good"]
    both = ["the film was good", "good film"]
    options = {"target": 1, "baseline": "unk", "hierarchy": hierarchy}
    found, alone = (
        ks.explain(net, ks.load_texts(texts, vocabulary=words, length=8), "owen", **options)
        for texts in (both, both[1:])
    )
    assert found.values.shape[-1] == 8
    assert not found.values[0, 4:].any()
    assert not found.values[1, 2:].any()
    assert found.values[1, :2].all()
    assert np.allclose(found.values[1], alone.values[0], atol=1e-6)


@pytest.mark.parametrize("start", [0, 3])
def test_owen_where_steps_in_the_middle_are_left_out(start: int) -> None:
    _, long = series()
    long[:, start : start + 2] = PAD
    found = ks.explain(model(), long, "owen", target=1, segments="single", baseline="mean")
    assert not found.values[:, start : start + 2].any()
    assert found.values[:, start + 2 : REAL].all()


def test_deep_shap_of_a_padded_series() -> None:
    """It has no rule for recurrent layers: the steps that are read are averaged."""
    keras.utils.set_random_seed(2)
    read = [layers.Dense(5, activation="relu"), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    net = keras.Sequential([keras.Input((None, 2)), layers.Masking(PAD), *read])
    cut, padded = (ks.explain(net, x, "deep_shap", target=1) for x in series())
    assert np.allclose(padded.values[:, :REAL], cut.values, atol=1e-5)
    assert not padded.values[:, REAL:].any()
    assert cut.values.any()


def test_a_background_of_ones_own_leaves_padding() -> None:
    short, long = series()
    whole = np.random.default_rng(6).normal(size=(3, STEPS, 2)).astype("float32")
    options = {"target": 1, "seed": 3, "samples": 9}
    found = ks.explain(model(), long, "expected_gradients", background=whole, **options)
    cut = ks.explain(model(), short, "expected_gradients", background=whole[:, :REAL], **options)
    assert np.allclose(found.values[:, :REAL], cut.values, atol=1e-5)
    assert not found.values[:, REAL:].any()
    assert not any("gap" in note for note in found.notes)


def test_the_default_is_complete_on_padded_series() -> None:
    _, long = series()
    result = ks.explain(model(), long, target=1)
    assert result.method.name == "integrated_gradients"
    assert not any("gap" in note for note in result.notes)


def test_noise_is_added_to_steps_that_are_read() -> None:
    _, long = series()
    found = ks.explain(model(), long, "smooth_grad", target=1, samples=4)
    assert not found.values[:, REAL:].any()
    assert found.values[:, :REAL].any()


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling", "lime"])
def test_a_sample_of_padding_alone_has_no_values(name: str) -> None:
    _, long = series()
    long[1] = PAD
    found = ks.explain(model(), long, name, target=1, segments="single", samples=200)
    assert not found.values[1].any()
    assert found.values[0, :REAL].any()


@pytest.mark.parametrize("name", ["smooth_grad", "smooth_grad_squared", "var_grad"])
def test_noise_is_as_strong_as_without_padding(name: str) -> None:
    short, long = series()
    far = np.where(long == PAD, np.float32(-999), long)
    options = {"target": 1, "seed": 3, "samples": 400}
    cut = np.abs(ks.explain(model(), short, name, **options).values).mean()
    padded = np.abs(ks.explain(model(-999.0), far, name, **options).values[:, :REAL]).mean()
    assert cut / 1.5 < padded < cut * 1.5


def test_ranges_are_of_the_steps_that_are_read() -> None:
    short, long = series()
    none, some = np.zeros(long.shape[:2], bool), (long == PAD).all(axis=-1)
    assert np.array_equal(spans(long, some), spans(short, none[:, :REAL]))
    assert np.allclose(spans(short, none[:, :REAL]), np.ptp(short, axis=(1, 2)))
    assert (spans(long, none) > spans(long, some)).all()
    assert (spans(long, ~none) == 0).all()


def test_what_is_left_out() -> None:
    _, long = series()
    long[0, 2, 0] = PAD  # the other channel is none: the step is read
    view = HookedModel(model())
    x = view.read(long)
    (name,) = x
    out = left_out(view, name, x[name])
    assert out.tolist() == [[False] * REAL + [True] * (STEPS - REAL)] * 2
    plain = HookedModel(keras.Sequential([keras.Input((None, 2)), layers.GRU(3)]))
    x = plain.read(long)
    assert not left_out(plain, next(iter(x)), long).any()


@pytest.mark.parametrize("kind", ["mean", "min", "max", "last", "zero", "blur", "noise", 0.5])
def test_baselines_see_the_steps_that_are_read(kind: str | float) -> None:
    short, long = series()
    make = lambda x, out: baseline_of(  # noqa: E731
        kind, x, ("time", "channel"), np.random.default_rng(0), out
    )
    out = np.arange(STEPS) >= REAL
    found = make(long[0], out)
    assert np.array_equal(found[:REAL], make(short[0], None))
    assert (found[REAL:] == PAD).all()
    assert np.array_equal(make(long[0], np.ones(STEPS, bool)), long[0])
    given = np.arange(2 * STEPS, dtype="float32").reshape(STEPS, 2)
    kept = baseline_of(given, long[0], ("time", "channel"), np.random.default_rng(0), out)
    assert np.array_equal(kept[:REAL], given[:REAL])
