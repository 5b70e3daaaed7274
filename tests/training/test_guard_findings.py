"""Doing a refused step again names the layer, the operation and the rows; what looks infinite on purpose is not blamed."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recomputed

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.errors import RunError, TrainingError
from danlu.nn.terms.mse import MSE
from danlu.randomness import Position
from danlu.training.events import NonFinite, StepsDone
from danlu.training.fitting import fit as danlu_fit
from danlu.training.loop import fit
from danlu.training.nonfinite import capture, incident
from danlu.training.nonfinite.culprits import culprits, spoilt_samples, take
from danlu.training.objective import Objective
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan
from danlu.training.randomness import reseed
from danlu.training.schedules.constant import Constant
from danlu.training.slots import guard
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net

PLAN = Plan(epochs=1, optimizer=SGD, lr=0.01, schedule=Constant(), seed=4, non_finite="skip", accumulate=2)


class Does(nn.Module):
    """A layer that is a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Attention(nn.Module):
    """Causal, with -inf above the diagonal; a row of zeros sees nothing where ``hiding``."""

    def __init__(self, hiding: bool = False) -> None:
        super().__init__()
        self.register_buffer("mask", torch.full((8, 8), -math.inf).triu(1))
        self.hiding = hiding

    def forward(self, x: Tensor) -> Tensor:
        scores = x[:, :, None] * x[:, None, :] + self.mask
        if self.hiding:
            scores = scores.masked_fill((x == 0).all(1)[:, None, None], -math.inf)
        return torch.einsum("bij,bj->bi", scores.softmax(-1), x)


class Overflows(torch.autograd.Function):
    """Exact forwards; backwards one row's gradient leaves float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        much = torch.where((x == 0).all(1, keepdim=True), 1e30, 1.0)
        return gradient * much * much


def findings(net: nn.Module, x: Tensor, y: Tensor, **changes: Any) -> list[dict[str, Any]]:
    recorder = Recorder()
    fit(net, cross_entropy(), ArrayFeed(x, y, 8), replace(PLAN, **changes), watchers=[recorder])
    return [dict(event.finding) for event in recorder.of(NonFinite)]


class Whole(nn.Module):
    """``body`` with batch norm and dropout behind it."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, small_net()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))  # type: ignore[no-any-return]


def log(x: Tensor) -> Tensor:
    return x + x.square().sum(1, keepdim=True).log()


def ratio(x: Tensor) -> Tensor:
    return x / x.norm(dim=1, keepdim=True)


def root(x: Tensor) -> Tensor:
    return x + x.square().sum(1, keepdim=True).sqrt()


def hidden_log(x: Tensor) -> Tensor:
    """log(0) is never used, yet its gradient 0/0 is: the trap of ``where``."""
    return x + torch.where(x != 0, x.abs().log(), 0.0)


@pytest.mark.parametrize(
    ("layer", "kind", "operation", "node"),
    [
        (Does(log), "forward", "aten.log.default", None),
        (Does(ratio), "forward", "aten.div.Tensor", None),
        (Does(root), "backward", "aten.div.Tensor", "SqrtBackward0"),
        (Does(hidden_log), "backward", "aten.div.Tensor", "LogBackward0"),
        (Does(Overflows.apply), "backward", "aten.mul.Tensor", "OverflowsBackward"),
        (Attention(hiding=True), "forward", "aten._softmax.default", None),
        (Does(lambda x: recomputed(log, x, use_reentrant=False)), "forward", "aten.log.default", None),
        (
            Does(lambda x: x.masked_fill((x == 0).all(1, keepdim=True), math.nan)),
            "forward",
            "aten.masked_fill.Scalar",
            None,
        ),
    ],
    ids=["log", "division", "root", "where", "overflow", "softmax", "recomputed", "nan"],
)
def test_layer_operation_and_rows(layer: nn.Module, kind: str, operation: str, node: str | None) -> None:
    """A row of zeros is the culprit; a learnt layer before it, so that there is a gradient to spoil."""
    x, y = blobs(64)
    x[[11, 37]] = 0.0
    net = Whole(nn.Sequential(nn.Linear(8, 8, bias=False), nn.Sequential(layer, nn.Dropout(0.1))))
    found = findings(net, x, y)
    assert sorted(row for finding in found for row in finding["rows"]) == [11, 37]
    for finding in found:
        assert (finding["kind"], finding["operation"], finding.get("node")) == (kind, operation, node)
        assert (finding["layer"], finding["layer_class"]) == ("body.1.0", type(layer).__name__)
        order = [row for batch in ArrayFeed(x, y, 8, seed=0).epoch(0) for row in batch.rows.tolist()]
        assert finding["micro"] == order.index(finding["rows"][0]) // 8 % 2


