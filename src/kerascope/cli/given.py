"""What commands are given to read: the files and options they share, and the samples of them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from kerascope.cli import options
from kerascope.cli.console import say

if TYPE_CHECKING:
    from kerascope.loading.given import How

_KEYWORD = inspect.Parameter.KEYWORD_ONLY


class Samples(NamedTuple):
    """Samples, what takes them, and the right class of each where a column says it.

    net: the model; of a model of strings the layers that take the ids. notes: what was decided on
    the way.
    """

    net: Any
    inputs: Any
    truths: tuple[str, ...]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Options that say how files become samples; every field is one."""

    vocabulary: Annotated[
        str, typer.Option(help="File with the words of a model of token ids, one a line or .json.")
    ] = ""
    length: Annotated[
        int, typer.Option(help="Tokens, or steps of a series, where the model leaves it open.")
    ] = 0
    forecast: Annotated[
        list[str], typer.Option(help="Channel of a series that the model forecasts; repeatable.")
    ] = dataclasses.field(default_factory=list)
    channels: Annotated[
        str, typer.Option(help="Columns of a series to take, in the model's order: a,b,c.")
    ] = ""
    windows: Annotated[
        int,
        typer.Option(
            help="Windows of each series, evenly spaced, the last at its end; 0: that one alone."
        ),
    ] = 0
    video: Annotated[
        bool, typer.Option("--video", help="The first axis of a volume is time: a film.")
    ] = False
    rows: Annotated[
        str, typer.Option(help="Rows of a .csv: 3,7 or 0-9; default: the first ones.")
    ] = ""
    truth: Annotated[str, typer.Option(help="Column with the right answer, which is no input.")] = (
        ""
    )
    column: Annotated[str, typer.Option(help="Column of a .csv that holds texts.")] = ""
    drop: Annotated[list[str], typer.Option(help="Column to leave out; repeatable.")] = (
        dataclasses.field(default_factory=list)
    )
    categories: options.Categories = dataclasses.field(default_factory=list)
    background: options.Background = ""

    def how(self) -> How:
        """Return what these options say."""
        from kerascope.loading.given import How
        from kerascope.loading.rows import Options

        names = (name.strip() for name in self.channels.split(","))
        return How(
            vocabulary=_whole(self.vocabulary), length=self.length, forecast=tuple(self.forecast),
            windows=self.windows, channels=tuple(filter(None, names)), frames=self.video,
            columns=Options(
                rows=self.rows, truth=self.truth, column=self.column, drop=tuple(self.drop),
                categories=tuple(self.categories), background=_whole(self.background),
            ),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given(ReadOptions):
    """Files and texts, and all options that say how they become samples; every field is one."""

    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, patterns, .npy files; .txt: one text a line; .csv: rows of "
            "named columns, or texts; of a model of series a row for every step in time. Of "
            "several inputs NAME=FILE each."
        ),
    ] = dataclasses.field(default_factory=list)
    text: Annotated[list[str], typer.Option(help="A text as a sample; repeatable.")] = (
        dataclasses.field(default_factory=list)
    )
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto"
    fit: Annotated[str, typer.Option(help="squeeze the whole picture, or crop its centre.")] = (
        "squeeze"
    )
    size: Annotated[
        int, typer.Option(help="Picture size where the model leaves it open.", min=0)
    ] = 0

    def samples(self, net: Any, *, needed: bool = True) -> Samples:
        """Return the samples as a model takes them; None for them where none are given nor needed.

        Raises:
            BadInput: what is given does not fit the model, or each other.
            BadFile: a file cannot be read.
        """
        from kerascope.facts import facts_of
        from kerascope.loading.given import How, apart, samples_of

        if not (needed or self.images or self.text or self.how() != How()):
            return Samples(net, None, (), ())
        found = samples_of(net, self.images, self.how(), text=self.text, **self._pictures())
        inputs, truths = apart(found)
        net = getattr(inputs, "model", None) or net
        return Samples(net, inputs, truths, (*facts_of(net).notes, *getattr(inputs, "notes", ())))

    def target(self, words: str | None, net: Any) -> Any:
        """Return the target that words name, with its file read where they name one."""
        from kerascope.cli.sources import target_of

        return target_of(words, net, **self._pictures())

    def _pictures(self) -> dict[str, Any]:
        return {"size": self.size or None, "preprocess": self.preprocess, "fit": self.fit}


def tell(*samples: Samples, quiet: bool) -> None:
    """Print what was decided on the way, each note once."""
    for note in dict.fromkeys(note for one in samples for note in one.notes):
        say(f"note: {note}", quiet=quiet)


def unfolded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every field of its dataclass parameters as an option in their place."""
    own = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation
        for name, one in own.parameters.items()
        if dataclasses.is_dataclass(one.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, one in own.parameters.items():
        parameters += _fields(groups[name]) if name in groups else [one.replace(kind=_KEYWORD)]

    @functools.wraps(command)
    def called(**values: Any) -> Any:
        for name, group in groups.items():
            held = {one.name: values.pop(one.name) for one in dataclasses.fields(group)}
            values[name] = group(**held)
        return command(**values)

    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _fields(group: Any) -> list[inspect.Parameter]:
    """Return the fields of a dataclass as parameters of a function."""
    hints = get_type_hints(group, include_extras=True)
    found = []
    for one in dataclasses.fields(group):
        made = one.default_factory
        default = one.default if made is dataclasses.MISSING else made()
        found.append(
            inspect.Parameter(one.name, _KEYWORD, default=default, annotation=hints[one.name])
        )
    return found


def _whole(path: str) -> str:
    """Return the whole path of a file that is there; other words as they are."""
    return str(Path(path).resolve()) if path and Path(path).exists() else path
