"""The kernel that takes a token through all layers: torch's logits; the same bits alone, among others and on any number of threads."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from danlu.data.batches.batch import Padded
from danlu.messages import say
from danlu.nn.native.building import NoKernelError
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.writing import kernel
from danlu.nn.writing.known import tokens_of
from danlu.runs import kernels
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.generating.steps import TorchStep
from danlu.training.plan import Plan as TrainingPlan

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _net(name: str, ids: int = 43, **more: Any) -> Any:
    size: dict[str, Any] = {"width": 64, "layers": 2, "heads": 2, "hidden": 48, "longest": 200, **more}
    net = Gpt(ids, **size) if name == "gpt" else Seq2seqTransformer(ids, ids, **size)
    torch.manual_seed(4)
    for each in net.parameters():
        nn.init.normal_(each, std=0.2)
    return net.eval()


def _begun(net: Any, sizes: tuple[int, ...]) -> dict[str, Any]:
    ids = np.random.default_rng(0).integers(4, 40, (len(sizes), max(sizes)))
    state: dict[str, Any] = net.begin(Padded(torch.from_numpy(ids), torch.tensor(sizes)[:, None]))
    state.pop("last", None)
    return state


def _by_torch(net: Any) -> TorchStep:
    step = TorchStep(net, CPU)
    assert step.growing is not None
    step.growing.tokens = None  # type: ignore[attr-defined]
    return step


def _logits(step: TorchStep, state: Any, tokens: np.ndarray) -> np.ndarray:
    """(steps, B, V)"""
    found = []
    for row in tokens:
        logits, state = step(state, row)
        found.append(logits)
    return np.stack(found)


@pytest.mark.parametrize("name", ["gpt", "seq2seq"])
@pytest.mark.parametrize(
    ("activation", "sizes", "more"),
    [
        ("gelu", (3,), {}),
        ("relu", (5, 2), {"ids": 41}),
        ("silu", (3, 4, 9), {"width": 96, "heads": 3, "layers": 1}),
        ("gelu", (1, 6, 2, 2, 7), {"width": 16, "heads": 1}),
        ("gelu", tuple(range(2, 18)), {}),
    ],
)
@torch.inference_mode()
def test_its_logits_are_those_of_exact_numbers(
    name: str, activation: str, sizes: tuple[int, ...], more: dict[str, Any]
) -> None:
    """Beside the net in float64, texts padded; no further from them than torch's float32 is, but for a few roundings."""
    net = _net(name, activation=activation, **more)
    tokens = np.random.default_rng(1).integers(4, 40, (80, len(sizes)))
    state = _begun(net, sizes)
    mine, torchs = _logits(TorchStep(net, CPU), state, tokens), _logits(_by_torch(net), state, tokens)
    assert not np.array_equal(mine, torchs)  # it was the kernel's
    exact = _logits(TorchStep(net.double(), CPU), _begun(net, sizes), tokens)
    scale = np.abs(exact).max()
    assert np.abs(mine - exact).max() < 4 * np.abs(torchs - exact).max() + 1e-6 * scale
    assert np.abs(mine - exact).max() < 2e-5 * scale


@pytest.mark.parametrize("name", ["gpt", "seq2seq"])
@torch.inference_mode()
def test_a_text_gets_the_same_bits_alone_among_others_and_on_two_threads(name: str) -> None:
    net, sizes = _net(name), (4,) * 7
    tokens = np.random.default_rng(1).integers(4, 40, (70, len(sizes)))
    state = _begun(net, sizes)
    together = _logits(TorchStep(net, CPU), state, tokens)
    for row in (0, 5):
        alone = _logits(
            TorchStep(net, CPU), {key: value[row : row + 1] for key, value in state.items()}, tokens[:, [row]]
        )
        assert np.array_equal(alone[:, 0], together[:, row])
    torch.set_num_threads(2)
    assert np.array_equal(_logits(TorchStep(net, CPU), state, tokens), together)


@pytest.mark.parametrize("more", [{}, {"beams": 4}, {"temperature": 1.0, "seed": 5}], ids=["greedy", "beams", "drawn"])
@pytest.mark.parametrize("name", ["gpt", "seq2seq"])
@torch.inference_mode()
def test_every_search_writes_the_same_texts(name: str, more: dict[str, Any]) -> None:
    """Of more texts than the kernel takes at once: it comes in as texts end."""
    net, sizes = _net(name), tuple(range(2, 22))

    def written(step: TorchStep, end: int) -> tuple[list[list[int]], np.ndarray]:
        plan = Plan(2, end, 40, **more)
        found, scores = write(step, _begun(net, sizes), len(sizes), plan, np.full(len(sizes), 2))
        return [each.tolist() for each in found], scores

    endless, _ = written(_by_torch(net), 43)
    end = max(range(43), key=lambda each: len({[*text, each].index(each) for text in endless}))
    mine, scores = written(TorchStep(net, CPU), end)
    theirs, wanted = written(_by_torch(net), end)
    assert mine == theirs
    assert len({len(each) for each in mine}) > 1
    np.testing.assert_allclose(scores, wanted, atol=1e-4)


