"""The studio's own page, and the two files that it loads: the front end as one script and style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import NamedTuple

from kerascope.web import bundle


class WebFile(NamedTuple):
    """A file of the page: its media type, and what gives its text."""

    type: str
    text: Callable[[], str]


# One request for all modules: asked for one by one, they take a second more.
WEB_FILES: Mapping[str, WebFile] = {
    "kerascope.css": WebFile("text/css; charset=utf-8", bundle.style),
    "kerascope.js": WebFile("text/javascript; charset=utf-8", bundle.script),
}


def index(title: str = "Kerascope studio") -> str:
    """Return the page: a place for the front end, and what loads it."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/web/kerascope.css">
</head>
<body class="with-app">
<main id="main">
<h1 class="unseen">{escape(title)}</h1>
<div id="app"></div>
</main>
<noscript>The studio needs JavaScript.</noscript>
<script type="module" src="/web/kerascope.js"></script>
</body>
</html>
"""
