"""Architecture: work by hand, receptive fields by changing pixels, edges of every model shape."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel
from kerascope.inside.architecture import Architecture
from kerascope.plot.diagram import Item, rails
from once import only_on

pytestmark = only_on("torch")


def row(result: Architecture, path: str) -> Any:
    (found,) = [r for r in result.values if r.path == path]
    return found


def case_of(name: str) -> zoo.Case:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    return zoo.SHAPES[name]()


@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_call_of_every_model_is_there(name: str) -> None:
    case = case_of(name)
    result = ks.architecture(case.model, case.x)
    view = HookedModel(case.model, compiled=False)
    view.read(case.x)
    shapes = {r.path: r.shape for r in result.values}
    assert {str(c.site): c.shape for c in view.survey.calls}.items() <= shapes.items()
    assert sum(r.parameters for r in result.values) == result.parameters
    assert result.parameters == case.model.count_params()
    assert not any("called" in note or "followed" in note for note in result.notes)
    assert abs(sum(r.share for r in result.values) - 1) < 1e-6
    for k, found in enumerate(result.values):
        assert all(read < k for read in found.reads)
        assert found.reads or found.kind == "Input" or found.family == "block"
    assert set(result.outputs) == set(view.survey.outputs)
    unread = set(range(len(result.values))) - {a for a, _ in result.edges}
    ends = {end for reads in result.outputs.values() for end in reads}
    assert {k for k in unread if result.values[k].family != "block"} <= ends
    assert not any("call" in layer.__dict__ for layer in view.table.values())


def extents(model: Any, x: dict[str, np.ndarray], paths: list[str]) -> dict[str, list[int]]:
    """Return by layer how far apart, along each axis, input positions lie that change one unit.

    Every position of the first input is changed in turn; nothing is derived or assumed.
    """
    view = HookedModel(model, batch_size=512, compiled=False)
    given = view.read(
        {k: v[:1] for k, v in x.items()} if len(x) > 1 else next(iter(x.values()))[:1]
    )
    name, first = next(iter(given.items()))
    axes = view.axes(name, first.shape[1:])
    places = [k for k, a in enumerate(axes) if a not in ("channel", "feature")]
    lengths = [first.shape[1 + k] for k in places]
    positions = list(itertools.product(*map(range, lengths)))
    moved = {key: np.repeat(value, len(positions) + 1, axis=0) for key, value in given.items()}
    bump = np.random.default_rng(0)
    for n, position in enumerate(positions):
        where: list[Any] = [slice(None)] * len(axes)
        for k, at in zip(places, position, strict=True):
            where[k] = at
        part = moved[name][(n, *where)]
        if part.dtype.kind in "iu":
            moved[name][(n, *where)] = part % 7 + 1
        else:
            moved[name][(n, *where)] = part + bump.uniform(3, 9, np.shape(part))
    found = {}
    for site, values in view.activations(moved, paths).items():
        flat = values.reshape(len(positions) + 1, -1)
        # XLA's sums differ in the last bit from row to row.
        moves = np.abs(flat[:-1] - flat[-1:]) > 1e-6 * np.abs(flat).max()
        changed = moves.reshape(*lengths, -1)
        sizes = []
        for k in range(len(lengths)):
            hit = changed.any(axis=tuple(j for j in range(len(lengths)) if j != k))
            first_, last = hit.argmax(axis=0), len(hit) - 1 - hit[::-1].argmax(axis=0)
            sizes.append(int(np.where(hit.any(axis=0), last - first_ + 1, 0).max()))
        found[str(site)] = sizes
    return found


def check_fields(model: Any, x: Any, *, but: tuple[str, ...] = ()) -> None:
    view = HookedModel(model, compiled=False)
    given = view.read(x)
    result = ks.architecture(model, x)
    name = next(iter(given))
    known = {str(call.site) for call in view.survey.calls if call.merge == 1}
    rows = [r for r in result.values if name in r.receptive_field and r.path in known]
    measured = extents(model, given, [r.path for r in rows])
    axes = view.axes(name, given[name].shape[1:])
    lengths = [n for n, a in zip(given[name].shape[1:], axes, strict=True)
               if a not in ("channel", "feature")]  # fmt: skip
    assert rows
    for found in rows:
        field = found.receptive_field[name]
        claimed = [n if size is None else size for n, size in zip(lengths, field, strict=True)]
        if found.kind not in but:
            assert claimed == measured[found.path], found.path


# A unit behind Flatten is said to see what all of them see. In half precision a change of one pixel
# drowns.
@pytest.mark.parametrize("name", [n for n in zoo.SHAPES if not n.startswith("mixed")])
def test_receptive_fields_are_what_pixels_change(name: str) -> None:
    case = case_of(name)
    if name == "sequential_unbuilt":
        case.model(case.x)
    check_fields(case.model, case.x, but=("Flatten",))


def windows() -> keras.Model:
    i = keras.Input((40, 34, 2))
    x = layers.Conv2D(3, (3, 5), strides=(2, 1), padding="same", name="same")(i)
    x = layers.ZeroPadding2D(((0, 1), (2, 1)), name="pad")(x)
    x = layers.DepthwiseConv2D(3, dilation_rate=2, name="holes")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Cropping2D(((1, 0), (0, 1)), name="crop")(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="transposed")(x)
    y = layers.Conv2D(3, 3, padding="same", name="beside")(x)
    x = layers.Concatenate(name="both")([x, y])
    x = layers.UpSampling2D(2, name="nearest")(x)
    x = layers.Conv2D(2, 3, name="after")(x)
    return keras.Model(i, layers.GlobalAveragePooling2D(name="gap")(x))


def test_receptive_fields_of_strides_holes_padding_and_enlargement() -> None:
    keras.utils.set_random_seed(1)
    check_fields(windows(), zoo.pictures(1, 40, 34, 2))


def test_a_causal_layer_of_its_own_reads_all_that_came_before() -> None:
    class Running(layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.cumsum(x, axis=1)

    i = keras.Input((12, 2))
    x = layers.Conv1D(3, 3, padding="causal", name="conv")(i)
    model = keras.Model(i, Running(name="running")(x))
    check_fields(model, np.random.default_rng(0).normal(0, 1, (1, 12, 2)).astype("float32"))


def work(layer: Any, *shapes: tuple[int, ...], **kwargs: Any) -> int:
    inputs = [keras.Input(shape) for shape in shapes]
    output = layer(inputs[0], *inputs[1:], **kwargs)
    return ks.architecture(keras.Model(inputs, output)).multiply_adds


@pytest.mark.parametrize(
    ("layer", "shapes", "by_hand"),
    [
        (lambda: layers.Conv2D(8, 3), [(12, 10, 4)], 10 * 8 * 8 * 9 * 4),
        (lambda: layers.Conv2D(8, 3, strides=2, padding="same"), [(12, 9, 4)], 6 * 5 * 8 * 9 * 4),
        (lambda: layers.Conv2D(8, 3, groups=2), [(12, 10, 4)], 10 * 8 * 8 * 9 * 2),
        (lambda: layers.Conv1D(5, 4, dilation_rate=2), [(20, 3)], 14 * 5 * 4 * 3),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), [(12, 10, 4)], 10 * 8 * 9 * 4 * 2),
        (lambda: layers.SeparableConv2D(7, 3), [(12, 10, 4)], 10 * 8 * (9 * 4 + 4 * 7)),
        (lambda: layers.Conv2DTranspose(6, 3, strides=2), [(5, 4, 3)], 5 * 4 * 3 * 9 * 6),
        (lambda: layers.Dense(7), [(11, 5)], 11 * 5 * 7),
        (lambda: layers.EinsumDense("abc,cd->abd", (None, 6)), [(9, 4)], 9 * 4 * 6),
        (lambda: layers.MultiHeadAttention(2, 4), [(9, 6), (7, 6)],
         2 * (9 * 6 * 4 + 2 * 7 * 6 * 4 + 2 * 9 * 7 * 4 + 9 * 4 * 6)),
        (lambda: layers.GroupQueryAttention(4, 4, 2), [(9, 6), (7, 6)],
         9 * 6 * 16 + 2 * 7 * 6 * 8 + 2 * 9 * 7 * 16 + 9 * 16 * 6),
        (lambda: layers.LSTM(5), [(7, 3)], 7 * (3 * 20 + 5 * 20)),
        (lambda: layers.GRU(5), [(7, 3)], 7 * (3 * 15 + 5 * 15)),
        (lambda: layers.ConvLSTM2D(2, 3), [(4, 8, 9, 3)], 4 * 6 * 7 * 9 * (3 * 8 + 2 * 8)),
        (lambda: layers.Bidirectional(layers.LSTM(5)), [(7, 3)], 2 * 7 * (3 * 20 + 5 * 20)),
        (lambda: layers.TimeDistributed(layers.Dense(6)), [(7, 3)], 7 * 3 * 6),
        (lambda: layers.Embedding(9, 4), [(7,)], 0),
        (lambda: layers.BatchNormalization(), [(7, 3)], 0),
    ],
)  # fmt: skip
def test_multiply_adds_by_hand(layer: Any, shapes: list[Any], by_hand: int) -> None:
    assert work(layer(), *shapes) == by_hand


def test_attention_without_projections_by_hand() -> None:
    q, v = keras.Input((9, 6)), keras.Input((7, 6))
    model = keras.Model([q, v], layers.Attention()([q, v]))
    result = ks.architecture(model)
    assert result.multiply_adds == 2 * 9 * 7 * 6
    assert "attention" in row(result, model.layers[-1].name).marks


class Residual(keras.Model):
    """Two residual steps by arithmetic on tensors, which no layer sees."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Dense(4, name="stem")
        self.norms = [layers.LayerNormalization(name=f"norm{k}") for k in range(2)]
        self.steps = [layers.Dense(4, name=f"step{k}") for k in range(2)]
        self.gate = layers.Dense(4, activation="sigmoid", name="gate")
        self.head = layers.Dense(2, name="head")

    def call(self, x: Any) -> Any:
        x = self.stem(x)
        for norm, step in zip(self.norms, self.steps, strict=True):
            x = x + step(norm(x))
        return self.head(keras.ops.concatenate([x * self.gate(x), self.steps[0](x)], axis=-1))


