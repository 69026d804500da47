"""Nothing stays in memory: thirty calls leave no object and no compiled pass, dropped models go.

`make leaks` does 500 calls of every method; here only what is counted exactly.
"""

from __future__ import annotations

import pytest

import leaks
from once import only_on

TRACED, HOOKED = only_on("tensorflow"), only_on("torch")  # what a backend could keep of a call


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("gradient", marks=TRACED),
        pytest.param("grad_cam", marks=HOOKED),
        pytest.param("lrp", marks=HOOKED),
        pytest.param("rise", marks=TRACED),
    ],
)
def test_thirty_calls_leave_nothing(name: str) -> None:
    found = leaks.grown(name, 30, fresh=2)
    assert found.compiled == 0
    assert found.models == 0
    # Caches of interpreter and frameworks fill by chance; a leak adds one at least a call of 24.
    assert found.objects < 24


@TRACED
def test_a_leak_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    explain = leaks.ks.explain

    def leaking(model: object, *args: object, **options: object) -> object:
        kept.extend((model, [object()], explain(model, *args, **options)))
        return kept[-1]

    monkeypatch.setattr(leaks.ks, "explain", leaking)
    found = leaks.grown("gradient", 30, fresh=2)
    assert found.objects >= 24
    assert found.models == 2
    assert found.leaks
