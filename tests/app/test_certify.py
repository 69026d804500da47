"""`kerascope certify` refuses what is wrong before any process starts; see tests/across too."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

import kerascope.demo

Runner = Callable[..., tuple[int, str, str]]
MODEL = Path(kerascope.demo.__file__).parent / "data" / "sky_net.keras"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.keras",), "'none.keras' does not exist"),
        ((MODEL, "-b", "jax"), "two backends or more; here is jax"),
        ((MODEL, "-b", "jax", "-b", "troch"), "did you mean 'torch'"),
        ((MODEL, "-m", "grad_cma"), "did you mean 'grad_cam'"),
        ((MODEL, "--limit", "-1"), "limit=-1.0"),
    ],
)
def test_bad_input_is_one_line(
    cli: Runner,
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(importlib.import_module("kerascope.certify.front"), "run_backends", never)
    code, out, err = cli("certify", *arguments, "-o", tmp_path)
    assert code == 2, (out, err)
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
