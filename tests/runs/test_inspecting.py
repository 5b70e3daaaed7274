"""``danlu.inspect`` of nets with inputs, and of runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import danlu
from danlu.data.batches.batch import Batch
from danlu.errors import DataError
from danlu.messages import LANGUAGES, Language, set_language
from danlu.nn.moments import moments
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.runs.activations import ActivationInspection
from danlu.training.objective import Objective
from danlu.watch.differences import Differences
from danlu.watch.inspection import NetInspection


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def test_a_net_with_inputs() -> None:
    net, x = small(), torch.randn(40, 3)
    for given in (x, (x,), x.numpy()):
        found = danlu.inspect(net, given, samples=8)
        assert isinstance(found, ActivationInspection)
        assert (found.samples, found.training, found.kind) == (8, True, "Sequential")
        assert [row.layer for row in found.rows] == ["0", "1", "2"]
        assert found.rows[-1].figures == moments(net(x[:8]), (), 0)
    labels = torch.randint(0, 2, (40,))
    sloped = danlu.inspect(net, x, loss=lambda y: F.cross_entropy(y, labels))
    assert isinstance(sloped, ActivationInspection)
    assert sloped.samples == 40
    assert all(row.gradient for row in sloped.rows)


def test_a_net_with_a_batch() -> None:
    net, rows = small(), np.arange(6)
    batch = Batch({"x": torch.randn(6, 3), "y": rows % 2}, ("x",), rows, rows.astype(np.uint64))  # type: ignore[dict-item]
    batch = batch.with_columns(y=torch.from_numpy(rows % 2))
    found = danlu.inspect(net, batch, samples=4, loss=Objective({"ce": CrossEntropy("y")}))
    assert isinstance(found, ActivationInspection)
    assert found.samples == 4
    assert all(row.gradient for row in found.rows)
    assert danlu.inspect(net, batch).rows[0].gradient is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_printed(language: Language) -> None:
    set_language(language)
    net = small()
    found = danlu.inspect(net, torch.full((2, 3), torch.nan), loss=lambda y: y.sum())
    lines = str(found).splitlines()
    assert len(lines) == 5
    assert ("样本" in lines[0]) == (language == "zh")
    assert "8 NaN" in lines[2]
    page = found._repr_html_()
    assert not re.search("<script|http", page)
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_run(trained: Any) -> None:
    best = danlu.load(trained.path).net  # type: ignore[attr-defined]
    for given in (trained, trained.path, str(trained.path)):
        found = danlu.inspect(given)
        assert isinstance(found, NetInspection)
        assert found.parameters == sum(p.numel() for p in best.parameters())
    same = danlu.inspect(trained, best)
    assert isinstance(same, Differences)
    assert {entry.unequal for entry in same.entries} == {0}
    with torch.no_grad():
        next(best.parameters()).add_(1)
    assert max(entry.absolute or 0 for entry in danlu.inspect(best, trained).entries) == pytest.approx(1)  # type: ignore[attr-defined]


def test_a_run_with_raw_inputs(trained: Any, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        Image.fromarray(np.full((8, 8), 80 * i, np.uint8)).save(path)
    predictor: Any = danlu.load(trained.path)
    logits = predictor.outputs(predictor.given([predictor.prepare(path) for path in paths]))
    for given in (paths, tmp_path, [path.read_bytes() for path in paths]):
        found = danlu.inspect(trained, given)
        assert isinstance(found, ActivationInspection)
        assert (found.samples, found.training) == (3, False)
        assert found.rows[-1].figures.mean == pytest.approx(float(np.mean(logits)), rel=1e-6)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError):
        danlu.inspect(trained, [tmp_path / "broken.png"])
