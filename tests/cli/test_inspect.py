"""``danlu inspect``: what Python's ``danlu.inspect`` finds, in the terminal."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import danlu
from danlu.cli.main import main

RUN = Path(__file__).parents[1] / "fixtures/runs/0.1/runs/shapes"


@pytest.fixture
def run() -> Path:
    return RUN


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["inspect", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_a_file_of_tensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_file({"a": torch.arange(6.0).reshape(2, 3), "b": torch.full((4,), float("nan"))}, tmp_path / "x.safetensors")
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "x.npz", a=np.arange(6.0).reshape(2, 3))
    rows = said(capsys, tmp_path / "x.safetensors").splitlines()
    assert any(row.split()[:2] == ["a", "(2,"] and "2.5000" in row for row in rows)
    found = json.loads(said(capsys, tmp_path / "x.npy", "--json"))
    assert found["shape"] == [2, 3]
    assert found["figures"]["mean"] == 2.5
    assert "2.5000" in said(capsys, tmp_path / "x.npz")


def test_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("a", 1.0), ("b", 1.5)):
        np.save(tmp_path / f"{name}.npy", np.full((3, 2), value))
    assert "0.5000" in said(capsys, tmp_path / "a.npy", tmp_path / "b.npy")


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps([1]), np.lib.format.MAGIC_PREFIX + b"\1\0\5\0abc"])
@pytest.mark.parametrize("ending", ["npy", "npz", "safetensors"])
def test_what_is_no_file_of_tensors(
    ending: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    assert main(["inspect", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{path}: ")
    assert error.count("\n") == 1
    path.unlink()
    assert main(["inspect", str(path)]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_run_its_layers_and_another_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = said(capsys, run)
    assert weights.rstrip("\n") == str(danlu.inspect(run))
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)).save(photo)
    layers = said(capsys, run, photo)
    assert layers.rstrip("\n") == str(danlu.inspect(run, [str(photo)]))
    assert "(1, " in layers
    assert said(capsys, run, tmp_path, "--samples", 3) == layers  # a folder of inputs
    assert said(capsys, run, run).rstrip("\n") == str(danlu.inspect(run, run))


def test_mistakes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["inspect"]) == 2
    assert main(["inspect", str(tmp_path)]) == 2
    assert main(["inspect", str(tmp_path), "--samples", "no"]) == 2
    assert "Traceback" not in capsys.readouterr().err
