"""Every recipe of docs/recipes.md runs, on the bundled net, and the page is what the files say."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerascope as ks
from once import one_backend, only_on

FOLDER = Path(__file__).parents[2] / "docs_src" / "recipes"
QUICK: dict[str, dict[str, int]] = {
    "feature_maps": {},
    "best_classes": {},
    "two_animals": {},
    "score_cam": {"top_k": 8},
    "smooth_grad": {"samples": 4},
    "occlusion": {"share": 2},
    "all_classes": {"steps": 4},
    "modifiers": {},
    "shap_layers": {"samples": 4},
    "blocks": {},
}


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)


@pytest.fixture(scope="module")
def hand() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        patch.setenv("KERASCOPE_NETS", "bundled")
        yield importlib.import_module("at_hand").at_hand()


def test_the_page_is_not_stale() -> None:
    page = importlib.import_module("page")
    found = (page.DOCS / "recipes.md").read_text(encoding="utf-8")
    assert found == page.page(), "run python docs_src/recipes/page.py"
    recipes = {path.stem for path in FOLDER.glob("*.py")} - {"at_hand", "page"}
    assert recipes == set(page.PICTURES)
    shown = {name for names in page.PICTURES.values() for name in names}
    assert shown == {path.stem for path in (page.DOCS / "recipes").iterdir()}


@only_on("torch")
@pytest.mark.parametrize("name", QUICK)
def test_on_the_bundled_net(name: str, hand: Any, tmp_path: Path) -> None:
    found = importlib.import_module(name).main(hand, tmp_path, **QUICK[name])
    page = importlib.import_module("page")
    assert {path.stem for path in tmp_path.iterdir()} == set(page.PICTURES[name])
    results = found if isinstance(found, list) else [found]
    for result in results:
        maps = result.maps() if isinstance(result, ks.Attribution) else {"": result.values}
        for array in _arrays(maps):
            assert np.isfinite(array).all()
            assert np.ptp(array) > 0


def _arrays(tree: Any) -> list[np.ndarray]:
    if isinstance(tree, dict):
        return [array for part in tree.values() for array in _arrays(part)]
    return [np.asarray(tree)]


@only_on("torch")
def test_two_things_in_one_picture_are_told_apart(hand: Any, tmp_path: Path) -> None:
    """The tank stands in the left half, the truck in the right one, and so does their evidence."""
    found = importlib.import_module("two_animals").main(hand, tmp_path)
    contrast = found.heatmap()[0, 2]
    half = contrast.shape[1] // 2
    assert contrast[:, :half].sum() > contrast[:, half:].sum()


@one_backend
def test_the_transformer_reads_the_square_that_decides(hand: Any, tmp_path: Path) -> None:
    recipe = importlib.import_module("vit_attention")
    _, relevance = recipe.main(hand, tmp_path)
    cells = recipe.pictures(2, seed=1)[2]
    peaks = [np.unravel_index(grid.argmax(), grid.shape) for grid in relevance.relevance]
    np.testing.assert_array_equal(peaks, cells)


@one_backend
def test_the_layer_of_ones_own_reads_the_spike(hand: Any, tmp_path: Path) -> None:
    recipe = importlib.import_module("custom_attention")
    read, counted = recipe.main(hand, tmp_path)
    places = recipe.sequences(2, seed=1)[2]
    np.testing.assert_array_equal(read.weights().reshape(2, -1).argmax(axis=1), places)
    strongest = np.abs(counted.values).sum(axis=-1).argmax(axis=1)
    np.testing.assert_array_equal(strongest, places)


@one_backend
def test_the_forecast_comes_from_upwind(hand: Any, tmp_path: Path) -> None:
    recipe = importlib.import_module("forecaster")
    found = recipe.main(hand, tmp_path).values[0]
    over_columns = np.maximum(found, 0).sum(axis=(0, 1, 3))
    assert np.average(np.arange(recipe.SIZE), weights=over_columns) < recipe.GAUGE[1]


@only_on("torch")
def test_what_is_not_there_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without weights, real networks are tried; without them, the bundled net is taken."""
    module = importlib.import_module("at_hand")
    monkeypatch.delenv("KERASCOPE_NETS", raising=False)
    monkeypatch.setattr(module, "REAL", tmp_path)

    def offline(name: str) -> Any:
        raise ks.BadModel(f"the weights of '{name}' cannot be fetched")

    with monkeypatch.context() as patch:
        patch.setattr(module.ks, "load_model", offline)
        with pytest.raises(ks.BadModel):
            module.ks.load_model("keras:VGG16")
        assert module.at_hand("VGG16").words.startswith("the net of the demo")
    said = capsys.readouterr().err
    assert "not imagenet" in said
    assert "not real" in said


@only_on("torch")
@pytest.mark.parametrize("beside", [True, False])
def test_photographs_for_a_net_of_imagenet(
    beside: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A dog beside a cat where that picture is at hand, else a cat beside a cup."""
    module = importlib.import_module("at_hand")
    monkeypatch.setattr(module, "REAL", tmp_path)
    if beside:
        (tmp_path / "images").mkdir()
        Image.new("RGB", (40, 30)).save(tmp_path / "images" / "gradcam_dog_cat_both.png")
    i = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(i))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(i, keras.layers.Dense(1000, activation="softmax")(x))
    found = module._with_photographs(model, "a net")
    assert found.rivals == ((242, 282) if beside else (281, 967))
    assert found.pair.shape == (1, 32, 32, 3)
    assert found.images.names == ("cat", "cup")
    assert found.classes == 1000
