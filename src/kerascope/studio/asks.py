"""What can be asked over HTTP of models: jobs, their events, and the shared page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from kerascope.studio import answers
from kerascope.studio.aims import compared
from kerascope.studio.asking import asked
from kerascope.studio.endpoints import EMPTY
from kerascope.studio.erase import HOW, MOST
from kerascope.studio.errors import Problem
from kerascope.studio.jobs import KINDS, OVER, Job, Told
from kerascope.studio.maskcode import LONGEST
from kerascope.studio.shelf import Sample
from kerascope.studio.table import Endpoint, Given, json_answer
from kerascope.studio.truths import labelled, truths

SHARED = 1 << 27  # bytes of a document to be shared
_BEAT = 15.0  # seconds between signs of life in a stream
_LISTING = 60.0  # seconds that a folder may take to be listed before all of it is looked at
_PACE = 0.05  # seconds between two looks at what changed
_ID = {"type": "string", "minLength": 1, "maxLength": 40}
_WORDS = {"type": "string", "minLength": 1, "maxLength": 200 + LONGEST}
_CLASS = {"type": "integer", "minimum": 0, "maximum": 10**9}
_ONE = {"anyOf": [_CLASS, _WORDS]}
_MOST_SAMPLES = {"predict": 1000, "erase": 1}
_FEW = 16

_TARGET = (
    "What is explained, as for `kerascope explain -t`: a class by index or name, 'top-3', "
    "'tank@area', 'box-7', …; several in a list. 'like ID', 'like ID by dot' or 'like ID by "
    "distance': how alike the model's output is to that for another sample, by the sample's id. "
    "'tank@mask:TEXT', '1@mask:TEXT', '@mask:TEXT': over what is painted, as the page's address "
    "holds it."
)
_MASK = {
    "type": "object",
    "properties": {
        "shape": {
            "type": "array", "minItems": 2, "maxItems": 2,
            "items": {"type": "integer", "minimum": 1, "maximum": MOST},
        },
        "bytes": {"type": "string", "maxLength": 4 * (MOST * MOST // 3 + 1)},
    },
    "required": ["shape", "bytes"],
    "additionalProperties": False,
}  # fmt: skip
JOB = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": list(KINDS)},
        "model": _ID,
        "sample": _ID,
        "samples": {"type": "array", "items": _ID, "minItems": 1, "maxItems": 1000},
        "method": {"type": "string", "maxLength": 60},
        "fields": {"type": "object", "maxProperties": 20},
        "target": {
            "description": _TARGET,
            "anyOf": [
                {"type": "null"}, _CLASS, _WORDS,
                {"type": "array", "items": _ONE, "minItems": 1, "maxItems": 10},
            ]
        },
        "score": {"type": "string", "enum": ["logit", "probability"]},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31},
        "mask": _MASK,
        "how": {"type": "string", "enum": list(HOW)},
    },
    "required": ["kind"],
    "additionalProperties": False,
}  # fmt: skip
_LISTS = ("models", "methods", "samples", "predictions", "maps")
_ROWS = {"type": "array", "items": {"type": "object"}}
SHARE = {
    "type": "object",
    "properties": {
        "document": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "blobs": {"type": "object"},
                **dict.fromkeys(_LISTS, _ROWS),
            },
            "required": ["title", "blobs", *_LISTS],
        },
        "state": {"type": "string", "maxLength": 10_000},
    },
    "required": ["document"],
    "additionalProperties": False,
}


async def new_job(given: Given) -> Response:
    """Put a job in line."""
    studio, body = given.studio, given.body
    net = studio.net(body.get("model"))
    net.check_open()
    samples = await _samples(studio, body)
    await net.marked.wait()
    right = truths(samples, studio.nets.values())
    others = [studio.shelf.get(name) for name in compared(body.get("target"))]
    wanted = await asyncio.to_thread(asked, body, net, samples, right, others)
    job = studio.ask(wanted)
    return json_answer({"id": job.id, "state": job.state}, 202)


async def _samples(studio: Any, body: Any) -> list[Sample]:
    """Return the samples that a job is of: those it names, or all; raise `Problem`."""
    kind = body["kind"]
    names = [*([body["sample"]] if "sample" in body else []), *body.get("samples", [])]
    if kind == "audit":
        if names:
            raise Problem(400, "audit takes no sample: it looks at all pictures")
        await asyncio.to_thread(studio.shelf.filled.wait, _LISTING)
        whole: list[Sample] = studio.shelf.some(0, len(studio.shelf))
        samples = [sample for sample in whole if sample.lot is None]
        if not samples:
            raise Problem(409, "there are no pictures to look at: add some first")
        return samples
    most = _MOST_SAMPLES.get(kind, _FEW)
    if not names:
        raise Problem(400, f"{kind} needs a sample")
    if len(names) > most:
        raise Problem(400, f"{kind} takes at most {most} samples, not {len(names)}")
    return [studio.shelf.get(name) for name in dict.fromkeys(names)]


async def kept_map(given: Given) -> Response:
    """Return the piece of the document that holds a map, as it is kept; null: none is known."""
    return await _kept(given.studio, given.studio.made.key_of(given.path["map"]))


async def kept_dataset(given: Given) -> Response:
    """Return the piece of the document with the data set as a model sees it; null: none yet."""
    studio = given.studio
    return await _kept(studio, studio.made.datasets.get(studio.net(given.query.get("model")).id))


async def _kept(studio: Any, key: str | None) -> Response:
    kept = None if key is None else await asyncio.to_thread(studio.results.get, key)
    piece = b"null" if kept is None else kept.partition(b"\n")[2]
    return Response(b'{"document": ' + piece + b"}", media_type="application/json")


async def job(given: Given) -> Response:
    """Return a job's state and, when it is done, its piece of the document."""
    found = given.studio.jobs.get(given.path["job"])
    return Response(found.answer(), media_type="application/json")


