"""`kerascope table`: what the columns of a table do to a score, alone, together and row by row."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import progress, say, say_json
from kerascope.cli.filters import figure_file
from kerascope.cli.names import file_names
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.columns import Table
    from kerascope.report import Gallery
    from kerascope.types import Array


def table(
    model: options.Model,
    rows: Annotated[str, typer.Argument(help="A CSV file with a heading.")],
    target: Annotated[
        str,
        typer.Option("-t", "--target", help="Class index or name; default: the most frequent one."),
    ] = "",
    score: Annotated[str, typer.Option(help="logit or probability.")] = "logit",
    explain: Annotated[
        str, typer.Option("--explain", help="Rows to explain one by one: 3,7 or 0-9.")
    ] = "",
    method: Annotated[
        str, typer.Option("-m", "--method", help="For --explain, with fields: lime:samples=900.")
    ] = "kernel_shap",
    truth: Annotated[
        str,
        typer.Option(
            help="Column with the right answer: no input, but compared with the prediction."
        ),
    ] = "",
    drop: Annotated[list[str], typer.Option(help="Column to leave out; repeatable.")] = [],  # noqa: B006
    columns: Annotated[str, typer.Option(help="Columns to look at: a,b,c; default: all.")] = "",
    categories: options.Categories = [],  # noqa: B006
    background: Annotated[
        str, typer.Option(help="A CSV file of training data to compare rows with.")
    ] = "",
    limit: Annotated[int, typer.Option(help="Rows of the file to take; 0: all.", min=0)] = 0,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Show effects of columns, interactions, rules, single rows.

    Writes one report.html.
    """
    from kerascope.cli.words import parse_method

    value = parse_method(method)
    from kerascope.loading.rows import check_rows, parse_categories, parse_rows

    picked = parse_rows(explain, "--explain")
    sorts = parse_categories(categories)
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    import_keras(model)
    from kerascope.loading import load_model
    from kerascope.loading.tables import load_table, read_table

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    left = [*drop, truth] if truth else list(drop)
    found = load_table(
        rows, net, drop=left, categories=sorts or None, background=background or None,
        limit=limit or None,
    )  # fmt: skip
    answers = read_table(rows)[truth][: len(found)] if truth else None
    check_rows(picked, len(found), "--explain")
    named = [name.strip() for name in columns.split(",") if name.strip()] or None
    asked = {"target": int(target) if target.isdigit() else target or None, "seed": seed}
    work = _Work(net, found, output, named, asked, score, answers)
    with progress(quiet=as_json) as at:
        for step in (work.effects, work.interactions, work.tree, work.importance):
            at(step.__name__)
            step()
        if picked:
            at("rows")
            work.single(picked, value)
    work.finish(Path(rows).name, as_json=as_json)


