"""Looking at tensors, arrays, collections and nets. Everything is read, nothing is changed: no gradient, no random number, no hook."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from danlu.errors import DanluError, DataError
from danlu.messages import say
from danlu.nn.moments import moments
from danlu.watch.inspection import NetInspection, Several, TensorInspection, WeightInspection


def of_tensor(tensor: Tensor, name: str = "") -> TensorInspection:
    """Any tensor: strided, sparse, quantised, nested, on the meta device."""
    if is_lazy(tensor):
        note = say("inspection.uninitialised")
        kind = str(tensor.dtype).removeprefix("torch.")
        return TensorInspection(
            name, (), kind, str(tensor.device), "strided", (), 0, 0, tensor.requires_grad, "", None, note
        )
    values, note = _readable(tensor)
    figures = None
    if values is not None:
        try:
            figures = moments(values)
        except NotImplementedError:  # packed and sub-byte dtypes
            note = say("inspection.unreadable", dtype=str(tensor.dtype).removeprefix("torch."))
    strided = tensor.layout is torch.strided and not tensor.is_nested
    made = tensor.numel() * tensor.itemsize if strided else sum(part.numel() * part.itemsize for part in _parts(tensor))
    return TensorInspection(
        name,
        tuple(size if isinstance(size, int) else -1 for size in tensor.shape)
        if _shaped(tensor)
        else (tensor.size(0), -1),
        str(tensor.dtype).removeprefix("torch."),
        str(tensor.device),
        _layout(tensor),
        tuple(tensor.stride()) if strided else (),
        made,
        tensor.untyped_storage().nbytes() if strided and not tensor.is_meta else made,
        tensor.requires_grad,
        tensor.grad_fn.name().removeprefix("struct torch::autograd::") if tensor.grad_fn is not None else "",
        figures,
        note,
    )


def of_array(array: np.ndarray, name: str = "") -> TensorInspection:
    """An array of numbers. Raises DataError for any other."""
    if array.dtype.kind not in "biufc":
        raise refused(f"{type(array).__name__}[{array.dtype}]", name)
    native = array.dtype.newbyteorder("=")
    if native.kind in "fc" and native.itemsize > np.dtype("c16" if native.kind == "c" else "f8").itemsize:
        native = np.dtype("c16" if native.kind == "c" else "f8")
    readable = array.astype(native, copy=False)
    if any(step < 0 or step % readable.itemsize for step in readable.strides):
        readable = np.ascontiguousarray(readable)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
        figures = moments(torch.from_numpy(np.asarray(readable)))
    layout = "contiguous" if array.flags.c_contiguous else "strided"
    strides = tuple(step // array.itemsize for step in array.strides)
    base = array.base
    storage = base.nbytes if isinstance(base, np.ndarray) else array.nbytes
    note = say("inspection.modulus") if array.dtype.kind == "c" else ""
    return TensorInspection(
        name, array.shape, str(array.dtype), "cpu", layout, strides, array.nbytes, max(storage, array.nbytes), False, "",
        figures, note,
    )  # fmt: skip


def of_net(net: nn.Module) -> NetInspection:
    """Every parameter and buffer, in the net's order."""
    names: dict[int, list[str]] = {}
    found: list[tuple[str, str, Tensor, bool]] = []
    for prefix, module in net.named_modules(remove_duplicate=False):
        own = [(name, p, False) for name, p in module._parameters.items() if p is not None]
        own += [(name, b, True) for name, b in module._buffers.items() if b is not None]
        for short, tensor, buffer in own:
            name = f"{prefix}.{short}" if prefix else short
            if id(tensor) not in names:
                found.append((name, type(module).__name__, tensor, buffer))
            names.setdefault(id(tensor), []).append(name)
    entries = tuple(_weight(name, layer, t, buffer, names[id(t)]) for name, layer, t, buffer in found)
    sizes = {
        key: sum(math.prod(e.tensor.shape) for e in entries if (e.buffer, e.frozen) == key and e.tensor.bytes)
        for key in ((False, False), (False, True), (True, False))
    }
    trained, frozen, buffers = sizes[False, False], sizes[False, True], sizes[True, False]
    memory = sum(e.tensor.bytes for e in entries if not e.buffer)
    return NetInspection(type(net).__name__, trained + frozen, trained, frozen, buffers, memory, entries)


