"""Pictures of tables and the `table` command: what they hold, and errors in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import kerascope as ks
from kerascope.plot.tables import beeswarm, summary, waterfall
from once import only_on
from tabular.nets import NAMES, linear, mixed, net, people, rows, table

pytestmark = only_on("tensorflow")

Runner = Callable[..., tuple[int, str, str]]


def words(figure: Figure) -> str:
    """All that is written in a figure."""
    figure.draw_without_rendering()
    texts = figure.findobj(lambda part: hasattr(part, "get_text"))
    return " | ".join(text.get_text() for text in texts)


def explained(count: int = 12) -> ks.Attribution:
    return ks.explain(net(2), ks.load_table(table(), net())[:count], target=1)


def test_a_waterfall_leads_from_the_baseline_to_the_row() -> None:
    result = explained()
    figure = waterfall(result, 3)
    said = words(figure)
    values = result.by_column()[3].astype(float)
    start = float(result.scores[3] - values.sum())
    bars = figure.axes[0].patches
    assert bars[0].get_x() + max(0, -bars[0].get_width()) == pytest.approx(start, abs=1e-5)
    last = bars[-1].get_x() + bars[-1].get_width()
    assert last == pytest.approx(float(result.scores[3]), abs=1e-5)
    assert [abs(b.get_width()) for b in bars] == sorted(np.abs(values), reverse=True)
    for name in NAMES:
        assert f"{name} = " in said
    assert "baseline" in said
    assert "score of class 1" in said
    folded = waterfall(result, 3, most=2)
    assert "3 other columns" in words(folded)
    assert len(folded.axes[0].patches) == 2


def test_a_waterfall_shows_what_is_not_accounted_for() -> None:
    result = ks.explain(net(2), table(), "expected_gradients", samples=2, target=1)
    assert np.abs(result.gap).max() > 0.02
    worst = int(np.abs(result.gap).argmax())
    assert "not accounted for" in words(waterfall(result, worst))


def test_beeswarm_and_summary_order_columns_by_size() -> None:
    result = ks.explain(linear([0.2, 3.0, 0.0, -1.0]), pd.DataFrame(rows(), columns=NAMES))
    for draw in (beeswarm, summary):
        figure = draw(result)
        labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
        assert labels == ["income", "weight", "age", "height"]
    dots = beeswarm(result).axes[0].collections
    assert all(len(part.get_offsets()) == 60 for part in dots)
    np.testing.assert_allclose(
        np.sort(dots[0].get_offsets()[:, 0]), np.sort(result.by_column()[:, 1]), atol=1e-6
    )
    with pytest.raises(ks.BadInput, match="take waterfall"):
        beeswarm(result[0])


def test_plot_chooses_by_the_number_of_rows() -> None:
    result = explained()
    assert "rows" in words(result.plot())
    assert "baseline" in words(result[2].plot())
    assert "mean size over 12 rows" in words(result.plot(kind="summary"))
    with pytest.raises(ks.BadInput, match="kind='pie' is not known"):
        result.plot(kind="pie")
    with pytest.raises(ks.BadInput, match="sample 40 is not there"):
        waterfall(result, 40)


def test_curves_have_a_rug_and_categories_their_words() -> None:
    data = ks.load_table(people(), mixed())
    curves = ks.partial_dependence(mixed(), data)
    one = curves.plot("age", most=10)
    lines = one.axes[0].lines
    np.testing.assert_allclose(lines[-2].get_ydata(), curves.partial("age"))
    assert lines[-1].get_marker() == "|"
    assert len(lines) == 10 + 2
    every = curves.plot()
    assert {axes.get_title() for axes in every.axes} == {"age", "income", "sex", "region"}
    centred = curves.plot("age", centred=True).axes[0].lines[-2].get_ydata()
    assert centred[0] == 0
    local = ks.ale(mixed(), data, pairs=[("age", "income")])
    said = words(local.plot())
    assert "together, beyond each alone" in said
    assert len(local.plot("region").axes[0].patches) == 3


def test_interactions_importance_and_tree_say_their_numbers() -> None:
    found = ks.interactions(net(), table(20))
    said = words(found.plot())
    assert f"{found.of('age', 'income')[0]:.2f}" in said
    ranked = ks.permutation_importance(net(), table())
    labels = [tick.get_text() for tick in ranked.plot().axes[0].get_yticklabels()]
    assert labels == [NAMES[i] for i in ranked.order()]
    tree = ks.surrogate(net(), table())
    told = words(tree.plot())
    assert f"{tree.score:.1%}" in told
    assert all(q.split(" ≤ ")[0] in told for q in tree.questions if q)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier and a CSV file with the truth."""
    folder = tmp_path_factory.mktemp("files")
    net(2, activation="softmax").save(folder / "model.keras")
    frame = pd.DataFrame({**table(), "truth": np.arange(60) % 2})
    frame.to_csv(folder / "rows.csv", index=False)
    return folder


def test_the_command_writes_pictures_numbers_and_a_page(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    code, out, err = cli(
        "table", files / "model.keras", files / "rows.csv", "--truth", "truth", "--explain",
        "0,3-4", "-o", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {
        "report.html", "table.json", "effects.png", "effects.safetensors", "dependence.png",
        "dependence.safetensors", "interactions.png", "interactions.safetensors", "tree.png",
        "tree.safetensors", "importance.png", "importance.safetensors", "rows.safetensors",
        "row_0.png", "row_3.png", "row_4.png", "beeswarm.png", "summary.png",
    }  # fmt: skip
    assert "held-out rows" in out
    assert "row 3, logit of class" in out
    page = (tmp_path / "report.html").read_text()
    for heading in ("Effects", "Interactions", "Surrogate tree", "Permutation importance"):
        assert heading in page
    data = json.loads((tmp_path / "table.json").read_text())
    assert data["columns"] == list(NAMES)
    result = ks.Attribution.load(tmp_path / "rows.safetensors")
    assert data["rows"] == 60
    assert data["explained"][1]["row"] == result.names[1] == "row 3"
    assert ks.Effects.load(tmp_path / "effects.safetensors").rows == 60


def test_the_command_speaks_json(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "table", files / "model.keras", files / "rows.csv", "--drop", "truth", "--columns",
        "age,income", "-t", "1", "-o", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0, err
    data = json.loads(out)
    assert {row["column"] for row in data["effects"]} == {"age", "income"}
    assert "tree.png" in data["files"]


BAD: list[tuple[tuple[Any, ...], str]] = [
    ((), "has 5 columns for input"),
    (("--drop", "truth", "--columns", "agee"), "column 'agee' not found; did you mean 'age'"),
    (("--truth", "label"), "column 'label' not found"),
    (("--drop", "truth", "--explain", "99"), "row 99 is not there; the table has 60"),
    (("--drop", "truth", "--explain", "x"), "'x' names no rows"),
    (("--drop", "truth", "--categories", "sex"), "'sex' must read COLUMN=word"),
    (("--drop", "truth", "-m", "no_such"), "method 'no_such' not found"),
]


@pytest.mark.parametrize(("more", "words_"), BAD)
def test_bad_commands_end_with_one_line(
    cli: Runner, files: Path, tmp_path: Path, more: tuple[Any, ...], words_: str
) -> None:
    code, _, err = cli("table", files / "model.keras", files / "rows.csv", "-o", tmp_path, *more)
    assert code == 2
    assert words_ in err
    assert len(err.strip().splitlines()) == 1
