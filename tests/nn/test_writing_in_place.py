"""Writing in memory that grows in place, against the step that copies: the same logits, whatever is padded, picked or outgrown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded
from danlu.nn.attention import attend, attend_one
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.writing.kept import ROOM, Kept
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.generating.steps import TorchStep

IDS, WIDTH = 40, 16
TEXTS = ([5, 6, 7, 8, 3], [11, 3], [9, 9, 4, 3])
CPU = torch.device("cpu")


def _net(name: str) -> Any:
    size = {"width": WIDTH, "layers": 2, "heads": 2, "hidden": 24, "longest": 200, "dropout": 0.3}
    net = Gpt(IDS, **size) if name == "gpt" else Seq2seqTransformer(IDS, IDS, **size)  # type: ignore[arg-type]
    torch.manual_seed(4)
    for each in net.parameters():
        nn.init.normal_(each, std=0.7)
    return net.eval()


@pytest.fixture(scope="module", params=("gpt", "seq2seq"))
def net(request: pytest.FixtureRequest) -> Any:
    return _net(request.param)


def _padded(texts: Any) -> Padded:
    size = max(len(each) for each in texts)
    ids = torch.tensor([[*each, *[0] * (size - len(each))] for each in texts])
    return Padded(ids, torch.tensor([[len(each)] for each in texts]))


def _begun(net: Any, texts: Any = TEXTS) -> tuple[dict[str, Tensor], np.ndarray]:
    state = net.begin(_padded(texts))
    last = state.pop("last", None)
    return state, np.full(len(texts), 2) if last is None else last.numpy()


@torch.inference_mode()
def test_its_logits_are_those_of_the_step(net: Any) -> None:
    """Over more places than there is room for at once, with texts of many lengths; the net's own state stays as it was."""
    draw = np.random.default_rng(0)
    state, tokens = _begun(net)
    before = {name: value.clone() for name, value in state.items()}
    growing = TorchStep(net, CPU)
    assert growing.growing is not None
    mine: Any = state
    for _ in range(ROOM + 10):
        wanted, changed = net.step(torch.from_numpy(tokens), state)
        state = state | changed
        logits, mine = growing(mine, tokens)
        torch.testing.assert_close(torch.from_numpy(logits), wanted, atol=2e-5, rtol=1e-4)
        tokens = draw.integers(2, IDS, len(TEXTS))
    state, _ = _begun(net)
    assert all(torch.equal(value, before[name]) for name, value in state.items())


@torch.inference_mode()
def test_texts_that_are_picked_go_on_as_they_were(net: Any) -> None:
    """Some twice, in another order; what they were picked from is not touched by what is written behind them."""
    state, tokens = _begun(net)
    step = TorchStep(net, CPU)
    _, mine = step(state, tokens)
    state |= net.step(torch.from_numpy(tokens), state)[1]
    rows = np.array([2, 0, 2, 1])
    said = np.array([4, 9, 30, 7])
    size = mine["kept"].size
    kept = mine["kept"].both[..., :size, :].clone()
    picked = {name: step.pick(value, rows) for name, value in mine.items()}
    chosen = {name: value[torch.from_numpy(rows)] for name, value in state.items()}
    logits, _ = step(picked, said)
    wanted, _ = net.step(torch.from_numpy(said), chosen)
    torch.testing.assert_close(torch.from_numpy(logits), wanted, atol=2e-5, rtol=1e-4)
    assert torch.equal(mine["kept"].both[..., :size, :], kept)
    assert step.pick(mine["kept"], np.arange(3)) is mine["kept"]


