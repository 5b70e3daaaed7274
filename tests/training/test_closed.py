"""Steps in closed form within the loop: the training that the loop's own way makes, whoever looks and whenever it is resumed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.nn.embedding.native import kernel
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.terms.mse import MSE
from danlu.randomness import keys_of, order
from danlu.tasks.interactions.shrinkage import Valued, beside
from danlu.tasks.rating_prediction.closed import SquaredErrors
from danlu.tasks.rating_prediction.net import Rater
from danlu.training import closed
from danlu.training.events import StepsDone
from danlu.training.loop import fit
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.parts import Parts
from danlu.training.plan import CheckpointPolicy, Plan
from tests.training.feeds import Recorder
from tests.training.test_looking import Looking, plan

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
USERS, ITEMS, ROWS = 30, 20, 200


class Ratings:
    """Micro-batches of 20 made ratings. spoilt: the row whose rating is this."""

    batch_size = 20

    def __init__(self, spoilt: tuple[int, float] | None = None) -> None:
        drawn = torch.Generator().manual_seed(0)
        self.users = torch.randint(USERS, (ROWS,), generator=drawn)
        self.items = torch.randint(ITEMS, (ROWS,), generator=drawn)
        self.ratings = torch.randint(1, 6, (ROWS,), generator=drawn).float()
        if spoilt is not None:
            self.ratings[spoilt[0]] = spoilt[1]
        self.keys = keys_of(str(row) for row in range(ROWS))

    def __len__(self) -> int:
        return ROWS // self.batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        rows = order(0, "order", epoch, self.keys)
        for first in range(start * self.batch_size, ROWS, self.batch_size):
            some = rows[first : first + self.batch_size]
            columns = {"user": self.users[some], "item": self.items[some], "rating": self.ratings[some]}
            yield Batch(columns, ("user", "item"), some, self.keys[some])


def objective(l2: float) -> SquaredErrors:
    return SquaredErrors(*beside("mse", Valued(MSE("rating")), l2), l2)


def asked(**changes: Any) -> Plan:
    return plan(epochs=3, optimizer=RowwiseAdagrad, **changes)


def trained(the: Plan, watchers: Any = (), l2: float = 0.1, biases: bool = True, **options: Any) -> dict[str, Tensor]:
    torch.manual_seed(3)
    net = Rater(
        CollaborativeFiltering(USERS, ITEMS, embedding=8, biases=biases, scale=0.1, sparse=True), 3.0, 1.4, bool(l2)
    )
    feed = options.pop("feed", None) or Ratings()
    fit(net, objective(l2), feed, the, watchers=watchers, **options)
    return {name: value.clone() for name, value in net.state_dict().items()}


def steps(recorder: Recorder, name: str) -> list[float]:
    blocks = [event for event in recorder.events if isinstance(event, StepsDone)]
    return [value for block in blocks for value in block.values[name]]


@pytest.mark.parametrize(("l2", "biases"), [(0.1, True), (0.0, False)])
def test_training_is_that_of_the_loops_own_way(monkeypatch: pytest.MonkeyPatch, l2: float, biases: bool) -> None:
    mine, theirs = Recorder(), Recorder()
    one = trained(asked(decay=0.01), [mine], l2, biases)
    monkeypatch.setattr(closed, "possible", lambda _: False)
    other = trained(asked(decay=0.01), [theirs], l2, biases)
    assert any(not torch.equal(one[name], other[name]) for name in one)  # it was another way
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-5)
    for name in ("train/loss", "grad_norm", *(["train/loss/mse", "train/loss/l2"] if l2 else [])):
        assert len(steps(mine, name)) == 30
        assert steps(mine, name) == pytest.approx(steps(theirs, name), rel=1e-3)


def test_looking_changes_no_bit() -> None:
    watcher = Looking()
    one, other = trained(asked(captures_every=3), [watcher]), trained(asked())
    assert len(watcher.seen) == 11
    for name, value in one.items():
        assert torch.equal(value, other[name])
    for look in watcher.seen.values():
        rows = {row.parameter: row for row in look.parameters}
        assert rows["scorer.user_embeddings.weight"].update > 0
        assert rows["scorer.offset"].update > 0


def test_resumed_it_is_the_same_to_the_bit(tmp_path: Path) -> None:
    whole = trained(asked())
    policy = CheckpointPolicy(tmp_path, every_steps=7, every_minutes=None)
    part = asked(checkpoint=policy)
    trained(replace(part, max_steps=17))
    for path in tmp_path.iterdir():
        if path.name >= "000017":
            shutil.rmtree(path)
    resumed = trained(part, resume=True)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name])


@pytest.mark.parametrize("value", [float("nan"), 1e9])
def test_a_batch_that_it_does_not_take_goes_the_loops_own_way(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """A rating that is not known counts for nothing there, and a huge one is learnt from."""
    one = trained(asked(max_steps=10), feed=Ratings((5, value)))
    monkeypatch.setattr(closed, "possible", lambda _: False)
    other = trained(asked(max_steps=10), feed=Ratings((5, value)))
    for name, found in one.items():
        assert found.isfinite().all()
        torch.testing.assert_close(found, other[name], rtol=1e-3, atol=1e-5)


def test_an_infinite_rating_stops_training_as_ever() -> None:
    with pytest.raises(TrainingError):
        trained(asked(), feed=Ratings((5, float("inf"))))


@pytest.mark.parametrize(
    "changes", [{"clip_norm": 1.0}, {"accumulate": 2}, {"l1": 0.1}, {"sam": 0.05}, {"swa": 0.5}, {"precision": "fp16"}]
)
def test_what_stands_between_gradients_and_update_is_not_left_out(changes: dict[str, Any]) -> None:
    assert closed.possible(asked())
    assert not closed.possible(asked(**changes))


@pytest.mark.parametrize("where", ["net", "table", "parameter", "accumulated", "everywhere", "optimizer"])
def test_whoever_wants_to_be_called_on_the_way_is(where: str) -> None:
    """Every step, as in the loop's own way."""
    called: list[int] = []
    torch.manual_seed(3)
    net = Rater(CollaborativeFiltering(USERS, ITEMS, embedding=8, scale=0.1, sparse=True), 3.0, 1.4, True)
    the, handle = asked(max_steps=9), None

    def call(*_: Any) -> None:
        called.append(1)

    match where:
        case "net":
            net.register_forward_hook(call)
        case "table":
            net.scorer.register_full_backward_pre_hook(call)
        case "parameter":
            net.scorer.item_embeddings.weight.register_hook(call)  # type: ignore[union-attr,operator]
        case "accumulated":
            net.scorer.item_embeddings.weight.register_post_accumulate_grad_hook(call)  # type: ignore[union-attr,operator]
        case "everywhere":
            handle = torch.nn.modules.module.register_module_forward_hook(
                lambda module, *_: call() if module is net else None
            )
        case "optimizer":

            def hooked(*args: Any, **named: Any) -> RowwiseAdagrad:
                made = RowwiseAdagrad(*args, **named)
                made.register_step_post_hook(call)
                return made

            the = replace(the, optimizer=hooked)
    try:
        fit(net, objective(0.1), Ratings(), the)
    finally:
        if handle is not None:
            handle.remove()
    assert len(called) == 9


