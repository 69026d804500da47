"""What a certificate says of results, and what it refuses; no process is started here."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import fake_results
import kerascope as ks
import zoo
from kerascope import backend
from kerascope.certify import compare, front, processes
from kerascope.certify.job import Job, method_json, method_of, moved
from kerascope.certify.samples import COUNT, drawn
from kerascope.errors import BadImage, BadInput, BadMethod, BadModel, BadTarget
from kerascope.loading.given import How
from kerascope.method import make_method

NET = Path(ks.__file__).parent / "demo" / "data" / "object_net.keras"
SHA = "ab" * 32


def _report(**changes: Any) -> dict[str, Any]:
    told = {
        "refused": {}, "model_sha256": SHA, "half": [],
        "inputs": {"words": "2 pictures", "names": ["cat", "dog"]},
        "versions": {"keras": "3.15", "numpy": "2", "devices": "CPU:0"},
    }  # fmt: skip
    return told | changes


def _job(*methods: str) -> Job:
    return Job(
        model="m.keras", sources=None, methods=[make_method(m, {}).to_json() for m in methods],
        target=None, score="logit", seed=0, preprocess="auto", fit="squeeze", size=None,
        labels=None, custom=[], unsafe=False,
    )  # fmt: skip


def _of(
    job: Job,
    folder: Path,
    reports: dict[str, Any],
    *,
    limit: float = 1e-4,
    own: dict[int, float] | None = None,
    missing: tuple[str, ...] = (),
) -> Any:
    results = compare.loaded(job, folder, reports)
    return compare.certificate(job, reports, results, own or {}, limit, missing)


def _certificate(
    folder: Path,
    results: dict[str, Any],
    *,
    limit: float = 1e-4,
    own: dict[int, float] | None = None,
    **reports: Any,
) -> Any:
    """The certificate of one result of `gradient` per backend."""
    told = {name: _report() for name in results} | reports
    for name, result in results.items():
        (folder / name).mkdir()
        real = dataclasses.replace(result, method=make_method("gradient", {}))
        real.save(folder / name / "0-0.safetensors")
    return _of(_job("gradient"), folder, told, limit=limit, own=own)


def test_the_largest_difference_over_each_samples_largest_value(tmp_path: Path) -> None:
    one = fake_results.cam()
    values = one.values.copy()
    values[1] *= 0.01  # a weak map counts by its own strength
    one = dataclasses.replace(one, values=values)
    moved = values.copy()
    moved[1, 1, 1] *= 1.5
    two = dataclasses.replace(one, values=moved, scores=one.scores * np.float32(1.25))
    found = _certificate(tmp_path, {"tensorflow": one, "jax": two})
    (agreement,) = found.agreements
    assert agreement.backends == ("tensorflow", "jax")
    assert agreement.maps == pytest.approx(0.5 / 1.5)
    assert agreement.sample == "dog"
    assert agreement.scores == pytest.approx(0.2)
    assert not found.passed
    assert found.worst == agreement.maps
    assert "gradient: maps of dog differ by 0.33 between tensorflow and jax" in found.findings


def test_within_the_limit_it_passes_and_says_what_it_was(tmp_path: Path) -> None:
    one = fake_results.cam()
    two = dataclasses.replace(one, values=one.values * np.float32(1 + 2e-5))
    found = _certificate(tmp_path, {"tensorflow": one, "jax": two, "torch": one})
    assert found.passed
    assert len(found.agreements) == 3
    assert found.worst == pytest.approx(2e-5, rel=0.01)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["passed"]
    assert told["model_sha256"] == SHA
    assert len(told["inputs_sha256"]) == 2
    assert set(told["versions"]) == {"tensorflow", "jax", "torch"}


def test_a_map_near_nothing_beside_strong_ones_is_no_finding(tmp_path: Path) -> None:
    values = fake_results.cam().values.copy()
    values[1] *= 1e-9
    one = dataclasses.replace(fake_results.cam(), values=values)
    two = dataclasses.replace(one, values=np.stack([values[0], 0 * values[1]]))
    assert _certificate(tmp_path, {"tensorflow": one, "jax": two}, limit=2e-3).passed


def test_maps_of_other_shapes_are_infinitely_apart(tmp_path: Path) -> None:
    one = fake_results.cam()
    two = dataclasses.replace(one, values=one.values[:, :4])
    found = _certificate(tmp_path, {"tensorflow": one, "jax": two})
    assert math.isinf(found.agreements[0].maps)
    assert found.to_json()["agreements"][0]["maps"] is None
    assert not found.passed


def test_another_predicted_class_is_named_first(tmp_path: Path) -> None:
    one = fake_results.cam()
    turned = one.predictions.copy()
    turned[1] = turned[1, ::-1]
    two = dataclasses.replace(one, predictions=turned, values=one.values * 2)
    found = _certificate(tmp_path, {"tensorflow": one, "jax": two})
    assert found.findings[0] == ("dog: the predicted class differs: tensorflow 'tabby', jax 'bee'")
    assert len(found.findings) > 1


def test_other_weights_and_inputs_are_findings(tmp_path: Path) -> None:
    one = fake_results.cam()
    two = dataclasses.replace(one, inputs=one.inputs + np.float32(1))
    found = _certificate(
        tmp_path, {"tensorflow": one, "jax": two}, jax=_report(model_sha256="cd" * 32)
    )
    assert any("other weights or settings" in words for words in found.findings)
    assert "the backends have read other inputs" in found.findings


def test_refused_by_one_is_a_finding_and_by_all_a_note(tmp_path: Path) -> None:
    job = _job("gradient", "cam", "lrp")
    reports = {name: _report() for name in ("tensorflow", "jax")}
    for name, report in reports.items():
        (tmp_path / name).mkdir()
        result = dataclasses.replace(fake_results.cam(), method=make_method("gradient", {}))
        result.save(tmp_path / name / "0-0.safetensors")
        report["refused"] = {"1": "no pooling"}
    result.save(tmp_path / "tensorflow" / "2-0.safetensors")
    reports["jax"]["refused"]["2"] = "no rule"
    found = _of(job, tmp_path, reports, missing=("torch",))
    assert found.findings == ("lrp is refused by some backends only: jax: no rule",)
    assert "cam is refused by every backend: no pooling" in found.notes
    assert "torch is not installed and was not checked" in found.notes
    assert found.missing == ("torch",)


def test_refused_by_all_for_every_method_is_an_error(tmp_path: Path) -> None:
    reports = {name: _report(refused={"0": "no pooling"}) for name in ("tensorflow", "jax")}
    with pytest.raises(BadInput, match="no method gave maps on two backends: cam: no pooling"):
        _of(_job("cam"), tmp_path, reports)


def test_what_rounding_moves_as_far_is_a_note(tmp_path: Path) -> None:
    one = fake_results.cam()
    moved = one.values.copy()
    moved[0, 0, 0] += 0.25
    both = {"tensorflow": one, "jax": dataclasses.replace(one, values=moved)}
    found = _certificate(tmp_path, both, own={0: 0.5})
    assert found.passed
    assert "move its maps by 0.5 on one backend alone" in found.notes[0]
    (tmp_path / "less").mkdir()
    found = _certificate(tmp_path / "less", both, own={0: 0.1})
    assert not found.passed
    assert not found.notes


def test_moved_inputs_are_a_millionth_off_and_integers_stay() -> None:
    job = dataclasses.replace(_job("gradient"), draws=2)
    x = {"a": np.linspace(-1, 1, 50, dtype=np.float32), "b": np.arange(4)}
    one, two = moved(x, job)
    for tree in (one, two):
        off = np.abs(tree["a"] / x["a"] - 1)
        assert tree["a"].dtype == np.float32
        assert (off > 0.8e-6).all()
        assert (off < 1.2e-6).all()
        np.testing.assert_array_equal(tree["b"], x["b"])
    assert (one["a"] != two["a"]).any()


def test_samples_are_moved_with_all_that_is_known_of_them() -> None:
    table = ks.load_table({"age": [20.0, 30.0], "height": [1.5, 1.8]})
    (one,) = moved(table, dataclasses.replace(_job("gradient"), draws=1))
    assert one.columns == table.columns
    off = np.abs(one.inputs / table.inputs - 1)
    assert ((off > 0.8e-6) & (off < 1.2e-6)).all()


def test_half_precision_is_noted(tmp_path: Path) -> None:
    one = fake_results.cam()
    found = _certificate(tmp_path, {"tensorflow": one, "jax": one}, jax=_report(half=["float16"]))
    assert found.notes == ("the model computes in float16, which rounds more coarsely",)


def test_a_crash_is_a_finding_where_two_are_left_and_an_error_where_not(tmp_path: Path) -> None:
    one = fake_results.cam()
    crash = {"error": "it crashed: MemoryError", "kind": "crash"}
    found = _certificate(tmp_path, {"tensorflow": one, "jax": one}, torch=crash)
    assert found.findings == ("torch: it crashed: MemoryError",)
    with pytest.raises(BadInput, match="only tensorflow ran; jax: it crashed: MemoryError"):
        _of(_job("gradient"), tmp_path, {"tensorflow": _report(), "jax": crash})


def test_what_fails_alike_everywhere_is_that_error(tmp_path: Path) -> None:
    bad = {"error": "weights are missing", "kind": "BadModel"}
    with pytest.raises(BadModel, match=r"^weights are missing$"):
        _of(_job("gradient"), tmp_path, {"tensorflow": bad, "jax": bad})


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (1, "Traceback\n  File x\nValueError: no such op\n", "it crashed: ValueError: no such op"),
        (-9, "", "it was killed, most likely because memory ran out"),
        (-11, "Fatal Python error", "it was ended by signal 11: Fatal Python error"),
        (3, "", "it crashed: it said nothing"),
    ],
)
def test_a_dead_child_is_one_line(
    code: int, said: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"import os, sys; sys.stderr.write({said!r}); sys.stderr.flush(); "
    script += f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    real = subprocess.Popen
    monkeypatch.setattr(
        processes.subprocess, "Popen",
        lambda command, **options: real([command[0], "-c", script], **options),
    )  # fmt: skip
    (reports,) = processes.run_backends(["jax"], tmp_path).values()
    assert reports == {"error": words, "kind": "crash"}


def test_ctrl_c_in_a_child_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen
    script = f"import os; os.kill(os.getpid(), {int(signal.SIGINT)})"
    monkeypatch.setattr(
        processes.subprocess, "Popen",
        lambda command, **options: real([command[0], "-c", script], **options),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        processes.run_backends(["jax", "torch"], tmp_path)


def test_ctrl_c_while_a_child_is_started_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: list[str], **options: Any) -> None:
            script = "import time; time.sleep(600)"
            super().__init__([command[0], "-c", script], **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(processes.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        processes.run_backends(["jax", "torch"], tmp_path)
    (child,) = started
    assert child.returncode == -signal.SIGTERM


def test_wrong_pictures_end_it_with_the_first_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(name: str, folder: Path) -> dict[str, Any]:
        asked.append(name)
        return {"error": "picture 'x.jpg' does not exist", "kind": "BadImage"}

    monkeypatch.setattr(processes, "_run", run)
    with pytest.raises(BadImage, match=r"x\.jpg"):
        processes.run_backends(["jax", "torch"], tmp_path)
    assert asked == ["jax"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "none.keras"}, BadModel, "'none.keras' does not exist"),
        ({"model": zoo}, BadModel, "every backend loads it anew"),
        ({"backends": ["jax"]}, BadInput, "two backends or more; here is jax"),
        ({"backends": ["jax", "jaxx"]}, BadInput, "did you mean 'jax'"),
        ({"backends": []}, BadInput, "the list is empty"),
        ({"methods": ["grad_cma"]}, BadMethod, "did you mean 'grad_cam'"),
        ({"methods": []}, BadInput, "the list is empty"),
        ({"limit": -1.0}, BadInput, "limit=-1.0"),
        ({"limit": math.nan}, BadInput, "limit=nan"),
        ({"limit": True}, BadInput, "limit=True"),
        ({"target": len}, BadTarget, "not stored"),
        ({"inputs": {"a": ["x", "y"]}}, BadInput, "arrays of numbers"),
        ({"inputs": np.ones((1, 8, 8, 3)), "text": "a film"}, BadInput, "go with files"),
        ({"inputs": np.ones((1, 4)), "how": {"windows": 2}}, BadInput, "go with files"),
        ({"how": {"vocabularies": "w.txt"}}, BadInput, "vocabularies.*it has vocabulary, length"),
        ({"how": "w.txt"}, BadInput, "how='w.txt' is not understood"),
        ({"inputs": "runs/lr=0.1/cat.jpg"}, BadInput, "'runs/lr=0.1/cat.jpg' does not exist"),
        ({"inputs": ["scan=none.npy"]}, BadInput, "'none.npy' does not exist"),
        ({"inputs": pd.DataFrame({"a": [1.0]})}, BadInput, "known of a DataFrame cannot be told"),
        (
            {"inputs": ks.load_table({"a": [1.0, 2.0]})},
            BadInput,
            "known of a Table cannot be told to another process: give the files",
        ),
        (
            {"inputs": {"x": ks.load_table({"a": [1.0, 2.0]}), "y": np.ones((2, 3))}},
            BadInput,
            "known of a Table",
        ),
    ],
)
def test_bad_input(options: dict[str, Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        ks.certify(**({"model": NET} | options))


def test_words_paths_and_options_reach_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []

    def run(_: list[str], folder: Path) -> dict[str, Any]:
        jobs.append(Job.read(folder))
        raise BadInput("enough")

    monkeypatch.setattr(front, "run_backends", run)
    for how in ({"vocabulary": tmp_path / "w.txt"}, How(vocabulary=str(tmp_path / "w.txt"))):
        with pytest.raises(BadInput, match="enough"):
            ks.certify(NET, text="a boring film", how=how, custom="m:C", labels=tmp_path / "l.txt")
    one, two = jobs
    assert one == two
    assert (one.text, one.custom, one.sources) == (["a boring film"], ["m:C"], None)
    assert How.from_json(one.how).vocabulary == str(tmp_path / "w.txt")
    assert one.labels == str(tmp_path / "l.txt")


def test_what_a_child_leaves_goes_with_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import tempfile; print(tempfile.mkdtemp(), file=__import__('sys').stderr); 1 / 0"
    real = subprocess.Popen
    monkeypatch.setattr(
        processes.subprocess, "Popen",
        lambda command, **options: real([command[0], "-c", script], **options),
    )  # fmt: skip
    processes.run_backends(["jax"], tmp_path)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_samples_that_cannot_be_read_end_it_with_the_first_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"error": "--rows is for a table", "kind": "BadInput", "sure": True}
    monkeypatch.setattr(processes, "_run", lambda name, folder: {"jax": told}[name])
    with pytest.raises(BadInput, match="--rows is for a table"):
        processes.run_backends(["jax", "torch"], tmp_path)


def test_a_model_of_strings_asks_for_texts() -> None:
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, keras.layers.Identity()(text))
    with pytest.raises(BadInput, match=r"takes strings: give --text, or a \.txt file"):
        drawn(model, 0, None)


def test_one_backend_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "installed", lambda: ("jax",))
    with pytest.raises(BadInput, match="here is jax; not installed: tensorflow, torch"):
        ks.certify(NET)


def test_a_method_with_arrays_travels_whole(tmp_path: Path) -> None:
    method = make_method("integrated_gradients", {"baseline": np.eye(3, dtype=np.float32)})
    again = method_of(json.loads(json.dumps(method_json(method, tmp_path))), tmp_path)
    assert again == method
    np.testing.assert_array_equal(again.baseline.array, np.eye(3))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("flat_functional", "uniform in 0 … 1"),
        ("image_and_vector", "normally distributed"),
        ("token_ids", "integers below"),
        ("series_conv", "normally distributed"),
    ],
)
def test_random_samples_fit_the_model(shape: str, words: str) -> None:
    model = zoo.SHAPES[shape]().model
    tree, told = drawn(model, 0, None)
    assert words in told
    result = ks.explain(model, tree, "gradient")
    assert len(result) == COUNT
    again, _ = drawn(model, 0, None)
    np.testing.assert_equal(tree, again)


def test_a_model_of_open_size_asks_for_one() -> None:
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(),
         keras.layers.Dense(2)]
    )  # fmt: skip
    with pytest.raises(BadInput, match="leaves its size open: give --size"):
        drawn(model, 0, None)
    tree, _ = drawn(model, 0, 8)
    assert tree.shape == (COUNT, 8, 8, 3)  # type: ignore[union-attr]


def test_defaults_cover_every_family() -> None:
    assert set(front.METHODS) <= set(ks.methods())
