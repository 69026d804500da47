"""The work of `collect` in another process: what is sent there, and what is made of it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerascope.audit.compute import Computer
from kerascope.audit.packing import Packed, packed
from kerascope.audit.prepared import Prepared, eyes_of, reader_of
from kerascope.audit.reading import Decoder, Sample
from kerascope.audit.rows import schema_of, table_of
from kerascope.audit.seen import Eyes
from kerascope.audit.source import Handle, Source
from kerascope.errors import BadFile, BadModel
from kerascope.memory import budget


def alone(source: Source, sample: int) -> Source:
    """Return one of the files of a data set; its number stays."""
    one: Any = copy.copy(source)
    one.paths, one.labels = {sample: source.paths[sample]}, {sample: int(source.labels[sample])}  # type: ignore[index]
    one.meta = {name: {sample: values[sample]} for name, values in source.meta.items()}
    if source.objects is not None:
        one.objects = copy.copy(source.objects)
        for name, values in vars(source.objects).items():
            only = None if values is None else {sample: values[sample]}
            object.__setattr__(one.objects, name, only)
    return one


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Recipe:
    """Makes the work of `collect` anew.

    files: whether samples are read from files below `root`, not sent. settings: of the eyes, which
    must be the same there. columns: schema of the rows.
    """

    model: Packed
    methods: Any
    first: Any
    classes: tuple[str, ...] | None
    batch: int
    reading: dict[str, Any]
    looking: dict[str, Any]
    root: Path | None
    settings: dict[str, Any]
    columns: Any

    @classmethod
    def of(cls, ready: Prepared) -> Recipe:
        """Return what makes the same work as a model and data that were looked at here."""
        source, eyes = ready.source, ready.eyes
        return cls(
            model=packed(ready.net), methods=getattr(eyes, "values", None), first=ready.first,
            classes=source.classes, batch=eyes.batch, reading=ready.reading,
            looking=ready.looking, root=source.root if source.paths is not None else None,
            settings=eyes.settings, columns=schema_of(source.meta),
        )  # fmt: skip

    def __call__(self, share: float) -> Elsewhere:
        """Return the work; `share` is what part of its machine this process is to use.

        Raises:
            BadFile: the data is not here. BadModel: what came out of saving is another model.
        """
        if self.root is not None and not self.root.is_dir():
            raise BadFile(
                f"a worker does not see the data folder '{self.root.name}': it must be at the same "
                "path on every machine"
            )
        model = self.model.open()
        looking = dict(self.looking)
        if looking["memory"] is None:
            looking["memory"] = max(1, int(budget(None) * share))
        eyes = eyes_of(
            model, self.methods, self.first, self.classes, batch_size=self.batch, **looking
        )
        if eyes.settings != self.settings:
            differing = [key for key, value in eyes.settings.items() if self.settings[key] != value]
            raise BadModel(
                f"the model is another one once it was saved and loaded ({', '.join(differing)} "
                "differ): its rows would be others; take the local engine"
            )
        return Elsewhere(model, eyes, self)


class Elsewhere:
    """Makes the rows of parts in another process than the one that writes them."""

    def __init__(self, model: Any, eyes: Eyes, recipe: Recipe) -> None:
        self.model, self.eyes, self.recipe = model, eyes, recipe
        self._decoder: Decoder | None = None

    def read(self, handle: Source | Sample) -> Sample:
        """Return a sample as the model takes it."""
        if isinstance(handle, Sample):
            return handle
        return self._reading(handle)(Handle(next(iter(handle.paths))))  # type: ignore[arg-type]

    def compute(self, part: int, samples: Iterator[Sample]) -> Any:
        """Return the rows of a part."""
        computer = Computer(self.eyes, self.recipe.classes, lambda: None)
        return table_of(computer.rows(samples), self.recipe.columns)

    def _reading(self, source: Source) -> Decoder:
        """Return what reads a file; how pictures are read is settled once."""
        if self._decoder is None:
            reading = self.recipe.reading
            reader = reader_of(self.model, source, **reading)
            side = self.recipe.looking["side"]
            self._decoder = Decoder(source, self.model, reader, reading["preprocess"], side)
        return dataclasses.replace(self._decoder, source=source)
