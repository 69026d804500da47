"""Build the site into build/site: gather pages, make those that come from the code, run Zensical.

    make docs

Warnings are errors: a broken link, a missing heading, a name without a docstring, a page that no
section holds, an address of another server in a page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from docs_site import (
    api_pages,
    command_pages,
    links,
    loading,
    method_pages,
    nav,
    notebook_pages,
    tables,
)

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
PAGES, SITE = BUILD / "pages", BUILD / "site"
ASSETS = ROOT / "docs_site" / "assets"
# Files outside docs/ that are pages of the site.
MOVED = {ROOT / "benchmarks" / "RESULTS.md": "speed.md", ROOT / "README.md": "index.md"}
CONFIG = """[project]
site_name = "Kerascope"
site_description = "A microscope for Keras 3 models"
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
extra_css = ["assets/site.css"]
nav = {nav}

[project.theme]
font = false
features = [
  "content.code.copy", "navigation.indexes", "navigation.tabs", "navigation.top",
  "search.highlight",
]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Dark"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Light"

[project.extra]
generator = false

[[project.extra.polyfills]]
path = "assets/iframe-worker.js"
type = "text/javascript"
async = false
defer = false

[project.plugins.offline]

[project.plugins.mkdocstrings.handlers.python]
paths = ["{source}"]

[project.plugins.mkdocstrings.handlers.python.options]
docstring_style = "google"
extensions = ["{extension}"]
show_source = false
show_bases = false
show_root_heading = true
show_signature_annotations = true
separate_signature = true
heading_level = 2
filters = ["!^_"]
"""


def gather() -> None:
    """Copy docs/ to build/pages, with links that hold on the site."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(nav.DOCS, PAGES)
    shutil.copytree(ASSETS, PAGES / "assets")
    for name in nav.written():
        page = PAGES / name
        page.write_text(placed(nav.DOCS / name, name), encoding="utf-8")


def placed(source: Path, name: str) -> str:
    """Return the text of a page of the repository as that of the page `name` of the site."""
    here = Path(name).parent

    def place(to: str) -> str | None:
        file = (source.parent / to).resolve() if to else source
        if file.is_relative_to(nav.DOCS):
            page = file.relative_to(nav.DOCS).as_posix().replace(".ipynb", ".md")
        elif file in MOVED:
            page = MOVED[file]
        elif file.is_file():
            page = source_of(file)
        elif file.exists():
            return None
        else:
            raise SystemExit(f"{source.relative_to(ROOT)}: {to}: there is no such file")
        return os.path.relpath(page, here)

    return links.on_site(source.read_text(encoding="utf-8"), place)


def source_of(file: Path) -> str:
    """Put a file of the repository on the site, as text that browsers show; return its place."""
    place = f"source/{file.relative_to(ROOT).as_posix()}.txt"
    (PAGES / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, PAGES / place)
    return place


def make() -> None:
    """Write the pages that come from the code and from tables."""
    speed = placed(ROOT / "benchmarks" / "RESULTS.md", "speed.md")
    speed = speed.replace("# Results\n", "# The speed table\n", 1)
    (PAGES / "speed.md").write_text(speed, encoding="utf-8")
    (PAGES / "parity.md").write_text(tables.parity(), encoding="utf-8")
    for room in (method_pages, api_pages, command_pages, notebook_pages):
        for name, content in room.pages().items():
            page = PAGES / name
            page.parent.mkdir(exist_ok=True)
            page.write_bytes(content if isinstance(content, bytes) else content.encode())


def link_methods() -> None:
    """Let the name of a method, wherever it stands as code, lead to its page."""
    for page in PAGES.rglob("*.md"):
        room = page.parent.relative_to(PAGES)
        pages = {
            name: os.path.relpath(f"methods/{name}.md", room)
            for name in method_pages.names()
            if page != PAGES / "methods" / f"{name}.md"
        }
        text = page.read_text(encoding="utf-8")
        page.write_text(links.link_code(text, pages), encoding="utf-8")


def configure() -> Path:
    """Write what Zensical reads and return where it is."""
    pages = sorted(page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md"))
    if left := nav.unlisted(pages):
        raise SystemExit(f"no section of docs_site/nav.py holds {', '.join(left)}")
    sections = toml(nav.navigation(pages, method_pages.FAMILIES))
    file = BUILD / "zensical.toml"
    extension = (ROOT / "docs_site" / "griffe_lists.py").as_posix()
    source = (ROOT / "src").as_posix()
    text = CONFIG.replace("{nav}", sections).replace("{source}", source)
    file.write_text(text.replace("{extension}", extension), encoding="utf-8")
    return file


def toml(value: Any) -> str:
    """Return lists, dicts and strings as TOML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(k)} = {toml(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def check() -> None:
    """Refuse a site that loads anything from elsewhere."""
    found = {
        f"{file.relative_to(SITE)} loads {address}"
        for kind, addresses in (("*.html", loading.of_page), ("*.css", loading.of_style))
        for file in SITE.rglob(kind)
        for address in addresses(file.read_text(encoding="utf-8"))
    }
    if found:
        raise SystemExit("\n".join(sorted(found)))


def main() -> None:
    """Build the site."""
    gather()
    make()
    link_methods()
    config = configure()
    shutil.rmtree(SITE, ignore_errors=True)
    zensical = Path(sys.executable).with_name("zensical")
    command = [str(zensical), "build", "--clean", "--strict", "--config-file", str(config)]
    room = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, check=False, cwd=BUILD, env=room, stderr=subprocess.PIPE, text=True
    )
    sys.stderr.write(done.stderr)
    if done.returncode or "griffe:" in done.stderr:  # of which Zensical's strict mode knows nothing
        raise SystemExit("the site was built with warnings")
    check()
    print(f"{SITE / 'index.html'}: {sum(1 for _ in SITE.rglob('*.html'))} pages")


if __name__ == "__main__":
    main()
