"""What the parent asks of its children, and what a child hands back: files in one folder."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.method import AttributionMethod, Data, method_class
from kerascope.types import Array, Tree

JOB, INPUTS, REPORT = "job.json", "inputs.safetensors", "report.json"
KIND = "inputs of certify"
MOVED = 1e-6  # of each input's value: a few roundings, as a pass through layers adds up


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One task for every backend; plain JSON values.

    sources: files, folders or patterns, as `loading.given.samples_of` takes them; None, without
        texts, where the inputs lie in the folder already or are to be drawn. how: of a `How`.
    methods: as `method_json` gives them. target: as `targets.to_json`. draws: times that the inputs
        are moved a little and explained instead; 0: as they are.
    """

    model: str
    sources: list[str] | None
    methods: list[dict[str, Any]]
    target: Any
    score: str
    seed: int
    preprocess: str
    fit: str
    size: int | None
    labels: str | None
    custom: list[str]
    unsafe: bool
    text: list[str] = dataclasses.field(default_factory=list)
    how: dict[str, Any] = dataclasses.field(default_factory=dict)
    draws: int = 0

    def write(self, folder: Path) -> None:
        """Write the job for children to read."""
        text = json.dumps(dataclasses.asdict(self), default=os.fspath)
        (folder / JOB).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Return the job that lies in a folder."""
        return cls(**json.loads((folder / JOB).read_text(encoding="utf-8")))


def method_json(method: AttributionMethod, folder: Path) -> dict[str, Any]:
    """Return a method as JSON values, with its arrays in files of the folder."""
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if isinstance(value, Data):
            np.save(folder / f"{value.sha256}.npy", value.array)
    return method.to_json()


def method_of(data: dict[str, Any], folder: Path) -> AttributionMethod:
    """Return the method that `method_json` wrote."""
    method = method_class(data["name"]).from_json(data)
    arrays = {}
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if isinstance(value, Data):
            arrays[field.name] = Data(folder / f"{value.sha256}.npy")
    return dataclasses.replace(method, **arrays)  # type: ignore[arg-type]


def moved(samples: Any, job: Job) -> Iterator[Any]:
    """Yield samples with every number moved up or down by a millionth of itself; integers stay.

    samples: arrays, or what holds them as `inputs`, such as `Images`; the same comes back.
    """
    for d in range(job.draws):
        signs = np.random.default_rng((job.seed, d))
        if dataclasses.is_dataclass(samples) and not isinstance(samples, type):
            yield dataclasses.replace(samples, inputs=_tree(samples.inputs, signs))  # type: ignore[attr-defined]
        else:
            yield _tree(samples, signs)


def _tree(inputs: Tree, signs: np.random.Generator) -> Tree:
    if isinstance(inputs, Mapping):
        return {name: _moved(array, signs) for name, array in inputs.items()}
    return _moved(inputs, signs)


def _moved(array: Array, signs: np.random.Generator) -> Array:
    if array.dtype.kind != "f":
        return array
    up = signs.integers(0, 2, array.shape, dtype=bool)
    return array * np.where(up, 1 + MOVED, 1 - MOVED).astype(array.dtype)


def method_words(data: dict[str, Any]) -> str:
    """Return a method's name with the fields that are not its defaults."""
    kind = method_class(data["name"])
    usual = kind().to_json()["fields"]
    changed = [
        f"{name}={value}" for name, value in data["fields"].items() if value != usual.get(name)
    ]
    return data["name"] + (f" ({', '.join(changed)})" if changed else "")