async def cancel(given: Given) -> Response:
    """Cancel a job; one that is over stays as it is."""
    found = given.studio.jobs.get(given.path["job"])
    given.studio.cancel(found)
    return json_answer(found.told())


async def job_events(given: Given) -> Response:
    """Tell a job's progress and result as they come."""
    return _stream(_of_job(given.studio, given.studio.jobs.get(given.path["job"])))


async def events(given: Given) -> Response:
    """Tell of all jobs and models as they change, without results."""
    return _stream(_of_all(given.studio))


def _stream(lines: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(lines, media_type="text/event-stream")


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


async def _of_job(studio: Any, found: Job) -> AsyncIterator[bytes]:
    version = -1
    while not studio.ending:
        seen = studio.bell.number
        if found.version != version:
            version = found.version
            if found.state == "done":
                yield _event("result", found.answer())
                return
            if found.state in OVER:
                yield _event("error", json.dumps(_ended(found)).encode())
                return
            yield _event("progress", json.dumps(found.told()).encode())
        await studio.bell.wait(seen, _BEAT)
        if studio.bell.number == seen:
            yield b": alive\n\n"


def _ended(found: Job) -> dict[str, Any]:
    """Return why there is no result."""
    return {
        "message": found.error or found.state,
        "error": found.error,
        "restart": found.restart,
        "cancelled": found.state == "cancelled",
    }


async def _of_all(studio: Any) -> AsyncIterator[bytes]:
    jobs: dict[str, int] = {one.id: one.version for one in studio.jobs.all() if one.over}
    nets: dict[str, str] = {}
    samples = (-1, 0, "")
    while not studio.ending:
        seen = studio.bell.number
        for net in list(studio.nets.values()):
            told = json.dumps(net.described())
            if nets.get(net.id) != told:
                nets[net.id] = told
                yield _event("model", told.encode())
        for one in studio.jobs.all():
            if jobs.get(one.id) != one.version:
                jobs[one.id] = one.version
                yield _event("job", json.dumps(one.told()).encode())
        listed = (len(studio.shelf), labelled(studio.nets.values()), studio.shelf.error)
        if listed != samples:
            samples = listed
            shelf = studio.shelf
            counts = {
                "total": listed[0], "labels": listed[1], "error": shelf.error,
                "notes": shelf.notes, "reading": studio.lots.names(),
            }  # fmt: skip
            yield _event("samples", json.dumps(counts).encode())
        await asyncio.sleep(_PACE)
        await studio.bell.wait(seen, _BEAT)
        if studio.bell.number == seen:
            yield b": alive\n\n"


async def share(given: Given) -> Response:
    """Return one HTML file that keeps working from disk."""
    text = await asyncio.to_thread(
        _shared, {**EMPTY, **given.body["document"]}, given.body.get("state", "")
    )
    headers = {"content-disposition": 'attachment; filename="kerascope.html"'}
    return Response(
        text.encode("utf-8", "replace"), media_type="text/html; charset=utf-8", headers=headers
    )


def _shared(document: dict[str, Any], state: str) -> str:
    from jinja2 import UndefinedError

    from kerascope.report import page_of

    try:
        return page_of(document, state=state)
    except (AttributeError, KeyError, TypeError, ValueError, UndefinedError) as error:
        raise Problem(400, f"the document is not as described: {error!r}") from error


ENDPOINTS = (
    Endpoint(method="POST", path="/api/jobs", words="Ask a model for something",
             answer=new_job, gives=answers.Asked,
             body=JOB, status=202, errors=(400, 401, 403, 404, 408, 409, 413, 415, 429)),
    Endpoint(method="GET", path="/api/jobs/{job}", words="A job's state and result",
             answer=job, gives=answers.Job,
             errors=(401, 403, 404)),
    Endpoint(method="GET", path="/api/jobs/{job}/events",
             words="The same as server-sent events: progress, result, error", answer=job_events,
             answers="text/event-stream", errors=(401, 403, 404)),
    Endpoint(method="DELETE", path="/api/jobs/{job}", words="Cancel a job",
             answer=cancel, gives=Told,
             errors=(401, 403, 404)),
    Endpoint(method="GET", path="/api/maps/{map}",
             words="What holds a map that was made since the start, or null",
             answer=kept_map, gives=answers.Piece,
             errors=(401, 403)),
    Endpoint(method="GET", path="/api/dataset",
             words="What the last audit since the start says of all pictures, or null",
             answer=kept_dataset, gives=answers.Piece,
             query={"model": _ID}, errors=(400, 401, 403, 404, 409)),
    Endpoint(method="GET", path="/api/events",
             words="All jobs and models as they change: job, model, samples", answer=events,
             answers="text/event-stream"),
    Endpoint(method="POST", path="/api/share", words="A document as one HTML file", answer=share,
             body=SHARE, most=SHARED, answers="text/html",
             errors=(400, 401, 403, 408, 413, 415)),
)  # fmt: skip
