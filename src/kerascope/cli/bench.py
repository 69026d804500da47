"""`kerascope bench`: how near to its pass-count floor every method runs, beside its peers."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import err, out, progress, say, say_json
from kerascope.cli.given import Given, tell, unfolded
from kerascope.errors import BadFile, KerascopeError

if TYPE_CHECKING:
    from kerascope.bench import Job, Row

_WIDTH = 170  # columns that the table takes at the least; a narrow terminal wraps its lines


@unfolded
def bench(
    *,
    model: options.Model,
    method: Annotated[
        list[str], typer.Option("-m", "--method", help="Method; repeatable; default: all.")
    ] = [],  # noqa: B006 — typer reads it and never changes it
    peers: Annotated[
        list[Path],
        typer.Option(help="File of adapters of other libraries, run beside; repeatable."),
    ] = [],  # noqa: B006
    repeats: Annotated[int, typer.Option(help="Timings of every call.", min=1)] = 5,
    batch_size: Annotated[
        int, typer.Option(help="Rows per pass; 0: the size that is fastest here.", min=0, max=32)
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Markdown file to write the table into."),
    ] = None,
    given: Given,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Time methods against their floor of passes.

    With --peers, beside other libraries; without samples, on noise.
    """
    from kerascope.method import method_class, registry

    names = list(dict.fromkeys(method_class(name).name for name in method)) or list(registry())
    _check_file(output)
    from kerascope.cli.quiet import import_keras

    backend = import_keras(model)
    say(f"backend: {backend}", quiet=as_json)
    from kerascope.bench import Job, load_peers
    from kerascope.bench.machine import machine
    from kerascope.loading import Images, load_model

    adapters = load_peers(peers)
    facts = machine()
    net = load_model(model, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net, needed=False)
    tell(seen, quiet=as_json)
    net, samples = seen.net, _noise(net) if seen.inputs is None else seen.inputs
    job = Job(net, samples, batch_size=batch_size or None)
    kind = "noise" if seen.inputs is None else "data"
    kind = "photographs" if isinstance(samples, Images) else kind
    what = {
        "command": _command(backend), "backend": backend, "model": net.name or Path(model).name,
        "inputs": ", ".join("×".join(map(str, a.shape[1:])) for a in job.x.values())
        + f", {kind}",
        "explained": "the predicted class" if job.target is None else f"class {job.target}",
    }  # fmt: skip
    _Work(job, names, adapters, repeats, facts | what, output, as_json).run()


@dataclasses.dataclass
class _Work:
    """One run of the command: method by method, so that what is measured stays."""

    job: Job
    names: list[str]
    adapters: dict[str, Any]
    repeats: int
    facts: dict[str, Any]
    output: Path | None
    as_json: bool
    started: float = dataclasses.field(default_factory=time.perf_counter)

    def run(self) -> None:
        """Measure everything, then print and write it; also after a Ctrl-C."""
        from kerascope.bench import results  # now: what is measured must not fail on an import
        from kerascope.interrupts import stopping_together

        rows: list[Row] = []
        notes: list[str] = []
        interrupted = False
        with stopping_together() as stop:
            try:
                for found in self._rows(stop, notes):
                    rows += found
            except KeyboardInterrupt:
                interrupted = True
        self._tell(results, rows, notes)
        if interrupted:
            err.print(f"interrupted: {len(rows)} rows were measured", markup=False)
            raise KeyboardInterrupt
        if any(row.failed for row in rows if row.library == "kerascope"):
            raise typer.Exit(1)

    def _rows(self, stop: Any, notes: list[str]) -> Iterator[list[Row]]:
        from kerascope.bench import Row, measure
        from kerascope.bench.peers import one_line, subjects

        def checked() -> None:
            if stop.is_set():
                raise KeyboardInterrupt

        with progress(quiet=self.as_json) as at:
            at("looking for the best batch sizes")
            others, said = subjects(self.job, self.adapters)
            notes += said
            for name in self.names:
                at(name)
                try:
                    mine = self.job.subject(name)
                except KerascopeError as error:  # the method does not fit this model
                    yield [Row("kerascope", name, name, error=one_line(error))]
                    continue
                group = [mine, *(other for other in others if other.method == name)]
                yield measure(self.job, group, repeats=self.repeats, checked=checked)

    def _tell(self, results: Any, rows: list[Row], notes: list[str]) -> None:
        minutes = (time.perf_counter() - self.started) / 60
        facts = self.facts | {"units": self.job.floor.units(), "minutes": round(minutes, 1)}
        if self.output is not None and rows:
            title = f"{facts['backend']}, {facts['model']}"
            results.write(self.output, title, facts, rows, notes)
        if self.as_json:
            data = [dataclasses.asdict(row) for row in rows]
            missed = results.missed(rows)
            say_json({"facts": facts, "rows": data, "missed": missed, "notes": notes})
            return
        for line in (*results.described(facts), *(f"note: {note}" for note in notes)):
            say(line)
        _print(rows)
        for line in results.missed(rows):
            say(f"goal missed: {line}")
        for line in results.left_out(rows):
            say(f"not measured: {line}")


def _print(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    from kerascope.bench.results import HEADINGS, cells

    table = Table(*HEADINGS, box=None, pad_edge=False)
    for row in rows:
        if not row.error:
            table.add_row(*cells(row))
    Console(highlight=False, soft_wrap=True, width=max(out.width, _WIDTH)).print(table)


def _command(backend: str) -> str:
    return shlex.join([f"KERAS_BACKEND={backend}", "kerascope", *sys.argv[1:]])


def _check_file(file: Path | None) -> None:
    """Make sure that the file can be written, before any work is done."""
    if file is None:
        return
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise BadFile(f"cannot write '{file}': {error.strerror or error}") from error


def _noise(net: Any) -> Any:
    """Return one sample of noise between −1 and 1, of the shape that the model declares."""
    import keras
    import numpy as np

    from kerascope.cli.layers import _blank

    generator = np.random.default_rng(0)

    def noise(blank: Any) -> Any:
        if blank.dtype.kind in "iu":
            return blank
        return generator.uniform(-1, 1, blank.shape).astype("float32")

    return keras.tree.map_structure(noise, _blank(net))
