"""Every command against a list of bad inputs: exit code 2, one clear line, nothing half-written.

The list is `bad_inputs.txt` beside this file: a command line, and under it words of what is said.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bad_files
from once import AGAIN

Runner = Callable[..., tuple[int, str, str]]
LIST = Path(__file__).with_name("bad_inputs.txt")
# Commands that write nothing into a folder.
NO_OUTPUT = {"methods", "metrics", "doctor", "layers", "bench", "studio"}
pytestmark = pytest.mark.skipif(AGAIN, reason="checked before a pass: the other backends will do")


def cases() -> list[tuple[str, str]]:
    """Return (command line, words of the message) of the list."""
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert all(words.startswith("    ") for words in lines[1::2]), "two lines a case"
    return [(line, words.strip()) for line, words in zip(lines[::2], lines[1::2], strict=True)]


CASES = cases()
IN_A_SHELL = CASES[:: max(1, len(CASES) // 9)][:10]
# The backend is imported before this is said, and what it chatters is held back.
IN_A_SHELL += [case for case in CASES if case[0] == "audit m.keras empty"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files, good and bad."""
    place = tmp_path_factory.mktemp("bad")
    bad_files.write(place)
    return place


def listed(place: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file and folder below a place."""
    found = {}
    for path in place.rglob("*"):
        about = path.stat()
        file = path.is_file()
        found[str(path.relative_to(place))] = (about.st_size, about.st_mtime_ns) if file else (0, 0)
    return found


def arguments(line: str, out: Path) -> list[str]:
    given = shlex.split(line)
    writes = given and given[0].isalpha() and given[0] not in NO_OUTPUT and "-o" not in given
    return [*given, "-o", str(out)] if writes else given


def check(code: int, out: str, err: str, words: str) -> None:
    assert code == 2, (code, out[-500:], err[-500:])
    assert "Traceback" not in err + out
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("kerascope: "), err
    assert words in err, err


def test_the_list_is_long_and_of_every_command() -> None:
    from kerascope.cli.main import app

    assert len(CASES) >= 200
    assert len({line for line, _ in CASES}) == len(CASES), "a case twice"
    commands = {shlex.split(line)[0] for line, _ in CASES if line}
    assert {command.name for command in app.registered_commands} <= commands


@pytest.mark.parametrize("words_of", CASES, ids=[line for line, _ in CASES])
def test_bad_input(
    cli: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words_of: tuple[str, str],
) -> None:  # fmt: skip
    line, words = words_of
    monkeypatch.chdir(folder)
    before = listed(folder)
    code, out, err = cli(*arguments(line, tmp_path / "out"))
    check(code, out, err, words)
    assert not listed(tmp_path).keys() - {"out"}, "something half-written was left"
    assert listed(folder) == before, "an input was touched"


def test_bad_input_in_a_shell(folder: Path, tmp_path: Path) -> None:
    """What has no terminal, and no test around it, says the same."""
    path = os.pathsep.join([str(Path(bad_files.__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": path}
    for line, words in IN_A_SHELL:
        done = subprocess.run(
            [sys.executable, "-m", "kerascope", *arguments(line, tmp_path / "out")], cwd=folder,
            env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
            timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        check(done.returncode, done.stdout, done.stderr, words)
        assert not listed(tmp_path).keys() - {"out"}
