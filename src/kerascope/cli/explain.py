"""`kerascope explain`: pictures, numbers and a page that say why."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import err, progress, say, say_json
from kerascope.cli.explained import join, joined, print_grades, print_results, summary
from kerascope.cli.names import file_names
from kerascope.errors import BadFile, BadMethod, KerascopeError

if TYPE_CHECKING:
    from threading import Event

    from kerascope.attribution import Attribution
    from kerascope.cli.explained import Groups
    from kerascope.hooks import HookedModel
    from kerascope.method import AttributionMethod

SWEEP = "all-blocks"
# Up to so many pictures, one pass each is done before TensorFlow has traced a graph.
_EAGER_IMAGES = 3
_PLAYERS = 6  # inputs up to which what each adds to the score is found: 64 scores of each sample


def explain(
    model: options.Model,
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, patterns, .npy files; .txt: one text a line; .csv: rows of "
            "named columns, or texts; of a model of series a row for every step in time. Of "
            "several inputs NAME=FILE each."
        ),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    method: Annotated[
        list[str],
        typer.Option(
            "-m",
            "--method",
            help="Method, with fields: smooth_grad:samples=50; repeatable. Default: grad_cam; of "
            "text, series, volumes and films integrated_gradients, of columns kernel_shap.",
        ),
    ] = [],  # noqa: B006
    target: Annotated[
        str | None,
        typer.Option(
            "-t",
            "--target",
            help="Class index or name, top-3, rank-2, 'a vs b', value-2, 'value vs 21.5', "
            "expected-rank, horizon (the sum of a forecast), horizon-3, change-3, reconstruction, "
            "'like FILE'; of a named output output:…; detection-2; of a segmentation tank@area, "
            "tank@120,80, tank@mask; default: the predicted class, the largest area or the surest "
            "box. predicted: of several labels, all above ½.",
        ),
    ] = None,
    mask: Annotated[
        str, typer.Option(help="Picture of a mask, white where the target's class is explained.")
    ] = "",
    boxes: Annotated[
        str,
        typer.Option(help="How a detector writes boxes: xyxy, rel_yxyx, xywh+object+classes, …"),
    ] = "",
    score: Annotated[str, typer.Option(help="logit or probability.")] = "logit",
    output: options.Output = Path("kerascope-out"),
    layer: Annotated[
        str,
        typer.Option(help=f"Layer for methods that take one; {SWEEP} sweeps from shallow to deep."),
    ] = "",
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    text: Annotated[list[str], typer.Option(help="A text to explain; repeatable.")] = [],  # noqa: B006
    vocabulary: Annotated[
        str, typer.Option(help="File with the words of a model of token ids, one a line or .json.")
    ] = "",
    length: Annotated[
        int, typer.Option(help="Tokens, or steps of a series, where the model leaves it open.")
    ] = 0,
    forecast: Annotated[
        list[str], typer.Option(help="Channel of a series that the model forecasts; repeatable.")
    ] = [],  # noqa: B006
    channels: Annotated[
        str, typer.Option(help="Columns of a series to take, in the model's order: a,b,c.")
    ] = "",
    windows: Annotated[
        int, typer.Option(help="Windows of each series, evenly spaced; the last ends with it.")
    ] = 0,
    video: Annotated[
        bool, typer.Option("--video", help="The first axis of a volume is time: a film.")
    ] = False,
    rows: Annotated[
        str, typer.Option(help="Rows of a .csv: 3,7 or 0-9; default: the first 100.")
    ] = "",
    truth: Annotated[str, typer.Option(help="Column with the right class; no input.")] = "",
    column: Annotated[str, typer.Option(help="Column of a .csv that holds texts.")] = "",
    drop: Annotated[list[str], typer.Option(help="Column to leave out; repeatable.")] = [],  # noqa: B006
    categories: options.Categories = [],  # noqa: B006
    background: Annotated[
        str, typer.Option(help="A .csv of training data to compare rows with.")
    ] = "",
    preprocess: Annotated[str, typer.Option(help="auto, none, unit, tf, caffe or torch.")] = "auto",
    fit: Annotated[
        str, typer.Option(help="squeeze the whole picture, or crop its centre.")
    ] = "squeeze",
    size: Annotated[int, typer.Option(help="Picture size where the model leaves it open.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Rows per pass; 0: by itself.")] = 0,
    memory: Annotated[
        str, typer.Option(help="Bound on memory: 512MB; default: a quarter of what is free.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    grade: Annotated[
        bool, typer.Option(help="Grade how far each map can be trusted, after it is shown.")
    ] = True,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Explain pictures, texts, rows, series or volumes: PNGs, .safetensors and a report.html."""
    from kerascope.cli.words import parse_method

    chosen = [_with_layer(parse_method(text), layer) for text in method]
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    backend = import_keras()
    say(f"backend: {backend}", quiet=as_json)
    from kerascope.cli.rows import Options, Rows
    from kerascope.cli.sources import masked, samples_of, target_of
    from kerascope.facts import facts_of, remember
    from kerascope.loading import load_model
    from kerascope.targets.boxes import BoxFormat

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    pictures = samples_of(
        net, images, text=text, vocabulary=vocabulary, length=length, size=size or None,
        preprocess=preprocess, fit=fit, columns=Options(
            rows=rows, truth=truth, column=column, drop=tuple(drop), categories=tuple(categories),
            background=background,
        ),
        frames=video,
        series={
            "forecast": forecast, "windows": windows,
            "channels": [name.strip() for name in channels.split(",") if name.strip()],
        },
    )  # fmt: skip
    aim = target_of(target, net, size=size or None, preprocess=preprocess, fit=fit)
    known = pictures.truths if isinstance(pictures, Rows) else ()
    pictures = pictures.samples if isinstance(pictures, Rows) else pictures
    net = getattr(pictures, "model", None) or net  # what takes the ids, of a model of strings
    truths = known or _truths(net, images, pictures)
    if boxes:
        remember(net, boxes=str(BoxFormat.parse(boxes)))
    asked = masked(net, pictures, target, mask) if mask else aim
    if not chosen:
        chosen = [_with_layer(_suited(net, pictures, layer, aim), layer)]
    for note in dict.fromkeys((*facts_of(net).notes, *pictures.notes)):
        say(f"note: {note}", quiet=as_json)
    work = _Work(
        net,
        pictures,
        chosen,
        output,
        asked,
        score,
        batch_size or None,
        memory or None,
        seed,
        layer == SWEEP,
        grade,
        as_json,
        truths,
    )
    work.run()


