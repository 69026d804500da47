"""What `kerascope explain` says of its results: rows, words, grades; pictures joined."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from kerascope.cli.console import say

if TYPE_CHECKING:
    from kerascope.attribution import Attribution

_NUMBERED = re.compile(r"\bclass \d+\b")  # a class whose name is not known


# Of one picture: by method, and in a sweep by layer.
Groups = list[list["Attribution"]]


def joined(collected: list[Groups]) -> list[Attribution]:
    """Return one result per method and layer of the results by picture.

    A picture that has fewer results than the first, because of a Ctrl-C, is left out.
    """
    rows = [[result for group in groups for result in group] for groups in collected]
    whole = [row for row in rows if len(row) == len(rows[0])]
    return [join([row[k] for row in whole]) for k in range(len(rows[0]))]


def labels_of(results: list[Attribution]) -> list[str]:
    """Return "grad_cam at conv5" for every result; equal ones are numbered."""
    from kerascope.method import told_apart

    return told_apart([f"{r.method.name}{f' at {r.layer}' if r.layer else ''}" for r in results])


def _stack(trees: list[Any]) -> Any:
    """Return arrays one after the other; shorter ones are filled up with zeros, as in one call.

    Pictures have different numbers of segments, texts of tokens.
    """
    import numpy as np

    if isinstance(trees[0], dict):
        return {key: _stack([tree[key] for tree in trees]) for key in trees[0]}
    arrays = [np.asarray(tree) for tree in trees]
    most = np.max([array.shape[1:] for array in arrays], axis=0, initial=0).astype(int)
    return np.concatenate([
        np.pad(array, [(0, 0), *((0, m - n) for m, n in zip(most, array.shape[1:], strict=True))])
        if array.shape[1:] != tuple(most) else array
        for array in arrays
    ])  # fmt: skip


def join(results: list[Attribution]) -> Attribution:
    """Return one result of the samples of several, which share method, target and model."""
    one = results[0]
    if len(results) == 1:
        return one
    fields = ("values", "inputs", "scores", "predictions")
    return dataclasses.replace(
        one,
        **{field: _stack([getattr(r, field) for r in results]) for field in fields},
        gap=None if one.gap is None else _stack([r.gap for r in results]),
        grade=None if one.grade is None else [g for r in results for g in r.grade or ()],
        extras=_extras(results),
        explained=tuple(words for r in results for words in r.explained),
        features=_features(results),
        names=tuple(name for r in results for name in r.names),
        provenance=dataclasses.replace(
            one.provenance, rows=tuple(row for r in results for row in r.provenance.rows)
        ),
        display=None if one.display is None else tuple(p for r in results for p in r.display or ()),
        notes=tuple(
            dict.fromkeys(_about(r, note, len(results)) for r in results for note in r.notes)
        ),
    )


def _extras(results: list[Attribution]) -> dict[str, Any]:
    """Return the further arrays; NaN, or −1 of whole numbers, where a sample has none of a kind.

    A sample of few segments, of which every coalition was asked for, has no standard errors.
    """
    import numpy as np

    found = {}
    for key in dict.fromkeys(key for result in results for key in result.extras):
        known = next(result.extras[key] for result in results if key in result.extras)
        none = np.nan if known.dtype.kind == "f" else -1
        shape = known.shape[1:]
        found[key] = _stack([
            result.extras.get(key, np.full((len(result), *shape), none, known.dtype))
            for result in results
        ])  # fmt: skip
    return found


def _features(results: list[Attribution]) -> dict[str, tuple[Any, ...]]:
    """Return the names of what each input holds: of texts one after the other, else the same."""
    from kerascope.timeline import Timeline
    from kerascope.tokens import Tokens

    return {
        name: tuple(text for r in results for text in r.features[name])
        if isinstance(known[0], (Tokens, Timeline))
        else known
        for name, known in results[0].features.items()
    }


def _about(result: Attribution, note: str, count: int) -> str:
    """Name the picture in a note that speaks of "sample 0"."""
    return re.sub(r"\bsample 0\b", f"'{result.names[0]}'", note) if count > 1 else note


def _rows(results: list[Attribution]) -> list[dict[str, Any]]:
    from kerascope.plot import alt_text
    from kerascope.plot.maps import maps_of
    from kerascope.verdict import plain

    rows = []
    for result, label in zip(results, labels_of(results), strict=True):
        for i, name in enumerate(result.names):
            words = result.explained[i]
            gap = None if result.gap is None else result.gap[i].tolist()
            rows.append(
                {
                    "picture": name,
                    "method": result.method.name,
                    "label": label,
                    "fields": result.method.to_json()["fields"],
                    "explained": words if isinstance(words, str) else list(words),
                    "scores": result.scores[i].tolist(),
                    "layer": result.layer,
                    "gap": gap,
                    "sentences": [
                        alt_text(result, i, k, name=inputs)
                        for k in range(1 if isinstance(words, str) else len(words))
                        for inputs in dict.fromkeys(
                            item.input for item in maps_of(result, samples=[i])
                        )
                    ],
                    "grade": None if result.grade is None else plain(result.grade[i]),
                    **_tokens(result, i),
                    **_parts(result, i),
                    **_found(result, i),
                }
            )
    return rows


def _parts(result: Attribution, sample: int) -> dict[str, Any]:
    """Return the share of each input in the map, and what it adds to the score, where known."""
    if len(result.input_names) < 2:
        return {}
    rows = {"shares": result.shares, "input_values": result.input_values}
    return {
        key: {name: of[sample].tolist() for name, of in held.items()}
        for key, held in rows.items()
        if held is not None
    }


def _found(result: Attribution, sample: int) -> dict[str, Any]:
    """Return the areas or boxes that a model found in a picture; nothing of other models."""
    from kerascope.plot.found import areas_of, boxes_of, is_scene

    if not is_scene(result):
        return {}
    areas = [{"label": a.label, "share": a.share} for a in areas_of(result, sample)]
    boxes = [
        {"label": b.label, "sureness": b.sure, "place": b.place, "corners": list(b.corners)}
        for b in boxes_of(result, sample)
    ]
    return {"areas": areas} if areas else {"boxes": boxes}


def _tokens(result: Attribution, sample: int) -> dict[str, Any]:
    """Return the tokens of a text with their values, one for each target; nothing of another input.

    word: its number in the text, None of padding and special tokens. span: its characters there.
    """
    name = result.input_names[0]
    text = result.tokens(sample, name)
    if text is None:
        return {}
    values = result.maps()[name][sample].reshape(-1, len(text.tokens))
    return {
        "text": text.text,
        "words": list(text.word_names),
        "tokens": [
            {
                "token": token,
                "word": None if word < 0 else word,
                "span": None if word < 0 else list(span),
                "values": values[:, place].tolist(),
            }
            for place, (token, word, span) in enumerate(
                zip(text.tokens, text.words, text.spans, strict=True)
            )
            if word >= 0 or values[:, place].any()  # padding has no value
        ],
    }


def print_grades(results: list[Attribution], *, quiet: bool) -> None:
    """Say every grade with its reasons, and of what has none, why."""
    for result, label in zip(results, labels_of(results), strict=True):
        for note in result.notes:
            if note.startswith("not graded"):
                say(f"note: {label}: {note}", quiet=quiet)
        for i, name in enumerate(result.names if result.grade else ()):
            said = result.explained[i]
            words = (said,) if isinstance(said, str) else said
            for what, grade in zip(words, result.grades(i), strict=True):
                head = f"{name}  {label}, {what}: grade {grade.letter} ({grade.score:.2f})"
                say(head, quiet=quiet)
                for reason in grade.reasons:
                    say(f"    {reason}", quiet=quiet)


def summary(results: list[Attribution], files: list[str]) -> dict[str, Any]:
    """Return what `--json` prints."""
    notes = dict.fromkeys(note for result in results for note in result.notes)
    return {
        "results": _rows(results),
        "notes": list(notes),
        "files": files,
        "provenance": dataclasses.asdict(results[0].provenance),
    }


def print_results(results: list[Attribution], told: tuple[str, ...] = ()) -> None:
    """Say what was explained of every picture, and the notes that were not told before."""
    numbered = False
    for row in _rows(results):
        words = (
            row["explained"] if isinstance(row["explained"], str) else ", ".join(row["explained"])
        )
        numbered |= _NUMBERED.search(words) is not None
        say(f"{row['picture']}  {row['label']}: {words}")
    notes = dict.fromkeys(note for result in results for note in result.notes)
    for note in notes:
        if note not in told:
            say(f"note: {note}")
    if numbered:
        say("hint: classes are numbers here; --labels FILE, with a name a line, names them")
