"""A survey of a model on given inputs: every layer call with its shape, every output's head."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from kerascope.errors import BadInput
from kerascope.hooks.head import HeadTape, head_tape
from kerascope.hooks.inputs import Structure, data_format
from kerascope.hooks.losses import fits_numbers
from kerascope.hooks.names import Site
from kerascope.hooks.shadow import first_tensor, shadowed
from kerascope.targets import OutputSpec
from kerascope.types import Array

_BY_POSITION = (  # layers that see every position by itself
    "InputLayer", "Rescaling", "Normalization", "Masking", "Dropout", "GaussianNoise", "Identity",
    "BatchNormalization", "LayerNormalization", "Activation", "ReLU",
)  # fmt: skip
_ONE_BY_ONE = ("ConvLSTM1D", "ConvLSTM2D", "TimeDistributed")


@dataclasses.dataclass(frozen=True)
class LayerCall:
    """One call of one layer: where, of what class, its output's shape without the sample axis.

    `alias` is True when the output is the very tensor that an earlier call returned (a container,
    or dropout at inference). `merge` is the number of rows per sample, 1 unless the layer folds an
    axis into the sample axis. `leaf` is True when the call makes no other and returns one tensor.
    `turned` is True when rows and columns of a picture have changed places on the way here.
    """

    site: Site
    kind: str
    shape: tuple[int, ...]
    alias: bool
    merge: int
    leaf: bool = False
    turned: bool = False


@dataclasses.dataclass(frozen=True)
class Survey:
    """What is known of a model's forward pass on inputs of one shape."""

    calls: tuple[LayerCall, ...]
    outputs: dict[str, OutputSpec]
    tokens: dict[str, Site]  # integer inputs by name -> the embedding call that reads them
    masked: dict[str, float] = dataclasses.field(default_factory=dict)
    # ^ inputs that a Masking layer reads -> the value whose steps it leaves out

    def frames(self, shape: tuple[int, ...]) -> bool:
        """Tell whether the model goes through an input one part after the other, as through frames.

        shape: of the input, without the sample axis. Nets that read pictures may have such layers
        behind their convolutions (a row of letters): an input with three axes must meet one before
        anything that mixes its positions.
        """
        if len(shape) != 3:
            return any(call.kind in _ONE_BY_ONE for call in self.calls)
        first = next((call for call in self.calls if call.kind not in _BY_POSITION), None)
        if first is None or first.kind not in _ONE_BY_ONE:
            return False
        return first.kind == "ConvLSTM1D" or (len(first.shape), first.shape[0]) == (3, shape[0])

    def shape(self, site: Site) -> tuple[int, ...]:
        """Return the output shape of a call, without the sample axis."""
        return self.call(site).shape

    def call(self, site: Site) -> LayerCall:
        """Return the record of a call; `KeyError` when it never happened."""
        return self._by_site[site[:2]]

    @functools.cached_property
    def _by_site(self) -> dict[tuple[str, int], LayerCall]:
        return {call.site[:2]: call for call in reversed(self.calls)}


class _Recorder:
    """Visitor that writes down every call."""

    def __init__(
        self, paths: Mapping[int, str], tape: Callable[[], HeadTape], swap: tuple[int, ...] = (),
        given: Iterable[Any] = (),
    ) -> None:  # fmt: skip
        self.paths, self.tape, self.swap = paths, tape, swap
        self.counts: dict[str, int] = {}
        self.calls: list[tuple[Site, Any, tuple[int, ...], bool, bool, bool]] = []
        self._turned = {id(tensor): (tensor, False) for tensor in given}
        self._last = False
        self.embedded: list[tuple[Site, Any]] = []
        self.masking: list[tuple[Any, float]] = []
        self._seen: list[Any] = []

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        path = self.paths[id(layer)]
        call = self.counts.get(path, 0)
        self.counts[path] = call + 1
        if isinstance(layer, keras.layers.Embedding) and args:
            self.embedded.append((Site(path, call), args[0]))
        if isinstance(layer, keras.layers.Masking) and args:
            self.masking.append((args[0], float(layer.mask_value)))
        before = sum(self.counts.values())
        # What no layer made comes from an operation in between: as the last layer's output.
        held = [id(tensor) for tensor in keras.tree.flatten((args, kwargs))]
        came = [self._turned[key][1] for key in held if key in self._turned] or [self._last]
        output = original(*args, **kwargs)
        leaf = before == sum(self.counts.values())
        tensor = first_tensor(output)
        if tensor is not None and tensor.shape is not None:
            shape = tuple(int(s) if s is not None else -1 for s in tensor.shape)
            known = any(tensor is other for other in self._seen)
            self._seen.append(tensor)
            if id(tensor) not in self._turned:
                swaps = isinstance(layer, keras.layers.Permute) and tuple(layer.dims) == self.swap
                self._turned[id(tensor)] = (tensor, any(came) != swaps)
            self._last = self._turned[id(tensor)][1]
            only = leaf and tensor is output
            self.calls.append((Site(path, call), layer, shape, known, only, self._last))
        return output

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        return original(value)


def output_names(model: Any, tree: Any) -> dict[str, Any]:
    """Return a model's outputs by name: dict keys, the model's names, or output_0, output_1, …"""
    if isinstance(tree, Mapping):
        # Sorted: Keras gives a dict in another order on torch than elsewhere.
        return {str(key): tree[key] for key in sorted(tree, key=str) if tree[key] is not None}
    if isinstance(tree, (list, tuple)):
        names = getattr(model, "output_names", None) or [f"output_{i}" for i in range(len(tree))]
        if len(names) != len(tree) or len(set(names)) != len(names):
            names = [f"output_{i}" for i in range(len(tree))]
        return dict(zip(names, tree, strict=True))
    names = getattr(model, "output_names", None) or ["output"]
    return {names[0]: tree}