@torch.no_grad()
def test_what_it_does_not_know_is_left_to_the_nets_modules() -> None:
    class Louder(nn.Linear):
        pass

    assert tokens_of(_net("gpt")) is not None
    for other in ({"activation": "tanh"}, {"width": 24}, {"hidden": 20}):
        assert tokens_of(_net("gpt", **other)) is None
    for change in (
        lambda net: setattr(net.decoder[1], "inside", Louder(64, 192)),
        lambda net: setattr(net.decoder[0].mlp, "0", nn.Linear(64, 48, bias=False)),
        lambda net: setattr(net.norm, "eps", 1e-3),
        lambda net: net.decoder[1].mlp[1].register_forward_hook(lambda *_: None),
        lambda net: net.bfloat16(),
        lambda net: setattr(net.decoder[1].mlp[1], "approximate", "tanh"),
        lambda net: setattr(net.decoder[1], "mlp", _mlp(32)),  # the kernel reads as many numbers of each layer
        lambda net: setattr(net.decoder[1], "inside", nn.Linear(64, 96)),
        lambda net: setattr(net.decoder[1], "norm1", nn.LayerNorm(32)),
        lambda net: setattr(net.decoder[1], "heads", 1),
        lambda net: setattr(net.decoder[1], "mlp", nn.Sequential(net.decoder[1].mlp, nn.Tanh())),
        lambda net: net.decoder[1].mlp.append(nn.Tanh()),
        lambda net: setattr(net.decoder[1].mlp, "2", nn.Tanh()),
        lambda net: setattr(net.decoder, "1", nn.Identity()),
        lambda net: setattr(net.decoder[1].mlp[1], "forward", torch.tanh),
    ):
        net = _net("gpt")
        change(net)
        assert tokens_of(net) is None
    net = _net("seq2seq")
    assert tokens_of(net) is not None
    net.decoder[1].norm2 = None
    assert tokens_of(net) is None


def _mlp(hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, hidden), nn.GELU(), nn.Dropout(), nn.Linear(hidden, 64))


@torch.no_grad()
def test_when_torch_is_asked_for_more_it_does_not_take_them(monkeypatch: pytest.MonkeyPatch) -> None:
    net = _net("gpt")
    state = _begun(net, (3, 4))
    step: Any = TorchStep(net, CPU).growing
    kept = step.taken(state)["kept"]
    x = torch.zeros(2, 64)
    assert step.tokens.take(x, kept, None)
    assert not step.tokens.take(x[:1], kept, None)  # of other texts
    assert not step.tokens.take(x.double(), kept, None)
    assert not step.tokens.take(torch.zeros(64, 2).t(), kept, None)
    assert not step.tokens.take(x, kept, kept)  # such layers read nothing
    for other in ({"layers": 3}, {"heads": 1}, {"width": 32}):
        assert not step.tokens.take(x, step.taken(_begun(_net("gpt", **other), (3, 4)))["kept"], None)
    with torch.enable_grad():
        assert not step.tokens.take(x, kept, None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not step.tokens.take(x, kept, None)
    with torch.overrides.BaseTorchFunctionMode():
        assert not step.tokens.take(x, kept, None)
    monkeypatch.setattr(kernel, "missing", lambda: NoKernelError("compiler"))
    assert not step.tokens.take(x, kept, None)


def test_that_there_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    net = _net("seq2seq").train()
    assert kernels.lines(net, TrainingPlan()) == []
    monkeypatch.setattr(kernel, "missing", lambda: NoKernelError("compiler"))
    ((text, level),) = kernels.lines(net, TrainingPlan())
    assert (say("native.no-kernel.compiler") in text, level) == (True, "info")
    assert kernels.lines(_net("gpt", activation="tanh"), TrainingPlan()) == []


@torch.inference_mode()
def test_weights_that_change_are_read_as_they_are() -> None:
    """In place, as in training: the next text is written by what there is then."""
    net = _net("gpt")
    state, tokens = _begun(net, (3,)), np.array([[5], [6]])
    before = _logits(TorchStep(net, CPU), state, tokens)
    net.decoder[0].mlp[0].weight.mul_(2)
    after = _logits(TorchStep(net, CPU), state, tokens)
    np.testing.assert_allclose(after, _logits(_by_torch(net), state, tokens), atol=1e-5)
    assert np.abs(after - before).max() > 1e-3


@torch.inference_mode()
def test_weights_that_are_taken_away_meanwhile_are_not_read_from_memory_that_was_given_back() -> None:
    net = _net("gpt")
    held = [weakref.ref(each.untyped_storage()) for each in net.decoder.parameters()]
    step = TorchStep(net, CPU)
    for each in net.decoder.parameters():
        each.data = torch.zeros(1)
    assert all(each() is not None for each in held)
    del step
    assert all(each() is None for each in held)


@torch.inference_mode()
def test_threads_that_write_at_once_have_room_for_as_many_as_they_are() -> None:
    """torch counts a thread's own; another one's must not come between asking for room and writing."""
    net = _net("gpt")
    state = _begun(net, (3, 4))
    step: Any = TorchStep(net, CPU).growing
    kept = step.taken(state)["kept"]
    kept.grow()
    x, seen = torch.randn(2, 64), []
    true = kernel._function

    def between(name: str, giving: Any) -> Any:
        if name == "write":
            step.tokens._net.threads = 64  # as another thread's call would

        def call(first: Any, *others: Any) -> Any:
            seen.append(first._obj.threads)
            return true(name, giving)(first, *others) if seen[-1] == 1 else None  # else it would write past the room

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "_function", between)
        step.tokens(x, kept, None)
    assert seen == [1, 1]
