"""Slow and literal: effects of columns and their interactions, from the papers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]


def partial_dependence(
    f: Function, x: np.ndarray, columns: list[int], values: list[float]
) -> float:
    """Friedman 2001, equation 53: the mean score with columns held at values."""
    total = 0.0
    for row in x:
        changed = row.copy()
        for column, value in zip(columns, values, strict=True):
            changed[column] = value
        total += float(f(changed[None])[0])
    return total / len(x)


def ale(f: Function, x: np.ndarray, column: int, edges: np.ndarray) -> np.ndarray:
    """Apley and Zhu 2020, equation 15 at the edges, then centred over the rows."""
    sums = [0.0]
    for k in range(1, len(edges)):
        changes = []
        for row in x:
            inside = edges[k - 1] < row[column] <= edges[k]
            if inside or (k == 1 and row[column] == edges[0]):
                high, low = row.copy(), row.copy()
                high[column], low[column] = edges[k], edges[k - 1]
                changes.append(float(f(high[None])[0] - f(low[None])[0]))
        sums.append(sums[-1] + sum(changes) / len(changes))
    at_rows = [np.interp(row[column], edges, sums) for row in x]
    return np.array(sums) - np.mean(at_rows)


def h_squared(f: Function, x: np.ndarray, first: int, second: int) -> float:
    """Friedman and Popescu 2008, equation 44."""

    def centred(columns: list[int]) -> np.ndarray:
        found = np.array([partial_dependence(f, x, columns, list(row[columns])) for row in x])
        return found - found.mean()

    both, a, b = centred([first, second]), centred([first]), centred([second])
    return float(((both - a - b) ** 2).sum() / (both**2).sum())


def h_squared_total(f: Function, x: np.ndarray, column: int) -> float:
    """Friedman and Popescu 2008, equation 45."""
    rest = [i for i in range(x.shape[1]) if i != column]

    def centred(columns: list[int]) -> np.ndarray:
        found = np.array([partial_dependence(f, x, columns, list(row[columns])) for row in x])
        return found - found.mean()

    whole = f(x) - f(x).mean()
    return float(((whole - centred([column]) - centred(rest)) ** 2).sum() / (whole**2).sum())


def shapley(
    f: Function, row: np.ndarray, background: np.ndarray, groups: list[list[int]]
) -> np.ndarray:
    """Exact Shapley values of groups of columns, absent ones taken from background rows."""
    count = len(groups)

    def worth(coalition: tuple[int, ...]) -> float:
        shown = background.copy()
        for group in coalition:
            shown[:, groups[group]] = row[groups[group]]
        return float(f(shown).mean())

    values = np.zeros(count)
    for player in range(count):
        others = [i for i in range(count) if i != player]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for coalition in itertools.combinations(others, size):
                values[player] += weight * (worth((*coalition, player)) - worth(coalition))
    return values
