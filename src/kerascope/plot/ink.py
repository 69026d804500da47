"""The plain things of every drawing: its ink, its frame, its title."""

from __future__ import annotations

import textwrap
from typing import Any

from kerascope.wording import one_line

INK = "#1f2430"
LINE = "#8a90a0"


def title(axes: Any, text: str, *, width: int = 34, **style: Any) -> None:
    """Put one or two lines above the axes; nothing in them is read as mathematics."""
    lines = textwrap.wrap(one_line(text), width, max_lines=2, placeholder=" …")
    style = {"fontsize": 8.5, "color": INK, "pad": 5} | style
    axes.set_title("\n".join(lines), parse_math=False, **style)


def blank(axes: Any) -> None:
    """Take ticks and frame away."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def frame(axes: Any) -> None:
    """Keep a thin frame at the left and below."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(LINE)
    axes.tick_params(labelsize=7, colors=INK, length=2)