def of_several(value: Any) -> Several:
    """Every tensor and array in a list, dict, dataclass or named tuple, however deep. Raises DataError where there is none."""
    entries, others = [], []
    for name, leaf in leaves(value):
        if isinstance(leaf, Tensor):
            entries.append(of_tensor(leaf, name))
        elif isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biufc":
            entries.append(of_array(leaf, name))
        else:
            others.append(name)
    if not entries:
        raise refused(type(value).__name__)
    return Several(tuple(entries), tuple(others))


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, whatever is no collection)."""
    parts: list[tuple[str, Any]]
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = list(zip(value._fields, value, strict=True))
    elif isinstance(value, (list, tuple)):
        parts = [(str(number), part) for number, part in enumerate(value)]
    else:
        yield name, value
        return
    for key, part in parts:
        yield from leaves(part, f"{name}.{key}" if name else key)


def refused(kind: str, where: str = "") -> DanluError:
    """The DataError for what can't be inspected."""
    return DataError.of(where or "inspect", say("inspection.cannot", kind=kind), say("inspection.cannot.remedy"))


def _weight(name: str, layer: str, tensor: Tensor, buffer: bool, names: Sequence[str]) -> WeightInspection:
    held = of_tensor(tensor, name)
    slope = None if tensor.grad is None else of_tensor(tensor.grad).figures
    norm = None if slope is None else slope.norm
    weight = held.figures.norm if held.figures is not None else 0.0
    ratio = None if norm is None or not weight else norm / weight
    others = tuple(other for other in names if other != name)
    frozen = not buffer and not tensor.requires_grad
    lost = (slope.nan, slope.inf) if slope is not None else (0, 0)
    return WeightInspection(held, layer, buffer, frozen, norm, ratio, *lost, others)


def _readable(tensor: Tensor) -> tuple[Tensor | None, str]:
    """A strided tensor of the values to judge, and what must be said of them."""
    tensor = tensor.detach()
    if tensor.is_meta:
        return None, say("inspection.meta")
    if tensor.is_quantized:
        return tensor.dequantize(), say("inspection.quantised")
    if tensor.is_nested:
        values = (
            tensor.values() if tensor.layout is torch.jagged else torch.cat([t.reshape(-1) for t in tensor.unbind()])
        )
        return values, say("inspection.nested", stored=values.numel())
    if tensor.layout is not torch.strided:
        values = tensor.coalesce().values() if tensor.is_sparse else tensor.values()
        return values, say("inspection.stored", stored=values.numel())
    return tensor, say("inspection.modulus") if tensor.is_complex() else ""


def _parts(tensor: Tensor) -> list[Tensor]:
    """What a tensor that is not strided lies in."""
    tensor = tensor.detach()
    if tensor.is_nested:
        return [tensor.values()] if tensor.layout is torch.jagged else list(tensor.unbind())
    if tensor.is_sparse:
        return [tensor._indices(), tensor._values()]
    by_rows = tensor.layout in (torch.sparse_csr, torch.sparse_bsr)
    ends = [tensor.crow_indices(), tensor.col_indices()] if by_rows else [tensor.ccol_indices(), tensor.row_indices()]
    return [*ends, tensor.values()]


def _shaped(tensor: Tensor) -> bool:
    return not tensor.is_nested or tensor.layout is torch.jagged


def _layout(tensor: Tensor) -> str:
    if tensor.is_nested:
        return "nested"
    if tensor.layout is not torch.strided:
        return str(tensor.layout).removeprefix("torch.")
    if tensor.is_contiguous():
        return "contiguous"
    for ndim, name in ((4, "channels_last"), (5, "channels_last_3d")):
        if tensor.ndim == ndim and tensor.is_contiguous(memory_format=getattr(torch, name)):
            return name
    return "strided"
