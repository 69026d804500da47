"""Notebooks as pages: text, code and the outputs that are stored in them."""

from __future__ import annotations

import base64
import json
from typing import Any

from docs_site.nav import DOCS

ROOM = DOCS / "notebooks"
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg"}


def pages() -> dict[str, str | bytes]:
    """Return the text of every notebook's page, and its pictures, by their names."""
    made: dict[str, str | bytes] = {}
    for file in sorted(ROOM.glob("*.ipynb")):
        text, pictures = page(json.loads(file.read_text(encoding="utf-8")), file.stem)
        made[f"notebooks/{file.stem}.md"] = text
        made |= {f"notebooks/{name}": picture for name, picture in pictures.items()}
    return made


def page(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """Return the page of a notebook (nbformat 4) and its pictures by their names."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = _text(cell["source"]).strip()
        if cell["cell_type"] != "code":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if kind := next(filter(data.__contains__, SUFFIXES), None):
                number = f"{name}-{len(pictures) + 1}{SUFFIXES[kind]}"
                pictures[number] = base64.b64decode(_text(data[kind]))
                parts.append(f"![what the code above shows]({number})")
            elif words := _words(output):
                parts.append(f"```text\n{words}\n```")
    heading, _, rest = "\n\n".join(parts).partition("\n")
    return f"{heading} (notebook)\n\nThe file: [{name}.ipynb]({name}.ipynb)\n{rest}\n", pictures


def _words(output: dict[str, Any]) -> str:
    """Return what an output says in words; progress on standard error is left out."""
    if output["output_type"] == "stream":
        return _text(output["text"]).strip() if output["name"] == "stdout" else ""
    return _text(output.get("data", {}).get("text/plain", "")).strip()


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
