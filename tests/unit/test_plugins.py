"""Methods and metrics of other packages: installed, broken, and of a name that is taken."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kerascope.errors import BadMethod
from kerascope.methods import GradCAM
from kerascope.plugins import register
from once import once

PLUGIN = Path(__file__).parents[1] / "data" / "plugin"
pytestmark = once


def install(source: Path, where: Path) -> None:
    """Write what an installer writes beside a package: its name and its entry points."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    kept = where / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    kept.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (kept / "METADATA").write_text(head, encoding="utf-8")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (kept / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    for file in source.glob("*.py"):
        (where / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")


def run(where: Path, code: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(where), str(Path(__file__).parents[1]), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


USED = """
import json, sys
sys.argv = ["kerascope", "methods", "--json"]
import numpy as np
import kerascope as ks
import zoo
case = zoo.SHAPES["flat_functional"]()
x = np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype("float32")
plain = ks.explain(case.model, x, "gradient").values
found = ks.explain(case.model, x, "gradient_power", power=3.0)
assert np.allclose(found.values, np.abs(plain) ** 3, rtol=1e-5)
assert found.method.to_json() == {"name": "gradient_power", "fields": {"power": 3.0}}
scores = ks.evaluate(case.model, x, ["gradient_power"], metrics=["peak_share"])
assert "peak_share" in str(scores.rows()), scores.rows()
from kerascope.cli.main import run
run()
"""


def test_a_plugin_is_a_method_like_ours(tmp_path: Path) -> None:
    install(PLUGIN, tmp_path)
    done = run(tmp_path, USED)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["methods"]}
    assert rows["gradient_power"]["fields"] == {"power": 2.0}
    assert rows["gradient_power"]["paper"] == "Nobody (2026). A method for the tests."
    assert "grad_cam" in rows


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("raise RuntimeError('old')", "RuntimeError: old"),
        (
            "from kerascope.methods import Gradient as G\nclass M(G):\n    name = 'grad_cam'\n",
            "'grad_cam' of kerascope_example_plugin.M is taken by kerascope.methods.grad_cam.",
        ),
    ],
)
def test_a_broken_plugin_leaves_the_rest(tmp_path: Path, content: str, words: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        (PLUGIN / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (source / "kerascope_example_plugin.py").write_text(content, encoding="utf-8")
    install(source, tmp_path / "site")
    done = run(
        tmp_path / "site",
        "import kerascope as ks; from kerascope.method import method_class; "
        "print(method_class('grad_cam').__module__, len(ks.methods()))",
    )
    assert done.returncode == 0, done.stderr
    module, count = done.stdout.split()
    assert module == "kerascope.methods.grad_cam"
    assert int(count) > 40
    assert "'input_only' of kerascope-example-plugin is left out" in done.stderr
    assert words in done.stderr


def test_a_class_defined_again_replaces_the_one_before() -> None:
    known: dict[str, type] = {}

    def define() -> type:
        @dataclasses.dataclass(frozen=True)
        class Mine:
            name = "mine"

        return Mine

    register(known, define(), "method")
    second = define()
    register(known, second, "method")
    assert known["mine"] is second
    known["grad_cam"] = GradCAM
    register(known, GradCAM, "method")
    taken = type("Taken", (), {"name": "grad_cam"})
    with pytest.raises(BadMethod, match="choose another"):
        register(known, taken, "method")
