"""What a method costs, in words: the passes it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerascope.method import AttributionMethod, Passes

SIDE = 224  # pixels of the picture for which passes are counted


def cost(method: AttributionMethod) -> str:
    """Return the passes over one picture for one target, in words; no unit of time."""
    shape = {"image": (SIDE, SIDE, 3)}
    one, two = (method.passes(shape, 1, channels) for channels in (1, 2))
    words = passes_in_words(one, two)
    upper = "At most " if one.upper or two.upper else ""
    said = upper + words if upper else words[0].upper() + words[1:]
    return f"{said}, for one target on a picture of {SIDE} × {SIDE} with the default fields"


def passes_in_words(one: Passes, two: Passes) -> str:
    """Return passes in words; `two` are those at a layer of one channel more than `one`."""
    found = []
    for field, words in (
        ("forward", "forward pass"),
        ("gradient", "forward-and-backward pass"),
        ("backward", "further backward pass"),
    ):
        number, each = getattr(one, field), getattr(two, field) - getattr(one, field)
        number -= each
        many = f"{number} {words}{'' if number == 1 else 'es'}" if number else ""
        more = f"{each if each > 1 else 'one'} for each channel of the layer" if each else ""
        found += [" and ".join(filter(None, (many, more)))] if many or more else []
    return ", ".join(found) or "no pass"
