"""A model in its process, and what can be asked of it: here, and in `samples`, Keras is used."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.backend import choose
from kerascope.errors import BadInput
from kerascope.facts import facts_of, remember
from kerascope.labels import all_names
from kerascope.method import make_method
from kerascope.run import Run
from kerascope.several import are_players
from kerascope.studio.aims import aim_of, asked_again
from kerascope.studio.erase import covered
from kerascope.studio.layers import layers_of
from kerascope.studio.pieces import piece_of, predicted, predictions_of, renamed
from kerascope.studio.samples import Samples
from kerascope.wording import one_line

Message = dict[str, Any]
Answer = tuple[Message, bytes]  # what stands beside the piece of a document, and the piece
_HELD = 24  # explanations kept to be graded


class Net:
    """One open model: loaded once, asked many times."""

    def __init__(self, opening: Message) -> None:
        choose()
        from kerascope.loading import load_model

        self.id, self.name = opening["id"], opening["name"]
        self.preprocess, self.room = opening["preprocess"], Path(opening["log"]).parent
        self.model = load_model(
            opening["path"] or opening["source"],
            labels=opening["labels"],
            custom=tuple(opening["custom"]),
            unsafe=opening["unsafe"],
        )
        if opening.get("boxes"):
            remember(self.model, boxes=opening["boxes"])
        from kerascope.hooks import HookedModel  # imports Keras: a refused file never gets here

        self.view = HookedModel(self.model)
        self.samples = Samples(self.model, self.view, opening)
        self._held: collections.OrderedDict[tuple[str, str], Any] = collections.OrderedDict()

    def facts(self) -> Message:
        """Return what the studio and its pages want to know of the model, as JSON values."""
        from kerascope.loading.wants import input_shapes

        known = facts_of(self.model)
        layers, notes = layers_of(self.model)
        return {
            "sha256": self.view.identity.sha256,
            "labels": [one_line(name) for name in all_names(known.labels)] or None,
            "preprocessing": known.preprocessing or "",
            "notes": [one_line(note) for note in (*known.notes, *notes)],
            "layers": layers,
            "inputs": list(input_shapes(self.model)),
            "facts": self._facts(),
        }

    def _facts(self) -> list[list[str]]:
        import keras

        count = getattr(self.model, "count_params", None)
        shape = getattr(self.model, "input_shape", None)
        found = {"Backend": f"Keras {keras.__version__} on {keras.backend.backend()}"}
        if callable(count) and getattr(self.model, "built", False):
            found["Parameters"] = f"{count():,}"
        if isinstance(shape, tuple):
            found["Input"] = " × ".join("any" if n is None else str(n) for n in shape[1:])
        return [[name, words] for name, words in found.items()]

    def do(self, job: Message) -> Answer:
        """Do a job; return what stands beside the piece, and the piece as JSON."""
        doing: dict[str, Callable[[Message], Answer]] = {
            "explain": self._explain, "path": self._explain, "grade": self._grade,
            "predict": self._predict, "erase": self._erase, "audit": self._audit,
            "list": self._list,
        }  # fmt: skip
        return doing[job["kind"]](job)

    # --- inputs --------------------------------------------------------------------------------

    def _reader(self) -> Any:
        from kerascope.loading.reader import Reader

        return Reader.of(self.model, preprocess=self.preprocess)

    def _list(self, job: Message) -> Answer:
        """Say what samples are in a lot."""
        return {"listed": self.samples.listed(job["lot"])}, b"{}"

    # --- jobs ----------------------------------------------------------------------------------

    def _explained(self, job: Message) -> Any:
        """Return an explanation, made or held: a grade is asked for of one that was just made."""
        from kerascope.explain import explain

        method = make_method(job["method"], job["fields"]) if "method" in job else None
        marks = [one["mark"] for one in (*job["samples"], *job.get("others", ()))]
        made = json.dumps([method and method.to_json(), job["score"], job["seed"], marks])
        name = (made, json.dumps(job["target"]))
        if name in self._held:
            self._held.move_to_end(name)
            return self._held[name]
        view, inputs = self.samples.of(job["samples"])
        found = explain(
            view, inputs, method, target=aim_of(job, self.samples), score=job["score"],
            seed=job["seed"], shares=are_players(inputs),
        )  # fmt: skip
        own = _class_of(found)  # asked for as "what it predicts", it may be asked for by index
        by_name = json.dumps([found.method.to_json(), job["score"], job["seed"], marks])
        for one in {made, by_name}:
            self._held[one, name[1]] = found
            if own is not None:
                self._held[one, json.dumps(own)] = found
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return found

    def _piece(self, job: Message, result: Any) -> Answer:
        return self._answer(asked_again(piece_of(result, job["samples"]), job["target"]))

    def _answer(self, piece: Message) -> Answer:
        piece = renamed(piece, self.id, self.name)
        told = [{k: v for k, v in row.items() if k != "forecast"} for row in piece["predictions"]]
        beside = {"predictions": told, "methods": piece["methods"]}  # a forecast's blobs stay here
        beside["maps"] = [one["id"] for one in piece["maps"]]
        return beside, json.dumps(piece).encode()

    def _explain(self, job: Message) -> Answer:
        return self._piece(job, self._explained(job))

    def _grade(self, job: Message) -> Answer:
        from kerascope.grade import grade

        view, _ = self.samples.of(job["samples"])
        target = aim_of(job, self.samples)
        found = grade(view, self._explained(job), target=target, seed=job["seed"])
        return self._piece(job, found)

    def _audit(self, job: Message) -> Answer:
        from kerascope.studio.whole import looked_at

        return self._answer(
            looked_at(self.model, job, name=self.id, preprocess=self.preprocess, room=self.room)
        )

    def _predict(self, job: Message) -> Answer:
        samples = job["samples"]
        rows: list[Message] = []
        notes: list[str] = []
        run, done = Run(), 0
        for part in self.samples.parts(samples):
            for some, view, inputs in self.samples.read(part, notes):
                rows += predicted(view, inputs, [one["id"] for one in some], self.id)
            done += len(part)
            run.report("predictions", done, len(samples))
        if not rows:
            raise BadInput("; ".join(notes))
        return self._answer({**_only_predictions(rows), "notes": notes})

    def _erase(self, job: Message) -> Answer:
        """Predict a picture before and after a part of it is covered."""
        from kerascope.hooks import HookedModel
        from kerascope.loading.pictures import read_picture, shown
        from kerascope.targets import resolve_targets

        reader, sample = self._reader(), job["samples"][0]
        picture = reader.framed(read_picture(sample["path"]))
        before = reader.pixels(picture)
        after, share = covered(before, job["mask"], job["how"])
        view = HookedModel(self.model, score=job["score"])
        x = view.read(reader.inputs(np.stack([before, after])))
        outputs, scores = view.predict(x)
        first = {name: array[:1] for name, array in scores.items()}
        targets = resolve_targets(aim_of(job, self.samples), view.spec(), 1).pin(first)
        found = view.scores(x, targets.take([0, 0])).values
        wide, _ = covered(np.asarray(shown(picture, 1024), np.float32), job["mask"], job["how"])
        told = _measured(targets, found, share)
        rows = predictions_of(outputs, [sample["id"]] * 2, self.id, view.spec())
        told |= {"outputs_before": rows[0]["outputs"], "outputs_after": rows[1]["outputs"]}
        told |= {"sample": sample["id"], "model": self.id, "how": job["how"]}
        told["picture"] = _data_uri(wide)
        beside, piece = self._answer(_only_predictions(rows[:1]))
        return {**beside, "erased": told}, piece


def _measured(targets: Any, scores: Any, share: float) -> Message:
    rows = [
        {"target": one_line(target.words(0)), "before": float(scores[0, k]),
         "after": float(scores[1, k]), "drop": float(scores[0, k] - scores[1, k])}
        for k, target in enumerate(targets)
    ]  # fmt: skip
    if not np.isfinite(scores).all():
        raise BadInput("the score of the covered picture is NaN or infinite")
    return {"share": share, **rows[0], "targets": rows}


def _data_uri(pixels: Any) -> str:
    from kerascope.plot.export import data_uri

    return data_uri(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _only_predictions(rows: list[Message]) -> Message:
    from kerascope.report.document import empty

    return {**empty(), "predictions": rows}


def _class_of(result: Any) -> int | None:
    """Return the class that one explanation is of; None for several, and where there is no one."""
    from kerascope.targets.spoken import class_of

    if len(result) != 1 or not isinstance(result.explained[0], str):
        return None
    index, output = class_of(result.explained[0], result.labels)
    return None if output else index
