"""The figure that everything here is drawn on: matplotlib's, which notebooks show by themselves."""

from __future__ import annotations

import io

from matplotlib import figure


class Figure(figure.Figure):
    """A matplotlib figure outside pyplot; a notebook shows it as a PNG, trusted or not."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()
