"""Every method on every model shape, uncompiled; `tests/across` compares what backends give."""

from __future__ import annotations

import functools

import pytest

import kerascope as ks
import zoo
from contract_checks import check_alive, check_mirrors, refusals, run, small
from kerascope.method import Need, registry
from saved import keep

REFUSALS = refusals()
NEVER = {"gradient", "perturbation"}


@functools.cache
def built(shape: str) -> zoo.Case:
    return zoo.SHAPES[shape]()


@pytest.mark.parametrize("shape", zoo.SHAPES)
@pytest.mark.parametrize("name", registry())
def test_cell(name: str, shape: str) -> None:
    reason = zoo.runs_here(shape)
    if reason:
        pytest.skip(reason)
    case, method = built(shape), small(name)
    if shape in REFUSALS.get(name, {}):
        with pytest.raises(ks.Refused, match="'"):
            run(method, case)
        return
    result = check_alive(method, case)
    check_mirrors(method, case, result)
    keep(f"{name}-{shape}", result.values)


def test_refusals_name_what_exists() -> None:
    assert set(REFUSALS) <= set(registry())
    for shapes in REFUSALS.values():
        assert set(shapes) <= set(zoo.SHAPES)
        assert all(len(reason) > 20 for reason in shapes.values())


def test_gradient_and_perturbation_methods_refuse_nothing() -> None:
    from kerascope.methods.cam_family import ActivationMap

    for name in REFUSALS:
        kind = registry()[name]
        assert issubclass(kind, ActivationMap) or Need.RULES in kind.needs
