"""Where what can be made again is kept on disk."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "KERASCOPE_CACHE"  # of the environment: where to keep it; "off" keeps nothing


def cache_folder() -> Path | None:
    """Return the user's folder, or that of the environment; None: nothing is kept on disk."""
    from platformdirs import user_cache_dir

    folder = os.environ.get(FOLDER) or user_cache_dir("kerascope", appauthor=False)
    return None if folder == "off" else Path(folder)
