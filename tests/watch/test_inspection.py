"""``danlu.inspect`` against numpy, for every dtype, layout and size of block; what it prints, in both languages."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from rich.cells import cell_len
from torch import Tensor, nn

import danlu
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.errors import DataError, RunError
from danlu.messages import LANGUAGES, Language, set_language
from danlu.nn.moments import QUANTILES, Moments, blocks, moments
from danlu.watch.differences import Difference, Differences, difference
from danlu.watch.inspection import NetInspection, Several, TensorInspection

FLOATS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool")


def drawn(dtype: str, shape: tuple[int, ...] = (7, 11, 5)) -> Tensor:
    values = torch.randn(shape, dtype=torch.float64) * 3
    if dtype.startswith("uint"):
        values = values.abs()
    return (values > 1 if dtype == "bool" else values).to(getattr(torch, dtype))


def agree(found: Moments | None, values: np.ndarray) -> None:
    """numpy's figures of the float64 ``values``."""
    assert found is not None
    sound = values[np.isfinite(values)]
    assert (found.count, found.nan, found.inf) == (values.size, np.isnan(values).sum(), np.isinf(values).sum())
    assert found.zeros == (values == 0).sum()
    assert (found.min, found.max) == (sound.min(), sound.max())
    assert found.mean == pytest.approx(sound.mean(), rel=1e-12, abs=1e-14 * np.abs(sound).max())
    assert found.std == pytest.approx(sound.std(), rel=1e-10, abs=1e-14 * np.abs(sound).max())
    assert found.norm == pytest.approx(np.linalg.norm(sound), rel=1e-10)
    assert found.quantiles == tuple(zip(QUANTILES, np.quantile(sound, QUANTILES), strict=True))
    assert sum(found.histogram) == sound.size


@pytest.mark.parametrize("block", [1 << 20, 43])
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_figures_are_numpys(dtype: str, block: int) -> None:
    values = drawn(dtype)
    found = moments(values, block=block)
    agree(found, values.to(torch.float64).numpy())
    assert isinstance(found.min, float if dtype in FLOATS else int)


@settings(max_examples=60)
@given(
    arrays.arrays(np.float64, some.integers(1, 12), elements=some.floats(width=64)),
    some.sampled_from([4, 7, 100]),
)
def test_figures_of_any_numbers(values: np.ndarray, block: int) -> None:
    """NaN, infinity, subnormal numbers and those whose squares or sums overflow."""
    found = moments(torch.from_numpy(values), block=block)
    sound = np.sort(values[np.isfinite(values)])
    assert (found.nan, found.inf, found.zeros) == (
        np.isnan(values).sum(),
        np.isinf(values).sum(),
        (values == 0).sum(),
    )
    assert found == moments(torch.from_numpy(values), block=block)
    if not sound.size:
        assert all(math.isnan(value) for value in (found.mean, found.std, found.min, found.max))
        return
    exact = math.fsum(sound / 2**6) / sound.size * 2**6
    largest = max(abs(sound[0]), abs(sound[-1]))
    assert abs(found.mean - exact) <= 1e-14 * largest + 1e-321
    assert sound[0] <= found.mean <= sound[-1]
    apart = math.sqrt(
        math.fsum(((sound / 2**600 - exact / 2**600) if largest > 1e100 else sound - exact) ** 2) / sound.size
    )
    if largest > 1e-100:  # below, the squares of the reference vanish
        assert found.std == pytest.approx(apart * 2.0**600 if largest > 1e100 else apart, rel=1e-6, abs=1e-14 * largest)
    places = [int(share * (sound.size - 1)) for share in QUANTILES]
    for place, (_, value) in zip(places, found.quantiles, strict=True):
        assert sound[place] <= value <= sound[min(place + 1, sound.size - 1)]
    assert sum(found.histogram) == sound.size


def test_the_histogram_is_numpys() -> None:
    values = torch.randn(5000, dtype=torch.float64)
    expected = tuple(np.histogram(values.numpy(), 20)[0])
    assert moments(values).histogram == moments(values, block=333).histogram == expected


