"""The command line: what it writes, what it says, and its exit codes."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerascope as ks
import zoo
from kerascope.cli.explaining import Work
from once import only_on
from pages import document

Runner = Callable[..., tuple[int, str, str]]
above = only_on("torch")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, pictures, labels, and everything that is wrong with such."""
    folder = tmp_path_factory.mktemp("files")
    case = zoo.SHAPES["flat_functional"]()
    case.model.save(folder / "model.keras")
    (folder / "labels.txt").write_text("cat\ndog\n</script><script>alert(1)</script>\n")
    generator = np.random.default_rng(0)
    for name in ("a.jpg", "b.png"):
        Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(folder / name)
    exif = Image.Exif()
    exif[0x9286] = "secret place"
    Image.open(folder / "b.png").save(folder / "gps.jpg", exif=exif)
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:300])
    (folder / "text.jpg").write_text("not a picture")
    (folder / "cut.keras").write_bytes((folder / "model.keras").read_bytes()[:500])
    (folder / "empty").mkdir()
    broken = zoo.SHAPES["flat_functional"]()
    kernel = broken.model.get_layer("conv2").kernel
    kernel.assign(np.full(kernel.shape, np.inf))
    broken.model.save(folder / "nan.keras")
    code = keras.Sequential(
        [keras.Input((12, 16, 3)), keras.layers.Lambda(lambda x: x, name="sneaky")]
    )
    code.save(folder / "lambda.keras")
    block = zoo.SHAPES["layer_holding_layers"]()
    block.model.save(folder / "custom.keras")
    return folder


COMMON = ("--preprocess", "unit", "--no-grade")


def test_explain_writes_pictures_data_and_a_page(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", files / "a.jpg", files / "gps.jpg", "-m", "grad_cam",
        "-m", "integrated_gradients:steps=4,tolerance=none", "--target", "top-2",
        "--labels", files / "labels.txt", "-o", tmp_path, *COMMON,
    )  # fmt: skip
    assert code == 0, err
    names = {path.name for path in tmp_path.iterdir()}
    methods = ("grad_cam", "integrated_gradients")
    expected = {f"{stem}-{m}{end}" for stem in ("a", "gps") for m in methods
                for end in (".png", ".safetensors")}  # fmt: skip
    assert names == expected | {"report.html"}
    assert "logit of" in out
    assert "--labels" not in out
    assert "preprocessing: unit" in out
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in page
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert str(files).encode() not in content
        assert b"secret place" not in content
    with Image.open(tmp_path / "a-grad_cam.png") as picture:
        stamp = json.loads(picture.text["kerascope"])
    assert stamp["provenance"]["method"]["name"] == "grad_cam"
    again = ks.Attribution.load(tmp_path / "gps-integrated_gradients.safetensors")
    assert again.values.shape == (1, 2, 12, 16, 3)
    assert again.provenance.preprocessing == "unit"