@pytest.mark.slow
def test_compiled_nets_are_replayed_as_they_are_written() -> None:
    x, y = blobs(64)
    x[11] = 0.0
    (finding,) = findings(torch.compile(Whole(Does(log)), backend="eager"), x, y)  # type: ignore[arg-type]
    assert (finding["operation"], finding["rows"]) == ("aten.log.default", [11])
    assert finding["layer"].endswith("body")


def test_masks_of_infinity_are_no_fault() -> None:
    """Attention's -inf comes before the log in the net, and in every step; the log is named."""
    x, y = blobs(64)
    x[11] = 0.0
    net = Whole(nn.Sequential(Attention(), Does(log)))
    (finding,) = findings(net, x, y)
    assert (finding["layer"], finding["operation"], finding["rows"]) == ("body.1", "aten.log.default", [11])


def test_running_statistics_that_overflow_behind_finite_outputs() -> None:
    """A variance of infinity makes the output 0 and the loss finite, and would stay for ever."""
    x, y = blobs(64)
    x[11] *= 1e25
    net = Whole(nn.Linear(8, 8))
    (finding,) = findings(net, x, y)
    assert (finding["kind"], finding["layer"], finding["layer_class"]) == ("running", "head.1", "BatchNorm1d")
    assert (finding["name"], finding["rows"]) == ("head.1.running_var", [11])


def test_what_held_it_before() -> None:
    x, y = blobs(64)
    spoilt = x.clone()
    spoilt[5, 2] = math.inf
    (finding,) = findings(small_net(), spoilt, y)
    assert (finding["kind"], finding["name"], finding["value"], finding["rows"]) == ("column", "x", "Inf", [5])
    assert (finding["layer"], finding["layer_class"]) == ("0", "Linear")

    net = small_net()
    with torch.no_grad():
        net[4].weight[1, 1] = math.nan  # type: ignore[index,operator]
    finding = findings(net, x, y, max_steps=1)[0]
    assert (finding["kind"], finding["name"], finding["layer"]) == ("weight", "4.weight", "4")
    assert "rows" not in finding

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.tensor([math.nan]))

        def forward(self, v: Tensor) -> Tensor:
            return v * self.scale

    finding = findings(Whole(Scaled()), x, y, max_steps=1)[0]
    assert (finding["kind"], finding["name"], finding["layer"]) == ("buffer", "body.scale", "body")


def test_a_target_is_named_with_its_row() -> None:
    x, _ = blobs(64)
    y = x.sum(1)
    y[9] = math.inf  # NaN would be a target that is not known
    recorder, net = Recorder(), nn.Sequential(nn.Linear(8, 1), nn.Flatten(0))
    fit(net, Objective({"mse": MSE(target="label")}), ArrayFeed(x, y, 8), PLAN, watchers=[recorder])
    (event,) = recorder.of(NonFinite)
    assert (event.finding["kind"], event.finding["name"], event.rows) == ("column", "label", ("9",))
    assert event.finding["layer"].startswith("objective")


class Divides:
    """A batch transform that makes NaN of rows of zeros."""

    partners = 0

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, batch: Batch, at: Position, kinds: Any) -> Batch:
        return batch.with_columns(x=batch["x"] / batch["x"].norm(dim=1, keepdim=True))  # type: ignore[union-attr]

    def __str__(self) -> str:
        return "divides"


def test_a_transform_is_named() -> None:
    x, y = blobs(64)
    x[11] = 0.0
    (finding,) = findings(small_net(), x, y, transforms=(Divides(),))
    assert (finding["kind"], finding["name"], finding["reason"], finding["rows"]) == ("transform", "x", "divides", [11])


