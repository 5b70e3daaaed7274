"""Checkpoints prove themselves: any damage is noticed, and the one before is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from danlu.errors import RunError
from danlu.training import checkpoint
from danlu.training.checkpoint import State


def state(value: float) -> State:
    return State(
        {"net": {"w": torch.full((2, 3), value), "n": torch.tensor(7)}}, {"step": value, "list": [1, 2.5, None]}
    )


def test_round_trip(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "000001", state(1.0))
    read = checkpoint.load(tmp_path / "000001")
    assert torch.equal(read.tensors["net"]["w"], torch.ones(2, 3))
    assert read.tensors["net"]["n"].dtype == torch.int64
    assert read.values == {"step": 1.0, "list": [1, 2.5, None]}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["000001"]


@pytest.mark.parametrize("name", ["net.safetensors", "state.json", "MANIFEST.json"])
def test_every_flipped_byte_is_noticed(tmp_path: Path, name: str) -> None:
    checkpoint.save(tmp_path / "000001", state(1.0))
    checkpoint.save(tmp_path / "000002", state(2.0))
    path = tmp_path / "000002" / name
    whole = path.read_bytes()
    for place in range(0, len(whole), max(len(whole) // 25, 1)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(bytes(damaged))
        warnings: list[str] = []
        found = checkpoint.newest(tmp_path, warnings.append)
        assert found is not None
        assert (found[1].values["step"] == 1.0 and len(warnings) == 1) or _same(damaged, whole, name), place


def _same(damaged: bytearray, whole: bytes, name: str) -> bool:
    """A manifest may say the same in other bytes (white space): then nothing is wrong."""
    if name != "MANIFEST.json":
        return False
    try:
        return bool(json.loads(damaged) == json.loads(whole))
    except ValueError:
        return False


def test_missing_extra_and_half_written(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path / "000003", state(3.0))
    (path / "more.bin").write_bytes(b"x")
    assert "more.bin" in checkpoint.verify(path)
    (path / "more.bin").unlink()
    (path / "net.safetensors").unlink()
    assert "net.safetensors" in checkpoint.verify(path)
    with pytest.raises(RunError, match=r"net\.safetensors"):
        checkpoint.load(path)
    (tmp_path / ".000004.999999999.part").mkdir()
    assert [p.name for p in checkpoint.listed(tmp_path)] == ["000003"]
    checkpoint.prune(tmp_path, 1)
    assert not (tmp_path / ".000004.999999999.part").exists()


def test_prune_keeps_the_last(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.save(tmp_path / f"{step:06d}", state(step))
    checkpoint.prune(tmp_path, 2)
    assert [p.name for p in checkpoint.listed(tmp_path)] == ["000003", "000004"]
    assert checkpoint.newest(tmp_path / "nowhere", print) is None


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(RunError, match="could not be written"):
        checkpoint.save(blocked / "000001", state(1.0))


def test_all_damaged_is_an_error_not_a_new_beginning(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "000001", state(1.0))
    (tmp_path / "000001" / "state.json").write_text("{}")
    with pytest.raises(RunError, match="every checkpoint is damaged"):
        checkpoint.newest(tmp_path, lambda text: None)


def test_a_writer_killed_between_its_renames_loses_nothing(tmp_path: Path) -> None:
    best = checkpoint.save(tmp_path / "best", state(1.0))
    best.rename(tmp_path / ".best.12345.old")
    assert checkpoint.load(best).values["step"] == 1.0  # a reader looks there and moves nothing
    assert not best.exists()
    assert checkpoint.put_back(best, lambda values: values["step"] == 1.0)
    assert checkpoint.verify(best) == ""
