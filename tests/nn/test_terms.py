"""Every term against torch's own means, and the sum over micro-batches against the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.errors import DanluError
from danlu.nn.terms.base import Term
from danlu.nn.terms.binary_cross_entropy import BinaryCrossEntropy
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.focal import Focal
from danlu.nn.terms.huber import Huber
from danlu.nn.terms.l1 import L1
from danlu.nn.terms.mse import MSE
from danlu.training.objective import Objective

WEIGHTS = [0.2, 3.0, 1.0, 0.7]


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def logits(*shape: int, seed: int = 0) -> Tensor:
    return (torch.randn(*shape, generator=draw(seed), dtype=torch.float64) * 2).requires_grad_()


def labels(*shape: int, classes: int = 4, ignored: float = 0.0, seed: int = 1) -> Tensor:
    y = torch.randint(0, classes, shape, generator=draw(seed))
    return torch.where(torch.rand(*shape, generator=draw(seed + 1)) < ignored, -1, y)


def soft(*shape: int, seed: int = 2) -> Tensor:
    return torch.rand(*shape, generator=draw(seed), dtype=torch.float64).softmax(1)


def mean(term: Term, output: Any, target: Tensor) -> Tensor:
    batch: Any = {"y": target}
    return term(output, batch) / term.count(batch)


def same(term: Term, output: Tensor, target: Tensor, expected: Tensor) -> None:
    """Value and gradient of the mean."""
    ours = mean(term, output, target)
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=1e-12)
    (one,) = torch.autograd.grad(ours, output)
    (other,) = torch.autograd.grad(expected, output)
    torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-10)


# ---- cross entropy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("shape", [(9,), (3, 5, 6)])
def test_cross_entropy_is_torchs(smoothing: float, weights: list[float] | None, shape: tuple[int, ...]) -> None:
    x, y = logits(shape[0], 4, *shape[1:]), labels(*shape, ignored=0.3)
    term = CrossEntropy("y", label_smoothing=smoothing, class_weights=weights)
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    same(term, x, y, F.cross_entropy(x, y, weight, ignore_index=-1, label_smoothing=smoothing))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(9, 4), (3, 4, 5, 6)])
def test_cross_entropy_with_probabilities_is_torchs(smoothing: float, shape: tuple[int, ...]) -> None:
    x, y = logits(*shape), soft(*shape)
    expected = F.cross_entropy(x, y, label_smoothing=smoothing)
    if len(shape) > 2:
        expected = F.cross_entropy(x, y, label_smoothing=smoothing, reduction="none").mean()
    same(CrossEntropy("y", label_smoothing=smoothing), x, y, expected)


@pytest.mark.parametrize("term", [CrossEntropy, Focal])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_one_hot_rows_are_labels(term: Callable[..., Term], weights: list[float] | None) -> None:
    """Mixing changes nothing where a sample is left whole: with class weights too, and an ignored one is a row of 0."""
    x, y = logits(9, 4), labels(9, ignored=0.3)
    rows = F.one_hot(y.clamp(min=0), 4).float() * (y >= 0)[:, None]
    made = term("y", class_weights=weights)
    same(made, x, rows, mean(made, x, y))
    assert float(made.count({"y": rows})) == pytest.approx(float(made.count({"y": y})), rel=1e-15)


def test_smoothed_rows_keep_their_share() -> None:
    x = logits(3, 4)
    term = CrossEntropy("y", label_smoothing=0.2)
    half = torch.tensor([[0.0, 0.5, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    hard = term(x[:1], {"y": torch.tensor([1])}) / 2 + term(x[1:2], {"y": torch.tensor([0])})
    torch.testing.assert_close(term(x, {"y": half}), hard)
    assert term.count({"y": half}) == 1.5


def test_cross_entropy_with_another_ignored_label() -> None:
    x, y = logits(4, 4), torch.tensor([0, 255, 3, 2], dtype=torch.uint8)
    same(CrossEntropy("y", ignore=255), x, y, F.cross_entropy(x, y.long(), ignore_index=255))


def test_class_weights_count_is_the_sum_of_weights() -> None:
    term = CrossEntropy("y", class_weights=WEIGHTS)
    assert term.count({"y": torch.tensor([0, 1, -1, 1])}).item() == pytest.approx(6.2, abs=1e-6)


@pytest.mark.parametrize(
    "target", [labels(9, ignored=0.3), soft(9, 4), labels(9, 5, 6)], ids=["labels", "soft", "dense"]
)
@pytest.mark.parametrize("term", [CrossEntropy, lambda *args, **more: Focal(*args, gamma=0.0, **more)])
def test_offsets_are_added_to_the_logits(term: Callable[..., Term], target: Tensor) -> None:
    """The loss is that of the sum; counts stay, and nothing of it is saved."""
    x = logits(9, 4, *(() if target.is_floating_point() else target.shape[1:]))
    offsets = torch.tensor(WEIGHTS, dtype=torch.float64).log()
    moved = x + offsets.view(-1, *(1,) * (x.ndim - 2))
    made = term("y", logit_offsets=offsets.tolist())
    same(
        made, x, target, F.cross_entropy(moved, target, **({} if target.is_floating_point() else {"ignore_index": -1}))
    )
    assert made.count({"y": target}) == term("y").count({"y": target})
    assert not made.state_dict()


# ---- regression -----------------------------------------------------------------------------------------------------

REGRESSIONS: list[tuple[Callable[..., Term], Callable[..., Tensor], dict[str, float]]] = [
    (MSE, F.mse_loss, {}),
    (L1, F.l1_loss, {}),
    (Huber, F.huber_loss, {"delta": 0.7}),
]


@pytest.mark.parametrize(("term", "torchs", "args"), REGRESSIONS)
@pytest.mark.parametrize("shape", [(9,), (9, 3)])
def test_regressions_are_torchs(
    term: Callable[..., Term], torchs: Callable[..., Tensor], args: dict[str, float], shape: tuple[int, ...]
) -> None:
    x, y = logits(*shape), soft(9, 3)[:, 0] if len(shape) == 1 else soft(*shape)
    same(term("y", **args), x, y, torchs(x, y, **args))


@pytest.mark.parametrize(("term", "torchs", "args"), REGRESSIONS)
def test_unknown_targets_count_nothing(
    term: Callable[..., Term], torchs: Callable[..., Tensor], args: dict[str, float]
) -> None:
    x, y = logits(9, 3), soft(9, 3)
    y[2:4] = torch.nan
    y[5, 1] = torch.nan
    known = ~y.isnan()
    same(term("y", **args), x, y, torchs(x[known], y[known], **args))
    (gradient,) = torch.autograd.grad(mean(term("y", **args), x, y), x)
    assert not gradient[~known].any()


# ---- yes or no ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pos_weight", [None, 3.0, [0.5, 2.0, 4.0]])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_binary_cross_entropy_is_torchs(pos_weight: Any, dtype: torch.dtype) -> None:
    x, y = logits(9, 3), labels(9, 3, classes=2).to(dtype)
    weight = None if pos_weight is None else torch.tensor(pos_weight, dtype=torch.float64)
    expected = F.binary_cross_entropy_with_logits(x, y.double(), pos_weight=weight)
    same(BinaryCrossEntropy("y", pos_weight=pos_weight), x, y, expected)


@pytest.mark.parametrize("unknown", [-1, float("nan")])
def test_unknown_answers_count_nothing(unknown: float) -> None:
    x, y = logits(9, 3), labels(9, 3, classes=2).float()
    y[1:3, 1] = unknown
    there = y >= 0
    expected = F.binary_cross_entropy_with_logits(x[there], y[there].double())
    same(BinaryCrossEntropy("y"), x, y, expected)


def guides_focal_loss(pred: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Word for word."""
    bce = F.binary_cross_entropy_with_logits(pred, target, reduction="none")
    p_t = torch.exp(-bce)
    loss = (1 - p_t) ** gamma * bce
    return loss.mean()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_binary_focal_is_the_guides(gamma: float) -> None:
    x, y = logits(40), labels(40, classes=2).double()
    same(Focal("y", gamma=gamma), x, y, guides_focal_loss(x, y, gamma))
    same(Focal("y", gamma=gamma), x, y.long(), guides_focal_loss(x, y, gamma))
    x, y = logits(40, 1), labels(40, 1, classes=2).double()  # one column: no classes that exclude each other
    same(Focal("y", gamma=gamma), x, y, guides_focal_loss(x, y, gamma))
    x, y = logits(40, 3), labels(40, 3, classes=2).double()
    same(Focal("y", gamma=gamma, classes="independent"), x, y, guides_focal_loss(x, y, gamma))


