"""What a document holds of inputs that are no pictures: lines of series, slices, forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.colour import fit
from kerascope.plot.forecasts import forecast_of
from kerascope.plot.lanes import curves_of
from kerascope.plot.picture import frames_of
from kerascope.report.blobs import Blobs

if TYPE_CHECKING:
    from kerascope.attribution import Attribution

_PLAIN = ("sample", "channel")
_SPRITE = 2048  # pixels of the longest side of all slices set together
_KNOWN = 64  # steps before a forecast that are kept, at least


def input_entry(result: Attribution, sample: int, name: str, blobs: Blobs) -> dict[str, Any]:
    """Return "series" of a series, "slices" of a volume or film; nothing of other inputs.

    Columns that go to inputs of their own have a map together, which is none of these inputs.
    """
    spatial = [axis for axis in result.input_axes.get(name, ()) if axis not in _PLAIN]
    if spatial == ["time"]:
        return {"series": _series(result, sample, name, blobs)}
    return {"slices": _slices(result, sample, name, blobs)} if len(spatial) == 3 else {}


def _series(result: Attribution, sample: int, name: str, blobs: Blobs) -> dict[str, Any]:
    """Return {"channels": [{"name", "values": array (time,)}], "times": [words]}."""
    known = result.timeline(sample, name)
    curves = curves_of(result, sample, name)
    named = len(curves) > 1 or bool(known.channels)
    channels = [
        {"name": known.channel(i) if named else "", "values": blobs.array(curve)}
        for i, curve in enumerate(curves)
    ]
    return {"channels": channels, "times": list(known.times)}


def _slices(result: Attribution, sample: int, name: str, blobs: Blobs) -> dict[str, Any]:
    """Return {"picture": blob, "columns", "shape": [z, y, x]}: all slices in rows, as one picture.

    Where they are many and large they are shown smaller: shape is that of the slices in it.
    """
    frames = frames_of(result, sample, name)
    columns = int(np.ceil(np.sqrt(len(frames))))
    most = max(16, _SPRITE // columns)
    if max(frames.shape[1:3]) > most:
        frames = np.stack([fit(frame, longest=most, smallest=1) for frame in frames])
    depth, height, width = frames.shape[:3]
    rows = -(-depth // columns)
    whole = np.zeros((rows * height, columns * width, 3), np.uint8)
    for i, frame in enumerate(frames):
        top, left = (i // columns) * height, (i % columns) * width
        whole[top : top + height, left : left + width] = frame
    return {
        "picture": blobs.picture(whole),
        "columns": columns,
        "shape": [depth, height, width],
    }


def forecast_entry(result: Attribution, sample: int, blobs: Blobs) -> dict[str, Any] | None:
    """Return a sample's forecast: {"channels": [{"name", "known", "values", "truth"}], "words",
    "short"}.

    Arrays are of steps: the last ones known, those ahead, and what came as far as that is known,
    or null.
    """
    found = forecast_of(result, sample)
    if found is None:
        return None
    last = max(_KNOWN, 3 * len(found.values))
    channels = [
        {
            "name": name,
            "known": blobs.array(found.known[-last:, i]),
            "values": blobs.array(found.values[:, i]),
            "truth": blobs.array(found.truth[:, i]) if len(found.truth) else None,
        }
        for i, name in enumerate(found.names)
    ]
    return {"channels": channels, "words": found.words(), "short": found.words(truth=False)}
