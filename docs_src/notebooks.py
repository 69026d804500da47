"""Run the notebooks of docs/notebooks again, and keep their outputs.

Needs nbclient and ipykernel. Run it: `python docs_src/notebooks.py [NAME …]`.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NAMES = ("why-this-prediction", "can-i-trust-it", "what-has-it-learned")
WIDTH = 820  # pixels
# What is shown anywhere: no markup, no script, nothing to trust.
KEPT = ("text/plain", "image/png", "image/jpeg")


def executed(name: str, folder: Path) -> Any:
    """Return a notebook, run from top to bottom in `folder`, with the outputs that are kept.

    Raises `nbclient.exceptions.CellExecutionError` where a cell fails.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    settings = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=settings).execute()
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = [found for output in cell.outputs for found in _kept(output)]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def _kept(output: Any) -> list[Any]:
    """Return an output without what is not kept; none of what is said on the side."""
    if output.output_type == "stream":
        return [output] if output.name == "stdout" else []
    output.data = {kind: value for kind, value in output.data.items() if kind in KEPT}
    if "image/png" in output.data:
        output.data = {"image/jpeg": _small(output.data["image/png"])}
    output.metadata = {}
    return [output]


def _small(picture: str) -> str:
    """Return a PNG in base64 as a JPEG in base64, no larger than a page needs."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.thumbnail((WIDTH, WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()


def main(names: list[str]) -> None:
    """Run notebooks and write them."""
    for name in names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(name, Path(folder))
        nbformat.write(notebook, FOLDER / f"{name}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])
