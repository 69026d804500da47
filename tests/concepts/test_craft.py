"""CRAFT: planted concepts are recovered, importances are those of closed forms."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy import optimize

import kerascope as ks
import zoo
from concepts.planted import MATERIALS, SIDE, materials, materials_net
from kerascope.concepts.craft.bank import coefficients, concept_bank, relative_error
from kerascope.concepts.craft.importance import Rebuilt, total_importances
from kerascope.concepts.craft.windows import windows_of
from kerascope.hooks import HookedModel, store_of
from kerascope.inside.activations.maps import layout_of
from kerascope.run import Run
from kerascope.targets import resolve_targets

WEIGHTS = [1.0, 4.0, 2.0]


@pytest.fixture(scope="module")
def found() -> ks.Craft:
    return ks.craft(
        materials_net(WEIGHTS), materials(8), None, "mix", concepts=3, crop=1 / 3, designs=256
    )


def matched(bank: np.ndarray) -> np.ndarray:
    """Return for every concept the material that it is."""
    unit = MATERIALS / np.linalg.norm(MATERIALS, axis=1, keepdims=True)
    return (bank @ unit.T).argmax(axis=1)


def test_the_planted_bank_is_recovered(found: ks.Craft) -> None:
    unit = MATERIALS / np.linalg.norm(MATERIALS, axis=1, keepdims=True)
    kinds = matched(found.bank)
    assert sorted(kinds) == [0, 1, 2]
    cosines = (found.bank * unit[kinds]).sum(axis=1)
    assert (cosines > 0.999).all()
    assert found.error < 0.02
    assert found.map_error < 0.05
    assert not any("leave out" in note for note in found.notes)


def test_importances_rank_as_the_weights_do(found: ks.Craft) -> None:
    assert list(matched(found.bank)) == [1, 2, 0]
    assert list(found.importances) == sorted(found.importances, reverse=True)


def test_maps_are_the_amounts_of_each_material(found: ks.Craft) -> None:
    amounts = np.moveaxis(materials(8), -1, 1)[:, matched(found.bank)]
    amounts *= np.linalg.norm(MATERIALS, axis=1)[matched(found.bank)][:, None, None]
    assert found.maps.shape == (8, 3, SIDE, SIDE)
    assert np.abs(found.maps - amounts).max() < 0.1
    assert np.allclose(found.scores, found.rebuilt_scores, rtol=0.03)


def test_importances_are_those_of_an_additive_function(found: ks.Craft) -> None:
    order = matched(found.bank)
    mean = materials(8).mean(axis=(1, 2))[:, order] * np.array(WEIGHTS)[order]
    # Σ a_k m_k with m uniform and independent: index k is a_k² / Σ a².
    expected = mean**2 / (mean**2).sum(axis=1, keepdims=True)
    assert np.allclose(found.importances_of, expected, atol=0.05)
    assert np.allclose(found.importances, expected.mean(axis=0), atol=0.03)
    assert np.allclose(found.importances_of.mean(axis=0), found.importances, atol=1e-6)


def rebuilt_of(model: Any, x: np.ndarray, layer: str, bank: np.ndarray) -> Rebuilt:
    view = HookedModel(model)
    inputs = view.read(x)
    site = view.site(layer)
    values = view.activations(inputs, [site])[site]
    layout = layout_of(view, inputs, site)
    rows = np.moveaxis(values, layout.channel, -1)
    flat = coefficients(rows.reshape(-1, rows.shape[-1]), bank)
    found = flat.reshape(len(x), -1, len(bank))
    targets = resolve_targets(None, view.spec(), len(x))
    return Rebuilt(view, inputs, targets, site, layout, values.shape[1:], found, bank)


def test_importances_are_those_of_a_product() -> None:
    model = materials_net([], product=True)
    rebuilt = rebuilt_of(model, materials(2, seed=1), "mix", MATERIALS.astype(float))
    values, errors = total_importances(rebuilt, 1024, Run(batch=HookedModel(model).batch))
    # Π m_k, m uniform: V = (1/3)³ − (1/4)³, and each total index is (1/12) (1/3)² / V.
    expected = (1 / 12) * (1 / 3) ** 2 / ((1 / 3) ** 3 - (1 / 4) ** 3)
    assert np.allclose(values, expected, atol=0.06)
    assert (errors > 0).all()
    assert (errors < 0.1).all()


@pytest.mark.parametrize("name", ["flat_functional", "channels_first", "series_conv", "volume"])
def test_scores_of_substituted_activations_are_those_of_a_sub_model(name: str) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    view = HookedModel(case.model)
    view.read(case.x)
    shape = view.survey.shape(view.site("conv1"))
    channels = shape[0] if name == "channels_first" else shape[-1]
    rng = np.random.default_rng(0)
    bank = rng.uniform(0, 1, (2, channels))
    rebuilt = rebuilt_of(case.model, case.x, "conv1", bank)
    masks = rng.uniform(0, 1, (5, 2))
    samples = np.array([0, 1, 1, 0, 1])
    output = rebuilt.output(samples, masks)
    last = np.moveaxis(output, 1, -1) if name == "channels_first" else output
    wanted = np.einsum("rpc,rc,cf->rpf", rebuilt.coefficients[samples], masks, bank)
    assert np.allclose(last.reshape(5, -1, channels), wanted, atol=1e-5)
    middle = case.model.get_layer("conv1").output
    head = case.model.layers[-1]
    sub = keras.Model(middle, head.input)
    features = keras.ops.convert_to_numpy(sub(output))
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in head.weights)
    every = features @ kernel + bias
    classes = keras.ops.convert_to_numpy(case.model(case.x)).argmax(axis=-1)
    pinned = resolve_targets([int(c) for c in classes], rebuilt.view.spec(), len(case.x))
    scores = Rebuilt(**{**vars(rebuilt), "targets": pinned}).scores(samples, masks)
    assert np.allclose(scores, every[np.arange(5), classes[samples]], rtol=1e-4, atol=1e-5)


def test_coefficients_are_the_non_negative_least_squares() -> None:
    rng = np.random.default_rng(0)
    bank, rows = rng.uniform(0, 1, (4, 9)), rng.uniform(0, 1, (20, 9))
    expected = np.stack([optimize.nnls(bank.T, row)[0] for row in rows])
    assert np.allclose(coefficients(rows, bank), expected, atol=1e-8)
    assert (expected == 0).any()
    wanted = np.linalg.norm(rows - expected @ bank) / np.linalg.norm(rows)
    assert relative_error(rows, expected, bank) == pytest.approx(wanted)


def test_a_bank_is_of_unit_directions_without_negatives() -> None:
    rows = np.random.default_rng(0).uniform(0, 9, (30, 7))
    bank, _ = concept_bank(rows, 3, 0)
    assert bank.shape == (3, 7)
    assert (bank >= 0).all()
    assert np.allclose(np.linalg.norm(bank, axis=1), 1)
    again, _ = concept_bank(rows * 100, 3, 0)
    assert np.allclose(bank, again, atol=1e-8)


@pytest.mark.parametrize("crop", [0.3, 0.5, 1.0])
def test_windows_cover_the_picture_and_are_enlarged(crop: float) -> None:
    x = {"a": np.random.default_rng(0).normal(size=(2, 20, 30, 3)).astype("float32")}
    windows = windows_of({"a": ("y", "x", "channel")}, x, crop)
    seen = np.zeros((20, 30), bool)
    for y0, x0 in windows.starts:
        seen[y0 : y0 + windows.size[0], x0 : x0 + windows.size[1]] = True
    assert seen.all()
    assert windows.size == (round(20 * crop), round(30 * crop))
    last = len(windows) - 1
    cut = windows.cut(x, np.array([1, 0]), np.array([0, last]))["a"]
    assert cut.shape == (2, 20, 30, 3)
    (y0, x0), (h, w) = windows.starts[last], windows.size
    part = x["a"][0, y0 : y0 + h, x0 : x0 + w]
    for (i, wide), channel in itertools.product(((0, 0), (19, 29)), range(3)):
        corner = part[0 if i == 0 else -1, 0 if wide == 0 else -1, channel]
        assert cut[1, i, wide, channel] == pytest.approx(corner, abs=1e-6)
    line = np.interp((np.arange(30) + 0.5) * w / 30 - 0.5, np.arange(w), part[0, :, 1])
    assert np.allclose(cut[1, 0, :, 1], line, atol=1e-5)


def test_crops_of_series_and_of_channels_first_pictures() -> None:
    x = {"a": np.arange(48, dtype="float32").reshape(1, 24, 2)}
    windows = windows_of({"a": ("time", "channel")}, x, 0.25)
    assert windows.axes == (1,)
    cut = windows.cut(x, np.array([0]), np.array([1]))["a"][0]
    start = windows.starts[1][0]
    assert cut[0, 0] == x["a"][0, start, 0]
    assert cut[-1, 1] == x["a"][0, start + 5, 1]
    y = {"a": np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype("float32")}
    first = windows_of({"a": ("channel", "y", "x")}, y, 0.5)
    moved = {"a": np.moveaxis(y["a"], 1, -1)}
    other = windows_of({"a": ("y", "x", "channel")}, moved, 0.5)
    rows, which = np.array([0]), np.array([2])
    assert np.allclose(np.moveaxis(first.cut(y, rows, which)["a"], 1, -1),
                       other.cut(moved, rows, which)["a"])  # fmt: skip


def test_top_crops_hold_most_of_their_material(found: ks.Craft) -> None:
    kinds = matched(found.bank)
    for k in range(3):
        crops = found.top(k, 4)
        mean = crops.inputs.mean(axis=(1, 2))
        assert (mean.argmax(axis=1) == kinds[k]).all()
        assert len(crops) == len(crops.names) == 4
        assert crops.display is not None
        assert crops.display[0].shape == (SIDE, SIDE, 3)


def test_the_recursive_step_takes_crops_to_an_earlier_layer() -> None:
    case = zoo.SHAPES["flat_functional"]()
    first = ks.craft(case.model, zoo.pictures(5), 1, "conv2", concepts=3, crop=0.5)
    crops = first.top(0, 12)
    second = ks.craft(case.model, crops, 1, "conv1", concepts=2, crop=None)
    assert second.coefficients.shape == (12, 2)
    assert second.maps.shape == (12, 2, 10, 14)
    assert second.names == crops.names
    assert second.bank.shape == (2, 4)
    plain = ks.craft(case.model, crops.inputs, 1, "conv1", concepts=2, crop=None)
    assert np.array_equal(plain.bank, second.bank)


def test_crops_of_photographs_are_cut_from_what_people_see(tmp_path: Path) -> None:
    case = zoo.SHAPES["flat_functional"]()
    rng = np.random.default_rng(0)
    for k in range(3):
        Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).save(
            tmp_path / f"{k}.png"
        )
    found = ks.craft(case.model, tmp_path, 0, "conv2", concepts=2, crop=0.5, preprocess="unit")
    assert found.names == ("0", "1", "2")
    crops = found.top(0, 3)
    assert crops.display is not None
    assert found.display is not None
    shown, name = crops.display[0], crops.names[0]
    assert shown.shape == (30, 40, 3)
    whole = found.display[int(name[0])]
    y, x = found.windows.starts[int(name.split("#")[1])]
    assert np.array_equal(shown, whole[y * 5 : y * 5 + 30, x * 5 : x * 5 + 40])


@pytest.mark.parametrize(
    ("name", "layer", "crop"),
    [("rescaling_and_nested_base", "relu", 0.5), ("nested_three_deep", "inner/relu", 0.5),
     ("subclassed_model", "conv2", 0.5), ("channels_first", "conv2", 0.5),
     ("image_and_vector", "conv", 0.5), ("shared_encoder", "encoder/last", 0.5),
     ("series_conv", "conv2", 0.5), ("token_ids", "conv", None), ("volume", "conv2", 0.6)],
)  # fmt: skip
def test_any_shape_of_model(name: str, layer: str, crop: float | None, tmp_path: Path) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    passes = store_of(case.model).passes
    found = ks.craft(case.model, case.x, 0, layer, concepts=2, crop=crop, designs=4)
    assert np.isfinite(found.importances).all()
    crops = len(found.coefficients)
    # Crops, pictures, pictures again for their scores and rebuilt scores, and the Sobol design.
    assert passes["forward"] == crops + 2 * 3 + 2 * 4 * 3
    again = ks.Craft.load(found.save(tmp_path / "c.safetensors"))
    assert again.windows == found.windows
    assert again.structure == found.structure
    assert np.array_equal(again.maps, found.maps)
    a, b = found.top(1, 2), again.top(1, 2)
    assert a.names == b.names
    keras.tree.map_structure(lambda left, right: np.testing.assert_array_equal(left, right),
                             a.inputs, b.inputs)  # fmt: skip
    assert isinstance(again.plot(crops=2), Figure)
    assert isinstance(again.plot_maps(), Figure)


def test_nothing_depends_on_the_batch_size_or_is_traced_twice() -> None:
    case = zoo.SHAPES["flat_functional"]()
    x = zoo.pictures(5)
    options: dict[str, Any] = {"concepts": 3, "crop": 0.5, "designs": 8}
    first = ks.craft(case.model, x, 1, "conv2", **options)
    traces = store_of(case.model).traces
    again = ks.craft(case.model, x, 1, "conv2", **options)
    assert store_of(case.model).traces == traces
    assert np.array_equal(first.importances, again.importances)
    small = ks.craft(case.model, x, 1, "conv2", batch_size=3, **options)
    assert np.allclose(first.bank, small.bank, atol=1e-4)
    assert np.allclose(first.importances, small.importances, atol=1e-3)


def test_pictures_of_different_classes_are_explained_as_such() -> None:
    case = zoo.SHAPES["flat_functional"]()
    options: dict[str, Any] = {"concepts": 2, "crop": 0.5, "designs": 2}
    assert "logit of class 1" in ks.craft(case.model, case.x, 1, "conv2", **options).explained
    each = ks.craft(case.model, case.x, [1, 2], "conv2", **options)
    assert each.explained == "[1, 2] of each picture"
    view = HookedModel(case.model)
    logits = view.scores(view.read(case.x), resolve_targets((1, 2), view.spec(), 2)).values
    assert np.allclose(each.scores, np.diag(logits), rtol=1e-5)
    many = ks.craft(case.model, zoo.pictures(24), None, "conv2", **options)
    assert many.explained.startswith(("predicted class of each picture", "logit of class"))


def test_drawn(found: ks.Craft) -> None:
    figure = found.plot(crops=4)
    assert len([axes for axes in figure.axes if axes.get_images()]) == 12
    assert len(found.plot_maps(concepts=[2], samples=[0, 3]).axes) == 4
    assert "3 concepts of 8 pictures" in found._repr_html_()
    assert [row[0] for row in found.table()] == [0, 1, 2]


def test_a_negative_layer_is_refused_with_advice() -> None:
    case = zoo.SHAPES["rescaling_and_nested_base"]()
    with pytest.raises(ks.BadLayer, match=r"'base/norm' has negative values .*: base/conv1"):
        ks.craft(case.model, case.x, 0, "norm", concepts=2)
    with pytest.raises(ks.BadLayer, match="base/relu"):
        ks.craft(case.model, case.x, 0, "conv2", concepts=2)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"layer": "conv9"}, ks.BadLayer, "conv9"),
        ({"target": 17}, ks.BadTarget, "17"),
        ({"target": (0, 1)}, ks.BadTarget, "is 2"),
        ({"concepts": 0}, ks.BadInput, "concepts=0"),
        ({"concepts": 9}, ks.BadInput, "concepts=9 is too many .* at most 5"),
        ({"crop": 0}, ks.BadInput, "crop=0"),
        ({"crop": 1.5}, ks.BadInput, "crop=1.5"),
        ({"designs": 1}, ks.BadInput, "designs=1"),
        ({"score": "loss"}, ks.BadInput, "score='loss'"),
        ({"images": np.zeros((2, 5, 5, 3), "float32")}, ks.BadInput, "takes"),
        ({"images": np.full((2, 12, 16, 3), np.nan, "float32")}, ks.BadInput, "NaN"),
        ({"images": np.full((2, 12, 16, 3), -1e4, "float32"), "layer": "zero"}, ks.BadInput,
         "zero on all crops"),
        ({"images": []}, ks.BadInput, "empty"),
    ],
)  # fmt: skip
def test_bad_input_is_named(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    given: dict[str, Any] = {"images": case.x, "target": 0, "layer": "conv2", "concepts": 2,
                             **options}  # fmt: skip
    if given["layer"] == "zero":
        given["layer"] = "conv2"
        case.model.get_layer("conv2").set_weights([np.zeros((3, 3, 4, 5)), np.zeros(5)])
    with pytest.raises(kind, match=words) as raised:
        ks.craft(case.model, given.pop("images"), given.pop("target"), given.pop("layer"), **given)
    assert "\n" not in str(raised.value)


def test_bad_requests_folders_and_weights_are_named(found: ks.Craft, tmp_path: Path) -> None:
    with pytest.raises(ks.BadInput, match="concept 3"):
        found.top(3)
    with pytest.raises(ks.BadInput, match="samples="):
        found.plot_maps(samples=[8])
    case = zoo.SHAPES["token_ids"]()
    with pytest.raises(ks.BadInput, match="crop=None"):
        ks.craft(case.model, case.x, 0, "conv", concepts=1)
    net = materials_net(WEIGHTS)
    with pytest.raises(ks.BadFile, match="no pictures"):
        ks.craft(net, tmp_path, None, "mix", concepts=2)
    net.get_layer("mix").set_weights([MATERIALS[None, None] * np.nan])
    with pytest.raises(ks.BadModel, match="NaN"):
        ks.craft(net, materials(2), None, "mix", concepts=2)