def call_model(model: Any, inputs: Any) -> Any:
    """Call the model at inference."""
    with contextlib.suppress(AttributeError):
        if not getattr(model, "_call_has_training_arg", True):
            return model(inputs)
    return model(inputs, training=False)


def take_survey(
    model: Any,
    table: Mapping[str, Any],
    structure: Structure,
    sample: Mapping[str, Array],
    runner: Callable[..., Any],
) -> Survey:
    """Run the model on one sample and write down what happens; for its shapes alone if possible."""
    found: dict[str, Any] = {}
    paths = {id(layer): path for path, layer in table.items()}
    swap = (1, 3, 2) if data_format(table) == "channels_first" else (2, 1, 3)

    def run(x: dict[str, Any]) -> Any:
        tapes: list[HeadTape] = []
        recorder = _Recorder(paths, lambda: tapes[0], swap, x.values())
        with head_tape() as tape, shadowed(list(table.values()), [], recorder):
            tapes.append(tape)
            tree = call_model(model, structure.build(x))
        named = output_names(model, tree)
        found["heads"] = {
            name: (tuple(int(s) for s in value.shape[1:]), tape.logits(value)[1])
            for name, value in named.items()
        }
        found["recorder"] = recorder
        found["tokens"], found["open"] = _token_sites(x, recorder.embedded, tape)
        found["masked"] = {
            name: value
            for name, given in x.items()
            for tensor, value in recorder.masking
            if tape.origin(tensor) is given
        }
        return list(named.values())

    runner(run)(dict(sample))
    recorder: _Recorder = found["recorder"]
    calls = tuple(
        LayerCall(site, type(layer).__name__, shape[1:], known, shape[0], leaf, turned)
        for site, layer, shape, known, leaf, turned in recorder.calls
        if shape
    )
    numbers = fits_numbers(model, found["heads"])
    outputs = {
        name: OutputSpec(name, shape, kind, trained_on_numbers=name in numbers)
        for name, (shape, kind) in found["heads"].items()
    }
    tokens = found["tokens"]
    if found["open"]:
        tokens = {**tokens, **_by_code(model, table, structure, sample, found["open"])}
    held = {name: tokens[name] for name in sample if name in tokens}
    return Survey(calls, outputs, held, found["masked"])


def _token_sites(
    inputs: Mapping[str, Any], embedded: list[tuple[Site, Any]], tape: HeadTape
) -> tuple[dict[str, Site], tuple[str, ...]]:
    """Return each input's call of an embedding that reads it, known by identity.

    Second, the names of integer inputs of which that cannot tell: something stands between.
    """
    sites: dict[str, Site] = {}
    left = list(embedded)
    for name, value in inputs.items():
        match = next((e for e in left if tape.origin(e[1]) is value), None)
        if match is not None:
            sites[name] = match[0]
            left.remove(match)
    whole = lambda value: np.dtype(keras.backend.standardize_dtype(value.dtype)).kind in "iu"  # noqa: E731
    unsure = tuple(name for name, value in inputs.items() if name not in sites and whole(value))
    return sites, unsure if left else ()


def _by_code(
    model: Any,
    table: Mapping[str, Any],
    structure: Structure,
    sample: Mapping[str, Array],
    names: tuple[str, ...],
) -> dict[str, Site]:
    """Return which embedding reads which of some integer inputs, by what arrives there.

    A cast or a copy on the way hides whose values an embedding is given. So every input gets a
    number, and eager passes spell it: one for each of its bits, all values of the input at that
    bit, and one at the bit turned round. What arrives must spell the same number both times.
    """
    digits = range(len(names).bit_length())
    spelled: dict[Site, list[tuple[int, int]]] = {}
    shapes: dict[Site, tuple[int, ...]] = {}
    for digit in digits:
        for turned in (0, 1):
            given = dict(sample)
            for number, name in enumerate(names, start=1):
                bit = (number >> digit & 1) ^ turned
                given[name] = keras.ops.full_like(sample[name], bit)
            recorder = _Recorder({id(layer): path for path, layer in table.items()}, HeadTape)
            with head_tape(), shadowed(list(table.values()), [], recorder):
                call_model(model, structure.build(given))
            for site, value in recorder.embedded:
                values = np.asarray(keras.ops.convert_to_numpy(value))
                bit = int(values.flat[0]) ^ turned if np.ptp(values) == 0 else -1
                spelled.setdefault(site, []).append((digit, bit))
                shapes[site] = values.shape
    found: dict[str, Site] = {}
    for site, bits in spelled.items():
        known = {digit: {bit for d, bit in bits if d == digit} for digit in digits}
        if any(len(said) > 1 or not said <= {0, 1} for said in known.values()):
            continue
        number = sum(next(iter(known[digit])) << digit for digit in digits)
        if 1 <= number <= len(names) and names[number - 1] not in found:
            name = names[number - 1]
            if shapes[site] == tuple(sample[name].shape):
                found[name] = site
    return found


def refused(arrays: Mapping[str, Array], error: Exception) -> BadInput:
    """Return the error that says on which inputs the model does not run, in its own words."""
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    text = str(error).strip() or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Keras puts the reason on a line of its own, after the name of the layer.
    words = " ".join(lines[:2]) if lines[0].startswith("Exception encountered") else lines[0]
    words = words.replace("\x1b[1m", "").replace("\x1b[0m", "")
    return BadInput(f"the model does not run on inputs of shape {shapes}: {words}")