@pytest.mark.parametrize(
    "more", [{}, {"beams": 3, "length_penalty": 0.0}, {"temperature": 1.0, "seed": 5}], ids=["greedy", "beams", "drawn"]
)
@torch.inference_mode()
def test_every_search_writes_the_same_texts(net: Any, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where some end before others."""

    def written(end: int) -> tuple[list[list[int]], np.ndarray]:
        state, first = _begun(net)
        found, scores = write(TorchStep(net, CPU), state, len(TEXTS), Plan(2, end, 30, **more), first)
        return [each.tolist() for each in found], scores

    endless, _ = written(IDS)
    end = next(each for each in endless[0] if len({[*other, each].index(each) for other in endless}) > 1)
    mine, scores = written(end)
    monkeypatch.setattr(type(net), "writing", lambda self: None)
    wanted, values = written(end)
    assert mine == wanted
    assert len({len(each) for each in mine}) > 1
    np.testing.assert_allclose(scores, values, atol=1e-4)


def test_a_net_that_does_more_writes_by_its_own_step(net: Any) -> None:
    """In training it drops what it drops; what it was made into, or is looked at by, is asked."""

    class Other(type(net)):  # type: ignore[misc]
        def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            logits, changed = super().step(tokens, state)
            return logits + 1, changed

    assert net.writing() is not None
    other = Other(IDS, **({"targets": IDS} if isinstance(net, Seq2seqTransformer) else {})).eval()
    assert other.writing() is None
    assert net.train().writing() is None
    net.eval()
    handle = net.decoder[1].register_forward_hook(lambda *_: None)
    assert net.writing() is None
    handle.remove()
    assert net.writing() is not None


def test_what_was_given_to_a_net_by_hand_is_heeded() -> None:
    """Layers' forwards, its step, hooks on all modules, parts that drop although the net does not."""

    def watch(net: Any) -> Any:
        return torch.nn.modules.module.register_module_forward_hook(lambda *_: None)

    for name in ("gpt", "seq2seq"):
        for change in (
            lambda net: setattr(net.decoder[1], "forward", net.decoder[0].forward),
            lambda net: setattr(net, "step", lambda tokens, state: None),
            lambda net: setattr(net, "logits", lambda x: x),
            lambda net: net.decoder[1].dropout.train(),
            lambda net: net.decoder[1].mlp[2].train(),
            lambda net: setattr(net.decoder[1], "dropout", nn.Tanh()),
            watch,
        ):
            net = _net(name)
            assert net.writing() is not None
            handle = change(net)
            assert net.writing() is None
            if handle is not None and hasattr(handle, "remove"):
                handle.remove()


@torch.no_grad()
def test_parts_that_drop_nothing_may_be_in_training() -> None:
    """What was put in after ``eval`` is, as quantised layers are: the net writes in place by them."""
    net = _net("gpt")
    net.decoder[1].mlp[1] = nn.Tanh()
    state, tokens = _begun(net)
    step = TorchStep(net, CPU)
    assert step.growing is not None
    wanted, _ = net.step(torch.from_numpy(tokens), state)
    torch.testing.assert_close(torch.from_numpy(step(state, tokens)[0]), wanted, atol=2e-5, rtol=1e-4)


def test_attention_of_one_place_is_that_of_many() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 8), torch.randn(3, 2, 6, 8), torch.randn(3, 2, 6, 8)
    seen = torch.rand(3, 6) < 0.6
    seen[:, 0] = True
    mask = torch.zeros(3, 6).masked_fill(~seen, -torch.inf)
    found = attend_one(q, k.flatten(0, 1), v.flatten(0, 1), mask)
    wanted = attend(q[:, :, None], k, v, seen[:, None, None])[:, :, 0].flatten(1)
    torch.testing.assert_close(found, wanted)
    found = attend_one(q, k.flatten(0, 1), v.flatten(0, 1))
    torch.testing.assert_close(found, attend(q[:, :, None], k, v)[:, :, 0].flatten(1))


def test_what_is_kept_grows_by_room_and_keeps_what_it_has() -> None:
    torch.manual_seed(0)
    keys, values = torch.randn(2, 3, 2, 1, 4), torch.randn(2, 3, 2, 1, 4)
    kept = Kept.of(keys, values, torch.tensor([[True], [False]]))
    wrote = []
    for _ in range(ROOM + 1):
        kept.grow()
        pair = torch.randn(3, 2, 2, 2, 4)  # L, B, 2, H, d
        for layer in range(3):
            kept.put(layer, pair[layer])
        wrote.append(pair)
    assert kept.both.shape[4] == 1 + 2 * ROOM
    for layer in range(3):
        mine = torch.stack(kept.pair(layer)).view(2, 2, 2, ROOM + 2, 4)  # key or value, B, H, places, d
        wanted = torch.stack([keys[:, layer], values[:, layer]])
        wanted = torch.cat([wanted, torch.stack([each[layer] for each in wrote], 3).transpose(0, 1)], 3)
        assert torch.equal(mine, wanted)
    shown = kept.shown()
    assert shown is not None
    assert shown[:, 0].tolist() == [0, -torch.inf]
    assert not shown[:, 1:].any()
