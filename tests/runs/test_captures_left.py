"""What a killed attempt left half-written among the captures goes when the next one begins."""

from __future__ import annotations

from pathlib import Path

from danlu.runs.captures import PIECES, TABLES, CaptureWriter, read
from danlu.training.events import Captured, ParameterFigures, Saving

FIGURES = ParameterFigures("weight", 4, 2, True, 1.0, 0.5, 0.1)


def test_what_a_killed_attempt_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / ".layers-a001-000010.parquet.elsewhere-4194304.part"
    left.write_bytes(b"PAR1")
    kept = tmp_path / "non-finite-000004"
    kept.mkdir()
    writer = CaptureWriter(tmp_path, 2)
    assert not left.exists()
    writer.on(Captured(10, 0, (), (FIGURES,)))
    writer.on(Saving(10, 0))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"non-finite-000004", "layers-a002-000010.parquet", "parameters-a002-000010.parquet"}


def test_pieces_are_joined_before_they_become_many(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path, 1)
    for step in range(1, 40):
        writer.on(Captured(step, 0, (), (FIGURES,)))
        writer.on(Saving(step, 0))
        assert len(list(tmp_path.iterdir())) <= len(TABLES) * PIECES
    assert read(tmp_path, "parameters")["step"].tolist() == list(range(1, 40))