@pytest.mark.parametrize("alpha", [0.25, 0.9])
def test_alpha_is_the_papers(alpha: float) -> None:
    """Lin et al. 2017, equation 5, as torchvision's sigmoid_focal_loss writes it."""
    x, y = logits(40, 3), labels(40, 3, classes=2).double()
    p, ce = x.sigmoid(), F.binary_cross_entropy_with_logits(x, y, reduction="none")
    p_t = p * y + (1 - p) * (1 - y)
    expected = ((alpha * y + (1 - alpha) * (1 - y)) * ce * (1 - p_t) ** 2).mean()
    same(Focal("y", alpha=alpha), x, y, expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_of_many_classes(weights: list[float] | None) -> None:
    x, y = logits(9, 4), labels(9, ignored=0.3)
    weight = torch.ones(4).double() if weights is None else torch.tensor(weights, dtype=torch.float64)
    kept = y >= 0
    p = x.softmax(1)[kept].gather(1, y[kept][:, None])[:, 0]
    w = weight[y[kept]]
    same(Focal("y", class_weights=weights), x, y, (w * -((1 - p) ** 2) * p.log()).sum() / w.sum())
    same(Focal("y", gamma=0.0, class_weights=weights), x, y, F.cross_entropy(x, y, weight, ignore_index=-1))


def test_focal_of_two_classes_is_the_binary_one() -> None:
    x, y = logits(20), labels(20, classes=2)
    two = torch.stack([torch.zeros_like(x), x], 1)
    torch.testing.assert_close(mean(Focal("y"), two, y), mean(Focal("y"), x, y))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
def test_focal_has_a_finite_gradient_where_the_answer_is_certain(gamma: float) -> None:
    for x, y in ((torch.tensor([80.0]), torch.tensor([1.0])), (torch.tensor([[0.0, 200.0]]), torch.tensor([1]))):
        x.requires_grad_()
        Focal("y", gamma=gamma)(x, {"y": y}).backward()
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()


def test_focal_refuses_what_means_nothing() -> None:
    with pytest.raises(DanluError, match="alpha"):
        Focal("y", alpha=0.25, classes="exclusive")
    with pytest.raises(DanluError, match="class_weights"):
        Focal("y", class_weights=WEIGHTS, classes="independent")


# ---- what holds for all ---------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Callable[[], Term], Callable[[], Tensor], Callable[[], Tensor]]] = {
    "labels": (lambda: CrossEntropy("y"), lambda: logits(12, 4), lambda: labels(12, ignored=0.3)),
    "weighted": (
        lambda: CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1),
        lambda: logits(12, 4),
        lambda: labels(12, ignored=0.3),
    ),
    "soft": (
        lambda: CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1),
        lambda: logits(12, 4),
        lambda: soft(12, 4) * (torch.arange(12) % 5 > 0)[:, None],
    ),
    "dense": (lambda: CrossEntropy("y"), lambda: logits(12, 4, 3, 2), lambda: labels(12, 3, 2, ignored=0.5)),
    "mse": (lambda: MSE("y"), lambda: logits(12), lambda: unknown(soft(12, 2)[:, 0])),
    "l1": (lambda: L1("y"), lambda: logits(12), lambda: unknown(soft(12, 2)[:, 0])),
    "huber": (lambda: Huber("y"), lambda: logits(12, 3), lambda: unknown(soft(12, 3))),
    "binary": (
        lambda: BinaryCrossEntropy("y", pos_weight=2.0),
        lambda: logits(12, 3),
        lambda: labels(12, 3, classes=2, ignored=0.3),
    ),
    "focal": (lambda: Focal("y", class_weights=WEIGHTS), lambda: logits(12, 4), lambda: labels(12, ignored=0.3)),
    "focal-binary": (
        lambda: Focal("y", alpha=0.25),
        lambda: logits(12),
        lambda: labels(12, classes=2, ignored=0.3).double(),
    ),
}


