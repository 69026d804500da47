"""What can be asked over HTTP, apart from jobs: pictures, models, methods, the page itself."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
from starlette.responses import HTMLResponse, Response

from kerascope.errors import BadImage
from kerascope.loading.pictures import read_picture
from kerascope.studio import answers
from kerascope.studio.errors import Problem
from kerascope.studio.forms import forms, hindrance
from kerascope.studio.lots import by_input
from kerascope.studio.nets import Opening
from kerascope.studio.page import WEB_FILES, index
from kerascope.studio.shelf import Sample, is_data, uploaded_sample
from kerascope.studio.studio import FIRST
from kerascope.studio.table import Endpoint, Given, json_answer
from kerascope.studio.thumbs import PICTURE, THUMB, picture_file
from kerascope.studio.truths import labelled, rows
from kerascope.studio.uploads import Upload, received

MODEL_BYTES = 4 << 30
PICTURE_BYTES = 64 << 20
PICTURES_BYTES = 1 << 30  # of one upload
ALL_BYTES = 16 << 30
# What `report.document.empty` gives; that module brings matplotlib along.
EMPTY: dict[str, Any] = {
    "schema": 1, "title": "", "models": [], "methods": [], "samples": [], "predictions": [],
    "maps": [], "stamps": [], "notes": [], "dataset": None, "film": None, "blobs": {},
}  # fmt: skip
_ID = {"type": "string", "maxLength": 40}
_PAGE = 1000  # samples of one answer
_FILES = ("multipart/form-data", "application/octet-stream")
_HEADS = {b"PK": ".keras", b"\x89H": ".h5"}


async def page(given: Given) -> Response:
    """Return the page."""
    return HTMLResponse(index(given.studio.settings.title))


async def web_file(given: Given) -> Response:
    """Return a file of the front end; only names of the fixed list are known."""
    file = WEB_FILES.get(given.path["name"])
    if file is None:
        raise Problem(404, "there is no such file")
    text = await asyncio.to_thread(file.text)
    return Response(text, media_type=file.type, headers={"cache-control": "no-cache"})


async def document(given: Given) -> Response:
    """Return what is known now, without maps."""
    studio = given.studio
    total = len(studio.shelf)
    found = {
        **EMPTY,
        "title": studio.settings.title,
        "models": [net.described() for net in studio.nets.values()],
        "methods": list(studio.made.methods.values()),
        "samples": rows(studio.shelf.some(0, FIRST), studio.nets.values()),
        "predictions": list(studio.made.predictions.values()),
        "studio": {
            "samples": total,
            "more": total > FIRST,
            "listing": not studio.shelf.filled.is_set(),
            "labels": labelled(studio.nets.values()),
            "error": studio.shelf.error,
            "notes": studio.shelf.notes,
            "reading": studio.lots.names(),
        },
    }
    return json_answer(found)


async def samples(given: Given) -> Response:
    """Return some samples by their places."""
    start, studio = given.query["start"], given.studio
    found = rows(studio.shelf.some(start, given.query["count"]), studio.nets.values())
    listing = not studio.shelf.filled.is_set()
    total = len(studio.shelf)
    return json_answer({"total": total, "start": start, "listing": listing, "samples": found})


async def thumb(given: Given) -> Response:
    """Return a sample's thumbnail."""
    return await _picture(given, THUMB)


async def picture(given: Given) -> Response:
    """Return a sample's picture."""
    return await _picture(given, PICTURE)


async def _picture(given: Given, side: int) -> Response:
    studio, sample = given.studio, given.studio.shelf.get(given.path["sample"])
    if sample.lot is not None:
        raise Problem(404, f"'{sample.name}' is no picture")
    try:
        content, mark = await anyio.to_thread.run_sync(
            picture_file, sample, side, studio.pictures, limiter=studio.decoders
        )
    except OSError as error:
        raise Problem(404, f"'{sample.name}' cannot be read: {error.strerror or error}") from error
    headers = {"etag": f'"{mark}"', "cache-control": "private, no-cache"}
    if given.request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/webp", headers=headers)


async def add_samples(given: Given) -> Response:
    """Take files: pictures are decoded once, others read by a model: a bad one is refused now."""
    studio = given.studio
    files = await received(
        given.request, studio.private, each=PICTURE_BYTES, most=PICTURES_BYTES, whole=ALL_BYTES
    )
    good: list[Sample] = []
    refused: list[dict[str, str]] = []
    model, data = given.query.get("model"), any(is_data(upload.name) for upload in files)
    together = by_input(files, await studio.inputs(model, wait=data))
    if together:
        try:
            good += await studio.lots.take_several(together, model)
        except Problem as error:
            words = str(error)
            for upload in together.values():
                words = _named(words, upload)
            refused.append({"name": ", ".join(u.name for u in together.values()), "error": words})
    for upload in files:
        if upload in together.values():
            continue
        try:
            if is_data(upload.name):
                good += await studio.lots.take(upload, model)
            else:
                await anyio.to_thread.run_sync(_decoded, upload, limiter=studio.decoders)
                good.append(uploaded_sample(upload.path, upload.name, upload.sha256))
        except (BadImage, Problem) as error:
            upload.path.unlink(missing_ok=True)
            refused.append({"name": upload.name, "error": _named(str(error), upload)})
    if not good:
        raise Problem(400, refused[0]["error"])
    studio.shelf.add(good)
    studio.bell.ring()
    told = rows([studio.shelf.get(sample.id) for sample in good], studio.nets.values())
    return json_answer({"samples": told, "refused": refused}, 201)


