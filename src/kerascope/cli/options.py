"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kerascope.loading.given import How

MODEL_HELP = "A .keras or .h5 file, keras:NAME (Keras Applications) or hub:PRESET (KerasHub)."
PREPROCESS_HELP = (
    "How pixels become inputs: auto (found out), none (0 to 255), unit (0 to 1), tf (−1 to 1), "
    "caffe (BGR minus a mean) or torch (mean and deviation)."
)
Model = Annotated[str, typer.Argument(help=MODEL_HELP)]
Custom = Annotated[
    list[str],
    typer.Option(
        "--custom", help="module:Class of a custom layer or function in the file; repeatable."
    ),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe", help="Let the model file run code that it carries. Only for files you trust."
    ),
]
Categories = Annotated[
    list[str],
    typer.Option(help="COLUMN=word,word,…: its categories in the model's order; repeatable."),
]
Vocabulary = Annotated[
    str, typer.Option(help="File with the words of a model of token ids, one a line or .json.")
]
Length = Annotated[
    int, typer.Option(help="Tokens, or steps of a series, where the model leaves it open.")
]
Forecast = Annotated[
    list[str], typer.Option(help="Channel of a series that the model forecasts; repeatable.")
]
Channels = Annotated[
    str, typer.Option(help="Columns of a series to take, in the model's order: a,b,c.")
]
Windows = Annotated[
    int,
    typer.Option(
        help="Windows of each series, evenly spaced, the last at its end; 0: that one alone."
    ),
]
Video = Annotated[bool, typer.Option("--video", help="The first axis of a volume is time: a film.")]
ChosenRows = Annotated[
    str, typer.Option(help="Rows of a .csv: 3,7 or 0-9; default: the first ones.")
]
Truth = Annotated[str, typer.Option(help="Column with the right answer, which is no input.")]
TextColumn = Annotated[str, typer.Option(help="Column of a .csv that holds texts.")]
Boxes = Annotated[
    str, typer.Option(help="How a detector writes boxes: xyxy, rel_yxyx, xywh+object+classes, …")
]
Drop = Annotated[list[str], typer.Option(help="Column to leave out; repeatable.")]
Background = Annotated[str, typer.Option(help="A .csv of training data to compare rows with.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def how(
    *, vocabulary: str, length: int, forecast: list[str], channels: str, windows: int, video: bool,
    rows: str, truth: str, column: str, drop: list[str], categories: list[str], background: str,
) -> How:  # fmt: skip
    """Return what these options say of how files become samples."""
    from kerascope.loading.given import How
    from kerascope.loading.rows import Options

    return How(
        vocabulary=_whole(vocabulary), length=length, forecast=tuple(forecast), windows=windows,
        channels=tuple(name.strip() for name in channels.split(",") if name.strip()), frames=video,
        columns=Options(
            rows=rows, truth=truth, column=column, drop=tuple(drop), categories=tuple(categories),
            background=_whole(background),
        ),
    )  # fmt: skip


def _whole(path: str) -> str:
    """Return the whole path of a file that is there; other words as they are."""
    from pathlib import Path

    return str(Path(path).resolve()) if path and Path(path).exists() else path
