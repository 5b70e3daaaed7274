"""``danlu predict … -o FOLDER``: masks as files, under the names of their pictures."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from danlu.cli.main import main
from danlu.deploy import loading

NAMES = ("a/1 图.jpg", "b/1 图.jpg", "a/1 图.png", "alone.jpg", "broken.jpg")


def encoded(value: int) -> str:
    file = io.BytesIO()
    Image.fromarray(np.full((3, 5), value, np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that answers the n-th picture with a mask of n."""
    folder = tmp_path / "photos"

    def predict(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        for number, name in enumerate(NAMES):
            named = {"input": str(folder / name)}
            yield {**named, "error": "not an image"} if "broken" in name else {**named, "mask": encoded(number)}

    monkeypatch.setattr(loading, "predict", predict)
    folder.mkdir()
    return folder


def test_each_picture_has_its_mask(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = tmp_path / "masks"
    assert main(["predict", "run", str(pictures), "-o", str(masks), "--json"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = ["a/1 图.png", "b/1 图.png", "a/1 图-2.png", "alone.png"]
    assert [answer.get("mask") for answer in told] == [*(str(masks / name) for name in expected), None]
    for number, name in enumerate(expected):
        assert (np.asarray(Image.open(masks / name)) == number).all()
    assert sum(path.is_file() for path in masks.rglob("*")) == 4


def test_pictures_are_never_written_over(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "alone.png").write_bytes(b"mine")
    assert main(["predict", "run", str(pictures), "-o", str(pictures)]) == 2
    assert "in use" in capsys.readouterr().err
    assert (pictures / "alone.png").read_bytes() == b"mine"
