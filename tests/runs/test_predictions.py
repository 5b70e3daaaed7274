"""Predictions on disk: any batch's shape, in few row groups, with the types of the arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from danlu.runs import predictions
from danlu.runs.predictions import PredictionWriter, column


@pytest.mark.parametrize(
    "values",
    [
        np.arange(3.0),
        np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        np.zeros((3, 0), np.float32),
        np.zeros((0, 4)),
        [np.zeros((0, 6), np.float32), np.ones((2, 6), np.float32)],
        [np.zeros((2, 3)), np.ones((1, 2))],
        ["cat", "dog"],
        [1.5, 2.0],
        [],
    ],
)
def test_arrow_holds_what_numpy_held(values: Any) -> None:
    assert column(values).to_pylist() == [np.asarray(value).tolist() for value in values]


def test_images_without_boxes_may_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_ROWS", 1)
    boxes = [np.zeros((0, 6), np.float32), np.zeros((0, 6), np.float32), np.ones((2, 6), np.float32)]
    with PredictionWriter(tmp_path / "test.parquet") as writer:
        for number, rows in enumerate(boxes):
            writer.add([str(number)], {"boxes": [rows]}, {"boxes": [rows]})
    table = pq.read_table(tmp_path / "test.parquet")
    assert table["boxes"].to_pylist() == [rows.tolist() for rows in boxes]
    assert str(table["boxes"].type.value_type.value_type) == "float"


def test_small_batches_make_few_row_groups(tmp_path: Path) -> None:
    with PredictionWriter(tmp_path / "test.parquet") as writer:
        for first in range(0, 40_000, 100):
            numbers = np.arange(first, first + 100)
            writer.add([str(number) for number in numbers], {"y": numbers}, {"p": np.ones((100, 2), np.float32)})
    file = pq.ParquetFile(tmp_path / "test.parquet")
    assert file.metadata.num_row_groups == 5
    assert file.read(["id"])["id"].to_pylist() == [str(number) for number in range(40_000)]


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> None:
        with PredictionWriter(tmp_path / "test.parquet") as writer:
            for _ in range(300):
                writer.add(["a"] * 100, {}, {"p": np.ones(100)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert list(tmp_path.iterdir()) == []