def _decoded(upload: Upload) -> None:
    read_picture(upload.path)


def _named(text: str, upload: Upload) -> str:
    return text.replace(upload.path.name, upload.name)


async def models(given: Given) -> Response:
    """Return the models and their states."""
    return json_answer({"models": [net.described() for net in given.studio.nets.values()]})


async def add_model(given: Given) -> Response:
    """Open a model: an upload, or with `?given=ID` one that was open before."""
    studio = given.studio
    if "given" in given.query:
        opening = studio.net(given.query["given"]).opening
    else:
        opening = await _uploaded_model(given)
    net, job = studio.open(opening)
    return json_answer({"id": net.id, "job": job.id, "name": opening.name}, 202)


async def _uploaded_model(given: Given) -> Opening:
    """Return how to open an upload: always in safe mode, whatever was typed at the start."""
    folder = given.studio.private
    files = await received(
        given.request, folder, each=MODEL_BYTES, most=MODEL_BYTES, whole=ALL_BYTES, files=1
    )
    upload = files[0]
    suffix = await asyncio.to_thread(_suffix, upload)
    if suffix is None:
        upload.path.unlink(missing_ok=True)
        raise Problem(
            415, f"'{upload.name}' is no Keras model file (.keras, .h5): neither a zip nor HDF5"
        )
    path = upload.path.rename(upload.path.with_suffix(suffix))
    return Opening(name=upload.name, path=str(path), boxes=given.studio.settings.boxes)


def _suffix(upload: Upload) -> str | None:
    with upload.path.open("rb") as file:
        return _HEADS.get(file.read(2))


async def close_model(given: Given) -> Response:
    """Close a model: its process ends, its jobs are cancelled."""
    net = given.studio.net(given.path["model"])
    await given.studio.shut(net)
    return json_answer({"id": net.id, "state": net.state})


async def methods(given: Given) -> Response:
    """Return the methods as forms."""
    found = await asyncio.to_thread(forms)
    if "model" in given.query:
        facts = given.studio.net(given.query["model"]).facts
        found = [{**form, "hindrance": hindrance(form, facts)} for form in found]
    return json_answer({"methods": found})


async def layers(given: Given) -> Response:
    """Return the layers of a model, once it is ready."""
    net = given.studio.net(given.query.get("model"))
    net.check_open()
    if not net.facts:
        raise Problem(409, f"'{net.opening.name}' is being opened: its layers are not known yet")
    return json_answer({"model": net.id, "layers": net.facts.get("layers", [])})


def _places() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 1, "maximum": _PAGE, "default": FIRST}
    start = {"type": "integer", "minimum": 0, "maximum": 10**9, "default": 0}
    return {"start": start, "count": count}


_WEBP = "image/webp"
_NAME = {"name": {"type": "string", "maxLength": 1000}}

ENDPOINTS = (
    Endpoint(method="GET", path="/api/document", words="What is known now, without maps",
             answer=document, gives=answers.StudioDocument),
    Endpoint(method="GET", path="/api/samples", words="Samples by their places",
             answer=samples, gives=answers.Samples, query=_places()),
    Endpoint(method="POST", path="/api/samples",
             words="Upload pictures, or texts, tables, series and volumes for a model to read",
             answer=add_samples, gives=answers.Added, query={**_NAME, "model": _ID}, media=_FILES,
             most=PICTURES_BYTES, status=201, errors=(400, 401, 403, 404, 408, 413)),
    Endpoint(method="GET", path="/api/thumb/{sample}", words="A sample's thumbnail",
             answer=thumb, answers=_WEBP, errors=(400, 401, 403, 404)),
    Endpoint(method="GET", path="/api/picture/{sample}", words="A sample's picture",
             answer=picture, answers=_WEBP, errors=(400, 401, 403, 404)),
    Endpoint(method="GET", path="/api/models", words="The models and their states",
             answer=models, gives=answers.Models),
    Endpoint(method="POST", path="/api/models",
             words="Upload and open a model, or open one again",
             answer=add_model, gives=answers.Opened,
             query={**_NAME, "given": _ID}, media=_FILES, most=MODEL_BYTES, status=202,
             errors=(400, 401, 403, 404, 408, 413, 415, 429)),
    Endpoint(method="DELETE", path="/api/models/{model}", words="Close a model",
             answer=close_model, gives=answers.Closed, errors=(401, 403, 404)),
    Endpoint(method="GET", path="/api/methods", words="Methods with costs and fields",
             answer=methods, gives=answers.Methods,
             query={"model": _ID}, errors=(400, 401, 403, 404)),
    Endpoint(method="GET", path="/api/layers", words="Layers of a model",
             answer=layers, gives=answers.Layers,
             query={"model": _ID}, errors=(400, 401, 403, 404, 409)),
)  # fmt: skip
PAGES = (
    Endpoint(method="GET", path="/", words="The page", answer=page, answers="text/html"),
    Endpoint(method="GET", path="/web/{name:path}", words="Files of the page", answer=web_file,
             answers="*/*"),
)  # fmt: skip