def test_arithmetic_between_layers_is_followed() -> None:
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(0).normal(0, 1, (1, 3)).astype("float32")
    model = Residual()
    model(x)
    result = ks.architecture(model, x)
    reads = {r.path: {result.values[k].path for k in r.reads} for r in result.values}
    assert reads["norm0"] == {"stem"}
    assert reads["add"] == {"stem", "step0"}
    assert reads["norm1"] == {"add"}
    assert reads["add@1"] == {"add", "step1"}
    assert reads["gate"] == reads["step0@1"] == {"add@1"}
    assert reads["join"] == {"add@1", "gate", "step0@1"}  # a product beside another call's output
    assert reads["head"] == {"join"}
    assert row(result, "step0@1").parameters == 0  # counted at the first call
    assert row(result, "step0@1").multiply_adds == 16


def test_blocks_hold_their_layers_and_sums() -> None:
    case = zoo.SHAPES["layer_holding_layers"]()
    result = ks.architecture(case.model)
    items = {item.label: item for item in result.items()}
    assert [child.label for child in items["block_a"].children] == ["one", "two", "add"]
    assert row(result, "block_b/add").reads  # reads one and two
    assert items["block_a"].cells[1] == "260"
    assert items["block_a"].family == "block"


def test_flat_models_are_folded_by_the_names_of_their_blocks() -> None:
    i = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="stem")(i)
    for k in (1, 2):
        y = layers.Conv2D(4, 3, padding="same", name=f"block_{k}_conv")(x)
        x = layers.Add(name=f"block_{k}_add")([x, y])
    result = ks.architecture(keras.Model(i, x))
    assert [item.label for item in result.items()][1:] == ["stem", "block_1", "block_2"]
    folded, unfolded = result.svg(depth=0), result.svg()
    assert "block_1_conv" not in folded
    assert "block_1_conv" in unfolded
    inner = rails(result.items()[2].children, result.edges)
    assert inner[1].ends == (1,)  # the skip connection enters the sum


