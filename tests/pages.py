"""Reads what a page of a report holds."""

from __future__ import annotations

import json
import re
from typing import Any


def document(text: str) -> dict[str, Any]:
    """Return the document of explanations inside a page."""
    start = '<script type="application/json" id="document">'
    found = re.search(rf"{start}(.*?)</script>", text, re.DOTALL)
    assert found is not None, "the page holds no document"
    held: dict[str, Any] = json.loads(found[1])
    return held
