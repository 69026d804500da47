"""Modules put together into one script: what is kept and refused; the real ones parse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kerascope.files import FOLDER
from kerascope.web import bundle
from kerascope.web.bundle import WEB, NotBundled, blanked, exported, script, style

GOOD = {
    "main.js": """// start
import { make, fill } from "./dom.js";
import {
  panels,
  first,
} from "./panels/index.js";
const page = make(`a ${make(`x${1}`)} "import"`, "export { a };");
export async function start() { await fill(page, panels, first); }
start();
""",
    "dom.js": """/* const twice = 1; */
export const make = (x) => x / 2, other = /["']\\//g;
export function fill() { const twice = [1]; return twice; }
""",
    "panels/index.js": """import { make } from "../dom.js";
const panels = [make];
class First { constructor() { this.twice = "import"; } }
const first = new First();
const twice = { import: 1 }.import;
export { panels, first };
""",
}


def folder(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return tmp_path


def parses(text: str, tmp_path: Path) -> str:
    """Return what node says of a module, "" where it is well."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    file = tmp_path / "bundle.mjs"
    file.write_text(text, encoding="utf-8")
    asked = [node, "--check", str(file)]
    return subprocess.run(asked, check=False, capture_output=True, text=True).stderr


def test_what_is_imported_comes_first_and_once(tmp_path: Path) -> None:
    text = script(folder(tmp_path, GOOD))
    heads = [line for line in text.splitlines() if line.startswith("// ") and ".js" in line]
    assert heads == ["// dom.js", "// panels/index.js", "// main.js"]
    assert text.count("function fill()") == 1


def test_it_is_made_once_for_the_same_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = bundle._bundled
    monkeypatch.setattr(bundle, "_bundled", lambda *how: made.append("") or real(*how))
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    modules = folder(tmp_path / "web", GOOD)
    texts = []
    for _ in range(2):
        script.cache_clear()
        texts.append(script(modules))
    assert (len(made), texts[0] == texts[1]) == (1, True)
    (modules / "dom.js").write_text(GOOD["dom.js"] + "// more")
    script.cache_clear()
    assert "// more" in script(modules)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file"))  # no folder: nothing is kept
    script.cache_clear()
    assert "// more" in script(modules)
    script.cache_clear()


def test_only_imports_and_exports_go(tmp_path: Path) -> None:
    text = script(folder(tmp_path, GOOD))
    parts = [GOOD[name] for name in ("dom.js", "panels/index.js", "main.js")]
    without = [
        line.removeprefix("export ")
        for line in "".join(parts).splitlines()
        if not line.startswith(("import", "export {", "  panels", "  first", "} from"))
    ]
    made = [
        line
        for line in text.splitlines()
        if not line.startswith(("const module$", "const { ", "return { ", "})();"))
    ]
    assert [line for line in made if ".js" not in line] == without
    assert "const { panels, first } = module$panels$index;" in text


def test_the_script_runs_and_names_do_not_meet(tmp_path: Path) -> None:
    files = {
        "main.js": """import { twice } from "./a.js";
import { once } from "./deep/b.js";
const held = 3;
if (twice(4) !== 8 || once() !== 7 || held !== 3) throw new Error("no");
console.log(typeof status);
""",
        "a.js": "const held = 2;\nexport function twice(x) { return held * x; }\n",
        "deep/b.js": 'import { twice } from "../a.js";\nconst held = 5, status = held;\n'
        "export const once = () => twice(1) + status;\n",
    }
    text = script(folder(tmp_path, files))
    assert parses(text, tmp_path) == ""
    asked = [shutil.which("node") or "", "--input-type=module", "-e", text]
    done = subprocess.run(asked, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == "undefined"


BAD: dict[str, tuple[dict[str, str], str]] = {
    "unknown file": ({"main.js": 'import { a } from "./b.js";\n'}, "main.js imports b.js, which"),
    "no file at all": ({"x.js": ""}, "a page imports main.js, which is not there"),
    "unknown name": (
        {"main.js": 'import { a } from "./b.js";\n', "b.js": "const a = 1;\n"},
        "main.js imports a, which b.js does not export",
    ),
    "cycle": (
        {
            "main.js": 'import { a } from "./a.js";\n',
            "a.js": 'import { b } from "./b.js";\nexport const a = 1;\n',
            "b.js": 'import { a } from "./a.js";\nexport const b = 1;\n',
        },
        "import each other: main.js → a.js → b.js → a.js",
    ),
    "default export": ({"main.js": "export default 1;\n"}, "another import or export: export def"),
    "renaming": (
        {"main.js": 'import { a as b } from "./a.js";\n', "a.js": "export const a = 1;\n"},
        "names 'a as b'",
    ),
    "namespace": (
        {"main.js": 'import * as a from "./a.js";\n', "a.js": ""},
        "another import or export: import \\* as",
    ),
    "bare import": ({"main.js": 'import "./a.js";\n', "a.js": ""}, "another import or export"),
    "dynamic import": ({"main.js": 'const a = () => import("./a.js");\n'}, "another import"),
    "package": ({"main.js": 'import { a } from "d3";\n'}, "modules are named as ./ or ../"),
    "address": ({"main.js": 'import { a } from "https://x.y/a.js";\n'}, "modules are named as"),
    "outside": ({"main.js": 'import { a } from "../a.js";\n'}, "which lies outside"),
    "changing export": ({"main.js": "let a = 1;\nexport { a };\n"}, "a, which may change"),
    "changing export at once": ({"main.js": "export let a = 1;\n"}, "a, which may change"),
    "behind a comma": (
        {
            "main.js": 'import { b } from "./a.js";\n',
            "a.js": "export const a = 1, b = 2;\n",
        },
        "main.js imports b, which a.js does not export",
    ),
    "await": ({"main.js": "const a = await 1;\n"}, "awaits at top level"),
    "unknown in a list": ({"main.js": "export { a };\n"}, "exports a, which it does not declare"),
    "end of script": ({"main.js": 'const a = "</p>";\n'}, "holds '</': const a"),
    "comment of a page": ({"main.js": 'const a = "<!--";\n'}, "holds '<!--'"),
    "start of a script": ({"main.js": 'const a = "<SCRIPT";\n'}, "holds '<script'"),
}  # fmt: skip


@pytest.mark.parametrize("files_and_words", BAD.values(), ids=BAD)
def test_refused(tmp_path: Path, files_and_words: tuple[dict[str, str], str]) -> None:
    files, words = files_and_words
    with pytest.raises(NotBundled, match=words):
        script(folder(tmp_path, files))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("a // b", "a"),
        ('x = "a\\"b" + c', "x =        + c"),
        ("a / b / c", "a / b / c"),
        ("f(/a\\/b[/]'/g) / 2", "f(           ) / 2"),
        ("return /'/;", "return    ;"),
        ("`a${`b` + '}'}c` + d", "+ d"),
        ("/* ' */ a", "a"),
        ("'//' + a", "+ a"),
    ],
)
def test_strings_and_comments_are_seen(code: str, words: str) -> None:
    assert len(blanked(code)) == len(code)
    assert blanked(code).strip() == words


