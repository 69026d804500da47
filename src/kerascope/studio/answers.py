"""The shapes of all JSON that the studio answers with; schemas are made of them, see `shapes`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from kerascope.studio.contents import Document, Model, Output, Sample
from kerascope.studio.forms import Form
from kerascope.studio.jobs import Told


class State(TypedDict):
    """What the studio is about."""

    samples: int
    more: bool
    listing: bool
    labels: int
    error: str
    notes: list[str]
    reading: list[str]


class StudioDocument(Document):
    """The document of the studio itself."""

    studio: State


class Samples(TypedDict):
    """Samples by their places."""

    total: int
    start: int
    listing: bool
    samples: list[Sample]


class Refused(TypedDict):
    """A file that was not taken, and why."""

    name: str
    error: str


class Added(TypedDict):
    """Pictures that came in."""

    samples: list[Sample]
    refused: list[Refused]


class Models(TypedDict):
    """All models."""

    models: list[Model]


class Opened(TypedDict):
    """A model that is being opened, and the job of it."""

    id: str
    job: str
    name: str


class Closed(TypedDict):
    """A model that was closed."""

    id: str
    state: Literal["closed"]


class Methods(TypedDict):
    """Methods as forms."""

    methods: list[Form]


class Layer(TypedDict):
    """A layer; map: the grid of its positions; default: methods that need one take it."""

    layer: str
    kind: str
    shape: list[int | None]
    map: list[int] | None
    default: bool


class Layers(TypedDict):
    """The layers of a model."""

    model: str
    layers: list[Layer]


class Asked(TypedDict):
    """A job that was put in line."""

    id: str
    state: str


class Drop(TypedDict):
    """A score before and after a part was covered."""

    target: str
    before: float
    after: float
    drop: float


class Erased(Drop):
    """What covering a part has changed; share: of the picture."""

    share: float
    targets: list[Drop]
    outputs_before: list[Output]
    outputs_after: list[Output]
    sample: str
    model: str
    how: Literal["blur", "inpaint", "grey"]
    picture: str


class Job(Told):
    """A job with its result."""

    document: Document | None
    erased: NotRequired[Erased]


class Piece(TypedDict):
    """A piece of the document that is kept; null: none is."""

    document: Document | None
