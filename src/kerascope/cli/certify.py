"""`kerascope certify`: do TensorFlow, JAX and PyTorch explain a model alike? A gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascope.cli import options
from kerascope.cli.console import out, progress, say, say_json
from kerascope.cli.given import Given, unfolded
from kerascope.cli.output import Output, check_folder, page_in

if TYPE_CHECKING:
    from kerascope.certify import Certificate

_COLUMNS = ("method", "backends", "maps differ by", "most at", "own", "scores differ by")


@unfolded
def certify(
    *,
    model: options.Model,
    method: Annotated[
        list[str],
        typer.Option("-m", "--method", help="Method, with fields: rise:masks=500; repeatable."),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    backends: Annotated[
        list[str],
        typer.Option("-b", "--backend", help="tensorflow, jax or torch; repeatable; default: all."),
    ] = [],  # noqa: B006
    target: Annotated[
        str, typer.Option("-t", "--target", help="As in explain; default: the predicted class.")
    ] = "",
    score: Annotated[str, typer.Option(help="logit or probability.")] = "logit",
    limit: Annotated[
        float, typer.Option(help="Exit with 1 where maps or scores differ by more.")
    ] = 1e-4,
    output: Output = Path("kerascope-out"),
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    given: Given,
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> int:
    """Compare explanations under TensorFlow, JAX and PyTorch.

    Without samples, random ones are drawn. Exit code 1 unless they agree within the limit.
    """
    from kerascope.certify import certify as compare
    from kerascope.certify.front import METHODS
    from kerascope.cli.words import parse_method

    chosen = [parse_method(text) for text in method or METHODS]
    check_folder(output)
    with progress(quiet=as_json) as at:
        at("certify")
        found = compare(
            model, given.images or None, chosen, text=given.text, how=given.how(),
            backends=backends or None, target=target or None, score=score, limit=limit, seed=seed,
            preprocess=given.preprocess, fit=given.fit, size=given.size or None,
            labels=labels or None, custom=custom, unsafe=unsafe,
        )  # fmt: skip
    _write(found, output)
    if as_json:
        say_json(found.to_json() | {"files": ["certificate.json", page_in(output).name]})
    else:
        _print(found)
        say(f"report: {page_in(output)}")
    return 0 if found.passed else 1


def _rows(found: Certificate) -> list[tuple[str, ...]]:
    return [
        (
            a.method, " and ".join(a.backends), f"{a.maps:.2g}", a.sample,
            "" if a.own is None else f"{a.own:.2g}", f"{a.scores:.2g}",
        )
        for a in found.agreements
    ]  # fmt: skip


def _verdict(found: Certificate) -> str:
    who = ", ".join(found.versions)
    on = f"on {found.inputs}"
    if found.passed and found.worst <= found.limit:
        return (
            f"{who} explain {found.model} alike: maps and scores differ by at most "
            f"{found.worst:.2g} of their largest value (limit {found.limit:g}), {on}."
        )
    if found.passed:
        return (
            f"{who} explain {found.model} alike: where maps differ by more than {found.limit:g} of "
            f"their largest value, rounding alone moves them as far (see the notes), {on}."
        )
    count = len(found.findings)
    return (
        f"{count} finding{'s' if count > 1 else ''} against {who} explaining {found.model} alike "
        f"(limit {found.limit:g}), {on}."
    )


def _print(found: Certificate) -> None:
    from rich.table import Table

    say(_verdict(found))
    for words in found.findings:
        say(f"finding: {words}")
    table = Table(*_COLUMNS, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in _rows(found):
        table.add_row(*row)
    out.print(table)
    for note in found.notes:
        say(f"note: {note}")


def _write(found: Certificate, folder: Path) -> None:
    """Write the certificate as JSON and as a page."""
    from kerascope.files import write_whole
    from kerascope.report import Gallery, Table, write_report

    text = json.dumps(found.to_json(), indent=2) + "\n"
    write_whole(folder / "certificate.json", text.encode())
    versions = tuple(
        (name, told[name], told["keras"], told["numpy"], told["devices"])
        for name, told in found.versions.items()
    )
    sections = [
        Gallery(
            title="Do the backends explain it alike?",
            paragraphs=(_verdict(found), *found.findings),
            table=Table(
                columns=_COLUMNS, rows=tuple(_rows(found)),
                caption="Maps: largest difference over the largest value of the sample's map. Own: "
                "the same on one backend alone, when inputs move by a millionth of themselves. "
                "Scores: over the largest score.",
            ),
        ),
        Gallery(
            title="What was compared",
            paragraphs=(
                f"Model {found.model}, sha256 {found.model_sha256} of settings and weights.",
                f"Inputs: {found.inputs}.",
                f"Target: {found.target or 'predicted class'}, {found.score}; seed {found.seed}.",
                *found.notes,
            ),
            table=Table(
                columns=("backend", "version", "Keras", "NumPy", "devices"), rows=versions
            ),
        ),
    ]  # fmt: skip
    write_report(page_in(folder), sections, title=f"Certificate of {found.model}")
