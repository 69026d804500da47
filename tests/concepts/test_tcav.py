"""TCAV: planted concepts are found, others are not; vectors, slopes and tests are what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy import optimize, stats

import kerascope as ks
import zoo
from concepts.planted import stripes, stripes_net
from kerascope.concepts.tcav.draws import draws_of
from kerascope.concepts.tcav.significance import bonferroni, p_values, welch
from kerascope.concepts.tcav.vectors import concept_vector
from kerascope.hooks import HookedModel, store_of
from kerascope.run import Run
from kerascope.targets import resolve_targets


@pytest.fixture(scope="module")
def net() -> keras.Model:
    return stripes_net()


@pytest.fixture(scope="module")
def found(net: keras.Model) -> ks.TCAV:
    concepts = {
        "upright": stripes(40, 0, 1),
        "level": stripes(40, 1, 2),
        "fake": stripes(40, None, 3),
    }
    return ks.tcav(
        net, concepts, stripes(40, None, 4), 0, ["patterns", "upper"],
        random=stripes(800, None, 5), runs=10,
    )  # fmt: skip


def test_the_planted_concept_is_significant_and_others_are_not(found: ks.TCAV) -> None:
    assert found.of("upright", "patterns").mean() > 0.95
    assert found.of("upright", "upper").mean() == 1
    assert found.significant[0, 0]
    assert not found.significant[1].any()
    assert not found.significant[2].any()
    assert (found.accuracies[:2, 0].mean(axis=-1) > 0.95).all()
    assert found.accuracies[2].mean() < 0.6
    assert abs(found.random_scores[0].mean() - 0.5) < 0.25
    assert sum("'fake'" in note for note in found.notes) == 2
    assert "logit of class 0" in found.explained


def test_scores_are_shares_of_positive_slopes(found: ks.TCAV) -> None:
    assert np.allclose(found.scores, (found.slopes > 0).mean(axis=-1))
    for vectors in found.vectors.values():
        norms = np.linalg.norm(vectors.reshape(*vectors.shape[:2], -1), axis=-1)
        assert np.allclose(norms, 1, atol=1e-5)
    assert found.vectors["patterns"].shape == (3, 10, 10, 10, 2)


def test_p_values_are_those_of_welch_written_out(found: ks.TCAV) -> None:
    for i in range(3):
        for k in range(2):
            a, b = found.scores[i, k].astype(float), found.random_scores[k].astype(float)
            if not np.ptp(a) and not np.ptp(b):
                continue
            va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
            t = (a.mean() - b.mean()) / np.sqrt(va + vb)
            freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
            p = 2 * stats.t.sf(abs(t), freedom)
            assert found.p_values[i, k] == pytest.approx(p, rel=1e-4)
            assert found.corrected[i, k] == pytest.approx(min(1, 6 * p), rel=1e-4)
    told = found.accuracies.mean(axis=-1) > 0.9
    assert np.array_equal(found.significant, (found.p_values * 6 < 0.05) & told)


def test_welch_is_scipys_and_constants_say_nothing() -> None:
    rng = np.random.default_rng(0)
    scores, random = rng.normal(size=(3, 2, 9)), rng.normal(1, 2, (2, 7))
    expected = [[stats.ttest_ind(scores[i, k], random[k], equal_var=False).pvalue for k in range(2)]
                for i in range(3)]  # fmt: skip
    assert np.allclose(p_values(scores, random), expected)
    assert np.allclose(bonferroni(np.array([[0.01, 0.4]])), [[0.02, 0.8]])
    assert np.allclose(bonferroni(np.array([[0.7, 0.4]])), [[1.0, 0.8]])
    greater = stats.ttest_ind(scores[0, 0], random[0], equal_var=False, alternative="greater")
    assert welch(scores[0, 0], random[0], alternative="greater") == pytest.approx(greater.pvalue)
    assert welch(np.ones(5), np.zeros(5)) == 1.0


@pytest.mark.parametrize(("features", "count"), [(5, 30), (70, 12)])
def test_a_vector_is_the_normal_of_a_penalised_logistic_regression(
    features: int, count: int
) -> None:
    rng = np.random.default_rng(1)
    concept = rng.normal(0.7, 1, (count, features)) * 13 + 5
    others = rng.normal(0, 1, (count, features)) * 13 + 5
    vector, accuracy = concept_vector(concept, others, np.random.default_rng(3), strength=2.0)
    same = np.random.default_rng(3)
    held = count // 3
    a, b = (rows[same.permutation(count)] for rows in (concept, others))
    seen = np.concatenate([a[held:], b[held:]])
    signs = np.repeat([1, -1], count - held)
    centre = seen.mean(axis=0)
    size = np.sqrt(((seen - centre) ** 2).sum(axis=1).mean())

    def loss(w: np.ndarray) -> float:
        margins = signs * ((seen - centre) / size @ w[1:] + w[0])
        return 0.5 * w[1:] @ w[1:] + 2.0 * np.logaddexp(0, -margins).sum()

    w = optimize.minimize(loss, np.zeros(features + 1), tol=1e-12).x
    assert vector @ w[1:] / np.linalg.norm(w[1:]) == pytest.approx(1, abs=1e-5)
    assert vector @ (concept.mean(axis=0) - others.mean(axis=0)) > 0
    said = [rows[:held] - centre for rows in (a, b)]
    right = np.concatenate([said[0] @ w[1:] / size + w[0] > 0, said[1] @ w[1:] / size + w[0] < 0])
    assert accuracy == pytest.approx(right.mean())


@pytest.mark.parametrize(
    ("name", "layer", "pool"),
    [("flat_functional", "conv1", None), ("flat_functional", "conv1", "mean"),
     ("channels_first", "conv1", "mean"), ("vit", "mlp0", None), ("series_conv", "conv1", "mean"),
     ("lstm", "first", None)],
)  # fmt: skip
def test_slopes_are_finite_differences(name: str, layer: str, pool: str | None) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    shape = case.x.shape[1:]
    draw = lambda n, seed: np.random.default_rng(seed).normal(size=(n, *shape)).astype("float32")  # noqa: E731
    result = ks.tcav(
        case.model, {"a": draw(6, 1)}, case.x, 1, layer, random=draw(12, 2), runs=2, pool=pool
    )
    view = HookedModel(case.model)
    x = view.read(case.x)
    site = view.site(layer)
    targets = resolve_targets(1, view.spec(), len(case.x))
    values = view.activations(x, [site])[site]
    vector = result.vectors[layer][0, 1]
    if pool == "mean":
        wide = vector[:, None, None] if name == "channels_first" else vector
        vector = np.broadcast_to(wide, values.shape[1:])
    step = 2e-3
    up, down = (
        view.scores(x, targets, at={site: values + np.float32(h) * vector}).values[:, 0]
        for h in (step, -step)
    )
    slope = (up - down) / (2 * step)
    assert np.allclose(result.slopes[0, 0, 1], slope, rtol=3e-2, atol=2e-3)


def test_one_pass_per_example_and_nothing_is_traced_twice(net: keras.Model) -> None:
    store = store_of(net)

    def call() -> dict[str, int]:
        before = dict(store.passes)
        ks.tcav(net, {"a": stripes(9, 0, 1)}, stripes(7, None, 2), 0, ["patterns", "upper"],
                random=stripes(24, None, 3), runs=2)  # fmt: skip
        return {kind: n - before.get(kind, 0) for kind, n in store.passes.items()}

    made = call()
    assert made["forward"] == 9 + 24
    assert made["layer gradient"] == 7
    traces = store.traces
    call()
    assert store.traces == traces


def test_the_seed_decides_and_the_batch_size_does_not(net: keras.Model) -> None:
    def scores(**options: Any) -> ks.TCAV:
        return ks.tcav(net, {"a": stripes(12, 0, 1)}, stripes(9, None, 2), 0, "patterns",
                       random=stripes(30, None, 3), runs=4, **options)  # fmt: skip

    first, again, other = scores(), scores(batch_size=4), scores(seed=1)
    assert np.allclose(first.slopes, again.slopes, atol=1e-5 * np.abs(first.slopes).max())
    assert np.array_equal(first.accuracies, again.accuracies)
    assert not np.allclose(first.slopes, other.slopes)


def test_runs_share_nothing_where_the_pool_is_large() -> None:
    draws = draws_of({"a": 8, "b": 6}, [120], 10, None, Run(seed=3))
    every = np.concatenate([draws.against.ravel(), draws.instead.ravel()])
    assert draws.count == 6
    assert len(set(every)) == len(every) == 120
    assert not any("share some" in note for note in draws.notes)
    small = draws_of({"a": 8}, [40], 10, None, Run(seed=3))
    assert any("share some" in note for note in small.notes)
    for a, b in zip(small.against, small.instead, strict=True):
        assert not set(a) & set(b)


def test_random_sets_are_used_one_after_another(net: keras.Model) -> None:
    draws = draws_of({"a": 8}, [9, 10, 11], 3, None, Run())
    starts = [range(9), range(9, 19), range(19, 30)]
    for i in range(3):
        assert set(draws.against[i]) <= set(starts[i])
        homes = {k for k in range(3) if set(draws.instead[i]) & set(starts[k])}
        assert len(homes) == 1
        assert homes != {i}
    sets = [stripes(10, None, seed) for seed in range(4)]
    result = ks.tcav(net, {"a": stripes(10, 0, 9)}, stripes(6, None, 8), 0, "upper", random=sets)
    assert result.scores.shape == (1, 1, 4)
    assert not any("independent" in note for note in result.notes)


def test_a_linear_head_and_an_unread_layer_are_noted() -> None:
    case = zoo.SHAPES["two_outputs"]()
    x = zoo.pictures(24)
    result = ks.tcav(case.model, {"a": x[:8] + 1}, x[:6], "kind:1", ["relu", "size"],
                     random=x[8:], runs=2)  # fmt: skip
    assert any("same gradient at layer 'base/relu'" in note for note in result.notes)
    assert any("does not depend on layer 'size'" in note for note in result.notes)
    assert not result.slopes[0, 1].any()


def test_examples_come_from_folders(net: keras.Model, tmp_path: Path) -> None:
    case = zoo.SHAPES["flat_functional"]()
    rng = np.random.default_rng(0)
    for name, count in (("stripes", 5), ("random", 9), ("class", 4)):
        (tmp_path / name / "deep").mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / "deep" / f"{k}.png")
    folders = {"stripes": tmp_path / "stripes"}
    read = {n: ks.load_images(tmp_path / n, case.model, preprocess="unit")
            for n in ("stripes", "random", "class")}  # fmt: skip
    options: dict[str, Any] = {"runs": 2, "preprocess": "unit"}
    a = ks.tcav(case.model, folders, tmp_path / "class", 0, "conv2", random=tmp_path / "random",
                **options)  # fmt: skip
    b = ks.tcav(case.model, {"stripes": read["stripes"]}, read["class"], 0, "conv2",
                random=read["random"], **options)  # fmt: skip
    assert np.allclose(a.slopes, b.slopes, atol=1e-6)
    sets = [tmp_path / "random", tmp_path / "stripes"]
    c = ks.tcav(case.model, folders, tmp_path / "class", 0, "conv2", random=sets, **options)
    assert c.scores.shape == (1, 1, 2)


def test_saved_is_loaded_and_drawn(found: ks.TCAV, tmp_path: Path) -> None:
    again = ks.TCAV.load(found.save(tmp_path / "t.safetensors"))
    for name in ("scores", "random_scores", "p_values", "significant", "accuracies", "slopes"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert again.vectors.keys() == found.vectors.keys()
    assert np.array_equal(again.vectors["upper"], found.vectors["upper"])
    assert (again.concepts, again.layers, again.notes) == (
        found.concepts,
        found.layers,
        found.notes,
    )
    assert again.provenance == found.provenance
    assert again.table() == found.table()
    figure = again.plot()
    assert isinstance(figure, Figure)
    bars = [bar for bar in figure.axes[0].patches if bar.get_height() > 0]
    assert max(bar.get_height() for bar in bars) == pytest.approx(found.scores.mean(axis=-1).max())
    marked = [text.get_text() for text in figure.axes[0].texts]
    assert marked.count("n.s.") == int((~found.significant).sum())
    assert "upright" in found._repr_html_()
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    with pytest.raises(ks.BadFile, match="other"):
        ks.TCAV.load(tmp_path / "other.safetensors")


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"layers": "patern"}, ks.BadLayer, "did you mean 'patterns'"),
    ({"layers": []}, ks.BadLayer, "empty"),
    ({"target": 7}, ks.BadTarget, "7"),
    ({"target": (0, 1)}, ks.BadTarget, "one target"),
    ({"target": "top-2"}, ks.BadTarget, "one target"),
    ({"concepts": {}}, ks.BadInput, "mapping of names"),
    ({"concepts": {"a": stripes(1, 0, 1)}}, ks.BadInput, "concept 'a' has 1 example;"),
    ({"concepts": {"a": []}}, ks.BadInput, "concept 'a': the list is empty"),
    ({"concepts": {"a": np.zeros((4, 5, 5, 2))}}, ks.BadInput, "takes"),
    ({"concepts": {"a": np.full((4, 12, 12, 2), np.nan)}}, ks.BadInput, "NaN"),
    ({"concepts": {"a": np.zeros((9, 12, 12, 2))}, "random": np.zeros((9, 12, 12, 2))},
     ks.BadLayer, "'patterns': all examples have the same activations"),
    ({"random": stripes(4, None, 1)}, ks.BadInput, "random has 4 examples"),
    ({"random": [stripes(9, None, 1), stripes(2, None, 1)]}, ks.BadInput, "set 1 of random"),
    ({"runs": 1}, ks.BadInput, "runs=1"),
    ({"pool": "max"}, ks.BadInput, "pool='max'"),
    ({"strength": 0}, ks.BadInput, "strength=0"),
    ({"alpha": 1.5}, ks.BadInput, "alpha=1.5"),
    ({"score": "loss"}, ks.BadInput, "score='loss'"),
    ({"examples": 0}, ks.BadInput, "examples=0"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "words"), BAD)
def test_bad_input_is_named(
    net: keras.Model, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    given: dict[str, Any] = {
        "concepts": {"a": stripes(6, 0, 1)}, "inputs": stripes(3, None, 2), "target": 0,
        "layers": "patterns", "random": stripes(12, None, 3), "runs": 2, **options,
    }  # fmt: skip
    with pytest.raises(kind, match=words) as raised:
        ks.tcav(net, **given)
    assert "\n" not in str(raised.value)


def test_too_many_activations_and_broken_weights_are_named(tmp_path: Path) -> None:
    broken = stripes_net()
    given = ({"a": stripes(6, 0, 1)}, stripes(3, None, 2), 0, "patterns")
    with pytest.raises(ks.BadInput, match="pool='mean'"):
        ks.tcav(broken, *given, random=stripes(2000, None, 3), memory="1MB")
    (tmp_path / "none").mkdir()
    with pytest.raises(ks.BadFile, match="concept 'a': folder 'none' holds no pictures"):
        ks.tcav(broken, {"a": tmp_path / "none"}, *given[1:], random=stripes(12, None, 3))
    broken.get_layer("upper").bias.assign(np.full(96, np.nan))
    with pytest.raises(ks.BadModel, match="NaN"):
        ks.tcav(broken, *given, random=stripes(12, None, 3), runs=2)
    with pytest.raises(ks.BadInput, match=r"keras\.Model"):
        ks.tcav(len, *given, random=stripes(12, None, 3))  # type: ignore[arg-type]
