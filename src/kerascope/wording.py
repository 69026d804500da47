"""Numbers, shares and names as a reader takes them in."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return the text on one line, without characters that cannot be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def short(text: str, most: int) -> str:
    """Return the text on one line of at most `most` characters."""
    line = one_line(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def number(value: float) -> str:
    """Return three significant digits, with a real minus sign."""
    return f"{value:.3g}".replace("-", "−")


def percentage(share: float) -> str:
    """Return 0 … 1 as a percentage; never a false 0 % or 100 %."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    if share < 0.1 or share > 0.99:
        text = f"{share * 100:.1f}".removesuffix(".0")
        return f"{text} %"
    return f"{share * 100:.0f} %"
