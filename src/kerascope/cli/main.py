"""The `kerascope` command: commands, and what an error looks like."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any

import typer

import kerascope
from kerascope.cli import (
    activations,
    architecture,
    attention,
    audit,
    bench,
    benchmark,
    certify,
    craft,
    demo,
    diff,
    doctor,
    evaluate,
    explain,
    filters,
    layers,
    maximize,
    methods,
    metrics,
    probe,
    replay,
    studio,
    table,
    tcav,
)
from kerascope.errors import KerascopeError

app = typer.Typer(
    name="kerascope",
    help="A microscope for Keras models: why a model predicts what it predicts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("explain")(explain.explain)
app.command("audit")(audit.audit)
app.command("evaluate")(evaluate.evaluate)
app.command("diff")(diff.diff)
app.command("certify")(certify.certify)
app.command("replay")(replay.replay)
app.command("layers")(layers.layers)
app.command("architecture")(architecture.architecture)
app.command("activations")(activations.activations)
app.command("attention")(attention.attention)
app.command("filters")(filters.filters)
app.command("maximize")(maximize.maximize)
app.command("table")(table.table)
app.command("tcav")(tcav.tcav)
app.command("craft")(craft.craft)
app.command("probe")(probe.probe)
app.command("methods")(methods.methods)
app.command("metrics")(metrics.metrics)
app.command("benchmark")(benchmark.benchmark)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.command("studio")(studio.studio)
app.command("demo")(demo.demo)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"kerascope {kerascope.__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version.",
            callback=lambda value: _version(value=value),
            is_eager=True,
        ),
    ] = False,
) -> None:
    """A microscope for Keras models: why a model predicts what it predicts."""


def run() -> None:
    """Run the command line. Exit codes: 0 done, 2 bad input in one line, 130 interrupted."""
    os.environ.setdefault(
        "TF_CPP_MIN_LOG_LEVEL", "3"
    )  # frameworks chat on stderr before they are asked
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # TensorFlow would take all the memory of every GPU; the processes started from here inherit it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    for stream in (sys.stdout, sys.stderr):
        # A console of Windows may have no × or ≥; what it lacks is a question mark, not an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    code = 0
    try:
        result = app(prog_name="kerascope", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except typer.Abort:
        code = 130
    except KerascopeError as error:
        print(f"kerascope: {_one_line(str(error))}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("kerascope: interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        # A usage error: click's class, which typer has vendored since 0.26 and imported before.
        if not hasattr(error, "exit_code") or not hasattr(error, "show"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":  # nothing was asked
            error.show()
        else:
            print(f"kerascope: {_usage(error)}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _usage(error: Any) -> str:
    """Return what is wrong with a command line, in one line with the value and where to read on."""
    words = _one_line(error.format_message()).rstrip(".")
    for option in getattr(getattr(error, "param", None), "opts", ()):
        for place, word in enumerate(sys.argv):
            given = sys.argv[place + 1 : place + 2] if word == option else []
            if word.startswith(f"{option}="):
                given = [word.partition("=")[2]]
            if given and given[0] not in words:
                words = f"{words}; given: '{given[0]}'"
    command = getattr(getattr(error, "ctx", None), "command_path", "kerascope")
    return f"{words} ({command} --help)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