def test_large_integers_are_exact() -> None:
    values = torch.tensor([2**62 + 1, -(2**62) - 3])
    assert (moments(values).min, moments(values).max) == (-(2**62) - 3, 2**62 + 1)
    top = np.array([2**64 - 1, 2**63 + 1], np.uint64)
    assert moments(torch.from_numpy(top)).max == 2**64 - 1


def test_blocks_are_small_and_in_order() -> None:
    values = torch.arange(2 * 3 * 50).view(2, 3, 50)
    for laid in (
        values,
        values.transpose(0, 2).contiguous().transpose(0, 2),
        values[:, :, ::2],
        values[:1].expand(4, 3, 50),
    ):
        parts = list(blocks(laid, 20))
        assert max(map(len, parts)) <= 20
        assert torch.equal(torch.cat(parts), laid.reshape(-1))
    assert not list(blocks(torch.empty(0, 4), 2))
    assert len(list(blocks(torch.tensor(1.0), 1))) == 1


def test_no_second_copy_of_a_large_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes float64 at a time is a block."""
    import danlu.nn.moments as module

    sizes, true = [], module._double
    monkeypatch.setattr(module, "_double", lambda part: (sizes.append(len(part)), true(part))[1])
    moments(torch.ones(64, 64).t(), block=100)
    assert max(sizes) <= 100
    assert sum(sizes) >= 2 * 64 * 64


def test_complex_numbers_by_their_modulus() -> None:
    values = torch.tensor([3 + 4j, 0, complex(math.nan, 1), complex(math.inf, math.nan), complex(1, math.inf)])
    found = danlu.inspect(values)
    assert isinstance(found, TensorInspection)
    assert found.figures is not None
    assert (found.figures.max, found.figures.zeros, found.figures.nan, found.figures.inf) == (5, 1, 2, 1)
    assert "modulus" in found.note
    assert danlu.inspect(values.numpy()).figures == found.figures  # type: ignore[attr-defined]


def test_where_a_tensor_lies() -> None:
    base = torch.randn(2, 3, 4, 5)
    found = danlu.inspect(base.to(memory_format=torch.channels_last))
    assert isinstance(found, TensorInspection)
    assert (found.layout, found.shape, found.dtype, found.device) == ("channels_last", (2, 3, 4, 5), "float32", "cpu")
    assert (found.bytes, found.storage, found.strides) == (480, 480, (60, 1, 15, 3))
    part = danlu.inspect(base[:, 1])
    assert isinstance(part, TensorInspection)
    assert (part.layout, part.bytes, part.storage) == ("strided", 160, 480)
    agree(part.figures, base[:, 1].double().numpy())
    grown = danlu.inspect((base.requires_grad_() * 2).relu())
    assert isinstance(grown, TensorInspection)
    assert (grown.requires_grad, grown.grad_fn) == (True, "ReluBackward0")
    assert danlu.inspect(base).grad_fn == ""  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_that_are_not_strided() -> None:
    def told(tensor: Tensor) -> TensorInspection:
        found = danlu.inspect(tensor)
        assert isinstance(found, TensorInspection)
        return found

    dense = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 4.0]])
    for sparse in (dense.to_sparse(), dense.to_sparse_csr(), dense.to_sparse_csc()):
        found = told(sparse)
        assert found.figures is not None
        assert (found.shape, found.figures.count, found.figures.mean) == ((2, 3), 2, 3.0)
        assert "2 values that are stored" in found.note
    twice = torch.sparse_coo_tensor(torch.tensor([[0, 0]]), torch.tensor([1.0, 2.0]), (3,))
    assert told(twice).figures.max == 3  # type: ignore[union-attr]  # they add up
    quantised = torch.quantize_per_tensor(dense, 0.5, 0, torch.qint8)
    assert told(quantised).figures.max == 4  # type: ignore[union-attr]
    nested = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)])
    assert told(nested).figures.mean == pytest.approx(0.4)  # type: ignore[union-attr]
    assert told(nested).shape == (2, -1)
    meta = told(torch.empty(5, 2, device="meta"))
    assert (meta.figures, meta.shape, meta.bytes) == (None, (5, 2), 40)
    assert "no values" in meta.note
    packed = told(torch.zeros(4, dtype=torch.float4_e2m1fn_x2))
    assert packed.figures is None
    assert "float4" in packed.note


def test_empty_and_single() -> None:
    nothing = danlu.inspect(torch.empty(0, 3))
    assert isinstance(nothing, TensorInspection)
    assert nothing.figures is not None
    assert (nothing.figures.count, nothing.shape) == (0, (0, 3))
    assert "no values" in str(nothing)
    one = danlu.inspect(torch.tensor(7))
    assert one.figures == Moments(1, 0, 0, 0, 7, 7, 7.0, 0.0, tuple((q, 7.0) for q in QUANTILES), (1,))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).astype(">f4"),
        np.arange(12.0)[::-2],
        np.arange(6, dtype=np.longdouble),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.frombuffer(b"\1\2\3\4", np.uint8),
    ],
    ids=["big-endian", "backwards", "long double", "Fortran", "0-d", "read-only"],
)
def test_arrays(array: np.ndarray) -> None:
    found = danlu.inspect(array)
    assert isinstance(found, TensorInspection)
    assert (found.shape, found.dtype) == (array.shape, str(array.dtype))
    agree(found.figures, array.astype(np.float64))


def test_numbers_and_lists_of_them() -> None:
    assert danlu.inspect([1, 2, 3]).figures.mean == 2  # type: ignore[attr-defined]
    assert danlu.inspect(2.5).shape == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["text/that/is/no/run", np.array(["a"]), np.array([None]), object(), {}, [object()]])
def test_what_cannot_be_inspected_is_said(value: Any) -> None:
    with pytest.raises((DataError, RunError)):
        danlu.inspect(value)


def test_a_batch_and_collections() -> None:
    columns = {
        "image": Padded(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([[4, 4], [2, 3]])),
        "boxes": Ragged(torch.randn(3, 7), torch.tensor([0, 1, 3])),
        "label": torch.tensor([0, 1]),
    }
    found = danlu.inspect(Batch(columns, ("image",)))  # type: ignore[arg-type]
    assert isinstance(found, Several)
    assert [entry.name for entry in found.entries] == [
        "image.values", "image.sizes", "boxes.values", "boxes.offsets", "label",
    ]  # fmt: skip
    mixed = danlu.inspect({"a": [torch.ones(2), {"b": np.zeros(3)}], "c": "text"})
    assert isinstance(mixed, Several)
    assert [entry.name for entry in mixed.entries] == ["a.0", "a.1.b"]
    assert mixed.left_out == ("c",)
    assert "left out: c" in str(mixed)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, 5, bias=False)
        self.out.weight = self.embed.weight
        self.norm.bias.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.embed(x)))  # type: ignore[no-any-return]


def test_a_net() -> None:
    net = Tied()
    before = danlu.inspect(net)
    assert isinstance(before, NetInspection)
    assert (before.parameters, before.trained, before.frozen, before.buffers) == (28, 24, 4, 9)
    assert before.bytes == 28 * 4
    assert "No gradients" in str(before)
    net(torch.tensor([0, 1, 2])).square().sum().backward()
    found = danlu.inspect(net)
    assert isinstance(found, NetInspection)
    by_name = {entry.tensor.name: entry for entry in found.entries}
    assert list(by_name) == [
        "embed.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
    ]  # fmt: skip
    weight = by_name["embed.weight"]
    assert weight.shared == ("out.weight",)
    slope = net.embed.weight.grad.double().norm().item()  # type: ignore[union-attr]
    assert weight.gradient == pytest.approx(slope, rel=1e-12)
    assert weight.ratio == pytest.approx(slope / net.embed.weight.detach().double().norm().item(), rel=1e-12)
    assert by_name["norm.bias"].frozen
    assert by_name["norm.bias"].gradient is None
    assert by_name["norm.running_mean"].buffer
    net.embed.weight.grad[0, 0] = math.nan  # type: ignore[index]
    assert "1 NaN" in str(danlu.inspect(net))


def test_a_net_not_yet_run() -> None:
    found = danlu.inspect(nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2)))
    assert isinstance(found, NetInspection)
    assert found.parameters == 8
    assert "not initialised" in str(found)


def test_looking_changes_nothing() -> None:
    net, x = Tied(), torch.tensor([1, 2])
    net(x).sum().backward()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    slopes = [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    state = torch.get_rng_state()
    str(danlu.inspect(net))
    str(danlu.inspect(net, copy.deepcopy(net)))
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(net.state_dict(), kept, rtol=0, atol=0)
    for p, slope in zip(net.parameters(), slopes, strict=True):
        assert (p.grad is None) == (slope is None)
        assert slope is None or torch.equal(p.grad, slope)  # type: ignore[arg-type]


@pytest.mark.parametrize("block", [1 << 20, 7])
def test_two_tensors(block: int) -> None:
    a = torch.randn(4, 5, 3, dtype=torch.float64)
    b = a.clone()
    b[2, 3, 1] += 7.5
    b[1, 0, 2] *= -1e-3
    found = difference(a, b.transpose(0, 2).contiguous().transpose(0, 2), block=block)
    apart = (a - b).abs()
    relative = apart / torch.maximum(a.abs(), b.abs())
    assert (found.unequal, found.odd, found.count) == (2, 0, 60)
    assert (found.absolute, found.absolute_at) == (apart.max().item(), (2, 3, 1))
    assert found.relative == relative.max().item()
    assert found.relative_at == tuple(int(i) for i in np.unravel_index(int(relative.argmax()), a.shape))


def test_two_tensors_that_are_not_finite() -> None:
    a = torch.tensor([math.nan, math.nan, math.inf, math.inf, 1.0, 0.0])
    b = torch.tensor([math.nan, 1.0, math.inf, -math.inf, 1.5, -0.0])
    found = danlu.inspect(a, b)
    assert isinstance(found, Difference)
    assert (found.unequal, found.odd, found.absolute, found.absolute_at) == (3, 2, 0.5, (4,))
    assert "2 places" in str(found)


def test_two_of_other_kinds() -> None:
    integers = danlu.inspect(torch.tensor([2**60, 5]), torch.tensor([2**60 + 1, 5]))
    assert isinstance(integers, Difference)
    assert (integers.unequal, integers.absolute) == (1, 1.0)
    other = danlu.inspect(np.float32([1, 2]), torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert isinstance(other, Difference)
    assert other.unequal == 0
    assert "float32 and float64" in other.note
    shapes = danlu.inspect(torch.ones(2), torch.ones(3))
    assert isinstance(shapes, Difference)
    assert shapes.absolute is None
    nets = danlu.inspect(nn.Linear(2, 3), nn.Linear(2, 3, bias=False))
    assert isinstance(nets, Differences)
    assert [(e.name, e.absolute is None) for e in nets.entries] == [("weight", False), ("bias", True)]
    with pytest.raises(DataError):
        danlu.inspect(torch.ones(2), nn.Linear(2, 2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_printed(language: Language) -> None:
    set_language(language)
    net = Tied()
    net(torch.tensor([0, 1, 2])).sum().backward()
    tensors = {"普通": torch.randn(3), "<b>\x1b[31m": torch.tensor([math.nan]), "z": torch.tensor([1j])}
    for value in (torch.randn(2, 3), tensors, net):
        found = danlu.inspect(value)
        assert repr(found) == str(found)
        assert "\x1b" not in str(found)
        page = found._repr_html_()
        assert not re.search(r"<script|http|<b>\\|\x1b", page)
        assert page.count("<td") == page.count("</td>")
        json.dumps(found.as_dict(), allow_nan=False)
    assert "&lt;b&gt;" in danlu.inspect(tensors)._repr_html_()
    lines = str(danlu.inspect(tensors)).splitlines()[1:]
    shapes = [cell_len(line[: line.index("(")]) for line in lines[1:]]
    assert len(set(shapes)) == 1  # columns stand under each other although a Chinese character takes two cells
    assert ("形状" in lines[0]) == (language == "zh")


def test_as_json() -> None:
    found = json.loads(json.dumps(danlu.inspect(torch.tensor([math.inf])).as_dict()))
    assert (found["figures"]["inf"], float(found["figures"]["mean"])) == (1, pytest.approx(math.nan, nan_ok=True))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        danlu.inspect(tmp_path)
