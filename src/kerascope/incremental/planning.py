"""`plan`: whether occlusion of one patch size can go by windows, where they end, if they pay."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.incremental.batches import Incremental, naive
from kerascope.incremental.cost import Estimate, choose
from kerascope.incremental.graph import Graph, first_stop, record, understood
from kerascope.incremental.program import Program, Spans, follow
from kerascope.targets import Targets
from kerascope.types import Array

# Windows take less memory than whole maps: more rows per pass than `hooks.read.BATCH`.
_ROWS = {"tensorflow": 32, "jax": 16, "torch": 16}
_LEAST = 1.1  # times faster, estimated and measured, or windows are not worth their while
_SURE = 3.0  # times faster by estimate: no need to measure
# Seconds per layer to trace and compile a pass; PyTorch compiles nothing.
_COMPILE = {"tensorflow": 0.015, "jax": 0.03, "torch": 0.0}


def plan(
    model: Any,
    x: Mapping[str, Array],
    name: str,
    patch: tuple[int, ...],
    targets: Targets,
    *,
    approximate: int | None = None,
    corners: Array | None = None,
    memory: int | None = None,
    always: bool = False,
) -> Incremental | str:
    """Return how to occlude input `name` by windows, or why this cannot be done or does not pay.

    Args:
        model: a `HookedModel` whose inputs were read.
        x: the inputs by name.
        name: the input to occlude.
        patch: its size along every spatial axis, in pixels.
        targets: resolved targets.
        approximate: pixels that a window may grow beyond the patch on each side; None is exact.
        corners: the positions, (position, spatial axis); None: any. Known positions make windows
            smaller, and tell whether there are enough of them to pay.
        memory: bytes that a pass may take.
        always: True leaves out whether it pays.
    """
    reason = _unfit(model, x, name, targets)
    if reason:
        return reason
    graph = _graph(model, x, name)
    order = understood(graph)
    if not order:
        return f"{_stop(graph, order)}, the first that reads the input"
    source = next(i for i, n in enumerate(graph.nodes) if n.key is None and n.name == name)
    size = graph.spatial(source)
    candidates = tuple(
        np.arange(n) if corners is None else np.unique(np.asarray(corners)[:, axis])
        for axis, n in enumerate(size)
    )
    spans = follow(graph, order, source, candidates, patch, approximate)
    best = choose(graph, order, spans)
    if not always:
        reason = _too_little(
            best, len(order), 0 if corners is None else len(corners) * len(x[name])
        )
        if reason:
            return reason
    followed = order[: best.followed or len(order)]
    made = _made(model, graph, followed, source, spans, candidates, patch, approximate)
    made.rows = _rows(made, None if corners is None else len(corners), memory)
    if always or best.gain >= _SURE:
        return made
    return _measured(made, x, targets)


def _unfit(model: Any, x: Mapping[str, Array], name: str, targets: Targets) -> str:
    """Return why no window can be followed, whatever the layers; or nothing."""
    if not hasattr(model, "table"):
        return "a plain function has no layers"
    if name in model.survey.tokens or "channel" not in model.axes(name, x[name].shape[1:]):
        return f"input '{name}' is no picture, series or volume"
    if targets.sites():
        return "the target reads a layer inside the model"
    if targets.reads_inputs:
        return "the target reads the input itself"
    for path, layer in model.table.items():
        if getattr(layer, "compute_dtype", "float32") != "float32":
            return f"layer '{path}' computes in {layer.compute_dtype}"
    return ""


def _graph(model: Any, x: Mapping[str, Array], name: str) -> Graph:
    """Return the graph of the model on inputs of this shape, recorded once."""
    shapes = tuple((n, a.shape[1:], a.dtype.str) for n, a in x.items())
    key = ("incremental", name, shapes, model.structure, model.fingerprint())
    with model.store.lock:
        if key not in model.store.memo:
            model.store.memo[key] = record(model, {n: a[:1] for n, a in x.items()}, name)
        return model.store.memo[key]


def _stop(graph: Graph, order: list[int]) -> str:
    """Name the layer that windows cannot pass, and why."""
    node = first_stop(graph, order)
    if node is None:
        return "no layer reads the input"
    reason = node.rule if isinstance(node.rule, str) else "reads what is computed between layers"
    return f"layer '{node.name}' {reason}"


def _too_little(best: Estimate, layers: int, positions: int) -> str:
    """Return why windows would not pay by estimate, or nothing."""
    if best.gain < _LEAST:
        return f"windows would be {best.gain:.2f} times as fast as whole passes by estimate"
    saved = positions * (best.whole - best.windows)
    if positions and saved < _COMPILE[keras.backend.backend()] * layers:
        return f"{positions} positions are too few for windows to be worth preparing"
    return ""


def _made(
    model: Any, graph: Graph, order: list[int], source: int, spans: Mapping[int, Spans],
    candidates: tuple[Array, ...], patch: tuple[int, ...], approximate: int | None,
) -> Incremental:  # fmt: skip
    program = Program(graph, order, source, {i: spans[i] for i in (source, *order)})
    key = (
        "incremental", id(graph), len(order), patch, approximate, model.score,
        *(c.tobytes() for c in candidates),
    )  # fmt: skip
    ends = order[-1:] if graph.loose else program.handed[:3]
    last = ", ".join(f"'{graph.nodes[i].name}'" for i in ends)
    note = f"windows up to {last}, whole passes from there on"
    stopped = first_stop(graph, order)
    if stopped is not None and isinstance(stopped.rule, str) and len(stopped.shape) > 2:
        note += f": {_stop(graph, order)}"
    name = graph.nodes[source].name
    return Incremental(
        model, graph, program, name, patch, candidates, key, 1, note, approximate
    )  # fmt: skip


def _rows(made: Incremental, positions: int | None, memory: int | None) -> int:
    """Return positions per pass: even batches of at most the backend's best, within the memory."""
    most = _ROWS[keras.backend.backend()]
    if memory is not None:
        most = max(1, min(most, memory // made.program.row_bytes()))
    if positions is None:
        return most
    return -(-positions // -(-positions // most))


def _measured(made: Incremental, x: Mapping[str, Array], targets: Targets) -> Incremental | str:
    """Return the plan if one batch by windows is faster than one by whole passes, or the reason."""
    memo, key = made.model.store.memo, (*made.key, made.model.compiled, made.rows, "gain")
    if key not in memo:
        memo[key] = _gain(made, {n: a[:1] for n, a in x.items()}, targets.take([0]))
    made.gain = memo[key]
    if made.gain < _LEAST:
        return f"windows were {made.gain:.2f} times as fast as whole passes"
    return made


def _gain(made: Incremental, one: Mapping[str, Array], targets: Targets) -> float:
    """Return how many times faster windows are, per position; the best of interleaved runs."""
    cover = np.zeros_like(one[made.name][0])
    batch = made.model.batch_size
    corners = np.stack([np.resize(c, max(batch, made.rows)) for c in made.candidates], axis=1)
    ways = [
        (batch, lambda: naive(made, one, cover, corners[:batch], targets)),
        (made.rows, lambda: made.run(one, cover, corners[: made.rows], targets)),
    ]
    took: list[list[float]] = [[], []]
    for repeat in range(2 if keras.backend.backend() == "torch" else 3):
        for times, (rows, run) in zip(took, ways, strict=True):
            start = time.perf_counter()
            run()
            if repeat:  # the first run compiles
                times.append((time.perf_counter() - start) / rows)
    return min(took[0]) / min(took[1])
