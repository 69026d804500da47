"""Series, volumes and films on the command line, and in a report's document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
import series_nets as nets
from kerascope.report.blobs import read_array
from kerascope.report.document import document_of
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a forecaster, a series of 60 hours, a net of volumes, and a volume."""
    folder = tmp_path_factory.mktemp("series")
    nets.forecaster("conv").save(folder / "model.keras")
    x, _, _ = nets.bumps(2, seed=9)
    long = np.concatenate([x[0], x[1]])[:60]
    rows = [f"day {i // 24} {i % 24}:00," + ",".join(map(str, row)) for i, row in enumerate(long)]
    (folder / "power.csv").write_text("\n".join(["hour," + ",".join(nets.CHANNELS), *rows]) + "\n")
    (folder / "short.csv").write_text("\n".join(["hour,load,wind,sun", *rows[:9]]) + "\n")
    wide = ["hour,load,wind,sun,rain", *(f"{row},0" for row in rows[:40])]
    (folder / "wide.csv").write_text("\n".join(wide) + "\n")
    nets.classifier("conv3d").save(folder / "volume.keras")
    np.save(folder / "scan.npy", nets.blobs(1, seed=9)[0])
    return folder


def test_a_csv_file(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", files / "power.csv", "--forecast", "wind", "--windows",
        "2", "-t", "horizon-2", "-o", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)["results"]
    assert told[0]["picture"] == "power to day 1 7:00"
    assert told[0]["method"] == "integrated_gradients"
    assert told[0]["explained"].startswith("forecast of 'wind' 2 steps ahead (")
    assert told[0]["grade"]["letter"] in "ABCD"
    assert "most in 'wind'" in told[0]["sentences"][0]
    ends = sorted(path.suffix for path in tmp_path.iterdir())
    assert ends == [".html", *[".png"] * 2, *[".safetensors"] * 2]
    assert "forecast of wind" in (tmp_path / "report.html").read_text()


def test_a_picture_of_a_series_is_made_again_from_its_file(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    code, _, err = cli(
        "explain", files / "model.keras", files / "power.csv", "--windows", "2", "-o",
        tmp_path / "out", "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    first = min((tmp_path / "out").glob("*.png"))
    alone = shutil.copy(first, tmp_path)
    code, out, err = cli("replay", alone, files / "power.csv", "--model", files / "model.keras")
    assert code == 0, (out, err)
    assert "bit for bit the same" in out


def test_a_volume(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "volume.keras", files / "scan.npy", "--video", "-o", tmp_path,
        "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    assert "scan  integrated_gradients: logit of class" in out
    assert "of the film, most in frame" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("short.csv",), "the series has 9 steps, and a window takes 32"),
        (("wide.csv",), "the series has 4 channels"),
        (("power.csv", "--forecast", "rain"), "forecast='rain': no such channel"),
        (("power.csv", "-t", "horizon-9"), "step 9 is out of range"),
        (("none.csv",), "cannot read 'none.csv'"),
    ],
)
def test_one_line_where_it_cannot_be(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, ...], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(files)
    code, _, err = cli("explain", files / "model.keras", *arguments, "-o", tmp_path)
    assert code == 2
    assert words in " ".join(err.split()), err
    assert "Traceback" not in err


# --- the document -------------------------------------------------------------------------------


def test_the_document_holds_lines_forecast_and_values() -> None:
    x, y, _ = nets.bumps(2, seed=9)
    model = nets.forecaster("conv")
    series = ks.load_series(x, model, channels=nets.CHANNELS, forecast="wind", truth=y)
    result = ks.explain(model, series)
    made = document_of([result, ks.explain(model, series, "grad_cam")])
    first = made["samples"][0]["inputs"][0]
    assert [one["name"] for one in first["series"]["channels"]] == list(nets.CHANNELS)
    line = read_array(first["series"]["channels"][1]["values"], made["blobs"])
    assert np.allclose(line, x[0, :, 1], atol=1e-3)
    forecast = made["predictions"][1]["forecast"]["channels"][0]
    assert np.allclose(read_array(forecast["truth"], made["blobs"]), y[1], atol=1e-3)
    assert np.allclose(
        read_array(forecast["values"], made["blobs"]), result.predictions[1], atol=1e-3
    )
    one, cam = (next(m for m in made["maps"] if m["method"] == k["id"]) for k in made["methods"])
    values = read_array(one["values"], made["blobs"])
    assert (values.shape, one["size"], one["kind"]) == ((3, 32), [3, 32], "series")
    assert np.allclose(values, result.values[0].T, atol=1e-4 * np.abs(result.values).max())
    assert cam["size"] == [1, 32]
    assert one["verdict"].startswith("evidence most in 'wind'")


def test_the_document_holds_slices_and_values() -> None:
    x, truth, place = nets.blobs(2, seed=9)
    result = ks.explain(nets.classifier("conv_lstm"), x, target=truth.tolist())
    made = document_of([result])
    slices = made["samples"][0]["inputs"][0]["slices"]
    assert (slices["shape"], slices["columns"]) == ([6, 10, 12], 3)
    assert made["blobs"][slices["picture"]].startswith("data:image/")
    one = made["maps"][0]
    assert (one["kind"], one["size"]) == ("video", [6, 10, 12])
    values = read_array(one["values"], made["blobs"])
    assert np.allclose(values, result.heatmap()[0], atol=1e-4 * np.abs(result.values).max())
    assert f"most in frame {place[0, 0] + 1} of 6" in one["verdict"]
