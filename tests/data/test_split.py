"""Splits: exact, stable, together, in time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.data.moments import groups, moments
from danlu.data.split import PARTS, TEST, TRAIN, VAL, joined, quotas, split
from danlu.errors import DataError
from danlu.randomness import keys_of

SHARES = {"val": 0.1, "test": 0.2}


def keys(count: int, prefix: str = "row") -> np.ndarray:
    return keys_of(f"{prefix} {number}" for number in range(count))


def counts(codes: np.ndarray) -> list[int]:
    return np.bincount(codes, minlength=3).tolist()


# ---- random and stratified ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(3, 60), min_size=1, max_size=8),
    val=st.floats(0.02, 0.4),
    test=st.floats(0.02, 0.4),
    seed=st.integers(0, 5),
)
def test_every_class_is_divided_by_largest_remainders(sizes: list[int], val: float, test: float, seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    made = split(keys(len(labels)), {"val": val, "test": test}, seed, labels=labels)
    assert made.how == "stratified"
    for part, share in ((VAL, val), (TEST, test)):
        found = np.bincount(labels[made.codes == part], minlength=len(sizes))
        exact = np.asarray(sizes) * share
        assert (found <= np.ceil(exact + 1e-9)).all() or found.sum() == 1
        if min(sizes) * (1 - val - test) >= 2:  # nothing had to be left for training
            assert (found >= np.floor(exact)).all()
            assert found.sum() == max(1, round(sum(sizes) * share))
    assert (np.bincount(labels[made.codes == TRAIN], minlength=len(sizes)) >= 1).all()


def test_quotas_are_hamiltons() -> None:
    assert quotas(np.asarray([53, 24, 23]), 0.1).tolist() == [5, 3, 2]
    assert quotas(np.asarray([10, 10, 10]), 0.1).tolist() == [1, 1, 1]
    assert quotas(np.asarray([5, 5]), 0.1).sum() == 1
    assert quotas(np.asarray([100] * 7), 0.29).tolist() == [29] * 7


def test_the_order_of_rows_plays_no_role() -> None:
    all_keys, labels = keys(200), np.arange(200) % 7
    units = np.arange(200) // 3
    order = np.random.default_rng(0).permutation(200)
    for more in ({}, {"labels": labels}, {"units": units}, {"labels": labels, "units": units}):
        made = split(all_keys, SHARES, 3, **more).codes
        shuffled = {name: values[order] for name, values in more.items()}
        again = split(all_keys[order], SHARES, 3, **shuffled).codes
        assert np.array_equal(made[order], again)


def test_seeds_differ_and_repeat() -> None:
    one, other = (split(keys(500), SHARES, seed).codes for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, split(keys(500), SHARES, 0).codes)
    both = ((one == TEST) & (other == TEST)).sum()
    assert 5 <= both <= 40  # 20 expected by chance


def test_most_rows_stay_where_they_are_when_rows_are_added() -> None:
    all_keys = keys(1100)
    before, after = split(all_keys[:1000], SHARES, 0).codes, split(all_keys, SHARES, 0).codes
    assert (before == after[:1000]).mean() > 0.97


def test_sizes_of_a_random_split() -> None:
    assert counts(split(keys(1000), SHARES, 0).codes) == [700, 100, 200]
    assert counts(split(keys(10), {"val": 0.01, "test": 0.01}, 0).codes) == [8, 1, 1]
    assert counts(split(keys(10), {"val": 0, "test": 0}, 0).codes) == [10, 0, 0]
    with pytest.raises(DataError, match="2 rows"):
        split(keys(2), SHARES, 0)


def test_small_classes_stay_in_train() -> None:
    labels = np.repeat([0, 1, 2], [100, 2, 100])
    made = split(keys(202), SHARES, 0, labels=labels)
    assert made.small == (1,)
    assert (made.codes[labels == 1] == TRAIN).all()
    assert counts(made.codes[labels != 1]) == [140, 20, 40]
    with pytest.raises(DataError, match="1 class has"):
        split(keys(202), SHARES, 0, labels=labels, strict=True)
    tiny = split(keys(6), SHARES, 0, labels=np.asarray([0, 0, 1, 1, 2, 2]))
    assert tiny.how == "random"
    assert tiny.small == ()  # nobody may be told that they stay in train: then nothing would be judged
    assert min(counts(tiny.codes)) >= 1


# ---- given parts ------------------------------------------------------------------------------------------------


def test_given_parts_are_kept_and_val_is_taken_from_train() -> None:
    given_ = np.repeat(np.asarray([TRAIN, TEST], np.int8), [100, 30])
    made = split(keys(130), SHARES, 0, given=given_, labels=np.arange(130) % 2)
    assert (made.codes[given_ == TEST] == TEST).all()
    assert counts(made.codes) == [90, 10, 30]
    assert split(keys(130), {"val": 0.0, "test": 0.3}, 0, given=given_).how == "given"


def test_all_parts_given() -> None:
    given_ = np.asarray([TEST, TRAIN, VAL, -1], np.int8)
    made = split(keys(4), SHARES, 0, given=given_)
    assert made.codes.tolist() == [TEST, TRAIN, VAL, TRAIN]
    with pytest.raises(DataError, match="training"):
        split(keys(3), SHARES, 0, given=np.full(3, TEST, np.int8))
    assert counts(split(keys(3), {}, 0, given=np.full(3, TEST, np.int8)).codes) == [0, 0, 3]


# ---- groups -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 12), min_size=30, max_size=60), seed=st.integers(0, 3))
def test_groups_stay_whole_and_parts_near_their_share(sizes: list[int], seed: int) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.random.default_rng(seed).integers(0, 2, len(units))
    made = split(keys(len(units)), SHARES, seed, labels=labels, units=units)
    for unit in range(len(sizes)):
        assert len(np.unique(made.codes[units == unit])) == 1
    found = np.asarray(counts(made.codes)) / len(units)
    assert np.abs(found - [0.7, 0.1, 0.2]).max() <= max(sizes) / len(units) + 0.01
    assert (found > 0).all()


def test_groups_are_stratified_as_far_as_they_go() -> None:
    """Patients with one diagnosis each: the classes' shares in the test part stay those of the whole."""
    units = np.repeat(np.arange(120), 5)
    labels = np.repeat((np.arange(120) % 4 == 0).astype(int), 5)
    made = split(keys(600), SHARES, 0, labels=labels, units=units)
    assert made.how == "grouped and stratified"
    for part, share in ((VAL, 0.1), (TEST, 0.2)):
        assert np.bincount(labels[made.codes == part]).tolist() == pytest.approx([450 * share, 150 * share], abs=5)


