"""The table of proofs is complete and names tests that exist."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import runpy
from pathlib import Path
from typing import Any

import pytest

from kerascope.method import registry

TESTS = Path(__file__).resolve().parents[1]
PROOF: dict[str, Any] = runpy.run_path(str(TESTS / "methods" / "proof.py"))
TABLE, COLUMNS = PROOF["TABLE"], PROOF["COLUMNS"]


@functools.cache
def functions(file: str) -> dict[str, Any]:
    """Return the test functions of a file by name."""
    spec = importlib.util.spec_from_file_location(f"proof_{Path(file).stem}", TESTS / file)
    assert spec is not None, f"{file} does not exist"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def check_test(test: str) -> None:
    """A test exists, is not skipped, and takes the value in its brackets."""
    file, _, rest = test.partition("::")
    name, _, value = rest.rstrip("]").partition("[")
    assert (TESTS / file).exists(), f"{file} does not exist"
    found = functions(file)
    assert name in found, f"{test} does not exist"
    marks = getattr(found[name], "pytestmark", [])
    assert not {mark.name for mark in marks} & {"skip", "skipif", "xfail"}, f"{test} is skipped"
    values = [one for mark in marks if mark.name == "parametrize" for one in mark.args[1]]
    assert not value or value in values, f"{test}: no such value"


def check_row(name: str, row: dict[str, Any]) -> None:
    """All columns are there, tests exist, reasons are given; formula and identity are proven."""
    assert set(row) == set(COLUMNS), f"{name}: columns {set(row) ^ set(COLUMNS)}"
    for column, cell in row.items():
        if isinstance(cell, str):
            assert len(cell.split()) > 3, f"{name} × {column}: no reason"
        else:
            assert cell, f"{name} × {column}: neither a test nor a reason"
            for test in cell:
                check_test(test)
    assert not isinstance(row["paper"], str), f"{name}: its formula is not proven"
    assert not isinstance(row["identity"], str), f"{name}: no identity is proven"


def test_every_method_has_a_row() -> None:
    assert set(TABLE) == set(registry())


@pytest.mark.parametrize("name", TABLE)
def test_row(name: str) -> None:
    check_row(name, TABLE[name])


def test_every_test_of_agreement_is_in_the_table() -> None:
    """A comparison that nobody reads would be forgotten."""
    named = {
        test.partition("[")[0]
        for row in TABLE.values()
        for test in itertools.chain.from_iterable(
            cell if isinstance(cell, tuple) else (cell,) for cell in row.values()
        )
    }
    words = " ".join(named)
    for path in sorted((TESTS / "parity").glob("test_*.py")):
        for function in functions(f"parity/{path.name}"):
            aside = function.startswith(("test_twin", "test_reference"))
            assert aside or f"parity/{path.name}::{function}" in words, f"{path.name}::{function}"


def test_check_row_bites() -> None:
    good = TABLE["gradient"]
    for column, cell, words in (
        ("paper", ("methods/test_gradient_family.py::test_nothing",), "does not exist"),
        ("paper", ("methods/test_gradient_family.py::test_paper[no_method]",), "no such value"),
        ("identity", (), "neither"),
        ("identity", PROOF["Why"]("nobody has found one yet"), "no identity"),
        ("shap", PROOF["Why"]("none"), "no reason"),
    ):
        with pytest.raises(AssertionError, match=words):
            check_row("gradient", {**good, column: cell})
    with pytest.raises(AssertionError, match="columns"):
        check_row("gradient", {"paper": good["paper"]})


def test_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert PROOF["main"]() == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in TABLE)
    assert "tf-keras-vis divides α" in printed
