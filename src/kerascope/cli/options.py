"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

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
Boxes = Annotated[
    str, typer.Option(help="How a detector writes boxes: xyxy, rel_yxyx, xywh+object+classes, …")
]
Background = Annotated[str, typer.Option(help="A .csv of training data to compare rows with.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