def _truths(net: Any, sources: list[str], pictures: Any) -> tuple[str | None, ...]:
    """Return the classes that the pictures' folders name; () where the model knows none of them."""
    from kerascope.facts import classes_named, facts_of
    from kerascope.loading import Images
    from kerascope.loading.sources import picture_items

    labels = facts_of(net).labels
    if not labels or not isinstance(pictures, Images):
        return ()
    found = picture_items(sources[0] if len(sources) == 1 else sources)
    names = [Path(item).absolute().parent.name for item in found[0]] if found else []
    truths = tuple(classes_named(names, labels))
    return truths if len(truths) == len(pictures.names) and any(truths) else ()


def _with_layer(method: AttributionMethod, layer: str) -> AttributionMethod:
    if not layer:
        return method
    if not hasattr(method, "layer"):
        raise BadMethod(f"--layer: {method.name} takes no layer")
    return method if layer == SWEEP else dataclasses.replace(method, layer=layer)  # type: ignore[call-arg]


def _suited(net: Any, pictures: Any, layer: str, target: Any) -> AttributionMethod:
    """Return the method where none was asked for; a layer asks for one that takes it."""
    from kerascope.defaults import PICTURES, default_method
    from kerascope.method import make_method

    return make_method(PICTURES, {}) if layer else default_method(net, pictures, {}, target)


def check_folder(folder: Path) -> None:
    """Make the folder and make sure that it can be written, before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".kerascope-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadFile(
            f"cannot write to the folder '{folder}': {error.strerror or error}"
        ) from error


@dataclasses.dataclass
class _Work:
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

    def run(self) -> None:
        """Explain every picture with every method, then write the page; also after a Ctrl-C."""
        from kerascope.run import stopping_together

        names = ["rows"] if self._whole else file_names(self.pictures.names)
        view = self._view()
        self._settle(view)
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
            what = f"{len(files)} files{' and a report of them' if page else ''}"
            err.print(f"interrupted: {what} are in {self.output}", markup=False)
            raise KeyboardInterrupt
        page = self._report(results)
        if not self.as_json:
            print_results(results)
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
        return write_report(options.page_in(self.output), content)

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
                    self._explain(view, picture, m) for m in self._layers(view, picture, method)
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

    def _explain(self, view: Any, picture: Any, method: AttributionMethod) -> Attribution:
        from kerascope.explain import explain as front

        return front(
            view,
            picture,
            method,
            target=self.target,
            score=self.score,
            batch_size=self.batch_size,
            memory=self.memory,
            seed=self.seed,
            shares=1 < len(getattr(picture, "inputs", ())) <= _PLAYERS
            and isinstance(picture.inputs, dict),
        )