@dataclasses.dataclass
class _Work:
    """One run of the command: what was found so far, in sections of the page and in words."""

    net: Any
    table: Table
    output: Path
    columns: list[str] | None
    asked: dict[str, Any]
    score: str
    truth: Array | None
    sections: list[Gallery] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    told: dict[str, Any] = dataclasses.field(default_factory=dict)
    lines: list[str] = dataclasses.field(default_factory=list)

    def _figure(self, name: str, figure: Any, alt: str, caption: str = "") -> Any:
        self.files.append(f"{name}.png")
        return figure_file(self.output / f"{name}.png", figure, alt, caption)

    def _keep(self, name: str, result: Any) -> None:
        result.save(self.output / f"{name}.safetensors")
        self.files.append(f"{name}.safetensors")

    def _section(self, title: str, figures: list[Any], notes: Any, table: Any = None) -> None:
        from kerascope.report import Gallery

        self.sections.append(
            Gallery(title=title, figures=tuple(figures), paragraphs=tuple(notes), table=table)
        )

    def effects(self) -> None:
        """Accumulated local effects, partial dependence and the rows' own curves."""
        from kerascope.report import Table
        from kerascope.tabular.dependence import partial_dependence
        from kerascope.tabular.effects import ale

        options_ = {**self.asked, "score": self.score}
        local = ale(self.net, self.table, self.columns, **options_)
        curves = partial_dependence(self.net, self.table, self.columns, **options_)
        self._keep("effects", local)
        self._keep("dependence", curves)
        size = dict(zip(local.names, local.importance(), strict=True))
        ranked = sorted(size, key=lambda name: -size[name])
        words = f"largest effects on the {local.explained}: {', '.join(ranked[:5])}"
        figures = [
            self._figure("effects", local.plot(), words, "Accumulated local effects"),
            self._figure("dependence", curves.plot(), words, "Partial dependence, rows in grey"),
        ]
        spread = dict(zip(curves.names, curves.heterogeneity(), strict=True))
        reach = dict(zip(curves.names, curves.importance(), strict=True))
        rows = tuple((n, float(size[n]), float(reach[n]), float(spread[n])) for n in ranked)
        head = ("column", "local effect", "partial dependence", "rows differ by")
        caption = "Standard deviations, in units of the score."
        self._section("Effects", figures, (words, *local.notes, *curves.notes),
                      Table(columns=head, rows=rows, caption=caption))  # fmt: skip
        self._tell("effects", [dict(zip(head, row, strict=True)) for row in rows], [words])

    def interactions(self) -> None:
        """The H-statistic; nothing where fewer than two columns vary."""
        from kerascope.report import Table
        from kerascope.tabular.interactions import interactions

        try:
            found = interactions(self.net, self.table, self.columns, score=self.score, **self.asked)
        except BadInput as error:
            self._section("Interactions", [], (str(error),))
            return
        self._keep("interactions", found)
        rows = tuple((f"{a} × {b}", h, size) for a, b, h, size in found.strongest())
        words = f"strongest interaction: {rows[0][0]}, {rows[0][2]:.3g} (H {rows[0][1]:.2f})"
        figure = self._figure("interactions", found.plot(), words)
        head = ("columns", "H", "size, in units of the score")
        self._section("Interactions", [figure], (words, *found.notes),
                      Table(columns=head, rows=rows))  # fmt: skip
        self._tell("interactions", [dict(zip(head, row, strict=True)) for row in rows], [words])

    def tree(self) -> None:
        """The surrogate tree; nothing where the table is too short."""
        from kerascope.report import Table
        from kerascope.tabular.surrogate import surrogate

        try:
            found = surrogate(self.net, self.table, self.columns, score=self.score, **self.asked)
        except BadInput as error:
            self._section("Surrogate tree", [], (str(error),))
            return
        self._keep("tree", found)
        figure = self._figure("tree", found.plot(), str(found).replace("\n", "; "))
        rows = tuple((f"depth {i + 1}", float(f)) for i, f in enumerate(found.fidelity))
        self._section(
            "Surrogate tree", [figure], (found.sentence(), *found.rules(), *found.notes),
            Table(columns=("tree", f"{found.measure}, held-out rows"), rows=rows),
        )  # fmt: skip
        told = {"sentence": found.sentence(), "rules": found.rules(), "fidelity": dict(rows)}
        self._tell("tree", told, [found.sentence(), *found.rules()])

    def importance(self) -> None:
        """Permutation importance; nothing for a single row."""
        from kerascope.report import Table
        from kerascope.tabular.permutation import permutation_importance

        try:
            found = permutation_importance(
                self.net, self.table, self.truth, self.columns, score=self.score, **self.asked
            )
        except BadInput as error:
            if self.truth is not None:
                raise
            self._section("Permutation importance", [], (str(error),))
            return
        self._keep("importance", found)
        first = found.names[found.order()[0]]
        words = f"most important when shuffled: {first}"
        figure = self._figure("importance", found.plot(), words)
        head = ("column", f"rise of the {found.loss}", "from", "to")
        low, high = found.intervals.T.tolist()
        rows = tuple(
            (found.names[i], float(found.values[i]), low[i], high[i]) for i in found.order()
        )
        self._section("Permutation importance", [figure], (words, *found.notes),
                      Table(columns=head, rows=rows))  # fmt: skip
        self._tell("importance", [dict(zip(head, row, strict=True)) for row in rows], [words])

    def single(self, rows: list[int], method: Any) -> None:
        """Single rows: a waterfall each, and all of them as a beeswarm."""
        from kerascope.explain import explain
        from kerascope.plot.tables import beeswarm, summary, table_words, waterfall

        target = self.asked["target"]
        result = explain(
            self.net, self.table.take(rows), method, target=target, score=self.score,
            seed=self.asked["seed"],
        )  # fmt: skip
        self._keep("rows", result)
        values = result.by_column()
        names = [column.name for column in result.columns]
        figures, told = [], []
        for i, stem in enumerate(file_names(result.names)):
            words = f"{result.names[i]}, {result.explained[i]}: {table_words(names, values[i])}"
            figures.append(self._figure(stem, waterfall(result, i), words, words))
            told.append({
                "row": result.names[i], "explained": result.explained[i],
                "values": dict(zip(names, map(float, values[i]), strict=True)),
            })  # fmt: skip
        if len(rows) > 1:
            words = f"{len(rows)} rows: {table_words(names, abs(values).mean(axis=0))}"
            for stem, draw in (("beeswarm", beeswarm), ("summary", summary)):
                figures.insert(0, self._figure(stem, draw(result), words, words))
        self._section(f"Rows, by {result.method.title}", figures, result.notes)
        self._tell("explained", told, [figure.caption for figure in figures[-len(rows) :]])

    def _tell(self, name: str, data: Any, words: list[str]) -> None:
        self.told[name] = data
        self.lines += words

    def finish(self, source: str, *, as_json: bool) -> None:
        """Write the page and the numbers, and say where they are."""
        from kerascope.files import write_whole
        from kerascope.report import write_report

        page = write_report(page_in(self.output), self.sections, title=f"Columns of {source}")
        data = {
            "rows": len(self.table),
            "columns": [c.name for c in self.table.columns],
            **self.told,
        }
        write_whole(self.output / "table.json", json.dumps(data, indent=2).encode())
        files = [*self.files, "table.json", page.name]
        if as_json:
            say_json({**data, "files": files})
            return
        for line in self.lines:
            say(line)
        say(f"{len(files) - 1} files and the report are in {self.output}")
        say(f"report: {page}")
