"""Every method on every model shape, uncompiled; `tests/across` compares what backends give.

docs/field-table.md shows what each cell does: see `field_table.py`, also for what `make test`
leaves to `make matrix`.
"""

from __future__ import annotations

import functools

import keras
import pytest

import field_table
import kerascope as ks
import zoo
from contract_checks import check_alive, check_mirrors, refusals, run, small
from kerascope.method import Need, registry
from kerascope.methods.families import FAMILIES
from once import MADE
from saved import keep, keep_cell

REFUSALS = refusals()
BACKEND = keras.backend.backend()
EVERY = field_table.cells(BACKEND)
TRIED = field_table.tried(BACKEND) if MADE else list(EVERY)


@functools.cache
def built(shape: str) -> zoo.Case:
    return zoo.SHAPES[shape]()


@pytest.mark.parametrize(("name", "shape"), TRIED)
def test_cell(name: str, shape: str) -> None:
    state = EVERY[name, shape]
    if state == "cannot run here":
        keep_cell(name, shape, state)
        pytest.skip(str(zoo.runs_here(shape)))
    case, method = built(shape), small(name)
    if state == "refuses":
        with pytest.raises(ks.Refused, match="'"):
            run(method, case)
    else:
        result = check_alive(method, case)
        check_mirrors(method, case, result)
        keep(f"{name}-{shape}", result.values)
    keep_cell(name, shape, state)


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


def test_the_page_shows_every_cell() -> None:
    shown = [method for methods in FAMILIES.values() for method in methods]
    assert sorted(shown) == sorted(registry())
    assert field_table.PAGE.read_text(encoding="utf-8") == field_table.page(), (
        "docs/field-table.md is stale: run `make fields`"
    )


@pytest.mark.parametrize("backend", field_table.BACKENDS)
def test_what_is_tried_has_every_method_and_every_shape(backend: str) -> None:
    cells = field_table.tried(backend)
    assert len(set(cells)) == len(cells)
    for method in registry():
        assert sum(name == method for name, _ in cells) >= len(zoo.SHAPES) // 6, method
    for shape in zoo.SHAPES:
        assert sum(place == shape for _, place in cells) >= len(registry()) // 6, shape