def test_few_groups() -> None:
    units = np.repeat(np.arange(3), 20)
    assert counts(split(keys(60), SHARES, 0, units=units).codes) == [20, 20, 20]
    with pytest.raises(DataError, match="too few groups"):
        split(keys(60), SHARES, 0, units=np.repeat(np.arange(2), 30))


def test_pairs_among_single_rows_leave_the_quotas_exact() -> None:
    labels = np.arange(300) % 3
    units = np.arange(300)
    for first in range(0, 60, 6):
        units[first + 3] = units[first]  # ten pairs within a class
    made = split(keys(300), SHARES, 1, labels=labels, units=units)
    for label in range(3):
        assert counts(made.codes[labels == label]) == [70, 10, 20]


def test_joined_units_are_connected() -> None:
    one, other = np.asarray([0, 0, 1, 2, 3, 4]), np.asarray([9, 8, 8, 7, 7, 6])
    made = joined(one, other)
    assert made is not None
    assert len(np.unique(made[[0, 1, 2]])) == 1
    assert made[3] == made[4]
    assert len(np.unique(made)) == 3
    assert joined(None, other) is other
    assert joined(None, None) is None


# ---- time ---------------------------------------------------------------------------------------------------------


def test_time_orders_the_parts_and_keeps_ties_together() -> None:
    time = np.random.default_rng(0).integers(0, 40, 400).astype(float)
    made = split(keys(400), SHARES, 0, time=time)
    assert made.how == "by time"
    limits = [(time[made.codes == part].min(), time[made.codes == part].max()) for part in (TRAIN, VAL, TEST)]
    assert limits[0][1] < limits[1][0]
    assert limits[1][1] < limits[2][0]
    assert np.abs(np.asarray(counts(made.codes)) / 400 - [0.7, 0.1, 0.2]).max() < 0.04
    with pytest.raises(DataError, match="times"):
        split(keys(10), SHARES, 0, time=np.repeat([1.0, 2.0], 5))


def test_times_as_people_write_them() -> None:
    origins = [f"row {number}" for number in range(20)]
    written: list[Any] = [
        "2024-03-16",
        "2024/3/17",
        "18.3.2024",
        "20240319",
        date(2024, 3, 20),
        "2024-03-20T12:00",
        datetime(2024, 3, 21),
        "2024-03-21T10:00:00+02:00",
        "2024/03/21 09:30",
    ]
    found = moments(written, origins)
    assert (np.diff(found) > 0).all()
    assert moments(["1.5", 2, np.float64(3)], origins).tolist() == [1.5, 2, 3]
    for wrong in (None, "soon", float("nan"), ""):
        with pytest.raises(DataError, match="row 1"):
            moments(["2024-03-16", wrong], origins)


def test_group_columns() -> None:
    assert groups(["a", 3, "a", "3"], list("wxyz")).tolist() == [0, 1, 0, 1]
    with pytest.raises(DataError, match="x"):
        groups(["a", None], list("wx"))


def test_parts_have_their_names() -> None:
    assert (PARTS[TRAIN], PARTS[VAL], PARTS[TEST]) == ("train", "val", "test")
