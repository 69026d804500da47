"""`kerascope bench`: the table, JSON, the file, peers, errors, and Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kerascope.bench
import zoo
from kerascope.errors import Refused
from kerascope.methods.hires_cam import HiResCAM
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(cli: Runner) -> Runner:
    """Run `kerascope bench` in this process."""
    return lambda *arguments: cli("bench", *arguments)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bench") / "model.keras"
    zoo.SHAPES["flat_functional"]().model.save(file)
    return file


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("peers") / "peers.py"
    file.write_text(
        "from kerascope.bench import Peer\n"
        "def lib(job):\n"
        "    x = job.inputs(1)\n"
        "    make = lambda: lambda: job.model.predict(x, verbose=0)\n"
        "    yield Peer(name='Predict', method='gradient', make=make, passes={'forward': 1})\n"
        "def absent(job):\n    import no_such_library\n"
        "PEERS = {'lib': lib, 'absent': absent}\n"
    )
    return file


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one method refuse every model."""

    def refuse(*_: Any) -> None:
        raise Refused("not for such a model")

    monkeypatch.setattr(HiResCAM, "combine", refuse)


SOME = ("--repeats", 2, "--batch-size", 2)


@pytest.mark.usefixtures("refused")
def test_json_has_a_row_for_every_method_and_peer(bench: Runner, model: Path, peers: Path) -> None:
    chosen = ("gradient", "grad_cam", "occlusion", "hires_cam")
    code, out, err = bench(
        model, *SOME, "--json", "--peers", peers, *(word for m in chosen for word in ("-m", m))
    )
    assert code == 0, err
    data = json.loads(out)
    rows = {(row["library"], row["name"]): row for row in data["rows"]}
    ours = {("kerascope", name) for name in chosen}
    assert rows.keys() == ours | {("lib", "Predict")}
    assert rows["kerascope", "hires_cam"]["error"] == "not for such a model"
    for key in rows.keys() - {("kerascope", "hires_cam")}:
        row = rows[key]
        assert 0 < row["spread"][0] <= row["ratio"] <= row["spread"][1]
        assert min(row["floor"], row["warm"], row["cold"]) > 0
        assert row["repeats"] == 2
    gradient = rows["kerascope", "gradient"]
    assert (gradient["pictures"], gradient["passes"]) == (2, {"forward": 0, "gradient": 1})
    assert rows["kerascope", "occlusion"]["passes"]["forward"] > 1
    against = rows["lib", "Predict"]["against"]
    assert against == pytest.approx(gradient["ratio"] / rows["lib", "Predict"]["ratio"])
    assert data["facts"]["cores"] >= 1
    assert data["facts"]["threads"]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert any("absent" in note and "not installed" in note for note in data["notes"])


@pytest.mark.usefixtures("refused")
def test_table_is_printed_and_written(bench: Runner, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    code, out, err = bench(model, *SOME, "-m", "gradient", "-m", "hires_cam", "-o", file)
    assert code == 0, err
    assert "pictures × passes" in out
    assert "not measured: hires_cam: " in out
    text = file.read_text()
    assert "kerascope bench" in text
    assert "| gradient |" in text
    assert "Not measured:\n\n- hires_cam: " in text
    assert "Where a goal is missed:" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "grad_cat"), "did you mean 'grad_cam'"),
        (("--peers", "nowhere.py"), "'nowhere.py' does not exist"),
        (("-o", "no/such/folder/R.md"), "cannot write"),
        (("--repeats", "0"), "repeats"),
        (("no_picture.png",), "no_picture.png"),
    ],
)
def test_bad_input_is_one_line(
    bench: Runner, model: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = bench(model, *arguments, *(() if "--repeats" in arguments else SOME))
    assert code == 2
    assert words in err
    assert "Traceback" not in out + err


def test_interrupted_keeps_what_is_measured(
    bench: Runner, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = kerascope.bench.measure

    def measure(job: Any, group: Any, **options: Any) -> Any:
        if group[0].name == "hires_cam":
            raise KeyboardInterrupt
        return inner(job, group, **options)

    monkeypatch.setattr(kerascope.bench, "measure", measure)
    file = tmp_path / "R.md"
    code, out, err = bench(model, *SOME, "-m", "gradient", "-m", "hires_cam", "-o", file)
    assert code == 130
    assert "1 rows were measured" in err
    assert "gradient" in out
    assert "| gradient |" in file.read_text()


def test_a_method_that_breaks_is_a_failure(
    bench: Runner, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kerascope.methods.gradient import Gradient

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(Gradient, "attribute", broken)
    code, out, _ = bench(model, *SOME, "-m", "gradient")
    assert code == 1
    assert "not measured: gradient: ZeroDivisionError: inside" in out
