"""A run that is killed at any moment loses no row and doubles none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from once import once

pytestmark = [
    once,
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork are POSIX"),
]


def killed(*arguments: Any) -> dict[str, Any]:
    """Return what the program that starts and kills runs says."""
    program = Path(__file__).with_name("victim.py")
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_fifty_kills_at_random_moments(tmp_path: Path) -> None:
    found = killed(tmp_path, "random", 50, 1)
    assert found["kills"] >= 50
    assert found["wrong"] == 0
    assert found["rounds"] >= 1


def test_kills_before_and_after_every_durable_call(tmp_path: Path) -> None:
    found = killed(tmp_path, "calls")
    assert found["kills"] >= 12  # file, name and folder, before and after, of settings and parts
    assert found["wrong"] == 0
