"""What an installed package must do, run by `.ci/packages` from an environment without the sources.

    python tests/installed.py BACKEND FOLDER

Uses nothing but what the package and its requirements bring.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

BACKEND, FOLDER = sys.argv[1], Path(sys.argv[2])
COMMAND = Path(sys.executable).parent / "kerascope"


def run(*arguments: str) -> str:
    """Return what a command prints; it must end well."""
    done = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def check_files() -> None:
    """Data that the code reads, and what tells type checkers that types are there."""
    import kerascope

    root = files("kerascope")
    assert "site-packages" in str(root), f"not the installed package: {root}"
    for name in ("py.typed", "demo/data/sky_net.keras", "planted/data/colour.keras",
                 "web/shell.css", "web/panels/picture.js", "report/templates",
                 "grading/scale.json"):  # fmt: skip
        assert (root / name).is_file() or list((root / name).iterdir()), name
    package = importlib.metadata.metadata("kerascope")
    assert package["Version"] == kerascope.__version__
    assert package["License-Expression"] == "Apache-2.0"
    assert not {"numpy", "keras"} & set(sys.modules)
    names = {Path(str(file)).parts[0] for file in importlib.metadata.files("kerascope") or ()}
    assert "tests" not in names, names


def check_commands() -> None:
    """The smallest explanation with a method of a plugin, an extra that lacks, every method."""
    import kerascope

    assert run("--version").strip() == f"kerascope {kerascope.__version__}"
    os.environ["_KERASCOPE_COMPLETE"] = "source_bash"
    assert "complete -o default" in run()
    del os.environ["_KERASCOPE_COMPLETE"]
    data = str(files("kerascope") / "demo" / "data")
    out = json.loads(run(
        "explain", f"{data}/object_net.keras", f"{data}/scene_00_tank_sunny.png",
        "-m", "grad_cam", "-m", "gradient_power", "-o", str(FOLDER), "--json",
        "--preprocess", "unit",
    ))  # fmt: skip
    assert out["provenance"]["backend"] == BACKEND, out["provenance"]
    assert {row["method"] for row in out["results"]} == {"grad_cam", "gradient_power"}
    page = (FOLDER / "report.html").read_text(encoding="utf-8")
    assert "</html>" in page
    assert len(page) > 100_000, "the page lacks its scripts"
    missing = subprocess.run(
        [COMMAND, "studio", f"{data}/object_net.keras", data, "--no-open"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert missing.returncode == 2, (missing.stdout, missing.stderr)
    assert "kerascope[studio]" in missing.stderr, missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1, missing.stderr
    if BACKEND != "tensorflow":  # the suite runs every method on every backend; once will do here
        return
    doctor = json.loads(run("doctor", "--json"))
    assert set(doctor["methods"].values()) == {"ok"}, doctor["methods"]


check_files()
check_commands()
print(f"installed: {BACKEND} is fine")
