"""The shapes of the JSON document that a page is drawn from; `answers` has what else is said."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Pairs = list[list[str]]  # of a name and words


class Cost(TypedDict):
    """Passes over one sample; `upper`: at most."""

    forward: int
    gradient: int
    backward: int
    upper: bool


class Numbers(TypedDict):
    """Integers of 16 bits in a blob; times `scale` they are the values."""

    blob: str
    shape: list[int]
    scale: float
    packed: Literal["none", "deflate", "deflate-shuffled"]


class Model(TypedDict):
    """A model; what the studio adds to it is in its own answers only."""

    id: str
    name: str
    sha256: str
    facts: Pairs
    labels: NotRequired[list[str] | None]
    notes: NotRequired[list[str]]
    state: NotRequired[Literal["loading", "ready", "stopped", "failed", "closed"]]
    error: NotRequired[str]


class Method(TypedDict):
    """A method as it was set."""

    id: str
    model: str
    name: str
    title: str
    layer: str
    score: str
    fields: Pairs
    settings: dict[str, Any]
    linear: bool
    signed: bool
    reference: str
    seconds: str
    notes: list[str]
    cost: Cost | None
    python: str


class Input(TypedDict):
    """One input of a sample; text, table, series and slices where it is one."""

    name: str
    kind: str
    picture: str | None
    width: int | None
    height: int | None
    text: NotRequired[dict[str, Any]]
    table: NotRequired[dict[str, Any]]
    series: NotRequired[dict[str, Any]]
    slices: NotRequired[dict[str, Any]]


class Sample(TypedDict):
    """A sample; in lists without its pictures, and with its kind."""

    id: str
    name: str
    truth: str | None
    facets: dict[str, Any]
    thumb: str | None
    inputs: list[Input]
    kind: NotRequired[str]


class Bar(TypedDict):
    """A class of a prediction; `ask`: its words as a target, where its index is none.

    `at`: the corners of a box in pixels of the model's input, in words.
    """

    label: str
    index: int
    value: float | None
    words: str
    share: float | None
    ask: NotRequired[str]
    at: NotRequired[str]


class Output(TypedDict):
    """What an output of a model says: the first classes, and how many more there are."""

    name: str
    bars: list[Bar]
    more: str


class Prediction(TypedDict):
    """What a model says of a sample."""

    sample: str
    model: str
    epoch: float | None
    verdict: str
    top: str | None
    share: float | None
    margin: float | None
    outputs: list[Output]
    forecast: NotRequired[dict[str, Any]]
    found: NotRequired[dict[str, Any]]


class Target(TypedDict):
    """What a map explains."""

    key: str
    place: int
    index: int | None
    output: str
    words: str
    subject: str
    score: float | None
    ask: NotRequired[str]


class Path(TypedDict):
    """Scores and maps on the way from the baseline to the input."""

    alphas: list[float]
    scores: list[float | None]
    values: list[Numbers]


class Map(TypedDict):
    """An explanation of one sample and target."""

    id: str
    sample: str
    model: str
    method: str
    epoch: float | None
    input: str
    target: Target
    kind: Literal["picture", "volume", "video", "series", "tokens", "table", "vector"]
    meaning: Literal["signed", "positive", "magnitude"]
    values: Numbers | None
    signed: Numbers | None
    path: Path | None
    figure: str | None
    size: list[int]
    limit: float
    gap: str
    message: str
    grade: dict[str, Any] | None
    alt: str
    caption: str
    place: str
    verdict: str
    share: str
    against: float
    surprise: float | None
    portion: float | None
    worth: float | None
    base: NotRequired[float | None]
    beside: NotRequired[list[Beside]]
    attention: NotRequired[dict[str, Any]]
    explained: NotRequired[dict[str, Any]]


class Beside(TypedDict):
    """A picture, by its blob, with words."""

    words: str
    figure: str


class Point(TypedDict):
    """A sample in the plane: 0 … 1."""

    sample: str
    x: float
    y: float
    cluster: str | None


class File(TypedDict):
    """What a model says of a file."""

    name: str
    truth: str | None
    top: str | None
    share: NotRequired[float | None]


class Group(TypedDict):
    """A cluster, a finding or a slice, with its samples."""

    words: str
    samples: list[str | File]
    id: NotRequired[str]
    title: NotRequired[str]
    page: NotRequired[str]
    beside: NotRequired[list[Beside]]


class Dataset(TypedDict):
    """All pictures as a model sees them."""

    words: str
    points: list[Point]
    clusters: list[Group]
    findings: list[Group]
    slices: list[Group]
    model: str
    summary: str
    notes: list[str]
    files: dict[str, File]


class Document(TypedDict):
    """A document or a piece of one; see docs/front-end.md."""

    schema: int
    title: str
    models: list[Model]
    methods: list[Method]
    samples: list[Sample]
    predictions: list[Prediction]
    maps: list[Map]
    stamps: list[dict[str, Any]]
    notes: list[str]
    dataset: Dataset | None
    film: None
    blobs: dict[str, str]
