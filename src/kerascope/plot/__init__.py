"""Pictures of results: figures, overlays, words; sees no model."""

from kerascope.plot.colour import fit, overlay, strip
from kerascope.plot.export import notebook_html, save_png
from kerascope.plot.grid import figure, sheet
from kerascope.plot.tables import table_figure
from kerascope.plot.words import alt_text

__all__ = [
    "alt_text",
    "figure",
    "fit",
    "notebook_html",
    "overlay",
    "save_png",
    "sheet",
    "strip",
    "table_figure",
]
