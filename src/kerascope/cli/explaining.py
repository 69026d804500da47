"""One run of `kerascope explain`: picture by picture, so that what is finished stays."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.cli.console import err, progress, say, say_json
from kerascope.cli.explained import join, joined, print_grades, print_results, summary
from kerascope.cli.names import file_names
from kerascope.cli.output import page_in
from kerascope.errors import KerascopeError

if TYPE_CHECKING:
    from threading import Event

    from kerascope.attribution import Attribution
    from kerascope.cli.explained import Groups
    from kerascope.hooks import HookedModel
    from kerascope.method import AttributionMethod

# Up to so many pictures, one pass each is done before TensorFlow has traced a graph.
_EAGER_IMAGES = 3


@dataclasses.dataclass
class Work:
    """One run of the command: picture by picture, so that what is finished stays."""

    net: Any
    pictures: Any
    methods: list[AttributionMethod]
    output: Path
    target: Any
    score: str
    batch_size: int | None
    memory: str | None
    seed: int
    sweep: bool
    grade: bool
    as_json: bool
    truths: tuple[str | None, ...] = ()
    told: tuple[str, ...] = ()  # notes that were printed before
    aims: list[Any] = dataclasses.field(init=False)  # the target of every picture

    def run(self) -> None:
        """Explain every picture with every method, then write the page; also after a Ctrl-C."""
        from kerascope.interrupts import stopping_together

        names = ["rows"] if self._whole else file_names(self.pictures.names)
        view = self._view()
        self._settle(view)
        self.aims = self._aims(view, len(names))
        collected: list[Groups] = [[] for _ in names]
        files: list[str] = []
        with stopping_together() as stop:
            try:
                for index, name in enumerate(names):
                    self._picture(view, index, name, files, collected[index], stop)
            except KeyboardInterrupt:
                stop.set()
        results = joined(collected)
        if stop.is_set():
            page = self._report(results) if results else None
            what = f"{len(files)} files"
            if page:
                what += f" and a report of {len(results[0])} of {len(self.pictures)} samples"
            err.print(f"interrupted: {what} are in {self.output}", markup=False)
            raise KeyboardInterrupt
        page = self._report(results)
        if not self.as_json:
            print_results(results, told=self.told)
            say(f"{len(files)} files and the report are in {self.output}")
            say(f"report: {page}")
        if self.grade:
            try:
                self._grade(view, names, collected)
            finally:  # what is graded stays, whatever ends the rest
                results = joined(collected)
                self._report(results)
                print_grades(results, quiet=self.as_json)
        if self.as_json:
            say_json(summary(results, [*files, page.name]))

    def _report(self, results: list[Attribution]) -> Path:
        """Write the page, with the right classes where folders name them; return its path."""
        from kerascope.report import Explanations, write_report

        truths = self.truths[: len(results[0])]
        content = [Explanations(results=tuple(results), truths=truths)] if truths else results
        return write_report(page_in(self.output), content)

    @property
    def _whole(self) -> bool:
        """Whether all samples are explained in one go: rows of a table."""
        from kerascope.columns import Table

        return isinstance(self.pictures, Table)

    def _grade(self, view: HookedModel, names: list[str], collected: list[Groups]) -> None:
        """Grade what was collected, method by method over all pictures; write the files again."""
        from kerascope.grade import grade

        with progress(quiet=self.as_json) as at:
            for k, stem in enumerate(self._stems()):
                at(f"grades of {stem}")
                for layer in range(len(collected[0][k])):
                    whole = join([groups[k][layer] for groups in collected])
                    try:
                        found = grade(
                            view, whole, target=self.target, seed=self.seed,
                            batch_size=self.batch_size, memory=self.memory,
                        )  # fmt: skip
                    except KerascopeError as error:
                        found = dataclasses.replace(
                            whole, notes=(*whole.notes, f"not graded: {error}")
                        )
                    more = found.notes[len(whole.notes) :]
                    start = 0
                    for groups in collected:
                        own = groups[k][layer]
                        mine = found[start : start + len(own)].grade
                        start += len(own)
                        groups[k][layer] = dataclasses.replace(
                            own, grade=mine, notes=(*own.notes, *more)
                        )
                for name, groups in zip(names, collected, strict=True):
                    self._write(f"{name}-{stem}", groups[k])

    def _stems(self) -> list[str]:
        """Return a name for the files of every method; equal methods are numbered."""
        from kerascope.method import told_apart

        return [
            name.replace(" #", "-") for name in told_apart([method.name for method in self.methods])
        ]

    def _write(self, stem: str, found: list[Attribution]) -> list[str]:
        """Write picture and data of one picture and method; return the names of the files."""
        from kerascope.plot import save_png

        save_png(found if len(found) > 1 else found[0], self.output / f"{stem}.png")
        files = [f"{stem}.png"]
        for k, result in enumerate(found):
            file = f"{stem}.safetensors" if len(found) == 1 else f"{stem}-{k}.safetensors"
            result.save(self.output / file)
            files.append(file)
        return files

    def _view(self) -> Any:
        """Return the model as explain takes it; few single passes run eagerly on TensorFlow."""
        import keras

        from kerascope.hooks import HookedModel

        if not isinstance(self.net, keras.Model):
            return self.net
        few = len(self.pictures) <= _EAGER_IMAGES and all(m.one_pass for m in self.methods)
        eager = few and keras.backend.backend() == "tensorflow" and not self.sweep
        view = HookedModel(
            self.net, score=self.score, batch_size=self.batch_size, compiled=not eager
        )
        view.reading = getattr(self.pictures, "reading", view.reading)
        return view

    def _settle(self, view: Any) -> None:
        """Fix how many labels are explained: as many for every picture, so that they join."""
        import keras

        if self.target != "predicted" or len(self.pictures) < 2:
            return
        from kerascope.defaults import on_tokens
        from kerascope.targets import settled

        if not isinstance(self.net, keras.Model):
            return
        x = view.read(self.pictures)
        self.target = settled(self.target, on_tokens(view.spec(), view, x), len(self.pictures))

    def _picture(
        self,
        view: HookedModel,
        index: int,
        name: str,
        files: list[str],
        groups: Groups,
        stop: Event,
    ) -> None:
        """Explain one picture with every method and write it; add to `files` and `groups`."""
        picture = self.pictures if self._whole else self.pictures[index : index + 1]
        with progress(quiet=self.as_json) as at:
            for method, stem in zip(self.methods, self._stems(), strict=True):
                at(f"{name}, {stem}")
                found = [
                    self._explain(view, picture, m, self.aims[index])
                    for m in self._layers(view, picture, method)
                ]
                files += self._write(f"{name}-{stem}", found)
                groups.append(found)
                if stop.is_set():
                    raise KeyboardInterrupt

    def _layers(
        self, view: Any, picture: Any, method: AttributionMethod
    ) -> list[AttributionMethod]:
        """Return the method, or in a sweep the method at the last layer of every resolution."""
        if not self.sweep:
            return [method]
        from kerascope.hooks.places import block_sites

        sites = block_sites(view, view.read(picture))
        return [dataclasses.replace(method, layer=str(site)) for site in sites]  # type: ignore[call-arg]

    def _aims(self, view: Any, count: int) -> list[Any]:
        """Return the target of every picture: one of several references, where each has its own."""
        from kerascope.targets.similar import Similarity

        if not isinstance(self.target, Similarity) or self._whole:
            return [self.target] * count
        view.read(self.pictures[:1])
        return self.target.of_samples(count, view.spec())

    def _explain(
        self, view: Any, picture: Any, method: AttributionMethod, target: Any
    ) -> Attribution:
        from kerascope.explain import explain as front
        from kerascope.several import are_players

        return front(
            view,
            picture,
            method,
            target=target,
            score=self.score,
            batch_size=self.batch_size,
            memory=self.memory,
            seed=self.seed,
            shares=are_players(picture),
        )
