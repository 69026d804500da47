"""Samples as a model takes them, in its process: pictures file by file, lots as a whole."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kerascope.errors import BadImage, BadInput
from kerascope.loading.given import How, apart, samples_of
from kerascope.wording import one_line

Message = dict[str, Any]
_READ = 64  # pictures kept as the model takes them
_LOTS = 8  # lots kept
_BATCH = 16  # samples predicted in one go
KINDS = {
    "Images": "image", "Texts": "text", "Table": "row", "Series": "series", "Volumes": "volume",
    "Several": "several",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class _Lot:
    """What is in a lot, the right class of each sample where one is known, and who is asked."""

    view: Any
    whole: Any
    truths: tuple[str, ...]


class Samples:
    """What a model is given. view: the model as pictures are given to it."""

    def __init__(self, model: Any, view: Any, opening: Message) -> None:
        self.model, self.view = model, view
        self.preprocess = opening["preprocess"]
        self.how = How.from_json(opening.get("how", {}))
        self._pictures: collections.OrderedDict[str, Any] = collections.OrderedDict()
        self._lots: collections.OrderedDict[str, _Lot] = collections.OrderedDict()

    def of(self, samples: Sequence[Message]) -> tuple[Any, Any]:
        """Return the model and samples of one kind as `explain` takes them, under their names."""
        marks = {sample["lot"]["mark"] if "lot" in sample else "" for sample in samples}
        if len(marks) > 1:
            raise BadInput("samples of several files are explained file by file")
        if marks == {""}:
            return self.view, self._images(samples)
        lot = self._lot(samples[0]["lot"])
        return lot.view, _taken(lot.whole, [sample["place"] for sample in samples])

    def listed(self, told: Message) -> Message:
        """Return what is in a lot: {"kind", "samples": [{"name", "truth"}], "notes"}."""
        found, most = self._lot(told), told["most"]
        names = list(found.whole.names)[:most]
        notes = list(found.whole.notes)
        if len(found.whole) > most:
            notes.append(f"the first {most:,} of {len(found.whole):,} samples are listed")
        kind = KINDS[type(found.whole).__name__]
        truths = [*found.truths, *[None] * len(names)]
        rows = [{"name": one_line(name), "truth": truths[i]} for i, name in enumerate(names)]
        return {"kind": kind, "samples": rows, "notes": [one_line(note) for note in notes]}

    def parts(self, samples: Sequence[Message]) -> list[list[Message]]:
        """Return samples in parts that can be predicted in one go: of one file, of one size."""
        found: list[list[Message]] = []
        last = None
        for sample in samples:
            mark = sample["lot"]["mark"] if "lot" in sample else ""
            if mark != last or len(found[-1]) >= (_BATCH if mark or self._alike() else 1):
                found.append([])
            found[-1].append(sample)
            last = mark
        return found

    def read(
        self, samples: Sequence[Message], notes: list[str]
    ) -> Iterator[tuple[Sequence[Message], Any, Any]]:
        """Yield samples, the model and what it is given; what cannot be read leaves a note."""
        try:
            view, found = self.of(samples)
        except (BadImage, OSError) as error:
            if len(samples) == 1:
                notes.append(f"'{samples[0]['name']}' is left out: {error}")
                return
            for sample in samples:
                yield from self.read([sample], notes)
        else:
            yield samples, view, found

    def _alike(self) -> bool:
        """Tell whether pictures of any size become samples of one size."""
        from kerascope.loading.volumes import takes_volumes
        from kerascope.loading.wants import wanted_picture

        return takes_volumes(self.model) or wanted_picture(self.model).size is not None

    def _images(self, samples: Sequence[Message]) -> Any:
        """Return pictures, or films, under the names that people gave them."""
        mark = samples[0]["mark"] if len(samples) == 1 else ""
        if mark in self._pictures:
            self._pictures.move_to_end(mark)
            return self._pictures[mark]
        files = [str(Path(sample["path"])) for sample in samples]
        found = samples_of(
            self.model, files, dataclasses.replace(self.how, columns=How().columns),
            preprocess=self.preprocess,
        )  # fmt: skip
        found = dataclasses.replace(found, names=tuple(sample["name"] for sample in samples))
        if mark:
            self._pictures[mark] = found
            if len(self._pictures) > _READ:
                self._pictures.popitem(last=False)
        return found

    def _lot(self, told: Message) -> _Lot:
        """Return a lot, read once: what is explained of it hangs on all that is in it."""
        from kerascope.hooks import HookedModel

        mark = told["mark"]
        if mark not in self._lots:
            whole, truths = apart(
                samples_of(self.model, told["sources"], self.how, most=told["most"],
                           preprocess=self.preprocess)
            )  # fmt: skip
            whole = dataclasses.replace(whole, names=_named(whole.names, told))
            view = HookedModel(getattr(whole, "model", None) or self.model)
            view.reading = getattr(whole, "reading", view.reading)
            self._lots[mark] = _Lot(view, whole, truths)
            while len(self._lots) > _LOTS:
                self._lots.popitem(last=False)
        self._lots.move_to_end(mark)
        return self._lots[mark]


def _named(names: Sequence[str], told: Message) -> tuple[str, ...]:
    """Return names in which an upload is called as people call it."""
    own, shown = Path(told["sources"][0]).stem, Path(told["name"]).stem
    return tuple(shown + name.removeprefix(own) if name.startswith(own) else name for name in names)


def _taken(whole: Any, places: Sequence[int]) -> Any:
    """Return some of the samples of a lot; raise `BadInput` where they are not there."""
    if max(places) >= len(whole):
        raise BadInput(
            f"sample {max(places)} is not there: as this model reads the file, it holds "
            f"{len(whole)}"
        )
    if hasattr(whole, "take"):
        return whole.take(places)
    if list(places) != list(range(places[0], places[0] + len(places))):
        raise BadInput("samples of a file are explained one by one, or in their order")
    return whole[places[0] : places[0] + len(places)]