def unknown(y: Tensor) -> Tensor:
    y[1], y[7] = torch.nan, torch.nan
    return y


@pytest.mark.parametrize("case", CASES)
def test_micro_batches_add_up_to_the_whole_batch(case: str) -> None:
    """Uneven micro-batches, one of them with nothing but ignored targets, give the full batch's gradient."""
    make, output, target = CASES[case]
    objective, x, y = Objective({"loss": make()}), output(), target()
    y[5:7] = (0.0 if case == "soft" else torch.nan) if y.is_floating_point() else -1
    whole: Any = {"y": y}
    loss, _ = objective(x, whole, objective.counts(whole))
    (expected,) = torch.autograd.grad(loss, x)
    parts: list[Any] = [{"y": y[a:b]} for a, b in ((0, 1), (1, 5), (5, 7), (7, 12))]
    counts = sum(objective.counts(part) for part in parts)
    assert counts.dtype == torch.float64
    torch.testing.assert_close(counts, objective.counts(whole), atol=1e-12, rtol=0)
    start = 0
    gradient = torch.zeros_like(x)
    for part in parts:
        stop = start + len(part["y"])
        share, _ = objective(x[start:stop], part, counts)
        gradient += torch.autograd.grad(share, x)[0]
        start = stop
    torch.testing.assert_close(gradient, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_everything_ignored_is_exactly_zero(case: str) -> None:
    make, output, target = CASES[case]
    objective, x, y = Objective({"loss": make()}), output(), target()
    y[:] = (0.0 if case == "soft" else torch.nan) if y.is_floating_point() else -1
    batch: Any = {"y": y}
    counts = objective.counts(batch)
    loss, parts = objective(x, batch, counts)
    (gradient,) = torch.autograd.grad(loss, x)
    assert counts.tolist() == [0.0]
    assert loss.item() == 0.0
    assert parts.tolist() == [0.0]
    assert not gradient.any()


@pytest.mark.parametrize("case", CASES)
def test_half_precision_is_summed_in_single(case: str) -> None:
    make, output, target = CASES[case]
    x, batch = output().detach(), {"y": target()}
    half: Tensor = make()(x.bfloat16(), batch)  # type: ignore[arg-type]
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), make()(x.bfloat16().double(), batch).double(), rtol=1e-5, atol=1e-5)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [MSE, L1, Huber, BinaryCrossEntropy, lambda y: Focal(y, alpha=0.5)])
def test_a_column_beside_a_row_is_refused(make: Callable[[str], Term]) -> None:
    """torch's mse_loss of (4, 1) and (4) only warns, and averages 16 differences."""
    with pytest.raises(DanluError, match=r"\(4, 1\).*\(4,\)") as caught:
        make("y")(torch.zeros(4, 1), {"y": torch.zeros(4)})  # type: ignore[arg-type]
    assert "squeeze" in caught.value.problems[0].remedy


@pytest.mark.parametrize("term", [CrossEntropy("y"), Focal("y", classes="exclusive")])
@pytest.mark.parametrize(
    ("output", "target"),
    [
        ((4,), torch.zeros(4).long()),
        ((4, 3), torch.zeros(4, 1).long()),
        ((4, 3), torch.zeros(5).long()),
        ((4, 3), torch.zeros(4, 2)),
        ((4, 3, 2), torch.zeros(4).long()),
    ],
)
def test_labels_that_do_not_fit_are_refused(term: Term, output: tuple[int, ...], target: Tensor) -> None:
    with pytest.raises(DanluError, match="column 'y'"):
        term(torch.zeros(*output), {"y": target})  # type: ignore[arg-type]


def test_an_output_is_picked_by_name() -> None:
    outputs = {"price": logits(5), "other": torch.zeros(1)}
    y = torch.zeros(5)
    torch.testing.assert_close(mean(MSE("y", "price"), outputs, y), mean(MSE("y"), outputs["price"], y))


def test_terms_have_no_state_to_save() -> None:
    assert not CrossEntropy("y", class_weights=WEIGHTS).state_dict()
    assert not BinaryCrossEntropy("y", pos_weight=[1.0, 2.0]).state_dict()
