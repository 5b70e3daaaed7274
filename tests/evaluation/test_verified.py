"""Pairs of embeddings: the curve against scikit-learn, and planted mistakes that must be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from danlu.evaluation.verified import Verified, verified
from danlu.runs.stored import Stored

COLUMNS: dict[str, Any] = {
    "targets": ["identity"],
    "kinds": {"identity": {"kind": "category", "spec": {"classes": [f"p{number}" for number in range(6)]}}},
}


def found(folder: Path, embeddings: np.ndarray, codes: np.ndarray, most: int = 4) -> Verified | None:
    table = {
        "id": [f"i{row}" for row in range(len(codes))],
        "true/identity": pa.array(codes, pa.int64()),
        "embedding": [*map(list, embeddings.astype(np.float32))],
    }
    pq.write_table(pa.table(table), folder / "test.parquet")
    return verified(Stored(folder / "test.parquet"), COLUMNS, most)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat(np.arange(6), 5))
    return rng.normal(size=(6, 16))[codes] + 0.3 * rng.normal(size=(30, 16)), codes


def test_the_curve_has_scikit_learns_area(tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray]) -> None:
    embeddings, codes = drawn
    got = found(tmp_path, embeddings + np.random.default_rng(1).normal(size=embeddings.shape), codes)
    assert got is not None
    unit = embeddings + np.random.default_rng(1).normal(size=embeddings.shape)
    unit = (unit / np.linalg.norm(unit, axis=1, keepdims=True)).astype(np.float32)
    left, right = np.triu_indices(len(codes), 1)
    area = roc_auc_score(codes[left] == codes[right], (unit[left] * unit[right]).sum(1))
    assert np.trapezoid(got.tar, got.far) == pytest.approx(area, abs=1e-6)
    scores, same = (unit[left] * unit[right]).sum(1), codes[left] == codes[right]
    assert got.accepted == pytest.approx((scores[same] >= got.threshold).mean())
    assert got.alarms == pytest.approx((scores[~same] >= got.threshold).mean())


def test_a_stranger_and_a_double_are_the_hardest_pairs(tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray]) -> None:
    embeddings, codes = drawn
    stranger, double = np.flatnonzero(codes == 0)[0], np.flatnonzero(codes == 1)[0]
    embeddings[stranger] = -embeddings[codes == 0].mean(0)
    embeddings[double] = embeddings[np.flatnonzero(codes == 2)[0]]
    got = found(tmp_path, embeddings, codes)
    assert got is not None
    assert f"i{stranger}" in (got.missed[0].first, got.missed[0].second)
    assert got.missed[0].names == ("p0", "p0")
    assert got.mistaken[0].likeness == pytest.approx(1.0, abs=1e-6)
    assert set(got.mistaken[0].names) == {"p1", "p2"}
    for pairs in (got.missed, got.mistaken):
        names = [name for one in pairs for name in (one.first, one.second)]
        assert max(map(names.count, names)) <= 2, "one bad picture does not fill the list"
    assert all(one.likeness >= other.likeness for one, other in zip(got.mistaken, got.mistaken[1:], strict=False))


def test_without_two_kinds_of_pairs_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert found(tmp_path, np.eye(4), np.zeros(4, np.int64)) is None
    assert found(tmp_path, np.eye(4), np.arange(4)) is None
    assert found(tmp_path, np.eye(4), np.full(4, -1)) is None


def test_of_very_many_every_so_manieth_is_looked_at(
    tmp_path: Path, drawn: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings, codes = drawn
    some = found(tmp_path, embeddings[::3], codes[::3])
    monkeypatch.setattr("danlu.evaluation.verified._MOST", 10)
    whole = found(tmp_path, embeddings, codes)
    assert whole is not None
    assert some is not None
    np.testing.assert_array_equal(whole.tar, some.tar)
    seen = {name for one in (*whole.missed, *whole.mistaken) for name in (one.first, one.second)}
    assert {int(name[1:]) % 3 for name in seen} == {0}
