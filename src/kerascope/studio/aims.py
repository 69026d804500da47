"""Targets that name what a studio holds: "like SAMPLE", another sample by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerascope.targets.similar import Similarity, like_words

if TYPE_CHECKING:
    from kerascope.studio.samples import Samples

Message = dict[str, Any]


def compared(target: Any) -> list[str]:
    """Return the ids of the samples that a target of a request names, each once."""
    found = [like_words(one) for one in _each(target)]
    return list(dict.fromkeys(like[0] for like in found if like is not None))


def aim_of(job: Message, samples: Samples) -> Any:
    """Return the target of a job as `explain` takes it; a list is several for every sample."""
    target, others = job["target"], {one["id"]: one for one in job.get("others", ())}
    if isinstance(target, list):
        return tuple(_aim(one, others, samples) for one in target)
    return _aim(target, others, samples)


def _aim(target: Any, others: Mapping[str, Message], samples: Samples) -> Any:
    like = like_words(target)
    if like is None:
        return target
    name, measure = like
    return Similarity(samples.of([others[name]])[1], measure)


def asked_again(piece: Message, target: Any) -> Message:
    """Return a piece whose maps say what asks for them, where their target names what is held here.

    Their words name a sample as people do, and two may have one name: maps are told apart by what
    was asked. What the sample alone is predicted to be is left out: here it is a likeness.
    """
    from kerascope.report.entries import name_of

    if like_words(target) is None:
        return piece
    maps = [
        {
            **one,
            "id": name_of("a", one["id"], target),
            "target": {**one["target"], "key": target, "ask": target},
        }
        for one in piece["maps"]
    ]
    return {**piece, "maps": maps, "predictions": []}


def _each(target: Any) -> Sequence[Any]:
    return target if isinstance(target, list) else [target]
