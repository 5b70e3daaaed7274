"""How rare classes are helped: weights against scikit-learn's, adjusted logits against the formula, by the training rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

import danlu
from danlu import recipe as recipes
from danlu.recipe.names import spec_of
from danlu.runs.assembling import Assembled, assemble, first_batch

CLASSES = ("cat", "dog", "emu")


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Parts of their own, so that the shares of the classes differ between them."""
    draw = np.random.default_rng(0)
    counts = {"train": (20, 8, 3), "val": (2, 2, 9), "test": (1, 9, 1)}
    arrays: dict[str, Any] = {}
    for part, each in counts.items():
        labels = np.repeat(np.asarray(CLASSES), each)
        arrays[f"x_{part}"] = draw.integers(0, 255, (len(labels), 6, 6, 1)).astype(np.uint8)
        arrays[f"y_{part}"] = labels
    np.savez(tmp_path / "own.npz", **arrays)
    return str(tmp_path / "own.npz")


def assembled(source: str, balance: str, loss: Any = "cross-entropy") -> Assembled:
    loss = {"name": loss, "label_smoothing": 0.0} if loss == "cross-entropy" else loss
    asked = {
        "data": {"source": source, "balance": balance},
        "model": "mlp",
        "train": {"loss": loss, "batch_size": 31, "device": "cpu", "threads": 1, "precision": "fp32"},
    }
    recipe = recipes.complete(recipes.from_dict(asked))
    return assemble(recipe, spec_of(recipe.task))


def found(made: Assembled) -> tuple[Tensor, Tensor, float]:
    """(the net's logits of all training rows, their labels, the objective's loss)."""
    batch = first_batch(made.batches, made.plan)
    logits = made.net.eval()(*batch.arguments()).detach()
    loss, _ = made.objective(logits, batch, made.objective.counts(batch))
    labels = batch["label"]
    assert isinstance(labels, Tensor)
    return logits, labels, float(loss)


def test_class_weights_are_scikit_learns_balanced(source: str) -> None:
    logits, labels, loss = found(assembled(source, "class-weights"))
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    expected = F.cross_entropy(logits, labels, torch.tensor(weights, dtype=torch.float32))
    assert loss == pytest.approx(float(expected), rel=1e-6)
    assert loss != pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-3)


def test_logits_are_adjusted_by_the_shares_of_the_training_rows(source: str) -> None:
    made = assembled(source, "logit-adjustment")
    logits, labels, loss = found(made)
    shares = torch.tensor([20, 8, 3]) / 31
    expected = (
        torch.logsumexp(logits + shares.log(), 1) - (logits + shares.log()).gather(1, labels[:, None])[:, 0]
    ).mean()
    assert loss == pytest.approx(float(expected), rel=1e-6)
    assert loss != pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-3)


def test_predictions_are_of_the_plain_logits(source: str) -> None:
    made = assembled(source, "logit-adjustment", "focal")
    batch = first_batch(made.batches, made.plan)
    logits = made.net.eval()(*batch.arguments()).detach()
    said = made.task.decode(logits.numpy(), batch)["probability"]
    np.testing.assert_allclose(said, logits.softmax(1).numpy(), rtol=1e-5)


def test_where_inputs_tell_nothing_adjusted_training_prefers_no_class() -> None:
    """Without, a net that sees nothing answers with the classes' shares; with, all are alike: the rare ones get their part."""
    labels = torch.tensor([0] * 12 + [1] * 3 + [2])
    data = torch.ones(16, 1), labels
    answers = {}
    for name, offsets in (("plain", None), ("adjusted", [float(x) for x in np.log([12 / 16, 3 / 16, 1 / 16])])):
        net = nn.Linear(1, 3)
        with torch.no_grad():
            net.weight.zero_(), net.bias.zero_()
        loss = {"name": "cross-entropy", "logit_offsets": offsets}
        danlu.fit(net, loss, data, batch_size=16, epochs=400, lr=0.5, optimizer="sgd", decay=0.0, schedule="constant")
        answers[name] = net(torch.ones(1, 1)).softmax(1)[0].tolist()
    assert answers["plain"] == pytest.approx([12 / 16, 3 / 16, 1 / 16], abs=1e-3)
    assert answers["adjusted"] == pytest.approx([1 / 3] * 3, abs=1e-3)
