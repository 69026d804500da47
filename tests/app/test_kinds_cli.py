"""Commands beside `explain` on texts, series, tables, volumes, arrays and several inputs."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_nets
import series_nets
import text_nets
import zoo
from kerascope.certify import child
from kerascope.inside.activations import Activations
from kerascope.metrics import Evaluation
from once import only_on
from tabular import nets as table_nets

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]
# By kind: the model, what it is given, and the names of the samples.
KINDS: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "text": (
        "text.keras", ("texts.txt", "--text", "very boring", "--vocabulary", "words.txt"),
        ["very boring", "The film was boring.", "A great <b>film</b>!"],
    ),
    "series": (
        "series.keras", ("power.csv", "--forecast", "wind", "--windows", "2"),
        ["power to hour 31", "power to hour 59"],
    ),
    "table": (
        "table.keras", ("rows.csv", "--truth", "truth", "--rows", "0-1,7"),
        ["row 0", "row 1", "row 7"],
    ),
    "rows of an array": ("table.keras", ("rows.npy", "--rows", "0-1"), ["row 0", "row 1"]),
    "volume": ("volume.keras", ("scans.npy",), ["scans 0", "scans 1"]),
    "pictures of an array": ("picture.keras", ("pictures.npy",), ["0", "1"]),
    "several": (
        "mixed.keras",
        ("image=images.npy", "facts=facts.csv", "text=notes.txt", "--vocabulary", "tokens.txt"),
        ["0", "1"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net of every kind, and files for it."""
    place = tmp_path_factory.mktemp("kinds")
    nets = {
        "text": text_nets.classifier("conv"),
        "series": series_nets.forecaster("conv"),
        "table": table_nets.net(2, activation="softmax"),
        "volume": series_nets.classifier("conv3d"),
        "picture": zoo.SHAPES["flat_functional"]().model,
        "mixed": mixed_nets.mixed("sigmoid"),
    }
    for name, net in nets.items():
        net.save(place / f"{name}.keras")
    (place / "words.txt").write_text("\n".join(text_nets.WORDS) + "\n")
    (place / "texts.txt").write_text("The film was boring.\n\nA great <b>film</b>!\n")
    x, _, _ = series_nets.bumps(2, seed=9)
    rows = [f"hour {i},{a},{b},{c}" for i, (a, b, c) in enumerate(np.concatenate(list(x))[:60])]
    (place / "power.csv").write_text("\n".join(["at,load,wind,sun", *rows]) + "\n")
    columns = table_nets.table(12)
    pd.DataFrame({**columns, "truth": np.arange(12) % 2}).to_csv(place / "rows.csv", index=False)
    np.save(place / "rows.npy", np.stack(list(columns.values()), axis=1))
    np.save(place / "scans.npy", series_nets.blobs(2, seed=9)[0])
    shape = nets["picture"].input_shape[1:]
    np.save(place / "pictures.npy", np.random.default_rng(0).uniform(size=(2, *shape)))
    several = mixed_nets.mixed_inputs(2)
    np.save(place / "images.npy", several["image"])
    facts = pd.DataFrame(several["facts"], columns=mixed_nets.COLUMNS)
    facts.to_csv(place / "facts.csv", index=False)
    (place / "notes.txt").write_text("\n".join(several["text"]) + "\n")
    (place / "tokens.txt").write_text("\n".join(mixed_nets.WORDS) + "\n")
    return place


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", KINDS)
def test_evaluate(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, names = KINDS[kind]
    code, out, err = cli(
        "evaluate", model, *given, "-m", "integrated_gradients", "--metric", "deletion",
        "--no-controls", "-o", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0, err
    assert [row["samples"] for row in json.loads(out)["results"]] == [len(names)]
    found = Evaluation.load(tmp_path / "evaluation.safetensors")
    assert list(found.samples) == names
    assert np.isfinite(found.values).all()


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", KINDS)
def test_diff(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, names = KINDS[kind]
    code, out, err = cli("diff", model, model, *given, "-o", tmp_path, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert [sample["name"] for sample in told["samples"]] == names
    assert told["mean"] < 1e-5
    assert told["turned"] == 0
    assert (tmp_path / "report.html").is_file()


@pytest.mark.usefixtures("there")
def test_diff_of_other_weights_says_how_far_and_how(cli: Runner, tmp_path: Path) -> None:
    table_nets.filled(table_nets.net(2, activation="softmax"), seed=3).save(tmp_path / "b.keras")
    given = ("rows.csv", "--drop", "truth", "-t", "1", "--fail-over", "0.1")
    code, out, err = cli("diff", "table.keras", tmp_path / "b.keras", *given, "-o", tmp_path)
    assert code == 1, err
    assert "over the limit of 0.1: logit of class 1" in out
    assert out.count("note: ") == len({line for line in out.splitlines() if "note: " in line})
    assert "kernel_shap" in (tmp_path / "report.html").read_text()


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the child of `certify` here, and hand its report out as that of two backends."""

    def here(backends: list[str], folder: Path) -> dict[str, Any]:
        child.main(folder)
        (made,) = (path.parent for path in folder.glob("*/report.json"))
        report = json.loads((made / "report.json").read_text())
        for name in {*backends} - {made.name}:
            shutil.copytree(made, folder / name)
        versions = report.get("versions", {made.name: ""})
        return {b: report | {"versions": versions | {b: versions[made.name]}} for b in backends}

    front = importlib.import_module("kerascope.certify.front")
    monkeypatch.setattr(front, "run_backends", here)
    monkeypatch.setattr(front.backend, "installed", lambda: ("jax", "torch"))


@pytest.mark.usefixtures("there", "one_process")
@pytest.mark.parametrize("kind", KINDS)
def test_certify(cli: Runner, tmp_path: Path, kind: str) -> None:
    """Real processes on several backends: tests/across."""
    model, given, names = KINDS[kind]
    code, out, err = cli("certify", model, *given, "-m", "gradient", "-o", tmp_path, "--json")
    assert code == 0, (out, err)
    told = json.loads(out)
    assert told["worst"] == 0
    assert told["agreements"][0]["sample"] == names[0]
    assert len(told["inputs_sha256"]) == len(names)
    what = {"several": "samples", "pictures of an array": "pictures", "volume": "volumes"}
    what |= {"table": "rows", "rows of an array": "rows", "series": "series", "text": "texts"}
    assert told["inputs"].startswith(f"{len(names)} {what[kind]}")


@pytest.mark.usefixtures("there", "one_process")
def test_certify_tells_what_was_decided_of_samples(cli: Runner, tmp_path: Path) -> None:
    given = ("--text", "a gruesome boring film", "--vocabulary", "words.txt")
    code, out, err = cli("certify", "text.keras", *given, "-m", "gradient", "-o", tmp_path)
    assert code == 0, err
    assert "'gruesome'" in out


@pytest.mark.usefixtures("there", "one_process")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("rows.csv",), "5 columns for input 'ids'"),
        (("--rows", "0-1"), "--rows is for a table"),
        (("texts.txt", "none.txt"), "'none.txt' does not exist"),
        (("image=none.npy",), "'none.npy' does not exist"),
    ],
)
def test_certify_says_what_cannot_be_read(
    cli: Runner, tmp_path: Path, given: tuple[str, ...], words: str
) -> None:
    code, out, err = cli("certify", "text.keras", *given, "-m", "gradient", "-o", tmp_path)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", KINDS)
def test_activations(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, names = KINDS[kind]
    code, out, err = cli("activations", model, *given, "-t", "0", "-o", tmp_path, "--json")
    assert code == 0, err
    rows = json.loads(out)["results"]
    assert [row["picture"] for row in rows] == names
    layer = {"table": "dense", "rows of an array": "dense"}.get(kind, "conv")
    assert kind == "several" or layer in rows[0]["layer"]
    found = Activations.load(tmp_path / "activations.safetensors")
    assert len(found.explained) == len(names)
    pictures = {"activations.safetensors", "report.html"} ^ {p.name for p in tmp_path.iterdir()}
    assert pictures == {file for file in json.loads(out)["files"] if file.endswith(".png")}


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", ["text", "series", "volume", "table"])
def test_samples_on_which_a_channel_is_strongest(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, names = KINDS[kind]
    code, out, err = cli("activations", model, *given, "--channel", 0, "-o", tmp_path, "--json")
    assert code == 0, err
    rows = json.loads(out)["results"]
    assert sorted(row["picture"] for row in rows) == sorted(names)
    values = [row["value"] for row in rows]
    assert values == sorted(values, reverse=True)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", ["text", "series", "table", "volume"])
def test_filters_look_at_units_over_samples(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, names = KINDS[kind]
    code, out, err = cli("filters", model, *given, "-o", tmp_path, "--json")
    assert code == 0, err
    activity = json.loads(out)["activity"]
    assert {one["samples"] for one in activity} <= {len(names)}
    assert activity or kind == "table"  # which has a tanh


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", ["text", "table", "several"])
def test_layers_and_architecture_of_a_sample(cli: Runner, tmp_path: Path, kind: str) -> None:
    model, given, _ = KINDS[kind]
    found = []
    for verb in (("layers", "--all"), ("architecture", "-o", tmp_path)):
        for some in ((), given):
            code, out, err = cli(verb[0], model, *some, *verb[1:], "--json")
            assert code == 0, err
            told = json.loads(out)
            rows = told.get("layers") or told["values"]
            found.append(
                [{k: v for k, v in row.items() if k not in ("default", "marks")} for row in rows]
            )
    assert found[0] == found[1]
    assert found[2] == found[3]


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", ["text", "table"])
def test_bench(cli: Runner, kind: str) -> None:
    model, given, _ = KINDS[kind]
    asked = ("-m", "integrated_gradients", "--repeats", "1", "--batch-size", "2", "--json")
    code, out, err = cli("bench", model, *given, *asked)
    assert code == 0, err
    told = json.loads(out)
    assert told["facts"]["inputs"].endswith(", data")
    (row,) = told["rows"]
    assert not row["error"]


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("verb", ["filters", "layers", "architecture", "bench"])
def test_options_of_files_ask_for_files(cli: Runner, verb: str) -> None:
    code, _, err = cli(verb, "text.keras", "--vocabulary", "words.txt")
    assert code == 2
    assert "--vocabulary and --length are for texts: give --text or a .txt file" in err


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("text.keras", "texts.txt"), "how texts become ids is not known"),
        (("series.keras", "power.csv", "--forecast", "rain"), "forecast='rain': no such channel"),
        (("table.keras", "rows.csv"), "the table has 5 columns for input"),
        (("table.keras", "rows.csv", "--rows", "99"), "row 99 is not there"),
        (("mixed.keras", "image=images.npy"), "input 'facts' of the model is missing"),
        (("mixed.keras", "a.png"), "say which is which, as image=FILE"),
        (("picture.keras", "pictures.npy", "--masks", "."), "are of picture files"),
        (("picture.keras", "pictures.npy", "images.npy"), "2 array files were given"),
        (("picture.keras", "pictures.npy", "a.png"), "the list mixes pictures with arrays"),
    ],
)
def test_one_line_where_it_cannot_be(
    cli: Runner, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = cli("evaluate", *arguments, "-o", tmp_path)
    assert code == 2
    assert words in err
    assert err.strip().count("\n") == 0


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("verb", [("diff", "table.keras"), ("activations",), ("filters",)])
def test_other_verbs_say_the_same(cli: Runner, tmp_path: Path, verb: tuple[str, ...]) -> None:
    code, _, err = cli(*verb, "table.keras", "rows.csv", "--rows", "99", "-o", tmp_path)
    assert code == 2
    assert err == "kerascope: --rows: row 99 is not there; the table has 12\n"