def test_names_inside_are_no_top_level_names() -> None:
    code = (
        "for (const a of b) { let c = 1; }\nexport const d = (e) => { const f = 1; return f; };\n"
    )
    assert exported("x.js", blanked(code)) == ("d",)
    with pytest.raises(NotBundled, match="exports c, which it does not declare"):
        exported("x.js", blanked(code + "export { c };"))


def test_styles_in_a_fixed_order(tmp_path: Path) -> None:
    files = {"stage.css": "b{}", "kerascope.css": "a{}", "alone.css": "c{}"}
    text = style(folder(tmp_path, files))
    assert [line for line in text.splitlines() if "{" in line] == ["a{}", "c{}", "b{}"]


@pytest.mark.parametrize(
    "bad", ['@import "x.css";', "a{background:url(x.png)}", "a::after{/*</*/}"]
)
def test_styles_ask_for_nothing(tmp_path: Path, bad: str) -> None:
    with pytest.raises(NotBundled, match="holds '"):
        style(folder(tmp_path, {"kerascope.css": bad}))


def test_the_real_modules_parse(tmp_path: Path) -> None:
    text = script()
    assert parses(text, tmp_path) == ""
    assert parses(text + "\nconst const;", tmp_path) != ""


def test_the_real_modules_are_all_reached() -> None:
    text = script()
    files = {str(file.relative_to(WEB)) for file in WEB.rglob("*.js")}
    assert {name for name in files if f"// {name}\n" not in text} == set()
