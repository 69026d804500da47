"""Targets that name what a studio holds: "like SAMPLE" by its id, "CLASS@mask:WHAT IS PAINTED"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadInput
from kerascope.studio.maskcode import painted
from kerascope.targets.regions import Mask
from kerascope.targets.similar import Similarity, like_words

if TYPE_CHECKING:
    from kerascope.studio.samples import Samples

Message = dict[str, Any]
_REGION = re.compile(r"(.*)@mask:([\w-]+)", re.ASCII | re.DOTALL)


def compared(target: Any) -> list[str]:
    """Return the ids of the samples that a target of a request names, each once."""
    found = [like_words(one) for one in _each(target)]
    return list(dict.fromkeys(like[0] for like in found if like is not None))


def aim_of(job: Message, samples: Samples) -> Any:
    """Return the target of a job as `explain` takes it; a list is several for every sample."""
    target = job["target"]
    if isinstance(target, list):
        return tuple(_aim(one, job, samples) for one in target)
    return _aim(target, job, samples)


def _aim(target: Any, job: Message, samples: Samples) -> Any:
    like, region = like_words(target), _region(target)
    if like is not None:
        name, measure = like
        other = next(one for one in job["others"] if one["id"] == name)
        return Similarity(samples.of([other])[1], measure)
    if region is not None:
        view, inputs = samples.of(job["samples"])
        view.read(inputs)
        size = view.spec().input_size
        if len(size) != 2:
            raise BadInput("what is painted is a part of a picture, and the model takes none")
        return Mask(painted(region[2], (size[0], size[1])), region[1].strip() or None)
    return target


def _region(target: Any) -> re.Match[str] | None:
    return _REGION.fullmatch(target) if isinstance(target, str) else None


def asked_again(piece: Message, target: Any) -> Message:
    """Return a piece whose maps say what asks for them, where their target names what is held here.

    Their words name a sample as people do, or no more than "the region", which two may have in
    common: maps are told apart by what was asked. What the sample alone is predicted to be is left
    out where it would be a likeness.
    """
    from kerascope.report.entries import name_of

    alike = like_words(target) is not None
    if not alike and _region(target) is None:
        return piece
    maps = [
        {
            **one,
            "id": name_of("a", one["id"], target),
            "target": {**one["target"], "key": target, "ask": target},
        }
        for one in piece["maps"]
    ]
    return {**piece, "maps": maps, "predictions": [] if alike else piece["predictions"]}


def _each(target: Any) -> Sequence[Any]:
    return target if isinstance(target, list) else [target]