def test_a_skip_connection_runs_in_a_lane_of_its_own() -> None:
    items = [Item(str(k), "", "other", ("", "", "", ""), 0.0, (), frozenset([k])) for k in range(5)]
    level = rails(items, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3), (1, 4)])
    assert level[0].starts == (1,)
    assert level[1].starts == (2,)
    assert level[2].passing == (1, 2)
    assert (level[3].ends, level[3].passing) == ((1,), (2,))
    assert level[4].ends == (2,)


def test_the_diagram_is_well_formed_and_escaped(tmp_path: Path) -> None:
    i = keras.Input((6, 6, 3))
    model = keras.Model(i, layers.Flatten(name="a<b>&")(i), name="net")
    result = ks.architecture(model)
    tree = ET.fromstring(result.plot(tmp_path / "a.svg").read_text())
    assert "a<b>&" in [node.text for node in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert not list(tree.iter("{http://www.w3.org/2000/svg}script"))
    with pytest.raises(ks.BadInput, match="depth=-2"):
        result.svg(depth=-2)


def test_marks_name_the_default_place_of_a_map() -> None:
    case = zoo.SHAPES["flat_functional"]()
    result = ks.architecture(case.model)
    assert row(result, "conv2").marks == ("CAM default",)
    assert row(result, "conv1").marks == ("CAM",)
    assert row(result, "head").marks == ()
    assert ks.explain(case.model, case.x, "grad_cam").layer == "conv2"


def test_saved_is_loaded(tmp_path: Path) -> None:
    result = ks.architecture(zoo.SHAPES["vit"]().model)
    again = Architecture.load(result.save(tmp_path / "a.json"))
    assert again.values == result.values
    assert again.svg() == result.svg()
    (tmp_path / "b.json").write_text(json.dumps({"schema": 7}))
    with pytest.raises(ks.BadFile, match=r"b\.json"):
        Architecture.load(tmp_path / "b.json")
    with pytest.raises(ks.BadFile, match=r"none\.json"):
        Architecture.load(tmp_path / "none.json")


def test_the_declared_shape_is_enough() -> None:
    for name in ("sequential_with_input", "image_and_vector", "shared_encoder", "token_ids"):
        case = zoo.SHAPES[name]()
        made, given = ks.architecture(case.model), ks.architecture(case.model, case.x)
        assert made.values == given.values


def test_bad_input_is_named() -> None:
    with pytest.raises(ks.BadInput, match=r"keras\.Model, not Dense"):
        ks.architecture(layers.Dense(3))
    with pytest.raises(ks.BadInput, match="does not say how large"):
        ks.architecture(zoo.SHAPES["sequential_unbuilt"]().model)
    with pytest.raises(ks.BadInput, match="takes"):
        ks.architecture(zoo.SHAPES["flat_functional"]().model, np.zeros((1, 5, 5, 3), "float32"))


def test_what_is_not_known_is_said() -> None:
    result = ks.architecture(zoo.SHAPES["attention_tuple"]().model)
    assert row(result, "attend").multiply_adds is None
    assert any("attend" in note for note in result.notes)

    class Idle(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = layers.Dense(3), layers.Dense(5)
            self.idle.build((None, 2))

        def call(self, x: Any) -> Any:
            return self.used(x)

    model = Idle()
    x = np.ones((1, 4), "float32")
    model(x)
    assert any(note.startswith("15 parameters") for note in ks.architecture(model, x).notes)
