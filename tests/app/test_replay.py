"""Making an explanation again: the same bits, or in words what differs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import kerascope as ks
import zoo
from kerascope.cli.main import run
from once import only_on

Runner = Callable[..., tuple[int, str, str]]
METHODS = ("grad_cam", "smooth_grad:samples=3", "rise:masks=40", "occlusion:patch=4,stride=4")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, two pictures, and in out/ what the command wrote of them."""
    folder = tmp_path_factory.mktemp("made")
    zoo.SHAPES["flat_functional"]().model.save(folder / "model.keras")
    other = zoo.SHAPES["flat_functional"]().model
    other.get_layer("conv2").kernel.assign(other.get_layer("conv2").kernel * 1.5)
    other.save(folder / "other.keras")
    draw = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        pixels = draw.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    command = ["kerascope", "explain", folder / "model.keras", folder / "a.png", folder / "b.png"]
    command += [word for method in METHODS for word in ("-m", method)]
    command += ["-o", folder / "out", "--preprocess", "unit", "--fit", "crop", "-t", "top-2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(word) for word in command])
        with pytest.raises(SystemExit) as leaving:
            run()
    assert leaving.value.code == 0
    return folder


@pytest.mark.parametrize("kind", ["smooth_grad.safetensors", "rise.png"])
def test_one_file_is_made_again_bit_for_bit(cli: Runner, made: Path, kind: str) -> None:
    code, out, err = cli("replay", made / "out" / f"b-{kind}", "--model", made / "model.keras")
    assert code == 0, (out, err)
    assert f"b  {kind.partition('.')[0]}: bit for bit the same" in out
    assert "changed" not in out


def test_a_page_is_made_again_bit_for_bit(cli: Runner, made: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "replay", made / "out" / "report.html", "--model", made / "model.keras", "--json", "-o",
        tmp_path,
    )  # fmt: skip
    told = json.loads(out)
    assert code == 0, (out, err)
    assert len(told["samples"]) == 2 * len(METHODS)
    assert all(s["same"] and s["distance"] == 0 and not s["differs"] for s in told["samples"])
    assert json.loads((tmp_path / "replay.json").read_text()) == told
    then = ks.Attribution.load(made / "out" / "b-rise.safetensors")
    now = ks.Attribution.load(tmp_path / "b-rise.safetensors")
    np.testing.assert_array_equal(then.values, now.values)
    assert then.explained == now.explained
    assert (now.provenance.preprocessing, now.provenance.fit) == ("unit", "crop")
    assert "bit for bit the same" in (tmp_path / "report.html").read_text()


def test_a_picture_alone_asks_for_its_input_and_takes_it(
    cli: Runner, made: Path, tmp_path: Path
) -> None:
    alone = shutil.copy(made / "out" / "a-grad_cam.png", tmp_path)
    code, _, err = cli("replay", alone, "--model", made / "model.keras")
    assert code == 2
    assert "give the picture of 'a'" in err
    code, out, err = cli(
        "replay", alone, made / "b.png", made / "a.png", "--model", made / "model.keras"
    )
    assert code == 0, (out, err)
    assert "a  grad_cam: bit for bit the same" in out


def test_another_picture_is_said(cli: Runner, made: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "replay", made / "out" / "a-grad_cam.safetensors", made / "c.png", "--model",
        made / "model.keras",
    )  # fmt: skip
    assert code == 1
    assert "inputs: not the bits that were recorded" in out
    assert re.search(r"map: differs by up to [\d.e-]+ of its largest value", out)


def test_other_weights_are_said(cli: Runner, made: Path) -> None:
    code, out, _ = cli("replay", made / "out" / "a-grad_cam.png", "--model", made / "other.keras")
    assert code == 1
    assert "changed: model: other weights or settings" in out
    assert "map: differs by up to" in out
    assert "score:" in out


def _tampered(source: Path, target: Path, change: Callable[[dict], object]) -> Path:
    """Write a picture with another stamp."""
    with Image.open(source) as picture:
        stamp = json.loads(picture.text["kerascope"])  # type: ignore[attr-defined]
        stamp = change(stamp) or stamp
        chunk = PngImagePlugin.PngInfo()
        chunk.add_text("kerascope", stamp if isinstance(stamp, str) else json.dumps(stamp))
        picture.save(target, pnginfo=chunk)
    return target


def test_other_versions_are_said(cli: Runner, made: Path, tmp_path: Path) -> None:
    def older(stamp: dict) -> None:
        stamp["provenance"] |= {"keras": "3.0.1", "kerascope": "0.0.1", "backend_version": "0.1"}
        stamp["provenance"]["packages"]["numpy"] = "1.0"
        stamp["provenance"]["field of a later version"] = 1

    file = _tampered(made / "out" / "a-grad_cam.png", tmp_path / "old.png", older)
    code, out, _ = cli("replay", file, made / "a.png", "--model", made / "model.keras")
    assert code == 0
    for words in ("keras: 3.0.1 then", "kerascope: 0.0.1 then", "numpy: 1.0 then", ": 0.1 then"):
        assert words in out


def test_a_map_changed_by_hand_is_said(made: Path, tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(made / "out" / "a-grad_cam.safetensors", framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors["values/"] = tensors["values/"] + np.float32(1)
    save_file(tensors, tmp_path / "x.safetensors", metadata=metadata)
    found = ks.replay(tmp_path / "x.safetensors", made / "model.keras")
    assert found.same
    assert found.samples[0].differs == (
        "the stored map is not the one recorded: it was changed afterwards",
    )


def _without(key: str) -> Callable[[dict], dict]:
    return lambda stamp: {k: v for k, v in stamp.items() if k != key}


def _set(key: str, value: object) -> Callable[[dict], None]:
    return lambda stamp: stamp["provenance"].update({key: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda stamp: "{not json", "the stamp of 'x.png' is broken"),
        (lambda stamp: "[]", "holds no explanation"),
        (lambda stamp: '["a"]', "is broken"),
        (_without("provenance"), "'provenance' is missing"),
        (_without("names"), "'names' is missing"),
        (_without("samples"), "stored no hashes"),
        (_set("backend", "caffe"), "backend cannot be right"),
        (_set("rows", [[3, 2]]), "rows cannot be right"),
        (_set("rows", [[0, 10**12]]), "rows cannot be right"),
        (_set("batch", [[0, -1]]), "batch cannot be right"),
        (_set("seed", "x"), "seed cannot be right"),
        (_set("method", "grad_cam"), "method cannot be right"),
        (_set("method", {"name": "nothing", "fields": {}}), "method 'nothing' not found"),
        (_set("method", {"name": "grad_cam", "fields": {"x": 1}}), "do not fit it"),
        (_set("asked", {"lost": "function f"}), "give it again"),
        (_set("asked", {"kind": "Popen", "fields": {}}), "describes no target"),
        (_set("asked", "no such class"), "no such class"),
        (_set("preprocessing", "mine"), "the function 'mine'"),
    ],
)
def test_a_broken_or_forged_stamp_is_one_line(
    cli: Runner, made: Path, tmp_path: Path, change: Callable[[dict], object], words: str
) -> None:
    file = _tampered(made / "out" / "a-grad_cam.png", tmp_path / "x.png", change)
    code, out, err = cli("replay", file, made / "a.png", "--model", made / "model.keras")
    assert code == 2, (out, err)
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_files_that_are_not_ours(cli: Runner, made: Path, tmp_path: Path) -> None:
    whole = (made / "out" / "a-grad_cam.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    tensors = (made / "out" / "a-grad_cam.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(tensors[: len(tensors) // 2])
    (tmp_path / "page.html").write_text("<!doctype html><html><p>hello</p></html>")
    (tmp_path / "words.txt").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    cases = {
        made / "a.png": "does not say how it was made",
        tmp_path / "cut.png": "cannot read the picture 'cut.png'",
        tmp_path / "cut.safetensors": "cut.safetensors",
        tmp_path / "page.html": "does not say how it was made",
        tmp_path / "words.txt": "no PNG, page or .safetensors",
        tmp_path / "empty.png": "no PNG, page or .safetensors",
        tmp_path / "none.png": "cannot read",
        tmp_path: "cannot read",
    }
    for file, words in cases.items():
        code, _, err = cli("replay", file, "--model", made / "model.keras")
        assert code == 2, file
        assert words in err
        assert len(err.strip().splitlines()) == 1


def test_usage(cli: Runner, made: Path, tmp_path: Path) -> None:
    file = made / "out" / "a-grad_cam.png"
    assert "--model MODEL is missing" in cli("replay", file)[2]
    code, _, err = cli("replay", file, "--model", made / "model.keras", "--data", "x")
    assert code == 2
    assert "FIELD=FILE.npy" in err
    code, _, err = cli("replay", file, "--model", made / "none.keras")
    assert code == 2
    assert "none.keras" in err
    assert "was no array" in cli(
        "replay", file, "--model", made / "model.keras", "--data", f"layer={made}/a.png"
    )[2]  # fmt: skip


def test_arrays_of_a_method_are_given_again(cli: Runner, made: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "base.npy", np.full((12, 16, 3), 0.25, np.float32))
    np.save(tmp_path / "wrong.npy", np.full((12, 16, 3), 0.5, np.float32))
    method = f"integrated_gradients:steps=4,tolerance=none,baseline={tmp_path / 'base.npy'}"
    code, _, err = cli(
        "explain", made / "model.keras", made / "a.png", "-m", method, "-o", tmp_path / "out",
        "--preprocess", "unit",
    )  # fmt: skip
    assert code == 0, err
    again = ("replay", tmp_path / "out" / "a-integrated_gradients.png", "--model",
             made / "model.keras")  # fmt: skip
    code, _, err = cli(*again)
    assert code == 2
    assert "--data baseline=FILE.npy" in err
    code, _, err = cli(*again, "--data", f"baseline={tmp_path / 'wrong.npy'}")
    assert code == 2
    assert "recorded is" in err
    code, out, err = cli(*again, "--data", f"baseline={tmp_path / 'base.npy'}")
    assert code == 0, err
    assert "bit for bit the same" in out


@only_on("tensorflow")
def test_the_recorded_backend_is_taken_unless_another_is_set(made: Path) -> None:
    mine = keras.backend.backend()
    other = "jax" if mine != "jax" else "torch"
    command = [sys.executable, "-c", "from kerascope.cli.main import run; run()", "replay"]
    command += [made / "out" / "a-grad_cam.png", "--model", made / "model.keras"]
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert f"backend: {mine}\n" in done.stdout, done.stderr
    done = subprocess.run(
        command, env=environment | {"KERAS_BACKEND": other}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert f"backend: {other}, not {mine} as recorded: KERAS_BACKEND is set" in done.stdout
    assert f"changed: backend: {mine}" in done.stdout
    assert "model:" not in done.stdout  # a model's hash is the same on every backend
