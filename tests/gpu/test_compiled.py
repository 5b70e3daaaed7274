"""A net that torch.compile has wrapped trains as the plain one does, and can be looked into. (A recipe doesn't offer to compile.)"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from danlu.training.loop import fit
from danlu.training.plan import CheckpointPolicy
from tests.gpu.feeds import Fed
from tests.gpu.test_training import COURSE
from tests.gpu.test_watching import plan
from tests.training.feeds import cross_entropy
from tests.training.test_captures import Block
from tests.training.test_looking import Looking, pictures

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_courses_looks_and_resuming(accelerator: torch.device, tmp_path: Path, backend: str) -> None:
    if backend == "inductor" and accelerator.type == "cpu":
        pytest.skip("its kernels for a GPU: needs a CUDA device")
    chosen = plan(accelerator, epochs=2, captures_every=3)

    def run(compiled: bool, dropout: float, folder: Path | None = None, resume: bool = False) -> Looking:
        torch.manual_seed(1)
        net = Block()
        net.drop.p = dropout
        net.to(accelerator)
        watcher, feed = Looking(), Fed(pictures(), 20, accelerator)
        policy = CheckpointPolicy(folder, every_steps=4, every_minutes=None, every_epochs=None, keep=9)
        used: nn.Module = torch.compile(net, backend=backend) if compiled else net  # type: ignore[assignment]
        fit(
            used,
            cross_entropy().to(accelerator),
            feed,
            replace(chosen, checkpoint=policy),
            watchers=[watcher],
            resume=resume,
        )  # type: ignore[arg-type]
        return watcher

    plain, ours = (run(compiled, dropout=0.0) for compiled in (False, True))  # a compiler's kernels draw other numbers
    assert ours.curve("train/loss") == pytest.approx(plain.curve("train/loss"), rel=COURSE)
    assert list(ours.seen) == list(plain.seen)
    for step, seen in ours.seen.items():
        assert [row.layer for row in seen.layers] == [row.layer for row in plain.seen[step].layers]
    whole = run(True, 0.5, tmp_path / "whole")
    (tmp_path / "cut").mkdir()
    (tmp_path / "whole" / "000004").rename(tmp_path / "cut" / "000004")
    resumed = run(True, 0.5, tmp_path / "cut", resume=True)
    assert resumed.curve("train/loss") == whole.curve("train/loss")[4:]
