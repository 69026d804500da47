"""`certify`: one process after the other explains the same inputs; the results are compared."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope import backend
from kerascope.certify.compare import certificate, loaded
from kerascope.certify.job import INPUTS, KIND, Job, method_json
from kerascope.certify.moves import own_movements
from kerascope.certify.processes import run_backends
from kerascope.certify.result import Certificate
from kerascope.checks import check_score
from kerascope.errors import BadInput, BadModel, choices
from kerascope.inside.stored import write_tensors
from kerascope.loading.given import How
from kerascope.loading.images import Images
from kerascope.loading.models import look
from kerascope.method import AttributionMethod, make_method
from kerascope.targets.saved import from_json, to_json

METHODS = ("gradient", "grad_cam", "lrp", "occlusion")


def certify(
    model: str | os.PathLike[str],
    inputs: Any = None,
    methods: Sequence[Any] = METHODS,
    *,
    text: str | Sequence[str] = (),
    how: Mapping[str, Any] | How | None = None,
    backends: Sequence[str] | None = None,
    target: Any = None,
    score: str = "logit",
    limit: float = 1e-4,
    seed: int = 0,
    preprocess: str = "auto",
    fit: str = "squeeze",
    size: int | None = None,
    labels: str | None = None,
    custom: str | Sequence[str] = (),
    unsafe: bool = False,
) -> Certificate:
    """Explain the same inputs with TensorFlow, JAX and PyTorch; say how far they are apart.

    Every backend runs in a process of its own, one after the other, on the same bits of input:
    where what they read differs, that is a finding.

    Args:
        model: a file, "keras:NAME" or "hub:PRESET", as every backend loads it anew.
        inputs: files as the commands take them (pictures, folders, patterns, .txt, .csv, .npy,
            NAME=FILE of several inputs), or arrays; without, and without texts, samples are drawn
            of the shapes and ranges that the model declares.
        text: texts as samples, one or several.
        how: how files become samples: fields of `kerascope.loading.given.How` as a dict, such as
            {"vocabulary": "words.txt"} or {"columns": {"truth": "label"}}.
        methods: names, method classes or method values.
        backends: two or more of "tensorflow", "jax", "torch"; None takes all that are installed.
        target: as in `explain`, but no function.
        score: "logit" or "probability".
        limit: a larger difference is a finding: of maps, over the largest value of each sample's;
            of scores, over the largest score. Where maps differ by more, the inputs are moved by a
            millionth of themselves on one backend, eight times; maps that this moves as far are a
            note: gradients of a net of ReLUs jump where a unit is about zero.
        seed: drives all sampling.
        preprocess: as in `load_images`, as are `fit` and `size`.
        fit: how pictures are brought to the model's size.
        size: of pictures, where the model leaves it open.
        labels: file with the class names.
        custom: "module:Class" of what the model file refers to.
        unsafe: let the model file run code that it carries.

    Raises:
        BadInput: fewer than two backends to compare, or something that no backend can explain.
    """
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit >= 0:
        raise BadInput(f"limit={limit!r} must be a number of at least 0")
    check_score(score)
    name = _model_name(model)
    asked, missing = _backends(backends)
    values = [make_method(method, {}) for method in _several(methods)]
    sources, texts, options = _paths(inputs), _words(text), _how(how)
    if inputs is not None and sources is None and (texts or options != How()):
        raise BadInput("text and how go with files, and not with arrays")
    _check_there(sources)
    goal = to_json(target)
    from_json(goal)  # what cannot be told to another process is refused here
    with tempfile.TemporaryDirectory(prefix="kerascope-") as place:
        folder = Path(place)
        job = Job(
            model=name, sources=sources, methods=[method_json(m, folder) for m in values],
            target=goal, score=score, seed=seed, preprocess=preprocess, fit=fit, size=size,
            labels=labels, custom=_words(custom), unsafe=unsafe,
            text=texts, how=dataclasses.asdict(options),
        )  # fmt: skip
        if inputs is not None and sources is None:
            _write_arrays(inputs, folder)
        job.write(folder)
        reports = run_backends(asked, folder)
        results = loaded(job, folder, reports)
        own = own_movements(job, folder, results, limit)
        return certificate(job, reports, results, own, float(limit), missing)


def _model_name(model: Any) -> str:
    if not isinstance(model, str | os.PathLike):
        raise BadModel(
            "certify takes a model file, keras:NAME or hub:PRESET, as every backend loads it anew: "
            "save the model as .keras first"
        )
    text = os.fspath(model)
    look(text)
    return text


def _backends(asked: Sequence[str] | None) -> tuple[list[str], tuple[str, ...]]:
    """Return the backends to run and those asked for that are not installed."""
    wanted = backend.ORDER if asked is None else tuple(dict.fromkeys(_several(asked)))
    for name in wanted:
        if name not in backend.ORDER:
            raise BadInput(f"backend '{name}' is not known{choices(name, backend.ORDER)}")
    here = backend.installed()
    found = [name for name in wanted if name in here]
    missing = tuple(name for name in wanted if name not in here)
    if len(found) < 2:
        lack = f"; not installed: {', '.join(missing)}" if missing else ""
        raise BadInput(
            f"certify compares two backends or more; here is {', '.join(found) or 'none'}{lack}"
        )
    return found, missing


def _several(items: Any) -> list[Any]:
    """Return a list; one name or value is a list of one."""
    found = [items] if isinstance(items, str | type | AttributionMethod) else list(items)
    if not found:
        raise BadInput("the list is empty: there is nothing to compare")
    return found


def _paths(inputs: Any) -> list[str] | None:
    """Return what is given as paths; None for arrays and nothing."""
    if isinstance(inputs, str | os.PathLike):
        return [os.fspath(inputs)]
    listed = isinstance(inputs, list | tuple) and len(inputs) > 0
    if listed and all(isinstance(item, str | os.PathLike) for item in inputs):
        return [os.fspath(item) for item in inputs]
    return None


def _words(given: str | Sequence[str]) -> list[str]:
    """Return words as a list; one string is a list of one."""
    return [given] if isinstance(given, str) else list(given)


def _how(given: Mapping[str, Any] | How | None) -> How:
    """Return how files become samples."""
    try:
        return given if isinstance(given, How) else How.from_json(given or {})
    except (TypeError, AttributeError) as error:
        known = ", ".join(field.name for field in dataclasses.fields(How))
        raise BadInput(f"how={given!r} is not understood ({error}); it has {known}") from error


def _check_there(paths: Sequence[str] | None) -> None:
    """Raise `BadInput` for a file that is not there, before three processes are started."""
    for path in paths or ():
        name, _, named = path.partition("=")
        file = path if set(name) & {"/", os.sep} or not named else named
        if not (any(sign in path for sign in "*?[") or Path(path).exists() or Path(file).exists()):
            raise BadInput(f"'{file}' does not exist")


def _write_arrays(inputs: Any, folder: Path) -> None:
    """Write arrays for the children, as they are; pictures that were loaded are arrays."""
    names = inputs.names if isinstance(inputs, Images) else None
    tree = inputs.inputs if isinstance(inputs, Images) else inputs
    tree = tree if isinstance(tree, Mapping) else {"": tree}
    for value in tree.values():
        if hasattr(value, "inputs") or hasattr(value, "iloc"):
            raise BadInput(
                f"what is known of a {type(value).__name__} cannot be told to another process: "
                "give the files themselves, with text and how, or arrays"
            )
    try:
        arrays = {str(name): np.asarray(array) for name, array in tree.items()}
    except (TypeError, ValueError) as error:
        raise BadInput(f"the inputs cannot be read as arrays: {error}") from error
    if any(array.dtype.kind not in "fiub" or array.ndim == 0 for array in arrays.values()):
        raise BadInput("the inputs must be arrays of numbers with a sample axis, or files")
    about = {"words": "arrays, as given", "names": None if names is None else list(names)}
    write_tensors(folder / INPUTS, KIND, arrays, about)
