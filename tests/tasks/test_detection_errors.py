"""A detector's errors by what is wrong: each case by hand, and sums that must hold for any boxes."""

from __future__ import annotations

import numpy as np
import pytest

from danlu.tasks.detection.errors import (
    BACKGROUND,
    DOUBLE,
    ERRORS,
    IGNORED,
    POOR_BOX,
    RIGHT,
    WRONG_CLASS,
    ErrorCounts,
    sort_errors,
)
from danlu.tasks.detection.matching import match
from tests.tasks.test_average_precision import drawn

TRUTH = np.asarray([[10, 10, 30, 30, 1, 0, 400]], np.float32)


def box(x1: float, y1: float, x2: float, y2: float, score: float, kind: int) -> list[float]:
    return [x1, y1, x2, y2, score, kind]


@pytest.mark.parametrize(
    ("rows", "kinds", "missed"),
    [
        ([], [], True),
        ([box(10, 10, 30, 30, 0.2, 1)], [], True),  # not sure enough to be an answer
        ([box(10, 10, 30, 30, 0.9, 1)], [RIGHT], False),
        ([box(10, 10, 30, 30, 0.9, 1), box(11, 10, 31, 30, 0.8, 1)], [RIGHT, DOUBLE], False),
        ([box(10, 10, 30, 30, 0.9, 0)], [WRONG_CLASS], False),
        ([box(20, 10, 40, 30, 0.9, 1)], [POOR_BOX], False),  # an overlap of a third
        ([box(20, 10, 40, 30, 0.9, 0)], [WRONG_CLASS], False),
        ([box(50, 50, 60, 60, 0.9, 1)], [BACKGROUND], True),
        ([box(50, 50, 60, 60, 0.4, 1), box(10, 10, 30, 30, 0.9, 1)], [RIGHT, BACKGROUND], False),
    ],
)  # fmt: skip
def test_each_kind(rows: list[list[float]], kinds: list[int], missed: bool) -> None:
    _, found, lost = sort_errors(np.asarray(rows, np.float32).reshape(-1, 6), TRUTH)
    assert found.tolist() == kinds
    assert lost.tolist() == [missed]


def test_crowds_are_neither_right_nor_wrong_nor_missed() -> None:
    crowd = TRUTH * [1, 1, 1, 1, 1, 0, 1] + [0, 0, 0, 0, 0, 1, 0]
    _, kinds, missed = sort_errors(np.asarray([box(10, 10, 20, 20, 0.9, 1)]), crowd)
    assert kinds.tolist() == [IGNORED]
    assert not missed.any()


@pytest.mark.parametrize("seed", range(20))
def test_right_ones_are_the_hits_and_every_row_is_one_kind(seed: int) -> None:
    found, truth = drawn(np.random.default_rng(seed), 3, bool(seed % 2))
    rows, kinds, missed = sort_errors(found, truth)
    sure = found[found[:, 4] >= 0.3]
    order, hit, ignored = match(sure, truth)
    np.testing.assert_array_equal(found[rows], sure[order])
    np.testing.assert_array_equal(kinds == RIGHT, hit & 1 == 1)
    np.testing.assert_array_equal(kinds == IGNORED, ignored & 1 == 1)
    assert int(missed.sum()) <= int((truth[:, 5] == 0).sum()) - int((kinds == RIGHT).sum())
    halves = [ErrorCounts(), ErrorCounts()]
    for metric in halves:
        metric.update({"boxes": [found]}, {"boxes": [truth]})
    halves[0].merge(halves[1])
    assert halves[0].compute() == halves[1].compute() or not halves[1].objects
    assert tuple(halves[0].compute()) == ERRORS