@above
def test_folders_named_as_classes_are_the_right_ones(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    for place in ("Cat/one.png", "dog/two.png", "other/three.png"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_bytes((files / "b.png").read_bytes())
    code, _, err = cli(
        "explain", files / "model.keras", tmp_path, "--labels", files / "labels.txt",
        "-o", tmp_path / "out", *COMMON,
    )  # fmt: skip
    assert code == 0, err
    samples = document((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))["samples"]
    assert [one["truth"] for one in samples] == ["cat", "dog", None]


def test_explain_says_how_classes_get_names(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli("explain", files / "model.keras", files / "a.jpg", "-o", tmp_path, *COMMON)
    assert code == 0, err
    assert "logit of class" in out
    assert "hint: classes are numbers here; --labels FILE" in out


def test_explain_json_is_json_alone(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "explain", files / "model.keras", files / "a.jpg", "-o", tmp_path, "--json", *COMMON
    )
    data = json.loads(out)
    assert code == 0
    assert data["results"][0]["method"] == "grad_cam"
    assert data["results"][0]["explained"].startswith("logit of class")
    assert re.match(r"Grad-CAM map of a: .*evidence", data["results"][0]["sentences"][0])
    assert set(data["files"]) == {path.name for path in tmp_path.iterdir()}
    assert data["provenance"]["backend"] == keras.backend.backend()


def test_explain_grades_after_the_pictures_are_there(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("explain", files / "model.keras", files / "a.jpg", files / "b.png", "-o", tmp_path,
             "--preprocess", "unit", "-t", "top-2")  # fmt: skip
    code, out, err = cli(*given)
    assert code == 0, err
    assert out.index("report: ") < out.index(": grade ")
    page = (tmp_path / "report.html").read_text()
    letters = []
    for name in ("a", "b"):
        result = ks.Attribution.load(tmp_path / f"{name}-grad_cam.safetensors")
        letters += [grade.letter for grade in result.grades(0)]
    assert [one["grade"]["letter"] for one in document(page)["maps"]] == letters
    assert len(letters) == 4
    assert re.findall(r": grade ([A-D]) \(", out) == letters
    assert f"; grade {letters[0]}." in page, "the text for who does not see the picture has it"
    data = json.loads(cli(*given, "--json")[1])
    assert [g["letter"] for row in data["results"] for g in row["grade"]] == letters


@above
@pytest.mark.parametrize("how", [KeyboardInterrupt, ks.Refused])
def test_what_is_graded_stays_when_grading_ends(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: type
) -> None:
    """The first of two methods is graded, the second one fails."""
    room = importlib.import_module("kerascope.grade")
    whole, calls = room.grade, []

    def failing(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise how("not today")
        return whole(*args, **options)

    monkeypatch.setattr(room, "grade", failing)
    code, out, _ = cli(
        "explain", files / "model.keras", files / "a.jpg", files / "b.png", "-o", tmp_path,
        "--preprocess", "unit", "-m", "grad_cam", "-m", "gradient",
        *(["--json"] if how is ks.Refused else []),
    )  # fmt: skip
    assert code == (130 if how is KeyboardInterrupt else 0)
    maps = document((tmp_path / "report.html").read_text())["maps"]
    assert [one["grade"] is not None for one in maps].count(True) == 2
    for name in ("a", "b"):
        assert ks.Attribution.load(tmp_path / f"{name}-grad_cam.safetensors").grade is not None
        assert ks.Attribution.load(tmp_path / f"{name}-gradient.safetensors").grade is None
    if how is ks.Refused:
        data = json.loads(out)
        assert [bool(row["grade"]) for row in data["results"]] == [True, True, False, False]
        assert "not graded: not today" in data["notes"]


@above
def test_a_picture_that_is_half_done_is_not_in_the_page(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = Work._explain
    calls = iter(range(9))

    def until(self: Work, *args: Any) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return explained(self, *args)

    monkeypatch.setattr(Work, "_explain", until)
    two = ("-m", "gradient", "-m", "grad_cam", "--no-grade", "--preprocess", "unit", "-o", tmp_path)
    code, _, err = cli("explain", files / "model.keras", files / "a.jpg", files / "b.png", *two)
    assert code == 130
    assert f"interrupted: 6 files and a report of 1 of 2 samples are in {tmp_path}" in err
    page = document((tmp_path / "report.html").read_text())
    assert [one["name"] for one in page["samples"]] == ["a"]
    assert len(page["maps"]) == 2
    assert (tmp_path / "b-gradient.safetensors").exists()


def test_one_method_twice(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "explain", files / "model.keras", files / "a.jpg", "-o", tmp_path, "--preprocess", "unit",
        "-m", "smooth_grad:samples=2", "-m", "gradient", "-m", "smooth_grad:samples=3", "--json",
    )  # fmt: skip
    data = json.loads(out)
    assert code == 0
    assert set(data["files"]) == {path.name for path in tmp_path.iterdir()}
    for k, samples in ((1, 2), (2, 3)):
        result = ks.Attribution.load(tmp_path / f"a-smooth_grad-{k}.safetensors")
        assert result.method.samples == samples  # type: ignore[attr-defined]
        assert result.grade is not None
    assert [row["label"] for row in data["results"]] == [
        "smooth_grad #1", "gradient", "smooth_grad #2",
    ]  # fmt: skip


def test_layer_sweep_makes_one_sheet(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        "explain",
        files / "model.keras",
        files / "a.jpg",
        "-o",
        tmp_path,
        "--layer",
        "all-blocks",
        *COMMON,
    )
    assert code == 0, err
    assert [p.name for p in tmp_path.glob("*.png")] == ["a-grad_cam.png"]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


@above
def test_pictures_of_the_same_name_do_not_overwrite_each_other(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes((files / "a.jpg").read_bytes())
    out = tmp_path / "out"
    code, _, err = cli(
        "explain", files / "model.keras", files / "a.jpg", other / "a.jpg", "-o", out, *COMMON
    )
    assert code == 0, err
    assert len(list(out.glob("*.png"))) == len(list(out.glob("*.safetensors"))) == 2


@above
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{f}/none.keras", "{f}/a.jpg"), "none.keras"),
        (("{f}/cut.keras", "{f}/a.jpg"), "cut.keras"),
        (("{f}/text.jpg", "{f}/a.jpg"), "text.jpg"),
        (("{f}/model.keras", "{f}/none.jpg"), "none.jpg"),
        (("{f}/model.keras", "{f}/cut.jpg"), "cut.jpg"),
        (("{f}/model.keras", "{f}/text.jpg"), "text.jpg"),
        (("{f}/model.keras", "{f}/empty"), "empty"),
        (("{f}/model.keras", "{f}/a.jpg", "-m", "grad_cma"), "did you mean 'grad_cam'"),
        (("{f}/model.keras", "{f}/a.jpg", "-m", "smooth_grad:sampels=3"), "did you mean 'samples'"),
        (("{f}/model.keras", "{f}/a.jpg", "-m", "smooth_grad:samples=many"), "cannot be 'many'"),
        (("{f}/model.keras", "{f}/a.jpg", "--layer", "conv9"), "conv9"),
        (("{f}/model.keras", "{f}/a.jpg", "-t", "7"), "0 to 2"),
        (("{f}/model.keras", "{f}/a.jpg", "-t", "tabby"), "tabby"),
        (("{f}/model.keras", "{f}/a.jpg", "--score", "odds"), "'logit' or 'probability'"),
        (("{f}/model.keras", "{f}/a.jpg", "--labels", "{f}/none.txt"), "none.txt"),
        (("{f}/nan.keras", "{f}/a.jpg"), "'conv2/kernel' holds infinite values"),
        (("{f}/lambda.keras", "{f}/a.jpg"), "sneaky"),
        (("{f}/custom.keras", "{f}/a.jpg"), "--custom"),
        (("keras:NoSuchNet", "{f}/a.jpg"), "NoSuchNet"),
    ],
)
def test_bad_input_is_one_clear_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    given = [argument.format(f=files) for argument in arguments]
    code, out, err = cli("explain", *given, "-o", tmp_path, *COMMON)
    assert code == 2, (out, err)
    assert words in err
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir()), "something half-written was left"


@above
def test_asks_for_preprocessing_when_it_cannot_know(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    code, _, err = cli("explain", files / "model.keras", files / "a.jpg", "-o", tmp_path)
    assert code == 2
    assert "--preprocess" in err


@above
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_output_that_cannot_be_written(cli: Runner, files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = cli(
        "explain", files / "model.keras", files / "a.jpg", "-o", tmp_path / "file" / "out"
    )
    assert code == 2
    assert "cannot write to the folder" in err


@above
def test_a_full_disk_leaves_nothing_half_written(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.fdopen

    def full(handle: int, *rest: Any, **options: Any) -> Any:
        os.close(handle)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kerascope.attribution.os.fdopen", full)
    code, _, err = cli("explain", files / "model.keras", files / "a.jpg", "-o", tmp_path, *COMMON)
    monkeypatch.setattr("kerascope.attribution.os.fdopen", original)
    assert code == 2
    assert "No space left" in err
    assert not list(tmp_path.iterdir())


@above
def test_usage_errors_are_exit_code_2(cli: Runner) -> None:
    assert cli("explain")[0] == 2
    assert cli("no-such-command")[0] == 2
    assert cli("--version") == (0, f"kerascope {__import__('kerascope').__version__}\n", "")


def test_layers(cli: Runner, files: Path) -> None:
    code, out, _ = cli("layers", files / "model.keras", "--json")
    rows = {row["layer"]: row for row in json.loads(out)["layers"]}
    assert code == 0
    assert set(rows) == {"conv1", "pool", "conv2"}
    assert rows["conv2"]["default"]
    assert rows["conv2"]["map"] == [5, 7]
    code, out, _ = cli("layers", files / "model.keras", "--all")
    assert code == 0
    assert "head" in out
    assert re.search(r"conv2 .*5×7.*default", out)


@above
def test_metrics(cli: Runner) -> None:
    code, out, _ = cli("metrics", "--json")
    rows = json.loads(out)["metrics"]
    assert code == 0
    assert [row["name"] for row in rows] == list(ks.metrics())
    by_name = {row["name"]: row for row in rows}
    assert by_name["deletion"]["better"] == "lower"
    assert by_name["pointing_game"]["range"] == [0, 1]
    assert "Petsiuk" in by_name["insertion"]["paper"]
    assert "faithfulness" in cli("metrics")[1]


@above
def test_the_list_of_commands_cuts_no_sentence(cli: Runner) -> None:
    listed = cli("--help")[1].split("Commands:")[1].strip().splitlines()
    assert len(listed) > 20
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


@above
def test_methods(cli: Runner) -> None:
    code, out, _ = cli("methods", "--json")
    rows = json.loads(out)["methods"]
    assert code == 0
    assert [row["name"] for row in rows] == ks.methods()
    assert all(row["paper"] for row in rows)
    listed = cli("methods")[1]
    assert "attention_x_gradient  " in listed  # whole names, to be copied
    assert "Selvaraju" in cli("methods", "grad_cam")[1]


@above
def test_one_method(cli: Runner) -> None:
    row = json.loads(cli("methods", "grad-cam", "--json")[1])
    assert row["name"] == "grad_cam"
    code, out, _ = cli("methods", "grad_cam")
    assert code == 0
    assert all(row[key] in out for key in ("title", "formula", "use", "avoid", "cost", "paper"))
    assert "cost: 1 forward-and-backward pass, for one target" in out
    code, _, err = cli("methods", "grad_kam")
    assert code == 2
    assert "grad_cam" in err


@above
def test_doctor(cli: Runner) -> None:
    code, out, _ = cli("doctor", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["backend"] == keras.backend.backend()
    assert set(data["methods"].values()) == {"ok"}


@above
def test_doctor_tells_each_method_as_soon_as_it_is_known(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kerascope import method

    two = {name: method.method_class(name) for name in ("gradient", "occlusion")}
    monkeypatch.setattr(method, "registry", lambda: two)
    explained = importlib.import_module("kerascope.explain")
    real = explained.explain

    def stopped(model: Any, x: Any, name: str) -> Any:
        if name == "occlusion":
            raise KeyboardInterrupt
        return real(model, x, name)

    monkeypatch.setattr(explained, "explain", stopped)
    code, out, _ = cli("doctor")
    assert code == 130
    assert out.splitlines()[-1] == "  gradient: ok"


@above
def test_help_loads_neither_numpy_nor_keras() -> None:
    light = {"numpy", "keras", "matplotlib", "PIL", "scipy", "h5py", "starlette"}
    cases = {("--help",): light, ("explain", "--help"): light, ("--version",): light,
             ("methods",): {"keras", "matplotlib", "starlette"}}  # fmt: skip
    for arguments, heavy in cases.items():
        code = (
            f"import sys; sys.argv = ['kerascope', *{arguments!r}]\n"
            "from kerascope.cli.main import run\n"
            "try:\n    run()\nexcept SystemExit as e:\n    assert not e.code\n"
            f"assert not {heavy!r} & set(sys.modules), {heavy!r} & set(sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@above
def test_shells_complete_commands_and_options(cli: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for shell, words in (("bash", "complete_bash"), ("zsh", "#compdef"), ("fish", "complete --")):
        monkeypatch.setenv("_KERASCOPE_COMPLETE", f"source_{shell}")
        code, out, _ = cli()
        assert (code, words in out) == (0, True), (shell, out)
    monkeypatch.setenv("_KERASCOPE_COMPLETE", "complete_bash")
    for words, place, found in (
        ("kerascope ex", 1, {"explain"}),
        ("kerascope explain --pre", 2, {"--preprocess"}),
        ("kerascope dem", 1, {"demo"}),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(place))
        assert set(cli()[1].split()) == found


def test_only_the_command_line_lets_tensorflow_grow(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library leaves a GPU's memory as its user has set it; TensorFlow reads the variable."""
    name = "TF_FORCE_GPU_ALLOW_GROWTH"
    code = f"import os, kerascope as ks; ks.methods(); assert {name!r} not in os.environ"
    environment = {key: value for key, value in os.environ.items() if key != name}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    monkeypatch.delenv(name, raising=False)
    cli("--version")
    assert os.environ[name] == "true"
    monkeypatch.setenv(name, "false")
    cli("--version")
    assert os.environ[name] == "false", "what the user has set stays"


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("smooth_grad:samples=400", marks=only_on("jax", "torch")),
        pytest.param("occlusion:patch=1,stride=1", marks=only_on("tensorflow")),
    ],
)
def test_ctrl_c_keeps_what_is_finished(files: Path, tmp_path: Path, method: str) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for k in range(40):
        (pictures / f"p{k:02}.jpg").write_bytes((files / "a.jpg").read_bytes())
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from kerascope.cli.main import run; run()", "explain"]
    command += [
        str(files / "model.keras"),
        str(pictures),
        "-o",
        str(out),
        *COMMON,
        "-m",
        method,
        "--batch-size",
        "4",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("*.safetensors")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    finished = list(out.glob("*.safetensors"))
    assert finished
    for path in finished:
        assert ks.Attribution.load(path).values.shape[0] == 1
    assert "a report of" in err
    assert (out / "report.html").stat().st_size > 10_000
    assert not list(out.glob(".*")), "a temporary file was left"
