"""`threads.each`: results in order, errors kept."""

from __future__ import annotations

import threading

import pytest

from kerascope.threads import each
from once import once

pytestmark = once


def test_results_keep_their_order() -> None:
    assert each(lambda a, b: a - b, list(range(100)), [1] * 100) == list(range(-1, 99))


def test_one_row_and_none_need_no_thread() -> None:
    assert each(lambda _: threading.current_thread(), [0]) == [threading.current_thread()]
    assert each(lambda _: 1, []) == []


def test_an_error_is_raised_here_and_no_thread_is_left() -> None:
    def fail(row: int) -> None:
        raise ValueError(row)

    before = threading.active_count()
    with pytest.raises(ValueError, match="0"):
        each(fail, range(9))
    assert threading.active_count() == before


def test_columns_are_of_one_length() -> None:
    with pytest.raises(ValueError, match="shorter"):
        each(lambda a, b: a, [1, 2], [1])
