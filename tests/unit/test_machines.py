"""Other people's machines: names of files, text files, line ends and consoles of Windows and macOS.

Nothing here runs on them; what their rules are, `pathlib`'s pure paths know.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kerascope
from kerascope.audit.listing import _below
from kerascope.cli.names import file_names
from kerascope.cli.words import parse_method
from once import once

pytestmark = once
SOURCES = Path(kerascope.__file__).parent
NASTY = [
    "CON", "con.a", "nul", "Aux.tar", "COM1", "lpt9.x", "COM¹", 'a<b>c:d"e/f\\g|h?i*j', "trailing.",
    "trailing ", "  ", "", ".", "..", "../../etc/passwd", "C:\\x", "x" * 400, "ö" * 400, "\0",
    "a\nb", "~", "-rf", "a b", "Ünïcödé", "日本語", "\ud800", "A.png", "a.png", "a.PNG", "e\u0301",
    "\u00e9", "a", "a", "a-2", "a",
]  # fmt: skip


def fits_everywhere(stem: str) -> None:
    for name in (f"{stem}-grad_cam.png", f"{stem}.safetensors", f"{stem}-a-0.png"):
        windows = PureWindowsPath(name)
        assert windows.name == name, "a folder or a drive is in it"
        assert PurePosixPath(name).name == name
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
        assert not name.endswith((".", " "))
        assert not reserved(windows), f"{name} is a device"
        assert len(name.encode()) <= 200
        assert unicodedata.normalize("NFC", name) == name


def reserved(path: PureWindowsPath) -> bool:
    """Return whether a name is a device; `is_reserved` is deprecated from Python 3.13 on."""
    if sys.version_info >= (3, 13):
        import ntpath

        return ntpath.isreserved(str(path))
    return path.is_reserved()


def test_names_of_files_fit_everywhere() -> None:
    stems = file_names(NASTY)
    for stem in stems:
        fits_everywhere(stem)
    assert len({stem.casefold() for stem in stems}) == len(NASTY)
    assert file_names(["cat", "dog.1"]) == ["cat", "dog.1"], "plain names stay"


@settings(max_examples=200, derandomize=True, deadline=None)
@example(names=["a", "a-2", "a"])
@given(names=st.lists(st.text(max_size=12), max_size=6))
def test_any_names(names: list[str]) -> None:
    stems = file_names(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        fits_everywhere(stem)


def _mode(call: ast.Call) -> str:
    """Return the mode of a call that opens a file; "" where it says none."""
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
    words = [one.value for one in given if isinstance(one, ast.Constant)]
    return next((w for w in words if re.fullmatch(r"[rwaxbt+]{1,3}", str(w))), "")


def unsaid(text: str) -> list[int]:
    """Return the lines that read or write text without saying how it is encoded."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if any(k.arg == "force_zip64" for k in node.keywords):
            continue  # a member of an archive
        mode = _mode(node)
        # A method called open takes no mode where it opens something else.
        opened = name == "open" and (mode or isinstance(node.func, ast.Name)) and "b" not in mode
        if name in ("read_text", "write_text") or opened:
            found.append(node.lineno)
    return found


def test_text_files_say_their_encoding() -> None:
    """Without it, Windows takes a code page of the country."""
    found = {
        str(path.relative_to(SOURCES)): lines
        for path in SOURCES.rglob("*.py")
        if (lines := unsaid(path.read_text(encoding="utf-8")))
    }
    assert not found


def test_the_check_of_encodings_bites() -> None:
    assert unsaid("p.read_text()\nopen(p)\nopen(p, 'w')\np.open('a')\np.write_text('x')") == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert (
        unsaid("p.read_bytes()\nopen(p, 'rb')\np.open('wb')\np.read_text(encoding='utf-8')") == []
    )


def test_methods_and_paths_with_drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The colon after a method's name is the first one; a drive has another."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.save("C:b.npy", np.zeros((2, 2)))
    method = parse_method("occlusion:baseline=C:b.npy")
    assert method.baseline.source == "C:b.npy"  # type: ignore[attr-defined]


def test_listed_paths_have_slashes_of_their_own() -> None:
    root = Path("/data/pictures")
    assert _below(root, "cat/a.png") == "cat/a.png"
    assert _below(root, "../other/a.png") == "../other/a.png"
    assert PureWindowsPath(r"cat\a.png").as_posix() == "cat/a.png", "what as_posix does on Windows"


def test_line_ends_of_other_systems(tmp_path: Path) -> None:
    from kerascope.loading.labels import read_labels
    from kerascope.loading.tables import read_csv
    from kerascope.loading.texts import read_lines, read_vocabulary

    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "labels.txt").write_bytes(end.join(["cat", "dog", ""]).encode())
        assert list(read_labels(tmp_path / "labels.txt")) == ["cat", "dog"]
        assert read_lines(tmp_path / "labels.txt") == ["cat", "dog"]
        (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbf" + end.join(["a,b", "1,2", ""]).encode())
        assert {name: list(v) for name, v in read_csv(tmp_path / "rows.csv").items()} == {
            "a": [1], "b": [2],
        }  # fmt: skip
        read_vocabulary(tmp_path / "labels.txt")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_consoles_that_lack_signs(encoding: str) -> None:
    """What is said with × or … comes out with question marks there, and with no traceback."""
    environment = os.environ | {
        "PYTHONIOENCODING": encoding,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for arguments, code in (
        (["methods"], 0),
        (["layers", "日本≥.keras"], 2),
        (["explain", "--help"], 0),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "kerascope", *arguments], env=environment, capture_output=True,
            check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
