"""Explain fixed probes while a model is trained, and leave a film of where its evidence lies."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerascope.attribution import Attribution
from kerascope.callbacks.account import Account, Clock
from kerascope.callbacks.cost import Pace, spans
from kerascope.callbacks.probes import Probes
from kerascope.callbacks.trackers import pictures_of, trackers
from kerascope.checks import check_score, check_whole
from kerascope.errors import BadFile, BadInput, BadMethod
from kerascope.explain import explain
from kerascope.files import write_whole
from kerascope.hooks.store import store_of
from kerascope.method import AttributionMethod, make_method
from kerascope.report.film import SIDE, Film
from kerascope.report.page import page_of
from kerascope.run import whole_or_not
from kerascope.wording import number, percentage, short

if TYPE_CHECKING:
    import os

_LOG = logging.getLogger("kerascope")
_TRIES = 3  # failures in a row after which a method is left out


class ExplainDuringTraining(keras.callbacks.Callback):
    """Explain the same probes every so many epochs, and leave a training film: one HTML file.

        watch = ks.callbacks.ExplainDuringTraining(pictures, labels=[0, 1, 1], masks=masks)
        model.fit(x, y, epochs=20, callbacks=[watch])

    The model, its optimizer, its metrics and its random numbers are the same with and without. An
    error while explaining never ends the training: it becomes a note, in `notes`, in the log
    "kerascope" and in the film. Ctrl-C ends the training as ever.

    Args:
        probes: what `explain` takes as inputs: arrays, a data frame, what `load_images`,
            `load_texts`, `load_series`, `load_volumes` or `load_table` returns, a dict of them; or
            picture files.
        methods: names, classes or values of methods; a few cheap ones.
        labels: the right class of each probe, by index or name; it is what is explained then.
        masks: (y, x) for each probe, true on the object: the film tells evidence on it from
            evidence beside it.
        classes: names of all classes. names: of the probes.
        layer: where methods that look at a layer do so. target, score: see `explain`.
        every: epochs between explanations. batches: batches between explanations within an epoch.
        budget: largest share of the training's time that explanations may take. One that would take
            longer than what is left waits for the next epoch. None: no limit.
        film: where the film is written, after every explained epoch; None: nowhere.
        tensorboard: a folder for TensorBoard's files (needs tensorboardX).
        wandb: log to the active run: True, False, or None: where the program has imported it.
        mlflow: the same.
        preprocess: of picture files, see `load_images`.
        side: most values along an edge of a map in the film.

    Raises `BadInput` for arguments that can be of no use, before the training starts.
    """

    def __init__(
        self,
        probes: Any,
        methods: str | AttributionMethod | Sequence[Any] = ("grad_cam",),
        *,
        labels: Sequence[int | str | None] | None = None,
        masks: Sequence[Any] | None = None,
        classes: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        layer: str | int | None = None,
        target: Any = None,
        score: str = "logit",
        every: int = 1,
        batches: int | None = None,
        budget: float | None = 0.05,
        film: str | os.PathLike[str] | None = "training-film.html",
        title: str = "Training film",
        tensorboard: str | os.PathLike[str] | None = None,
        wandb: bool | None = None,
        mlflow: bool | None = None,
        preprocess: Any = "auto",
        side: int = SIDE,
        seed: int = 0,
        clock: Clock = time.perf_counter,
    ) -> None:
        super().__init__()
        check_whole(1, every=every, batches=batches, side=side)
        check_score(score)
        if budget is not None and not budget > 0:
            raise BadInput(f"budget={budget} must be above 0, or None for no limit")
        self.probes = Probes(
            source=probes, labels=labels, masks=masks, classes=classes, names=names,
            preprocess=preprocess,
        )  # fmt: skip
        self.methods = _methods(methods, layer)
        self.target = self.probes.target if target is None else target
        self.score, self.every, self.batches, self.seed = score, every, batches, seed
        self.path = None if film is None else _writable(film)
        self.film = Film(title=title, truths=self.probes.truths, masks=self.probes.areas, side=side)
        self.notes: list[str] = []
        self.account = Account(budget, clock=clock)
        # Keras may then end batches in another thread: nothing is done there.
        self.async_safe = batches is None
        self._trackers = trackers(tensorboard=tensorboard, wandb=wandb, mlflow=mlflow)
        self._pace = Pace(clock)
        self._failed = dict.fromkeys(self.methods, 0)
        self._inputs: Any = None
        self._took: float | None = None  # seconds of the last explanation
        self._skipped: list[str] = []
        self._due = False
        self._offset = 0
        self._logged = 0.0  # epochs behind the last numbers that were logged
        self._said: dict[str, list[str]] = {}  # what went wrong, and where

    # --- what Keras calls ----------------------------------------------------------------------

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Read the probes."""
        self.account.start()
        self._pace.start()
        self._offset = 0
        with self._guarded("before training"), self.account.spending():
            if self._inputs is None:
                self._inputs = self.probes.read(self.model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Go on counting where an earlier training ended."""
        if epoch + self._offset < self._logged:
            self._offset = int(np.ceil(self._logged)) - epoch

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Measure how long a step of the training takes."""
        self._pace.step(batch)
        self.account.see()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Explain within an epoch, where that was asked for."""
        if self.batches is None or not self._pace.passed(batch, self.batches):
            return
        epoch = self._offset + self._pace.epoch
        label = f"epoch {epoch + 1}, batch {batch + 1}"
        with self._guarded(label):
            steps = (self.params or {}).get("steps") or self._pace.steps
            if steps and batch + 1 < steps:  # else, the end of the epoch comes next
                self._take(epoch + round((batch + 1) / steps, 4), label)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the epoch's numbers; explain, where the epoch is due and time allows it."""
        self._pace.epoch_over(epoch)
        number_ = self._offset + epoch + 1
        label = f"epoch {number_}"
        with self._guarded(label):
            self._logged = max(self._logged, number_)
            self.film.log(number_, logs or {})
            last = (self.params or {}).get("epochs")
            self._due = self._due or number_ % self.every == 0 or epoch + 1 == last
            if self._due:
                self._due = not self._take(number_, label)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write the film with the last numbers; say what was left out."""
        with self._guarded("the end"), self.account.spending():
            if self.film.frames:
                self._write()
            if words := self._skip_words():
                _LOG.warning(words)
            for tracker in self._trackers:
                with self._guarded("the end"):
                    tracker.finish(self.path if self.film.frames else None)
        self.account.stop()

    # --- the explanation -----------------------------------------------------------------------

    @property
    def document(self) -> dict[str, Any]:
        """The film as a document, see docs/front-end.md."""
        noted = [f"{spans(where)}: {words}" for words, where in self._said.items()]
        return self.film.document(notes=[*noted, *filter(None, [self._skip_words()])])

    def _take(self, epoch: float, label: str) -> bool:
        """Explain the model as it is now, if that is worth its time; tell whether it was."""
        if self._inputs is None or not self._left():
            return True
        if not self.account.allows(self._expected()):
            self._skipped.append(label)
            return False
        began = self.account.spent
        model = self.model  # on JAX, this brings the weights of this moment into the model
        traces = store_of(model).traces
        with self.account.spending():
            results = self._explain(model, label)
        explained = self.account.spent - began
        try:
            with self.account.spending():
                self._show(epoch, label, results)
        finally:
            self._took = self.account.spent - began
        compiled = store_of(model).traces > traces
        if compiled and self.account.share is not None and self.account.allows(explained):
            self._took += self._again(model) - explained
        return True

    def _explain(self, model: Any, label: str) -> list[Attribution]:
        found = []
        for method in self._left():
            try:
                with whole_or_not():  # Ctrl-C is meant for the training
                    found.append(self._explained(model, method))
            except Exception as error:  # the next method may do
                self._failed[method] += 1
                self._note(label, f"{method.title}: {_words(error)}")
                if self._failed[method] == _TRIES:
                    self._note(label, f"{method.title} failed {_TRIES} times in a row: left out")
            else:
                self._failed[method] = 0
        return found

    def _explained(self, model: Any, method: AttributionMethod) -> Attribution:
        result = explain(
            model, self._inputs, method, target=self.target, score=self.score, seed=self.seed
        )
        names = tuple(self.probes.names or result.names)
        return dataclasses.replace(result, names=names)

    def _again(self, model: Any) -> float:
        """Return the seconds of explaining with nothing to compile: the next ones take that."""
        began = self.account.spent
        with self.account.spending():
            self._explain(model, "timing")
        return self.account.spent - began

    def _show(self, epoch: float, label: str, results: list[Attribution]) -> None:
        """Put results into the film and wherever else they go."""
        if not results:
            return
        measured = self.film.add(epoch, results, label=label)
        self._logged = max(self._logged, epoch)
        with self._guarded(label):
            self._write()
        if not self._trackers:
            return
        step = self._pace.count if self.batches else int(epoch)
        pictures = {name: drawn for result in results for name, drawn in pictures_of(result)}
        for tracker in self._trackers:
            with self._guarded(type(tracker).__name__):
                tracker.log(step, measured, pictures)

    def _left(self) -> list[AttributionMethod]:
        return [method for method in self.methods if self._failed[method] < _TRIES]

    def _expected(self) -> float:
        """Return the seconds that an explanation will take: those of the last, or a first guess."""
        if self._took is not None:
            return self._took
        return self._pace.guess(self._left(), self._inputs)

    def _write(self) -> None:
        if self.path is not None:
            write_whole(self.path, page_of(self.document).encode("utf-8", errors="replace"))

    # --- notes ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _guarded(self, where: str) -> Iterator[None]:
        """Turn an error into a note; what is no error, such as Ctrl-C, goes its way."""
        try:
            yield
        except Exception as error:  # the training matters more than its film
            self._note(where, _words(error))

    def _note(self, where: str, words: str) -> None:
        self.notes.append(f"{where}: {words}")
        if words not in self._said:
            _LOG.warning("%s: %s", where, words)
        self._said.setdefault(words, []).append(where)

    def _skip_words(self) -> str:
        """Say which moments were left out, and why; "" where none was."""
        if not self._skipped:
            return ""
        return (
            f"not explained for lack of time: {spans(self._skipped)}; one explanation takes about "
            f"{number(self._expected())} s, and budget={self.account.share} allows "
            f"{percentage(self.account.share or 0)} of {number(self.account.trained)} s of "
            "training; budget=None explains every time, whatever it takes"
        )


def _words(error: Exception) -> str:
    return short(str(error), 300) or type(error).__name__


def _methods(methods: Any, layer: str | int | None) -> tuple[AttributionMethod, ...]:
    """Return method values, the layer set where they have one and none is."""
    given = list(methods) if isinstance(methods, (list, tuple)) else [methods]
    if not given:
        raise BadMethod("no method was given: methods=['grad_cam']")
    found = []
    for item in given:
        method = make_method(item, {})
        if layer is not None and getattr(method, "layer", layer) is None:
            method = make_method(method, {"layer": layer})
        found.append(method)
    return tuple(dict.fromkeys(found))


def _writable(path: str | os.PathLike[str]) -> Path:
    found = Path(path)
    if found.is_dir() or not found.absolute().parent.is_dir():
        raise BadFile(f"cannot write '{found}': its folder is not there, or it is a folder")
    return found
