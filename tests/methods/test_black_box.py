"""Every method that needs scores only, on plain functions: any output, errors, remote services."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

import contract_checks
import kerascope as ks
import method_checks as checks
import numpy_net
from kerascope.method import AttributionMethod, Need, registry

Array = np.ndarray
METHODS = [name for name, kind in registry().items() if kind.needs == {Need.SCORES}]
OTHERS = [name for name, kind in registry().items() if kind.needs != {Need.SCORES}]
NET = numpy_net.net("deep")
X = NET.pictures
# What occlusion covers is not cut into segments.
CELLS = {"segments": "grid-9"}


def method(name: str, **fields: Any) -> AttributionMethod:
    """Return a method with small settings, and few segments where it has them."""
    known = registry()[name].__dataclass_fields__
    return contract_checks.small(name, **{k: v for k, v in CELLS.items() if k in known} | fields)


def net(batch: Array) -> Array:
    """Return the logits of a NumPy net: what any framework may compute."""
    return NET.upto(np.asarray(batch, np.float64), len(NET.layers))


def explain(function: Callable[[Any], Any], name: str, **options: Any) -> ks.Attribution:
    """Explain class 0 of a function of pictures."""
    x = options.pop("x", X)
    return ks.explain(function, x, method(name), **{"target": 0, "batch_size": 16} | options)


def faulty(fault: Callable[[Array], Any], after: int = 2) -> Callable[[Array], Any]:
    """Return the net, whose answers go through `fault` after some calls."""
    calls: list[int] = []

    def function(batch: Array) -> Any:
        calls.append(len(batch))
        return net(batch) if len(calls) <= after else fault(net(batch))

    return function


def test_methods_are_found() -> None:
    """Those that the issue of perturbation names; none is forgotten when one is added."""
    assert {"feature_ablation", "kernel_shap", "lime", "occlusion", "owen", "rise", "sobol"} <= {
        *METHODS
    }


@pytest.mark.parametrize("name", METHODS)
def test_function_is_its_keras_model(name: str) -> None:
    """A function that calls the model gives what the model itself gives."""
    model = checks.model("deep", softmax=False)
    twin = checks.explain("deep", method(name), model=model, batch_size=16)
    found = explain(lambda batch: ops.convert_to_numpy(model(batch)), name)
    checks.check_equal(found.values, twin.values, 1e-4)
    checks.check_equal(found.scores, twin.scores, 1e-5)
    assert any("no logits" in note for note in found.notes)


@pytest.mark.parametrize("name", METHODS)
def test_any_output(name: str) -> None:
    """A dict, a list, one number per sample: all give what the plain array gives."""
    plain = explain(net, name)
    forms: dict[str, Callable[[Array], Any]] = {
        "dict": lambda batch: {"classes": net(batch), "size": batch.sum(axis=(1, 2, 3))},
        "list": lambda batch: [net(batch), batch[:, :1, 0, 0]],
        "rows of numbers": lambda batch: net(batch).tolist(),
        "rows of arrays": lambda batch: tuple(net(batch)),
        "a number for each": lambda batch: list(net(batch)[:, 0]),
        "an array of one for each": lambda batch: list(net(batch)[:, :1]),
        "a list of one for each": lambda batch: net(batch)[:, :1].tolist(),
        "one output as lists": lambda batch: [net(batch).tolist()],
        "one number": lambda batch: net(batch)[:, 0],
    }
    for form, function in forms.items():
        assert contract_checks.distance(explain(function, name).values, plain.values) < 1e-6, form
    named = explain(forms["dict"], name, target=ks.Output("size", ks.Class(0)))
    assert "size" in named.explained[0]
    assert contract_checks.distance(named.values, plain.values) > 0.01


@pytest.mark.parametrize("name", METHODS)
def test_inputs_come_as_they_were_given(name: str) -> None:
    """A table, a series, a volume, token ids, a dict: the function sees that, and no logits."""
    rng = np.random.default_rng(0)
    inputs: dict[str, Any] = {
        "table": rng.normal(size=(2, 7)).astype(np.float32),
        "series": rng.normal(size=(2, 12, 3)).astype(np.float32),
        "volume": rng.normal(size=(2, 5, 6, 4, 1)).astype(np.float32),
        "tokens": rng.integers(1, 50, (2, 9)),
        "dict": {
            "a": rng.normal(size=(2, 6, 8, 3)).astype(np.float32),
            "b": rng.normal(size=(2, 4)).astype(np.float32),
        },
    }
    for kind, x in inputs.items():

        def function(batch: Any, x: Any = x) -> Array:
            assert isinstance(batch, dict) == isinstance(x, dict)
            parts = batch.values() if isinstance(batch, dict) else [batch]
            each = [np.tanh(p.reshape(len(p), -1) @ np.linspace(-1, 1, p[0].size)) for p in parts]
            return np.sum(each, axis=0)[:, None]

        found = explain(function, name, x=x)
        maps = found.values if isinstance(found.values, dict) else {"": found.values}
        assert all(np.ptp(values) > 0 for values in maps.values()), kind
        assert len(maps) == (2 if kind == "dict" else 1)


# --- a service far away --------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_a_service_is_asked_no_more_than_declared(name: str) -> None:
    """Never more rows at once than `batch_size`; no more in all than `passes`; progress is told."""
    asked: list[int] = []
    told: list[tuple[str, int, int]] = []

    def service(batch: Array) -> Array:
        time.sleep(1e-3)
        asked.append(len(batch))
        return net(batch)

    with ks.reporting(lambda *news: told.append(news)):
        explain(service, name, batch_size=7)
    value = method(name)
    declared = value.passes({"": X.shape[1:]}).forward
    assert max(asked) <= 7
    assert sum(asked) <= 1 + len(X) * declared, "one row more, to learn the outputs"
    done = [(what, d, total) for what, d, total in told if d == total]
    assert done, "progress never reached its end"


@pytest.mark.parametrize("name", METHODS)
def test_nothing_is_lost_when_a_service_raises(name: str) -> None:
    """Its own error comes out, and the next call gives what it always gave."""
    before = explain(net, name)
    away = faulty(lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explain(away, name, batch_size=4)
    assert np.array_equal(explain(net, name).values, before.values)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("after", [0, 2])
def test_too_few_rows_are_an_error(name: str, after: int) -> None:
    """At the first call, and midway."""
    with pytest.raises(ks.BadModel, match=r"returned shape \(\d, \d\) for \d samples"):
        explain(faulty(lambda y: np.concatenate([y, y])[: len(y) - 1], after), name, batch_size=4)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_an_error(name: str, value: float) -> None:
    """A score that is no number does not reach a map."""

    def spoil(y: Array) -> Array:
        y[0] = value
        return y

    with pytest.raises(ks.BadModel, match="NaN or infinity"):
        explain(faulty(spoil), name, batch_size=4)


@pytest.mark.parametrize("name", METHODS)
def test_no_array_is_an_error(name: str) -> None:
    with pytest.raises(ks.BadModel, match="tabby"):
        explain(lambda _: "tabby", name)
    with pytest.raises(ks.BadModel, match=r"shape \(\) for 1 samples"):
        explain(lambda _: 0.7, name)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lambda batch: [[0.0] * (1 + k) for k in range(len(batch))], "rows of shapes"),
        (lambda batch: ["cat"] * len(batch), "returned str 'cat', which are no numbers"),
        (lambda batch: [{"cat": 0.5}] * len(batch), "returned dict .*, which are no numbers"),
        (lambda batch: [[0.5, 0.5]], r"shape \(1, 2\) for \d+ samples"),
        (lambda batch: [], "returned no output"),
        (lambda batch: {}, "returned no output"),
    ],
)
def test_rows_that_are_none(rows: Callable[[Array], Any], words: str) -> None:
    with pytest.raises(ks.errors.BadModel, match=words):
        explain(rows, "occlusion")


@pytest.mark.parametrize("name", METHODS)
def test_a_budget_below_one_sample_is_an_error(name: str) -> None:
    with pytest.raises(ks.BadInput, match="does not hold one sample"):
        explain(net, name, memory="500B")


@pytest.mark.parametrize("name", METHODS)
def test_a_constant_picture(name: str) -> None:
    """Nothing can be covered by the mean of a constant: a map of zeros, no error."""
    flat = np.full_like(X, 0.25)
    values = explain(net, name, x=flat).values
    assert np.isfinite(values).all()
    if registry()[name].__dataclass_fields__["baseline"].default == "mean":
        assert np.abs(values).max() < 1e-4


@pytest.mark.parametrize("name", METHODS)
def test_a_score_that_never_changes(name: str) -> None:
    values = explain(lambda batch: np.full((len(batch), 2), 0.3), name).values
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", OTHERS)
def test_a_function_has_no_gradients(name: str) -> None:
    with pytest.raises(ks.KerascopeError, match=f"{name} needs .*which a plain function does not"):
        ks.explain(net, X, name, target=0)
