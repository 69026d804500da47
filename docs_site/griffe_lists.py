"""What Griffe, which reads the docstrings for the API reference, is to do with each."""

from __future__ import annotations

from typing import Any

import griffe

from docs_site.docstrings import listed


class Lists(griffe.Extension):
    """Rewrite every docstring as Markdown."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = listed(obj.docstring.value)
