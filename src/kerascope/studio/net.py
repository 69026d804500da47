"""A model in its process, and what can be asked of it; the only module of the studio with Keras."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.backend import choose
from kerascope.errors import BadImage, BadInput
from kerascope.facts import facts_of
from kerascope.labels import all_names
from kerascope.method import make_method
from kerascope.run import Run
from kerascope.studio.erase import covered
from kerascope.studio.layers import layers_of
from kerascope.studio.pieces import piece_of, predictions_of, renamed
from kerascope.wording import one_line

Message = dict[str, Any]
Answer = tuple[Message, bytes]  # what stands beside the piece of a document, and the piece
_HELD = 24  # explanations kept to be graded
_READ = 64  # pictures kept as the model takes them
_BATCH = 16  # pictures predicted in one go


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
        from kerascope.hooks import HookedModel  # imports Keras: a refused file never gets here

        self.view = HookedModel(self.model)
        self._pictures: collections.OrderedDict[str, Any] = collections.OrderedDict()
        self._held: collections.OrderedDict[tuple[str, str], Any] = collections.OrderedDict()

    def facts(self) -> Message:
        """Return what the studio and its pages want to know of the model, as JSON values."""
        known = facts_of(self.model)
        layers, notes = layers_of(self.model)
        return {
            "sha256": self.view.identity.sha256,
            "labels": [one_line(name) for name in all_names(known.labels)] or None,
            "preprocessing": known.preprocessing or "",
            "notes": [one_line(note) for note in (*known.notes, *notes)],
            "layers": layers,
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
        }  # fmt: skip
        return doing[job["kind"]](job)

    # --- inputs --------------------------------------------------------------------------------

    def _reader(self) -> Any:
        from kerascope.loading.reader import Reader

        return Reader.of(self.model, preprocess=self.preprocess)

    def _images(self, samples: Sequence[Message]) -> Any:
        """Return pictures as the model takes them, under the names that people gave them."""
        from kerascope.loading import load_images

        if len(samples) == 1 and samples[0]["mark"] in self._pictures:
            self._pictures.move_to_end(samples[0]["mark"])
            return self._pictures[samples[0]["mark"]]
        found = load_images(
            [Path(sample["path"]) for sample in samples], self.model, preprocess=self.preprocess
        )
        found = dataclasses.replace(found, names=tuple(sample["name"] for sample in samples))
        if len(samples) == 1:
            self._pictures[samples[0]["mark"]] = found
            if len(self._pictures) > _READ:
                self._pictures.popitem(last=False)
        return found

    # --- jobs ----------------------------------------------------------------------------------

    def _explained(self, job: Message) -> Any:
        """Return an explanation, made or held: a grade is asked for of one that was just made."""
        from kerascope.explain import explain

        method = make_method(job["method"], job["fields"])
        marks = [sample["mark"] for sample in job["samples"]]
        made = json.dumps([method.to_json(), job["score"], job["seed"], marks])
        name = (made, json.dumps(job["target"]))
        if name in self._held:
            self._held.move_to_end(name)
            return self._held[name]
        found = explain(
            self.view, self._images(job["samples"]), method, target=_target(job["target"]),
            score=job["score"], seed=job["seed"],
        )  # fmt: skip
        own = _class_of(found)  # asked for as "what it predicts", it may be asked for by index
        for key in {name} if own is None else {name, (made, json.dumps(own))}:
            self._held[key] = found
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return found

    def _piece(self, job: Message, result: Any) -> Answer:
        return self._answer(piece_of(result, job["samples"]))

    def _answer(self, piece: Message) -> Answer:
        piece = renamed(piece, self.id, self.name)
        beside = {"predictions": piece["predictions"], "methods": piece["methods"]}
        beside["maps"] = [one["id"] for one in piece["maps"]]
        return beside, json.dumps(piece).encode()

    def _explain(self, job: Message) -> Answer:
        return self._piece(job, self._explained(job))

    def _grade(self, job: Message) -> Answer:
        from kerascope.grade import grade

        found = grade(
            self.view, self._explained(job), target=_target(job["target"]), seed=job["seed"]
        )
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
        run = Run()
        batch = 1 if self._reader().wanted.size is None else _BATCH  # sizes differ
        for start in range(0, len(samples), batch):
            for some, images in self._read(samples[start : start + batch], notes):
                outputs, _ = self.view.predict(self.view.read(images))
                spec = self.view.spec()
                rows += predictions_of(outputs, [one["id"] for one in some], self.id, spec)
            run.report("predictions", min(start + batch, len(samples)), len(samples))
        if not rows:
            raise BadInput("; ".join(notes))
        return self._answer({**_only_predictions(rows), "notes": notes})

    def _read(
        self, samples: list[Message], notes: list[str]
    ) -> Iterator[tuple[list[Message], Any]]:
        """Yield samples and their pictures; one that cannot be read is left out, with a note."""
        try:
            images = self._images(samples)
        except (BadImage, OSError) as error:
            if len(samples) == 1:
                notes.append(f"'{samples[0]['name']}' is left out: {error}")
                return
            for sample in samples:
                yield from self._read([sample], notes)
        else:
            yield samples, images

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
        targets = resolve_targets(_target(job["target"]), view.spec(), 1).pin(first)
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
    from kerascope.report.entries import class_of

    if len(result) != 1 or not isinstance(result.explained[0], str):
        return None
    index, output = class_of(result.explained[0], result.labels)
    return None if output else index


def _target(asked: Any) -> Any:
    """Return a target as `explain` takes it; a list is several for every sample."""
    return tuple(asked) if isinstance(asked, list) else asked
