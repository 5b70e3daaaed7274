"""A direction of an LSTM or a GRU by the processor's tiles: beside torch's in double, row by row, the same for any threads."""

from __future__ import annotations

import copy
import shutil
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from danlu.nn.recurrent import kernel
from danlu.nn.recurrent.functions import Layer
from danlu.nn.recurrent.kernel import Rows

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or kernel.missing() is not None, reason="no C compiler, or a processor without tiles"
)
SHAPES = [  # times, rows, features, hidden, both directions, bias
    (1, 1, 1, 1, True, True),
    (5, 3, 8, 16, False, True),
    (7, 20, 33, 24, True, True),
    (6, 5, 7, 9, True, False),
    (9, 70, 40, 48, True, True),
    (3, 130, 31, 64, False, True),
    (2, 1100, 16, 16, True, True),
    (80, 17, 64, 32, True, True),
]


@pytest.fixture(autouse=True)
def _threads_stay() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _memory_that_nobody_wrote_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read before it is written spoils what comes out."""

    def spoilt(made: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def make(*sizes: int) -> Tensor:
            found = made(*sizes)
            return found.fill_(float("nan") if found.is_floating_point() else 255)

        return make

    for name in ("_halves", "_bytes"):
        monkeypatch.setattr(kernel, name, spoilt(getattr(kernel, name)))


def layer(features: int, hidden: int, both: bool, bias: bool = True, seed: int = 0, cell: type[Any] = nn.LSTM) -> Any:
    """With weights and states that are far from zero."""
    made, draws = cell(features, hidden, bidirectional=both, bias=bias), torch.Generator().manual_seed(seed)
    for p in made.parameters():
        p.data = torch.randn(p.shape, generator=draws) / max(hidden, 4) ** 0.5
    return made


def half(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


def sizes(times: int, rows: int) -> Tensor:
    found = torch.randint(1, times + 1, (rows,), generator=torch.Generator().manual_seed(3))
    found[rows // 2] = times
    return found


def ours(made: Any, x: Tensor, lengths: Tensor, states: bool = True) -> tuple[Tensor, ...]:
    found: tuple[Tensor, Tensor, Tensor] = Layer.apply(  # type: ignore[no-untyped-call]
        x, Rows.of(lengths, len(x)), states, 4 if made.bias else 2, *made.parameters()
    )
    return found if isinstance(made, nn.LSTM) else found[:2]


def torchs(made: Any, x: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
    y, ends = made(pack_padded_sequence(x, lengths, enforce_sorted=False))
    return pad_packed_sequence(y, total_length=len(x))[0], *(ends if isinstance(ends, tuple) else (ends,))


def learnt(made: Any, x: Tensor, work: Callable[..., Any], lengths: Tensor) -> list[Tensor]:
    """What comes out, and the gradients of x and all weights from one of every value that came out."""
    x = x.clone().requires_grad_()
    found = work(made, x, lengths)
    slopes = [half(*each.shape, seed=10 + i).to(each.dtype) for i, each in enumerate(found)]
    torch.autograd.backward(found, slopes)
    return [*(each.detach() for each in found), x.grad, *(p.grad for p in made.parameters())]  # type: ignore[list-item]


def far(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm() / other.double().norm().clamp_min(1e-9))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_it_is_torchs_in_double_precision_to_what_bfloat16_keeps(
    shape: tuple[Any, ...], threads: int, cell: type[Any]
) -> None:
    times, rows, features, hidden, both, bias = shape
    torch.set_num_threads(threads)
    made, x, lengths = (
        layer(features, hidden, both, bias, cell=cell),
        half(times, rows, features, seed=1),
        sizes(times, rows),
    )
    found = learnt(made, x, ours, lengths)
    wanted = learnt(copy.deepcopy(made).double(), x.double(), torchs, lengths)
    for one, other in zip(found, wanted, strict=True):
        assert far(one, other) < 8e-3  # torch's own in bfloat16 is up to 1.7e-2 away
    behind = torch.arange(times)[:, None] >= lengths
    assert not found[0][behind].any()
    assert not found[3 if cell is nn.LSTM else 2][behind].any()


def test_the_sums_of_whole_numbers_are_exact() -> None:
    """Gates that are all open or shut: states are sums of what went in, and the bias learns the number of times."""
    made, times, rows = layer(32, 16, False), 20, 37
    for p in made.parameters():
        p.data.zero_()
    made.bias_ih_l0.data[:16], made.bias_ih_l0.data[16:32], made.bias_ih_l0.data[48:] = 200.0, 200.0, 200.0
    made.weight_ih_l0.data[32:48] = torch.eye(16, 32) * 100
    x = torch.randint(-1, 2, (times, rows, 32), generator=torch.Generator().manual_seed(0)).bfloat16()
    lengths = sizes(times, rows)
    _, _, cell = ours(made, x.requires_grad_(), lengths)
    real = (torch.arange(times)[:, None] < lengths)[:, :, None]
    assert torch.equal(cell[0].float(), (x.detach().float() * real).sum(0)[:, :16])


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_bits_do_not_depend_on_threads(cell: type[Any]) -> None:
    made, x, lengths = layer(40, 48, True, cell=cell), half(60, 150, 40, seed=1), sizes(60, 150)
    found = []
    for threads in (1, 2, 3, 7):
        torch.set_num_threads(threads)
        made.zero_grad()
        found.append(learnt(made, x, ours, lengths))
    for others in found[1:]:
        assert all(torch.equal(one, other) for one, other in zip(found[0], others, strict=True))


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_a_row_is_the_same_alone_and_among_others(both: bool, cell: type[Any]) -> None:
    """Bit for bit, and whatever stands behind the ends of rows."""
    made, x, lengths = layer(24, 32, both, cell=cell), half(12, 40, 24, seed=1), sizes(12, 40)
    x[torch.arange(12)[:, None] >= lengths] = float("nan")
    together = learnt(made, x, ours, lengths)
    assert all(bool(each.isfinite().all()) for each in together)
    for row in (0, 7, 20, 39):
        y, *ends = ours(made, x[: lengths[row], row : row + 1].clone().requires_grad_(), lengths[row : row + 1])
        assert torch.equal(y[:, 0], together[0][: lengths[row], row])
        for one, other in zip(ends, together[1:], strict=False):
            assert torch.equal(one[:, 0], other[:, row])


def test_a_row_that_is_no_number_spoils_no_other() -> None:
    made, x, lengths = layer(24, 32, True), half(6, 40, 24, seed=1), sizes(6, 40)
    before = [each.detach() for each in ours(made, x.clone().requires_grad_(), lengths)]
    x[0, 3], x[0, 4], x[0, 5] = float("nan"), float("inf"), 3e38
    after = ours(made, x.clone().requires_grad_(), lengths)
    others = [row for row in range(40) if row not in (3, 4, 5)]
    assert all(torch.equal(one[:, others], other[:, others]) for one, other in zip(before, after, strict=True))
    assert bool(after[0][0, 3].isnan().all())
    assert bool(after[0][:, 5].isfinite().all())  # gates are shut or open


def test_ends_alone_are_those_of_all_states_and_learn_the_same() -> None:
    made, x, lengths = layer(24, 32, True), half(12, 40, 24, seed=1), sizes(12, 40)
    found = []
    for states in (True, False):
        made.zero_grad()
        given = x.clone().requires_grad_()
        _, last, _ = ours(made, given, lengths, states)
        last.square().sum().backward()
        found.append([last.detach(), given.grad, *(p.grad for p in made.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))  # type: ignore[arg-type]


def test_going_back_twice_gives_the_same() -> None:
    made, x = layer(24, 32, True), half(12, 40, 24, seed=1).requires_grad_()
    y, _, _ = ours(made, x, sizes(12, 40))
    slope, kept = half(*y.shape, seed=2), list(made.parameters())
    first = torch.autograd.grad(y, [x, *kept], slope, retain_graph=True)
    again = torch.autograd.grad(y, [x, *kept], slope)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_rows_without_anything_stay_zero() -> None:
    made, x = layer(8, 16, True), half(4, 3, 8, seed=1)
    for lengths in (torch.tensor([0, 2, -5]), torch.tensor([0, 0, 0]), torch.tensor([9, 0, 1])):
        made.zero_grad()
        found = learnt(made, x, ours, lengths)
        assert all(bool(each.isfinite().all()) for each in found)
        assert not found[0][:, lengths <= 0].any()
        assert not found[1][:, lengths <= 0].any()
        assert not found[3][:, lengths <= 0].any()
        assert bool(made.weight_ih_l0.grad.any()) is bool((lengths > 0).any())  # type: ignore[union-attr]


def test_numbers_that_have_almost_faded_are_zero_whatever_torch_is_told() -> None:
    """And torch's own afterwards as before."""
    made, x, lengths = layer(24, 32, True), half(40, 20, 24, seed=1), sizes(40, 20)
    found = []
    for flushed in (True, False):
        torch.set_flush_denormal(flushed)
        try:
            made.zero_grad()
            given = x.clone().requires_grad_()
            (ours(made, given, lengths)[1] * 1e-37).sum().backward()
            found.append([given.grad.clone(), *(p.grad.clone() for p in made.parameters())])  # type: ignore[union-attr]
            assert bool((torch.full((64,), 1e-39) * 1.0 == 0).all()) is flushed
        finally:
            torch.set_flush_denormal(False)
    assert bool(found[0][0].any())
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_what_was_kept_is_given_back_with_the_gradients_though_the_outputs_live_on() -> None:
    """As of torch's layers: outputs of a step are often still there when the next one begins."""
    made, x, lengths = layer(24, 32, True), half(12, 40, 24, seed=1), sizes(12, 40)
    kept: list[weakref.ref[Tensor]] = []
    true = kernel._halves

    def watched(*shape: int) -> Tensor:
        found = true(*shape)
        kept.append(weakref.ref(found.untyped_storage()))  # type: ignore[arg-type]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "_halves", watched)
        y, _, _ = ours(made, x.requires_grad_(), lengths)
    y.sum().backward()
    assert y.grad_fn is not None
    assert [each() for each in kept] == [None] * 10  # of each direction what is seen, gates, cells, last state and cell