def test_a_step_that_can_not_be_repeated_is_said() -> None:
    calls = itertools.count()
    once = Does(lambda x: x * (math.nan if next(calls) == 3 else 1.0))
    x, y = blobs(64)
    (finding,) = findings(Whole(once), x, y)
    assert finding == {"kind": "passing", "micro": 0}

    class Single(Does):
        def __deepcopy__(self, memo: Any) -> Any:
            raise RuntimeError("only one of me")

    x[11] = 0.0
    (finding,) = findings(Whole(Single(log)), x, y)
    assert finding == {"kind": "unknown", "micro": 0, "reason": "only one of me"}


def test_the_net_and_its_training_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With diagnosis or without it: the same bits afterwards."""
    x, y = blobs(64)
    x[11] = 0.0
    first, second = Whole(Does(log)), Whole(Does(log))
    findings(first, x, y, epochs=2)
    monkeypatch.setattr(incident, "KEPT", 0)
    assert {finding["kind"] for finding in findings(second, x, y, epochs=2)} == {"unknown"}
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in first.modules())


def test_culprits_by_halving() -> None:
    def spoiled_by(*bad: int) -> Callable[[np.ndarray], bool]:
        return lambda index: bool(np.isin(index, bad).any())

    for one in range(13):
        assert culprits(spoiled_by(one), 13, ()).tolist() == [one]
    assert culprits(spoiled_by(3, 5), 16, ()).tolist() == [3, 5]
    assert culprits(spoiled_by(3, 12), 16, (3, 12)).tolist() == [3, 12]
    assert culprits(spoiled_by(3, 12), 16, ()).tolist() == []  # in both halves
    assert culprits(lambda index: True, 16, (1, 2)).tolist() == []  # whatever the batch
    assert culprits(lambda index: False, 16, (1, 2)).tolist() == []  # finite this time
    assert culprits(spoiled_by(7), 16, (1, 2)).tolist() == [7]  # suspected wrongly
    assert culprits(spoiled_by(0), 1, (0,)).tolist() == []


def mixed_batch() -> Batch:
    columns: dict[str, Any] = {
        "image": torch.rand(3, 2, 4, 4).contiguous(memory_format=torch.channels_last),
        "words": Padded(torch.rand(3, 5), torch.tensor([[5], [2], [1]])),
        "boxes": Ragged(torch.rand(4, 7), torch.tensor([0, 3, 3, 4])),
        "label": torch.tensor([1, 0, 2]),
    }
    return Batch(columns, ("image", "words"), np.array([5, 8, 2]), np.array([2**63 + 1, 7, 0], np.uint64))


def test_samples_of_every_sort_of_column_are_taken_and_found() -> None:
    batch = mixed_batch()
    taken = take(batch, np.array([2, 0, 2]))
    assert taken.rows.tolist() == [2, 5, 2]
    assert taken["image"].is_contiguous(memory_format=torch.channels_last)  # type: ignore[union-attr]
    assert torch.equal(taken["words"].sizes, torch.tensor([[1], [5], [1]]))  # type: ignore[union-attr]
    assert taken["boxes"].offsets.tolist() == [0, 1, 4, 5]  # type: ignore[union-attr]
    assert torch.equal(taken["boxes"].values, batch["boxes"].values[[3, 0, 1, 2, 3]])  # type: ignore[union-attr]
    batch["boxes"].values[2, 0] = math.nan  # type: ignore[union-attr]
    batch["words"].values[1, 4] = math.inf  # type: ignore[union-attr]
    found = {name: spoilt_samples(value).tolist() for name, value in batch.columns.items()}
    assert found == {"image": [], "words": [1], "boxes": [0], "label": []}


def test_a_kept_batch_is_read_as_it_was(tmp_path: Path) -> None:
    batch, at = mixed_batch(), Position(3, 1, 12)
    folder = tmp_path / "non-finite-000012"
    for _ in range(2):  # one that is there is replaced
        capture.keep(
            folder, [batch, batch], at, [[], []], {"loss": math.nan, "finding": {"kind": "forward", "micro": 1}}
        )
    kept = capture.read(folder)
    assert kept.position == at
    assert float(kept.details["loss"]) != float(kept.details["loss"])
    assert kept.batch is kept.batches[1]
    for name, value in batch.columns.items():
        read = kept.batch[name]
        assert type(read) is type(value)
        pairs = [(value, read)] if isinstance(value, Tensor) else list(zip(value, read, strict=True))
        assert all(torch.equal(one, other) and one.dtype == other.dtype for one, other in pairs)  # type: ignore[arg-type]
    assert kept.batch["image"].is_contiguous(memory_format=torch.channels_last)  # type: ignore[union-attr]
    assert np.array_equal(kept.batch.keys, batch.keys)
    assert np.array_equal(kept.batch.rows, batch.rows)
    assert kept.batch.inputs == batch.inputs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["non-finite-000012"]
    (folder / "micro-1.safetensors").write_bytes(b"{}")
    with pytest.raises(RunError):
        capture.read(folder)
    with pytest.raises(RunError):
        capture.read(tmp_path / "nowhere")


@pytest.mark.parametrize("deferred", [False, True])
def test_fit_keeps_the_batch_and_it_spoils_the_step_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deferred: bool
) -> None:
    monkeypatch.setattr(guard, "defers", lambda *_: deferred)
    x, y = blobs(64)
    x[11] = 0.0
    net = Whole(Does(log))
    with pytest.raises(TrainingError, match=r"log.*The batch is kept in .*non-finite-00000"):
        danlu_fit(net, "cross-entropy", (x, y), batch_size=8, folder=tmp_path, watchers=[Recorder()], epochs=1)
    (folder,) = (tmp_path / "captures").iterdir()
    kept = capture.read(folder)
    assert kept.position.step == int(folder.name.rpartition("-")[2])
    assert [entry["row"] for entry in kept.details["micros"][0]["rows"]] == kept.batch.rows.tolist()
    assert torch.equal(kept.batch["input0"], x[kept.batch.rows])  # type: ignore[arg-type]
    reseed(kept.position)
    assert not bool(torch.isfinite(net(*kept.batch.arguments())).all())


def test_only_a_few_batches_are_kept_and_a_disk_that_refuses_hides_nothing(tmp_path: Path) -> None:
    x, y = blobs(64)
    x[:] = 0.0
    x[::2] = 1.0
    net, recorder = nn.Sequential(Does(log), nn.Linear(8, 3)), Recorder()
    with pytest.raises(TrainingError, match="in a row"):
        fit(net, cross_entropy(), ArrayFeed(x, y, 2), replace(PLAN, accumulate=4, epochs=9, captures=tmp_path / "c"),
            watchers=[recorder])  # fmt: skip
    assert len(recorder.of(NonFinite)) == guard.MOST_IN_A_ROW + 1
    assert len(list((tmp_path / "c").iterdir())) == incident.KEPT
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TrainingError, match=r"aten\.log.*could not be kept"):
        fit(
            net, cross_entropy(), ArrayFeed(x, y, 2), replace(PLAN, non_finite="stop", captures=tmp_path / "file" / "c")
        )


def test_blocks_end_with_the_step_that_was_left_out() -> None:
    """So that curves have a number for every step, and the one that was left out shows."""
    x, y = blobs(64)
    x[11] = math.nan
    recorder = Recorder()
    fit(small_net(), cross_entropy(), ArrayFeed(x, y, 8), replace(PLAN, epochs=2, log_seconds=1e9), watchers=[recorder])
    blocks = recorder.of(StepsDone)
    assert [step for block in blocks for step in block.steps] == list(range(8))
    assert sum(block.samples for block in blocks) == 128
    ends = [block.steps[-1] for block in blocks if math.isnan(block.values["train/loss"][-1])]
    assert ends == [event.step for event in recorder.of(NonFinite)]


def test_details_are_json(tmp_path: Path) -> None:
    x, y = blobs(64)
    x[11] = 0.0
    recorder = Recorder()
    named = replace(PLAN, captures=tmp_path, source=lambda row: (f"id{row}", f"data.csv, line {row + 2}"))
    fit(Whole(Does(log)), cross_entropy(), ArrayFeed(x, y, 8), named, watchers=[recorder])
    (event,) = recorder.of(NonFinite)
    assert event.rows == ("data.csv, line 13",)
    (folder,) = tmp_path.iterdir()
    details = json.loads((folder / "details.json").read_text(encoding="utf-8"))
    assert details["finding"] == json.loads(json.dumps(event.finding))
    assert {"id": "id11", "place": "data.csv, line 13", "row": 11} in [r for m in details["micros"] for r in m["rows"]]
    assert details["versions"]["torch"] == torch.__version__
