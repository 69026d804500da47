"""Interval arithmetic against brute force: which cells change, and where a region's values lie."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kerascope.incremental.spans import Region, Span, Step, capped, patch_span, through, union

numbers = st.integers


@given(
    length=numbers(1, 40), patch=numbers(1, 40), kernel=numbers(1, 5), hole=numbers(1, 3),
    stride=numbers(1, 4), before=numbers(-3, 6), after=numbers(0, 6),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_step_changes_what_brute_force_says(
    length: int, patch: int, kernel: int, hole: int, stride: int, before: int, after: int
) -> None:
    reach = (kernel - 1) * hole + 1
    output = (length + before + after - reach) // stride + 1
    if output < 1:
        return
    corners = np.arange(length)
    span = through(patch_span(corners, patch, length), Step(reach, stride, before), output)
    for corner, low, high, start in zip(corners, span.low, span.high, span.start, strict=True):
        reads = np.arange(output)[:, None] * stride - before + np.arange(reach)
        changed = (reads >= corner) & (reads < min(corner + patch, length))
        cells = np.flatnonzero(changed.any(axis=1))
        expected = (cells[0], cells[-1] + 1) if len(cells) else (high, high)
        assert (low, high) == expected
        assert start >= 0
        assert start + span.size <= output
        assert low == high or (start <= low and high <= start + span.size)


@given(
    sizes=st.tuples(numbers(1, 9), numbers(1, 9)), start=st.tuples(numbers(-4, 9), numbers(-4, 9)),
    size=st.tuples(numbers(1, 6), numbers(1, 6)), window=st.tuples(numbers(1, 9), numbers(1, 9)),
    edge=st.booleans(), seed=numbers(0, 99),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_lookup_puts_base_fill_and_window_together(
    sizes: tuple[int, int], start: tuple[int, int], size: tuple[int, int],
    window: tuple[int, int], edge: bool, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    spans, rows = [], 3
    for n, w in zip(sizes, window, strict=True):
        low = rng.integers(0, max(1, n - w + 1), rows)
        spans.append(Span(low, np.minimum(low + min(w, n), n), n))
    base = rng.normal(size=sizes)
    full = np.stack([base] * rows)
    windows = np.zeros((rows, *(s.size for s in spans)))
    for row in range(rows):
        where = tuple(slice(s.start[row], s.start[row] + s.size) for s in spans)
        full[row][where] = windows[row] = rng.normal(size=windows.shape[1:])
    starts = tuple(np.full(rows, s) + rng.integers(0, 2, rows) for s in start)
    region = Region(starts, size)
    table = np.concatenate([base.ravel(), [] if edge else [-7.0], windows.ravel()])
    order = [np.arange(rows)] * 2
    found = table[region.lookup(order, sizes, spans, 0 if edge else 1)]
    for row in range(rows):
        for i, j in np.ndindex(*size):
            y, x = starts[0][row] + i, starts[1][row] + j
            inside = 0 <= y < sizes[0] and 0 <= x < sizes[1]
            near = full[row][min(max(y, 0), sizes[0] - 1), min(max(x, 0), sizes[1] - 1)]
            assert found[row, i, j] == (near if inside or edge else -7.0)


def test_union_ignores_what_does_not_change() -> None:
    nothing, some = (
        Span(np.array([9, 2]), np.array([9, 4]), 10),
        patch_span(np.array([3, 0]), 2, 10),
    )
    both = union([nothing, some])
    assert both.low.tolist() == [3, 0]
    assert both.high.tolist() == [5, 4]
    neither = union([nothing, nothing])
    assert (neither.low < neither.high).tolist() == [False, True]


def test_a_cap_is_counted_in_input_pixels() -> None:
    source = patch_span(np.array([40]), 8, 100)
    span = source
    for _ in range(3):  # three strided steps: one cell is eight pixels
        span = through(span, Step(3, 2, 1), -(-span.length // 2))
    assert (span.scale, span.origin) == (8.0, 0.0)
    assert (span.low[0], span.high[0]) == (5, 7)  # centres at 40 and 48
    assert capped(span, source, 8).high[0] == 7
    assert capped(span, source, 0).high[0] == 6  # 48 lies outside of 40 … 47
