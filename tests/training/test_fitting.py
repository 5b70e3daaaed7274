"""``danlu.fit`` for an own net: tensors, loaders, losses by name or callable, validation, resume."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from danlu.errors import RecipeError
from danlu.training.fitting import fit
from tests.training.feeds import Recorder, blobs, small_net


def accuracy(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    net.eval()
    with torch.no_grad():
        return float((net(x).argmax(1) == y).float().mean())


@pytest.mark.parametrize("objective", ["cross-entropy", {"name": "focal", "gamma": 1.0}, nn.CrossEntropyLoss()])
def test_learns_from_tensors(objective: object) -> None:
    x, y = blobs(300)
    fitted = fit(small_net(dropout=0.0), objective, (x, y), epochs=8, batch_size=32, lr=0.01)
    assert accuracy(fitted.net, x, y) > 0.9


def test_a_loader_gives_the_same_run_again_and_resumes(tmp_path: Path) -> None:
    x, y = blobs(100)
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    first = fit(small_net(), "cross-entropy", loader, epochs=4, seed=3)
    again = fit(small_net(), "cross-entropy", loader, epochs=4, seed=3)
    for a, b in zip(first.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(a, b)

    class StopError(Exception):
        pass

    class Stopper(Recorder):
        def on(self, event: object) -> None:
            if type(event).__name__ == "EpochDone" and event.epoch == 2:  # type: ignore[attr-defined]
                raise StopError

    with pytest.raises(StopError):
        fit(small_net(), "cross-entropy", loader, epochs=4, seed=3, folder=tmp_path, watchers=[Stopper()])
    resumed = fit(small_net(seed=9), "cross-entropy", loader, epochs=4, seed=3, folder=tmp_path, resume=True)
    for a, b in zip(first.net.parameters(), resumed.net.parameters(), strict=True):
        assert torch.equal(a, b)


def test_validation_loss_is_the_whole_parts_mean() -> None:
    x, y = blobs(102)
    net = small_net()
    fitted = fit(net, "cross-entropy", (x, y), validation=(x, y), epochs=1, batch_size=10)
    net.eval()
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(net(x), y))
    assert fitted.best["val/loss"] == pytest.approx(expected, rel=1e-5)


def test_names_and_plans() -> None:
    x, y = blobs(60)
    fitted = fit(
        small_net(), "cross-entropy", (x, y), epochs=1, optimizer="sgd", schedule={"step": {"every": 1}}, lr=0.1
    )
    assert fitted.reason == "finished"
    with pytest.raises(ValueError, match="one length"):
        fit(small_net(), "cross-entropy", (x, y[:10]), epochs=1)


def test_a_last_batch_of_one_sample_takes_another(tmp_path: Path) -> None:
    x, y = blobs(65)
    fitted = fit(small_net(), "cross-entropy", (x, y), epochs=2, batch_size=16)
    assert fitted.steps == 10


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "half precision": ({"precision": "fp16"}, "precision: fp16 training needs a GPU"),
    "warm-up": ({"warmup": 8}, "warmup: a warm-up of 8 steps leaves none of the run's 8"),
    "shorter still": ({"warmup": 2, "max_steps": 2}, "leaves none of the run's 2"),
    "stopping": ({"early_stop": ("val/loss", -1, 3, 0.0)}, "early_stop looks at an evaluation"),
    "keeping the best": ({"monitor": ("val/loss", -1)}, "monitor looks at an evaluation"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_plan_cant_be_given_is_refused_before_step_one(name: str) -> None:
    x, y = blobs(60)
    changes, reason = REFUSED[name]
    net = small_net()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with pytest.raises(RecipeError, match=reason):
        fit(net, "cross-entropy", (x, y), epochs=2, batch_size=16, **changes)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_metric_that_is_not_there_is_refused_before_step_one() -> None:
    x, y = blobs(60)
    with pytest.raises(RecipeError, match="no metric val/accuracy; known: val/loss"):
        fit(small_net(), "cross-entropy", (x, y), validation=(x, y), epochs=2, monitor=("val/accuracy", 1))
    stop = ("val/loss", -1, 1, 0.0)
    assert fit(small_net(), "cross-entropy", (x, y), validation=(x, y), epochs=2, early_stop=stop).steps
