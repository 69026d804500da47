"""Make an explanation again and compare it with what was recorded."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope import backend
from kerascope.attribution import Attribution
from kerascope.errors import BadInput, BadMethod, BadTarget, KerascopeError
from kerascope.method import AttributionMethod, Data, method_class
from kerascope.replay.compare import changes, compared
from kerascope.replay.result import Replay, Replayed
from kerascope.replay.stamps import Record, read_records
from kerascope.run import repeating
from kerascope.texts import Texts, net_of_ids
from kerascope.timeline import Timeline
from kerascope.tokens import key_of, reading_from, vocabulary_of

if TYPE_CHECKING:
    from kerascope.replay.inputs import Found, Inputs


def replay(
    file: str | os.PathLike[str],
    model: Any,
    inputs: Any = None,
    *,
    target: Any = None,
    data: Mapping[str, Any] | None = None,
) -> Replay:
    """Make the explanations of a file again; say of each whether it has the same bits.

    Runs on the backend of the file, unless another is set (KERAS_BACKEND) or running already.

    Args:
        file: a PNG, report.html or .safetensors that `explain` wrote.
        model: the model, or its file, as in `load_model`.
        inputs: pictures, arrays or files; not needed where the file, or a .safetensors in its
            folder, holds the inputs. They are compared by hash.
        target: again, where the file cannot hold it (a function, a large mask).
        data: by field of the method, arrays or .npy files that the file has the hash of.

    Raises:
        BadFile: not a file of ours, or broken.
        BadInput: something is missing, or does not fit the model.
    """
    records = read_records(file)
    backend.prefer(records[0].provenance.backend)
    net = opened(model, records)
    return replay_records(records, net, file, inputs, target=target, data=data)


def opened(model: Any, records: tuple[Record, ...], **options: Any) -> Any:
    """Return the model of a file, with the class names of the records if it brings none."""
    if not isinstance(model, str | os.PathLike):
        return model
    from kerascope.facts import facts_of, remember
    from kerascope.loading import load_model

    net = load_model(model, **options)
    held = [r.stored for r in records if r.stored and not vocabulary_of(r.stored)]
    labels = next((result.labels for result in held if result.labels), None)
    if labels is not None and facts_of(net).labels is None:
        remember(net, labels=labels)
    return net


def replay_records(
    records: tuple[Record, ...],
    net: Any,
    file: str | os.PathLike[str],
    inputs: Any = None,
    *,
    target: Any = None,
    data: Mapping[str, Any] | None = None,
    background: Any = None,
) -> Replay:
    """Make recorded results again; see `replay`. background: of rows, as in `load_table`."""
    from kerascope.replay.inputs import Inputs

    source = Inputs(file, net, inputs, background)
    samples: list[Replayed] = []
    results: list[Attribution] = []
    changed: list[str] = []
    notes: list[str] = []
    for record in records:
        method, asked = _method(record, data or {}, source), _target(record, target)
        for group in calls(record.provenance.rows):
            now = _call(record, group, net, method, asked, source)
            moved = list(changes(record.provenance, now.provenance))
            samples += [
                compared(record, sample, now, place, source.stored(record, sample))
                for place, sample in enumerate(group)
            ]
            results.append(now)
            changed += moved
        if any(note.startswith("stopped") for note in record.notes):
            notes.append(f"{record.title} was stopped early when it was recorded")
    if not changed and not all(s.same for s in samples):
        notes.append("nothing that was recorded has changed: sums were taken in another order")
    return Replay(
        samples=tuple(samples),
        changed=tuple(dict.fromkeys(changed)),
        notes=tuple(dict.fromkeys(notes)),
        results=tuple(results),
    )


def calls(rows: tuple[tuple[int, int], ...]) -> Iterator[list[int]]:
    """Yield the samples of a result by the calls of `explain` that they come from."""
    group: list[int] = []
    for sample, (row, count) in enumerate(rows):
        if group and (rows[group[-1]][1] != count or rows[group[-1]][0] >= row):
            yield group
            group = []
        group.append(sample)
    yield group


def _method(record: Record, data: Mapping[str, Any], source: Inputs) -> AttributionMethod:
    """Return the method as it was set, with arrays given again and choices by timing made.

    What rows of a table are compared with is made of the table again.
    """
    made = record.provenance.method
    try:
        method = method_class(made["name"]).from_json(made)
    except (TypeError, AttributeError, KeyError) as error:
        raise BadMethod(
            f"the recorded settings of {record.title} do not fit it: {error}"
        ) from error
    fields: dict[str, Any] = {}
    known = _of_table(record, method, source)
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if not isinstance(value, Data):
            continue
        if field.name not in data and known.get(field.name) == value:
            fields[field.name] = known[field.name]
            continue
        if field.name not in data:
            raise BadMethod(
                f"{record.title}: the array of '{field.name}' (sha256 {value.sha256[:12]}…) is not "
                f"stored; give it again: --data {field.name}=FILE.npy (data={{'{field.name}': …}})"
            )
        fields[field.name] = Data(data[field.name])
        if fields[field.name] != value:
            raise BadMethod(
                f"{record.title}: the array given for '{field.name}' has sha256 "
                f"{fields[field.name].sha256[:12]}…, recorded is {value.sha256[:12]}…"
            )
    for name in data:
        if name not in fields:
            raise BadMethod(f"{record.title}: '{name}' was no array when it was recorded")
    return dataclasses.replace(method, **(fields | record.provenance.settled))


def _of_table(record: Record, method: AttributionMethod, source: Inputs) -> dict[str, Any]:
    """Return the method's fields as they suit the table that was given; {} where none was."""
    table = source.table()
    if table is None:
        return {}
    from kerascope.tabular.defaults import suited

    plain = {
        field.name: field.default
        for field in dataclasses.fields(method)
        if isinstance(getattr(method, field.name), Data)
    }
    found, _ = suited(dataclasses.replace(method, **plain), table, record.provenance.seed)
    return {name: getattr(found, name) for name in plain}


