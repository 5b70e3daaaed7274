"""Predictions come back from Parquet as they were written, in blocks, whatever their shape."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from danlu.errors import RunError
from danlu.evaluation.predictions import ClassPredictions, NumberPredictions, read
from danlu.metrics.answers import Answers
from danlu.runs.predictions import PredictionWriter
from danlu.runs.stored import Stored, _values


def folder(tmp_path: Path, kind: str, **spec: object) -> Path:
    """A run's folder with nothing in it but its columns: one target, "answer"."""
    (tmp_path / "data").mkdir()
    columns = {"kinds": {"answer": {"kind": kind, "spec": spec}}, "inputs": [], "targets": ["answer"], "statistics": {}}
    (tmp_path / "data" / "columns.json").write_text(json.dumps(columns))
    return tmp_path


def test_classes_come_back_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danlu.runs.stored.BLOCK", 60)  # ten rows of six
    rng = np.random.default_rng(0)
    probability, label = rng.dirichlet(np.ones(6), 103).astype(np.float32), rng.integers(-1, 6, 103)
    run = folder(tmp_path, "category", classes=list("abcdef"))
    with PredictionWriter(run / "predictions" / "test.parquet") as writer:
        for some in np.array_split(np.arange(103), 5):
            ids = [f"s{row}" for row in some]
            predicted = probability[some].argmax(1)
            writer.add(ids, {"answer": label[some]}, {"probability": probability[some], "label": predicted})
    found = read(run)
    assert isinstance(found, ClassPredictions)
    kept = np.flatnonzero(label >= 0)
    assert found.ids == [f"s{row}" for row in kept]
    want = Answers.of(probability[kept], label[kept])
    for name, values in vars(want).items():
        np.testing.assert_array_equal(getattr(found.answers, name), values, err_msg=name)
    blocks = list(found.blocks())
    assert len(blocks) >= 10
    assert max(len(rows) for rows, _ in blocks) <= 10
    assert np.array_equal(np.concatenate([rows for rows, _ in blocks]), np.arange(len(kept)))
    got = np.concatenate([block for _, block in blocks])
    assert got.dtype == np.float32
    assert np.array_equal(got, probability[kept])


def test_numbers_come_back(tmp_path: Path) -> None:
    run = folder(tmp_path, "number")
    true, price = np.array([1.0, np.nan, 3.0], np.float32), np.array([1.5, 2.0, 2.5], np.float32)
    with PredictionWriter(run / "predictions" / "val.parquet") as writer:
        writer.add(["a", "b", "c"], {"answer": true}, {"price": price})
    found = read(run, "val")
    assert isinstance(found, NumberPredictions)
    assert found.ids == ["a", "c"]
    assert found.residual.tolist() == [0.5, -0.5]


def test_boxes_are_neither_but_can_be_read(tmp_path: Path) -> None:
    run = folder(tmp_path, "boxes", classes=["a"])
    boxes = [np.arange(12, dtype=np.float32).reshape(2, 6), np.zeros((0, 6), np.float32), np.ones((1, 6), np.float32)]
    path = run / "predictions" / "test.parquet"
    with PredictionWriter(path) as writer:
        writer.add(["a", "b", "c"], {"answer": [np.ones((1, 7), np.float32)] * 3}, {"boxes": boxes})
    assert read(run) is None
    (block,) = Stored(path).blocks(("id", "boxes"))
    assert block["id"] == ["a", "b", "c"]
    assert [value.shape[0] for value in block["boxes"]] == [2, 0, 1]
    assert np.array_equal(block["boxes"][0], boxes[0])


def test_a_slice_of_a_column_gives_its_own_values() -> None:
    ragged = pa.array([[1.0], [2.0, 3.0], [], [4.0, 5.0, 6.0]]).slice(1)
    assert [value.tolist() for value in _values(ragged, False)] == [[2.0, 3.0], [], [4.0, 5.0, 6.0]]
    boxes = pa.array([[[1.0, 1.0]], [[2.0, 2.0], [3.0, 3.0]], [[4.0, 4.0]]]).slice(1)
    assert [value.tolist() for value in _values(boxes, False)] == [[[2.0, 2.0], [3.0, 3.0]], [[4.0, 4.0]]]


def test_what_is_missing_is_said_with_the_way_to_make_it(tmp_path: Path) -> None:
    run = folder(tmp_path, "number")
    with pytest.raises(RunError, match=r"danlu evaluate .* --part val"):
        read(run, "val")
    path = run / "predictions" / "val.parquet"
    path.parent.mkdir()
    path.write_bytes(b"no parquet")
    with pytest.raises(RunError, match=r"val\.parquet: .*magic"):
        read(run, "val")
    (run / "data" / "columns.json").unlink()
    with pytest.raises(RunError, match=r"columns\.json"):
        read(run, "val")
