"""`kerascope studio`: look at models and what they are given in the browser, live."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascope.cli import options
from kerascope.cli.console import err, say
from kerascope.cli.given import ReadOptions, unfolded
from kerascope.errors import BadFile, BadInput, BadModel, MissingDependency

if TYPE_CHECKING:
    from kerascope.studio.shelf import Lot

_WARNING = (
    "--public: the studio listens on every network this computer is in. Whoever has the address "
    "with its token sees your pictures and models and can run jobs; the connection is not "
    "encrypted. Without --public only this computer can reach it."
)


@unfolded
def studio(
    *,
    model: Annotated[str, typer.Argument(help=options.MODEL_HELP)] = "",
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A folder of pictures, or one picture; .txt: one text a line; .csv: rows of named "
            "columns, or texts, or a series; .npy: volumes and other arrays. Of several inputs "
            "NAME=FILE each."
        ),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    also: Annotated[
        list[str], typer.Option("--also", help="A further model to compare with; repeatable.")
    ] = [],  # noqa: B006
    port: Annotated[
        int, typer.Option(help="Port; 0: the usual one, or any that is free.", min=0, max=65535)
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the address in the browser.")
    ] = True,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    boxes: options.Boxes = "",
    read: ReadOptions,
    public: Annotated[
        bool,
        typer.Option("--public", help="Listen on all networks, not on this computer alone."),
    ] = False,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Open the studio, a local page with live models.

    Ctrl-C ends it.
    """
    _check_installed()
    from kerascope.loading.labels import read_labels
    from kerascope.loading.preprocessing import AUTO, named
    from kerascope.studio.nets import Opening
    from kerascope.studio.server import Server, Settings
    from kerascope.targets.boxes import BoxFormat

    if model and not sources and Path(model).is_dir() and not also:
        model, sources = "", [model]
    how = read.how()
    if labels:  # before a page is opened that a worker refuses to fill
        read_labels(labels)
    if preprocess != AUTO:
        named(preprocess)
    boxes = str(BoxFormat.parse(boxes)) if boxes else ""
    openings = tuple(
        Opening(
            name=_name(source), source=_source(source), preprocess=preprocess,
            labels=str(Path(labels).resolve()) if labels else None, custom=tuple(custom),
            unsafe=unsafe, how=how, boxes=boxes,
        )
        for source in dict.fromkeys(filter(None, [model, *also]))
    )  # fmt: skip
    place, lots = _given(sources)
    if public:
        err.print(f"WARNING {_WARNING}", style="bold red", markup=False)
    names = [opening.name for opening in openings] + [Path(source).name for source in sources]
    title = " · ".join([*names, "Kerascope studio"])
    settings = Settings(models=openings, folder=place, lots=lots, boxes=boxes, title=title)
    server = Server(settings, port=port, public=public)
    if as_json:
        _say_line(server.address, server.token, server.url)
    else:
        say(f"studio: {server.url}")
        say(f"from other computers: {server.public_url}", quiet=not public)
        say("Ctrl-C ends it")
    if browser:
        threading.Thread(target=_show, args=(server.url,), daemon=True).start()
    server.run()
    say("the studio is closed", quiet=as_json)


def _check_installed() -> None:
    """Raise `MissingDependency` where the server is not installed, and choose no backend twice."""
    from importlib.util import find_spec

    missing = [n for n in ("starlette", "uvicorn", "python_multipart") if find_spec(n) is None]
    if missing:
        raise MissingDependency(
            f"the studio needs {missing[0]}; install it: pip install 'kerascope[studio]'"
        )
    from kerascope.backend import choose

    choose()


def _source(text: str) -> str:
    """Return a model's file as an absolute path, or the words that name a published one."""
    kind, colon, _ = text.partition(":")
    if colon and kind in ("keras", "hub") and not Path(text).exists():
        return text
    path = Path(text)
    if not path.exists():
        raise BadModel(f"model file '{text}' does not exist")
    return str(path.resolve())


def _name(text: str) -> str:
    return text if not Path(text).exists() else Path(text).name


def _given(sources: list[str]) -> tuple[Path | None, tuple[Lot, ...]]:
    """Return a folder of pictures, or one picture, and what a model must read."""
    from kerascope.studio.lots import lot_of
    from kerascope.studio.shelf import is_data

    pairs = [source for source in sources if "=" in source and not Path(source).exists()]
    for source in sources:
        if not Path(source.rpartition("=")[2] if source in pairs else source).exists():
            raise BadFile(f"'{source}' does not exist; give a folder of pictures, or a file")
    if pairs:
        if len(pairs) < len(sources):
            other = next(source for source in sources if source not in pairs)
            raise BadInput(f"'{other}' has no name: give every input as NAME=FILE")
        return None, (lot_of(pairs),)
    data = [source for source in sources if is_data(source)]
    folders = [source for source in sources if source not in data]
    if len(folders) > 1:
        raise BadInput(f"give one folder of pictures, not also '{folders[1]}'")
    place = Path(folders[0]).resolve() if folders else None
    return place, tuple(lot_of([source]) for source in data)


def _say_line(address: str, token: str, url: str) -> None:
    """Print one line of JSON at once: a script that reads it waits for it."""
    import json

    sys.stdout.write(json.dumps({"address": address, "token": token, "url": url}) + "\n")
    sys.stdout.flush()


def _show(url: str) -> None:
    """Open the address in the browser; without one, the terminal shows it."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
