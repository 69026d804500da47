"""The studio's own page, and the files of the front end that it may load."""

from __future__ import annotations

import functools
from html import escape
from pathlib import Path

WEB = Path(__file__).parents[1] / "web"
_FIRST_STYLE = "kerascope.css"  # the others build on it
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@functools.cache
def web_files() -> dict[str, Path]:
    """Return the files of the front end by name ("panels/index.js"): nothing else is served."""
    found = sorted(file for file in WEB.rglob("*") if file.suffix in _TYPES and file.is_file())
    return {file.relative_to(WEB).as_posix(): file for file in found}


def type_of(name: str) -> str:
    """Return the media type of a file of the front end."""
    return _TYPES[Path(name).suffix]


def index(title: str = "Kerascope studio") -> str:
    """Return the page: a place for the front end, and what loads it."""
    styles = [name for name in web_files() if name.endswith(".css")]
    styles.sort(key=lambda name: (name != _FIRST_STYLE, name))
    links = "\n".join(f'<link rel="stylesheet" href="/web/{escape(name)}">' for name in styles)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
{links}
</head>
<body class="with-app">
<main id="main">
<h1 class="unseen">{escape(title)}</h1>
<div id="app"></div>
</main>
<noscript>The studio needs JavaScript.</noscript>
<script type="module" src="/web/main.js"></script>
</body>
</html>
"""
