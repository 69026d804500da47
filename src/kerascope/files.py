"""Files: written whole or not at all, and where what can be made again is kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from kerascope.errors import BadFile

FOLDER = "KERASCOPE_CACHE"  # of the environment: where to keep it; "off" keeps nothing


def cache_folder() -> Path | None:
    """Return the user's folder, or that of the environment; None: nothing is kept on disk."""
    from platformdirs import user_cache_dir

    folder = os.environ.get(FOLDER) or user_cache_dir("kerascope", appauthor=False)
    return None if folder == "off" else Path(folder)


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that the file is there whole or not at all; raise `BadFile`."""
    target = Path(path)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        os.replace(temporary, target)  # noqa: PTH105 — the one atomic call
    except OSError as error:
        raise BadFile(f"cannot write '{path}': {error.strerror or error}") from error
    else:
        temporary = None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return target
