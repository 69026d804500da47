"""What a picture or page says about its making; free of folders and people."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

from kerascope.plot.words import sample_name
from kerascope.provenance import samples_of

if TYPE_CHECKING:
    from kerascope.attribution import Attribution

KEYWORD = "kerascope"  # of the text chunk in a PNG
# An absolute path of any system, or one below a home folder: only its last part may leave. Folders
# may hold spaces; prose that goes on behind a file's name ("x.npy and …") is no folder.
_PATH = re.compile(
    r"(?:file://)?(?:(?<![\w.)\]}/:])~?/(?=[^\s/])|\b[A-Za-z]:[\\/]|\\\\)"
    r"(?:(?:(?!\.\w{1,6}\s)[^\\/\n'\"<>|:,;])*[^\\/\s'\"<>|:,;][\\/]+)+"
)


def without_folders(value: Any) -> Any:
    """Return the value with every absolute path in its strings cut to the file's name."""
    if isinstance(value, str):
        return _PATH.sub("", value)
    if isinstance(value, dict):
        return {without_folders(key): without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(item) for item in value]
    return value


def stamp(result: Attribution) -> dict[str, Any]:
    """Return what made a result and what it explains, as plain JSON values without any folder."""
    return without_folders(
        {
            "provenance": dataclasses.asdict(result.provenance),
            "samples": samples_of(result),
            "explained": list(result.explained),
            "layer": result.layer,
            "names": [sample_name(result, index) for index in range(len(result))],
            "notes": list(result.notes),
        }
    )


def stamp_json(results: Attribution | list[Attribution]) -> str:
    """Return the stamp of one result, or a list of stamps, as ASCII JSON."""
    data = [stamp(item) for item in results] if isinstance(results, list) else stamp(results)
    return json.dumps(data, ensure_ascii=True, sort_keys=True, default=str)