def test_resumed_it_learns_for_the_mean_that_was_saved(tmp_path: Path) -> None:
    def made(mean: float) -> Rater:
        torch.manual_seed(3)
        return Rater(CollaborativeFiltering(USERS, ITEMS, embedding=8, scale=0.1, sparse=True), mean, 1.4, True)

    whole, part, rest = made(3.0), made(3.0), made(99.0)
    fit(whole, objective(0.1), Ratings(), asked())
    policy = CheckpointPolicy(tmp_path, every_steps=7, every_minutes=None)
    fit(part, objective(0.1), Ratings(), asked(max_steps=17, checkpoint=policy))
    shutil.rmtree(tmp_path / "000017")
    fit(rest, objective(0.1), Ratings(), asked(checkpoint=policy), resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name])


def test_it_is_said_only_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    net = Rater(CollaborativeFiltering(USERS, ITEMS, embedding=8, sparse=True), 3.0, 1.4, True)
    assert Parts(net, objective(0.1), asked(), 10).closed is not None
    net.deviation.fill_(1e3)
    assert Parts(net, objective(0.1), asked(), 10).closed is None
    net.deviation.fill_(1.4)
    monkeypatch.setattr(kernel, "usable", lambda *_: False)
    assert Parts(net, objective(0.1), asked(), 10).closed is None
