"""Between two blocks of steps that are told, no step makes the host wait for the GPU: CUDA's own watch over synchronisation says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import danlu
from danlu.training.events import Event, FitStarted
from danlu.training.meter import Meter
from tests.endtoend.pairs import Ground, Story
from tests.endtoend.techniques import STEPS
from tests.gpu.test_training import asked

pytestmark = pytest.mark.gpu


class Strict:
    """A screen; from the first step on waiting is an error."""

    wants_snapshots = False

    def on(self, event: Event) -> None:
        if isinstance(event, FitStarted):
            torch.cuda.set_sync_debug_mode("error")

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From where the steps are told on, the host may wait."""
    flush = Meter.flush

    def flushed(self: Meter, *given: Any, **more: Any) -> Any:
        torch.cuda.set_sync_debug_mode("default")
        return flush(self, *given, **more)

    monkeypatch.setattr(Meter, "flush", flushed)
    yield
    torch.cuda.set_sync_debug_mode("default")


CHOSEN = {
    "sgd, flip, crop": ("flip", "crop"),
    "adamw, ema, clip, accumulated": ("adamw", "ema", "clip", "accumulate"),
    "bf16, channels-last, mixup": ("bf16", "channels-last", "mixup"),
    "sam, penalty": ("sam", "l1"),
    "proximal, dropout, rotate": ("proximal", "dropout", "rotate"),
    "drop-path, jitter": ("drop-path", "color-jitter"),
    "class weights, randaugment": ("class-weights", "randaugment"),
}


@pytest.mark.parametrize("looks", [0, 2], ids=["", "with looks"])
@pytest.mark.parametrize("name", CHOSEN)
def test_no_step_waits(
    allowed: None, cuda: torch.device, ground: Ground, tmp_path: Path, name: str, looks: int
) -> None:
    """Twenty steps in one epoch, told at its end; batches come from page-locked memory, one ahead."""
    given = asked(ground, cuda, tmp_path, "run", *CHOSEN[name], batch_size=2, checkpoint={"every_minutes": None})
    given["watch"] = {"captures_every": looks, "log_seconds": 1e9}
    given["train"] |= {"epochs": 1, "max_steps": None}
    run = danlu.train(given, screen=Strict())  # type: ignore[arg-type]
    assert len(Story.of(run).curves["train/loss"]) >= STEPS // 2


def test_a_wait_would_be_seen(cuda: torch.device) -> None:
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            torch.ones(3, device=cuda).sum().item()
    finally:
        torch.cuda.set_sync_debug_mode("default")
