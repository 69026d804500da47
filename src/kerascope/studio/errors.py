"""What an endpoint answers in place of what was asked for: a status and one line."""

from __future__ import annotations

from kerascope.errors import KerascopeError
from kerascope.wording import short

LONGEST = 600  # characters of a line that is answered


class Problem(KerascopeError):
    """What was asked for cannot be done; `status` is that of the HTTP answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(short_line(message))
        self.status = status


def short_line(text: str, most: int = LONGEST) -> str:
    """Return a text on one line, not too long for an answer, without what cannot be printed."""
    return short(text, most)