def _target(record: Record, given: Any) -> Any:
    """Return the recorded target; where the file cannot hold it, the one given."""
    from kerascope.targets.saved import from_json

    made = record.provenance
    if not made.batch and made.asked is None:  # of an earlier version: words
        return given if given is not None else None if made.target == "predicted" else made.target
    try:
        return from_json(made.asked)
    except BadTarget as error:
        if given is None:
            raise BadTarget(f"{error}; give it again: ks.replay(…, target=…)") from error
        return given


def _call(
    record: Record, group: list[int], net: Any, method: AttributionMethod, target: Any,
    source: Inputs,
) -> Attribution:  # fmt: skip
    """Run the call that a group of samples comes from; return these samples of it.

    Others of the call that the file does not hold are stood in for: where a sample lies among how
    many decides its random numbers and the shapes of the passes.
    """
    import keras

    from kerascope.explain import explain
    from kerascope.hooks import HookedModel

    made = record.provenance
    found = [source.of(record, sample) for sample in group]
    places = [made.rows[sample][0] for sample in group]
    x = {}
    for name, first in found[0].inputs.items():
        x[name] = np.repeat(first, made.rows[group[0]][1], axis=0)
        for place, item in zip(places, found, strict=True):
            x[name][place] = item.inputs[name][0]
    rows = made.batch[0][1] if made.batch else None
    view = net = net_of_ids(net) if made.reading else net
    if isinstance(net, keras.Model):
        view = HookedModel(
            net, score=made.score, batch_size=rows, compiled=made.compiled is not False
        )
    given = _given(record, x, found, places)
    try:
        with repeating(made.batch[1:]):
            whole = explain(
                view, given, method, target=target, score=made.score, seed=made.seed,
                batch_size=rows, memory=made.memory,
            )  # fmt: skip
    except KerascopeError as error:
        raise type(error)(
            f"{record.title} cannot be made again with this model: {error}"
        ) from error
    names = tuple(record.names[sample] for sample in group)
    pictures = [item.display for item in found if item.display is not None]
    result = whole.take(places)
    read = {"preprocessing": made.preprocessing, "fit": made.fit, "size": made.size}
    return dataclasses.replace(
        result,
        names=names,
        features=result.features or {n: of for n, of in found[0].features.items() if n in x},
        display=tuple(pictures) if len(pictures) == len(found) else None,
        provenance=dataclasses.replace(result.provenance, **read),  # type: ignore[arg-type]
    )


def _given(record: Record, x: dict[str, Any], found: list[Found], places: list[int]) -> Any:
    """Return what `explain` is given: of texts with their tokens, and how they became ids.

    Of series with their timelines. places: of the samples found among the rows of the call.
    """
    made = record.provenance
    tree = _as_called(x, made.called)
    if not made.reading:
        return _told(tree, found, places, len(next(iter(x.values()))))
    name = made.reading["input"]
    ids = x[name or next(iter(x))]
    texts = dict(filter(None, (item.tokens() for item in found)))
    if not texts:
        raise BadInput(f"{record.title}: what was given are no texts: load_texts reads them")
    tokens = tuple(texts[key_of(row)] for row in ids)
    reading = reading_from(made.reading, ids, tokens, found[0].vocabulary)
    return Texts(tree, {name: tokens}, reading, ("",) * len(ids))


@dataclasses.dataclass(frozen=True, eq=False)
class _Told:
    """Inputs with what is known of the series among them."""

    inputs: Any
    features: dict[str, tuple[Timeline, ...]]


def _told(inputs: Any, found: list[Found], places: list[int], count: int) -> Any:
    """Return inputs with the timelines of their series; as they are where there are none."""
    features = {}
    for name, (first, *_) in found[0].features.items():
        if not isinstance(first, Timeline):
            continue
        lines = [first] * count
        for place, item in zip(places, found, strict=True):
            lines[place] = item.features[name][0]
        features[name] = tuple(lines)
    return _Told(inputs, features) if features else inputs


def _as_called(x: dict[str, Any], kind: str | None) -> Any:
    """Return inputs by name, "" where there is one, as the model takes them."""
    from kerascope.hooks.inputs import Structure  # Keras, whose backend is chosen by now

    if "" in x:
        return x[""]
    return Structure(kind, tuple(x)).build(x) if kind in ("list", "tuple") else x
