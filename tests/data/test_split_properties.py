"""What holds for every split, however small and odd the rows: drawn by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu import recipe as recipes
from danlu.data.dividing import Rows, divide
from danlu.data.duplicates import twins
from danlu.data.split import PARTS, TEST, TRAIN, VAL, split
from danlu.errors import DataError
from danlu.randomness import keys_of

SHARES = (0.0, 0.02, 0.1, 0.2, 0.33, 0.5, 0.9)


def keys(count: int) -> np.ndarray:
    return keys_of(f"row {number}" for number in range(count))


@dataclass(frozen=True)
class Asked:
    """Rows, and how they are to be divided. labels, units: int64 (N,) or None."""

    count: int
    val: float
    test: float
    labels: np.ndarray | None = None
    units: np.ndarray | None = None
    seed: int = 0

    @property
    def parts(self) -> int:
        return 1 + (self.val > 0) + (self.test > 0)

    @property
    def groups(self) -> np.ndarray:
        return np.arange(self.count) if self.units is None else self.units

    @property
    def largest(self) -> int:
        return int(np.unique(self.groups, return_counts=True)[1].max())

    def made(self, rows: np.ndarray | None = None) -> Any:
        """The split of all rows, or of ``rows`` in that order."""
        chosen = np.arange(self.count) if rows is None else rows
        labels, units = (None if each is None else each[chosen] for each in (self.labels, self.units))
        shares = {"val": self.val, "test": self.test}
        return split(keys(self.count)[chosen], shares, self.seed, labels=labels, units=units)


@st.composite
def asked(draw: st.DrawFn, labelled: bool | None = None, grouped: bool | None = None) -> Asked:
    count = draw(st.integers(1, 60))
    val, test = draw(st.sampled_from([(v, t) for v in SHARES for t in SHARES if v + t < 1]))

    def column(most: int, there: bool | None) -> np.ndarray | None:
        if not (draw(st.booleans()) if there is None else there):
            return None
        return np.asarray(draw(st.lists(st.integers(-1, most), min_size=count, max_size=count)), np.int64)

    return Asked(
        count, val, test, column(4, labelled), column(draw(st.integers(0, 40)), grouped), draw(st.integers(0, 3))
    )


ODD = {
    "one row": Asked(1, 0.1, 0.1),
    "two rows": Asked(2, 0.1, 0.1),
    "three rows, uneven shares": Asked(3, 0.5, 0.02),
    "one group": Asked(9, 0.1, 0.1, units=np.zeros(9, np.int64)),
    "as many groups as parts": Asked(9, 0.1, 0.5, units=np.repeat([0, 1, 2], [7, 1, 1])),
    "groups all in one part": Asked(5, 0.02, 0.9, units=np.asarray([2, 6, 6, 9, 6])),
    "one class": Asked(9, 0.1, 0.1, labels=np.zeros(9, np.int64)),
    "a class of one row": Asked(9, 0.1, 0.1, labels=np.asarray([0] * 8 + [1])),
    "every class of one row": Asked(9, 0.1, 0.1, labels=np.arange(9)),
    "no class known": Asked(9, 0.1, 0.1, labels=np.full(9, -1)),
    "a class a group": Asked(12, 0.2, 0.2, labels=np.repeat([0, 1, 2], 4), units=np.repeat([0, 1, 2], 4)),
}


def with_odd(test: Any) -> Any:
    for case in ODD.values():
        test = example(case)(test)
    return test


def codes_or_refusal(case: Asked) -> np.ndarray | None:
    """The parts; None where there are too few rows or groups, and only there, is the split refused."""
    too_few = case.parts > 1 and len(np.unique(case.groups)) < case.parts
    if too_few:
        with pytest.raises(DataError, match=r"too few groups|can't be divided"):
            case.made()
        return None
    codes: np.ndarray = case.made().codes
    return codes


@with_odd
@settings(max_examples=50)
@given(asked())
def test_each_row_is_in_one_part_and_groups_are_whole(case: Asked) -> None:
    codes = codes_or_refusal(case)
    if codes is None:
        return
    assert codes.shape == (case.count,)
    assert set(codes.tolist()) == {TRAIN} | ({VAL} if case.val else set()) | ({TEST} if case.test else set())
    for unit in np.unique(case.groups):
        assert len(np.unique(codes[case.groups == unit])) == 1


@settings(max_examples=50)
@given(asked(labelled=False))
def test_parts_are_as_large_as_asked_for_within_a_group(case: Asked) -> None:
    codes = codes_or_refusal(case)
    if codes is None:
        return
    for part, share in ((VAL, case.val), (TEST, case.test)):
        left = case.count - (case.parts - 1)  # each other part has a row
        wanted = min(max(1.0, share * case.count), left) if share else 0.0
        if case.val + case.test <= 0.7 or case.count > 20:
            assert abs((codes == part).sum() - wanted) <= case.largest + 0.5


@settings(max_examples=50)
@given(asked(labelled=True, grouped=False))
def test_classes_are_divided_within_a_row(case: Asked) -> None:
    codes = codes_or_refusal(case)
    if codes is None:
        return
    made = case.made()
    classes = np.unique(case.labels).tolist()
    small = tuple(label for label in classes if case.parts > 1 and (case.labels == label).sum() < case.parts)
    assert made.small == (small if len(small) < len(classes) else ())  # where all are, they are divided all the same
    if made.how != "stratified":
        return
    for label in np.unique(case.labels).tolist():
        inside = codes[case.labels == label]
        assert (inside == TRAIN).any()
        if label in made.small:
            assert (inside == TRAIN).all()
        elif (inside == TRAIN).sum() > 1:  # else the class had to leave its last row for training
            for part, share in ((VAL, case.val), (TEST, case.test)):
                assert abs((inside == part).sum() - share * len(inside)) < 1 + 1e-9 or (codes == part).sum() == 1


@with_odd
@settings(max_examples=50)
@given(asked())
def test_the_order_of_rows_and_the_names_of_groups_play_no_role(case: Asked) -> None:
    codes = codes_or_refusal(case)
    if codes is None:
        return
    order = np.random.default_rng(case.seed).permutation(case.count)
    assert np.array_equal(case.made(order).codes, codes[order])
    if case.units is not None:
        renamed = Asked(case.count, case.val, case.test, case.labels, (17 - 3 * case.units), case.seed)
        assert np.array_equal(renamed.made().codes, codes)


@settings(max_examples=40)
@given(st.integers(20, 300), st.integers(1, 5), st.sampled_from([0.1, 0.2]), st.integers(0, 5))
def test_a_row_more_moves_but_a_few(count: int, more: int, share: float, seed: int) -> None:
    """Each boundary between parts moves by a row or two for a row that comes in."""
    shares, all_keys = {"val": share, "test": share}, keys(count + more)
    before, after = (split(all_keys[:size], shares, seed).codes for size in (count, count + more))
    assert (before != after[:count]).sum() <= 3 * more + 3
    labels = np.arange(count + more) % 2
    before, after = (split(all_keys[:size], shares, seed, labels=labels[:size]).codes for size in (count, count + more))
    assert (before != after[:count]).sum() <= 3 * more + 6


# ---- time ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=40),
    st.sampled_from([(v, t) for v in SHARES for t in SHARES if v + t < 1]),
)
@example([1] * 10 + [2, 3], (0.1, 0.5))
@example([5, 5, 5], (0.1, 0.1))
def test_no_row_of_a_part_is_later_than_one_of_the_next(times: list[int], shares: tuple[float, float]) -> None:
    moments, (val, test) = np.asarray(times, np.float64), shares
    wanted = [TRAIN, *([VAL] if val else []), *([TEST] if test else [])]
    if len(wanted) > 1 and len(set(times)) < len(wanted):
        with pytest.raises(DataError, match=r"too few different times|can't be divided"):
            split(keys(len(times)), {"val": val, "test": test}, 0, time=moments)
        return
    codes = split(keys(len(times)), {"val": val, "test": test}, 0, time=moments).codes
    assert np.unique(codes).tolist() == sorted(wanted)
    spans = [moments[codes == part] for part in wanted]
    assert all(earlier.max() < later.min() for earlier, later in pairwise(spans))
    order = np.random.default_rng(len(times)).permutation(len(times))
    again = split(keys(len(times))[order], {"val": val, "test": test}, 0, time=moments[order]).codes
    assert np.array_equal(again, codes[order])
    if test and len(set(times)) == len(times) and len(times) > 10 and val + test < 0.8:
        assert abs((codes == TEST).sum() - test * len(times)) <= 1.5


# ---- parts that are given, duplicates, a limit ----------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.sampled_from([-1, TRAIN, VAL, TEST]), min_size=1, max_size=40), st.sampled_from(SHARES[:5]))
def test_given_parts_are_never_changed(parts: list[int], share: float) -> None:
    known = np.asarray(parts, np.int8)
    pool = known[known <= TRAIN]
    missing = sum(share > 0 and part not in parts for part in (VAL, TEST))
    if missing and len(pool) <= missing:
        with pytest.raises(DataError, match=r"can't be divided|no row for training"):
            split(keys(len(parts)), {"val": share, "test": share}, 0, given=known)
        return
    codes = split(keys(len(parts)), {"val": share, "test": share}, 0, given=known).codes
    assert np.array_equal(codes[known > TRAIN], known[known > TRAIN])
    assert (codes[known <= TRAIN] == TRAIN).any() or not len(pool)
    for part in (VAL, TEST):
        if part in parts:
            assert not (codes[known <= TRAIN] == part).any()


RECIPES = {
    policy: recipes.complete(
        recipes.from_dict({"data": {"duplicates": policy, "split": {"val": 0.2, "test": 0.2, "stratify": "auto"}}})
    )
    for policy in ("one-side", "drop", "keep")
}


@settings(max_examples=50)
@given(
    st.sampled_from(list(RECIPES)),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.integers(0, 2)), min_size=12, max_size=50),
    st.booleans(),
    st.booleans(),
)
def test_duplicates_and_groups_together(
    policy: str, rows: list[tuple[int, int, int]], grouped: bool, limited: bool
) -> None:
    content, group, label = np.asarray(rows, np.int64).T
    hashes, count = content.astype(np.uint64) * np.uint64(77), len(rows)
    shares = {"val": 0.2, "test": 0.2}

    def divided(order: np.ndarray) -> np.ndarray:
        asked_ = RECIPES[policy]
        given_rows = Rows(keys(count)[order], label[order], None, group[order] if grouped else None)
        early = given_rows.split(asked_, shares) if limited else None
        return divide(asked_, given_rows, hashes[order], twins(hashes[order]), shares, early)[1]

    try:
        codes = divided(np.arange(count))
    except DataError:  # equal rows had all of a part, or too little is left when they are dropped
        assert limited or grouped or len(np.unique(content)) < 3
        return
    shuffled = np.random.default_rng(count).permutation(count)
    assert np.array_equal(divided(shuffled), codes[shuffled])
    assert set(codes.tolist()) - {-1} == {TRAIN, VAL, TEST}
    if grouped:
        assert all(len(np.unique(codes[(group == each) & (codes >= 0)])) <= 1 for each in np.unique(group))
    for each in np.unique(content):
        inside = codes[content == each]
        if policy == "one-side":
            assert len(np.unique(inside)) == 1
        elif policy == "drop":
            assert (inside >= 0).sum() == 1
        else:
            assert (inside >= 0).all()


def test_all_rows_alike() -> None:
    """Nothing can be judged on copies of what was trained on, and that is said."""
    rows, hashes = Rows(keys(20)), np.zeros(20, np.uint64)
    shares = {"val": 0.2, "test": 0.2}
    with pytest.raises(DataError, match=r"too few groups"):
        divide(RECIPES["one-side"], rows, hashes, twins(hashes), shares, None)
    early = rows.split(RECIPES["one-side"], shares)
    with pytest.raises(DataError, match=r"too few groups"):
        divide(RECIPES["one-side"], rows, hashes, twins(hashes), shares, early)
    with pytest.raises(DataError, match="1 row can't"):
        divide(RECIPES["drop"], rows, hashes, twins(hashes), shares, None)
    kept = divide(RECIPES["keep"], rows, hashes, twins(hashes), shares, None)[1]
    assert {PARTS[code] for code in kept.tolist()} == {"train", "val", "test"}
