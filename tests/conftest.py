"""Shared set-up: which backend, where the real networks are, quiet frameworks."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# JAX compiles every op of every tiny net once and runs it a few times: compile quickly. Without the
# emitters of fusions XLA needs half the time.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
)
os.environ.setdefault("KERASCOPE_CACHE", "off")  # no test reads what another run has kept

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("KERASCOPE_REAL", ROOT.parent / "shared" / "real"))
_skipped: dict[str, str] = {}


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real networks and photographs, or a skip."""
    if not REAL.is_dir():
        pytest.skip("no real networks beside the checkout (set KERASCOPE_REAL)")
    return REAL


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: exit code, stdout, stderr."""

    def call(*arguments: Any) -> tuple[int, str, str]:
        from kerascope.cli.main import run

        monkeypatch.setattr(sys, "argv", ["kerascope", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


# Files of few and long tests. Two processes share the suite a file at a time: begun last, one of
# these would leave the other process without work.
LONG = (
    "app/test_demo.py", "app/test_docs_hub.py", "app/test_notebooks.py", "audit/test_ray.py",
    "audit/test_resume_keras.py", "browser/test_share.py", "browser/test_studio.py",
    "browser/test_whole.py", "contract/test_applications.py", "contract/test_contract.py",
    "contract/test_field_table.py", "real/test_concepts_real.py", "real/test_maximize_real.py",
    "real/test_real_networks.py", "unit/test_leaks.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; xdist keeps the order with `--no-loadscope-reorder`."""
    first = {ROOT / "tests" / name for name in LONG}
    assert all(map(Path.is_file, first)), "LONG names a file that is gone"
    items.sort(key=lambda item: item.path not in first)


def pytest_runtest_logreport(report: Any) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped[report.nodeid] = report.longrepr[2]


def _unexpected() -> dict[str, str]:
    lines = (ROOT / ".ci" / "allowed_skips.txt").read_text().splitlines()
    allowed = [re.compile(line) for line in lines if line and not line.startswith("#")]
    return {
        node: why for node, why in _skipped.items() if not any(rule.search(why) for rule in allowed)
    }


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    """Write what was kept. In CI, a skip for a reason that is not on the list is a failure."""
    from saved import write_kept

    write_kept()
    if os.environ.get("CI") and _unexpected() and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get("CI"):
        for node, why in _unexpected().items():
            terminalreporter.write_line(f"SKIP NOT ALLOWED in CI: {node}: {why}", red=True)
