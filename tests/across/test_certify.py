"""`kerascope certify` with real processes on several backends: run once, not on every backend."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import kerascope.demo
import text_nets
from kerascope.backend import installed

DATA = Path(kerascope.demo.__file__).parent / "data"
MODEL = DATA / "sky_net.keras"
KERASCOPE = (sys.executable, "-c", "from kerascope.cli.main import run; run()", "certify")
pytestmark = pytest.mark.skipif(len(installed()) < 3, reason="three backends are not installed")
ODD = """
import keras

@keras.saving.register_keras_serializable("odd")
class Odd(keras.layers.Layer):
    '''Another function on PyTorch; no function at all where it is asked to fall over.'''

    def call(self, x):
        return x * (-1.5 if keras.backend.backend() == "torch" else 1.0)
"""


def _certify(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in (*KERASCOPE, *arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_three_backends_agree_on_pictures(tmp_path: Path) -> None:
    done = _certify(
        MODEL, DATA / "scene_00_tank_sunny.png", DATA / "scene_01_truck_overcast.png",
        "-m", "gradient", "-m", "grad_cam", "-m", "rise:masks=30", "-m", "attention_rollout",
        "-o", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = json.loads((tmp_path / "certificate.json").read_text())
    assert told["passed"]
    assert 0 < told["worst"] < 1e-4
    assert {tuple(a["backends"]) for a in told["agreements"]} == {
        ("tensorflow", "jax"), ("tensorflow", "torch"), ("jax", "torch")
    }  # fmt: skip
    assert {a["method"] for a in told["agreements"]} == {"gradient", "grad_cam", "rise (masks=30)"}
    assert len(told["inputs_sha256"]) == 2
    assert any("attention_rollout is refused by every backend" in n for n in told["notes"])
    page = (tmp_path / "report.html").read_text()
    assert "explain sky_net.keras alike" in page
    for text in (page, json.dumps(told), done.stdout.replace(str(tmp_path), "")):
        assert str(DATA) not in text
        assert tempfile.gettempdir() + os.sep not in text
        assert f"/{getpass.getuser()}/" not in text


def test_a_layer_that_is_another_function_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    build = (
        "import keras, odd; from odd import Odd; "
        "m = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), "
        "keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3), Odd(), "
        "keras.layers.Softmax()]); m.save('m.keras')"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, env=environment, check=True)
    done = _certify(
        "m.keras", "-b", "jax", "-b", "torch", "-m", "gradient", "--custom", "odd:Odd", "-o", "out",
        "--json", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, (done.stdout, done.stderr)
    told = json.loads(done.stdout)
    assert not told["passed"]
    assert told["inputs"].startswith("3 random samples, uniform in 0 … 1")
    assert "the predicted class differs: jax class" in told["findings"][0]
    assert any(words.startswith("gradient: maps of sample") for words in told["findings"])


def test_backends_read_the_same_texts(tmp_path: Path) -> None:
    text_nets.classifier("conv").save(tmp_path / "text.keras")
    (tmp_path / "words.txt").write_text("\n".join(text_nets.WORDS) + "\n")
    done = _certify(
        "text.keras", "--text", "The film was boring.", "--vocabulary", "words.txt", "-b", "jax",
        "-b", "torch", "-m", "integrated_gradients", "-m", "lime", "-o", "out", "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = json.loads(done.stdout)
    assert told["inputs"] == "1 text"
    assert told["worst"] < 1e-4


def test_a_picture_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("no picture")
    done = _certify(MODEL, tmp_path / "x.jpg", "-b", "jax", "-b", "torch", "-o", tmp_path / "out")
    assert done.returncode == 2, done.stdout
    assert "x.jpg" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ctrl_c_stops_the_child_and_leaves_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.zeros((64, 64, 64, 3), np.float32))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [*KERASCOPE, MODEL, tmp_path / "many.npy", "-m", "rise:masks=100000", "-o", tmp_path]
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    children: list[psutil.Process] = []
    while not children and time.monotonic() < deadline:
        time.sleep(0.05)
        children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert children
    assert not any(child.is_running() for child in children)
    assert not list(temporary.iterdir())
