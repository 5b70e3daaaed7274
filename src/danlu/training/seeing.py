"""Running a copy of a net eagerly while every layer's output passes by, so that the net itself notices nothing (house rule 2).

Its weights, buffers, gradients, mode and hooks stay as they are, and so do all random generators.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from danlu.errors import TrainingError
from danlu.messages import say
from danlu.training.nonfinite.layers import Layer, Layers

RELU = ("relu", "relu6", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish")
GATES = ("tanh", "sigmoid")
TANH, LOW, HIGH = 0.97, 0.03, 0.97  # beyond these tanh and sigmoid count as saturated
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


@dataclass(frozen=True)
class Noted:
    """One output of one call of a layer. kind: the layer's class, "F.relu" for a function. family: its lower-cased name.

    measured: what the caller's function made of it. last: whether the net itself gives it out.
    """

    layer: str
    kind: str
    family: str
    call: int
    output: str
    shape: tuple[int, ...]
    measured: Any
    last: bool = False


class Seen(TorchFunctionMode):
    """Writes down what layers, and activations called as functions, give out, in the order of the forward pass.

    measure: (output, family, dimension of its units or None) → what is kept of it, taken at once: the next layer may work in place.
    slope: the loss's gradient with respect to an output → what is kept of that, in :attr:`slopes` by the row's place.
    """

    def __init__(
        self, net: nn.Module, measure: Callable[[Tensor, str, int | None], Any], slope: Callable[[Tensor], Any]
    ) -> None:
        super().__init__()
        self.layers = Layers({"": net}, self._left)
        self.rows: list[Noted] = []
        self.slopes: dict[int, Any] = {}
        self._measure, self._slope = measure, slope
        self._known: dict[int, tuple[Tensor, int, int]] = {}  # kept alive, so that no id is given again
        self._calls: Counter[tuple[str, str]] = Counter()
        self._joint: nn.Module | None = None  # the last convolution or linear layer, which says where the units are

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").rstrip("_").replace("_", "")
        layer = self.layers.now
        if name in RELU + GATES and layer.kind.lower() not in RELU + GATES:
            self._note(Layer(layer.name, f"F.{func.__name__.rstrip('_')}"), name, result)
        return result

    def answers(self, outputs: Any) -> None:
        """Which rows are what the net gave out."""
        for _, value in tensors(outputs):
            known = self._known.get(id(value))
            if known is not None:
                row = self.rows[known[2]]
                self.rows[known[2]] = Noted(**{**vars(row), "last": True})

    def _left(self, layer: Layer, module: nn.Module, output: Any) -> None:
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            self._joint = module
        self._note(layer, layer.kind.lower(), output)

    def _note(self, layer: Layer, family: str, output: Any) -> None:
        call = self._calls[layer.name, layer.kind]
        self._calls[layer.name, layer.kind] += 1
        for name, value in tensors(output):
            if not value.is_floating_point() or value.layout is not torch.strided or value.is_nested:
                continue
            known = self._known.get(id(value))
            if known is not None and known[1] == value._version:
                continue
            place = len(self.rows)
            self._known[id(value)] = value, value._version, place
            with torch.no_grad(), torch._C.DisableTorchFunction():  # type: ignore[attr-defined]
                measured = self._measure(value, family, self._units(value))
            self.rows.append(Noted(layer.name, layer.kind, family, call, name, tuple(value.shape), measured))
            if value.requires_grad:
                value.register_hook(lambda slope, place=place: self._sloped(place, slope))  # type: ignore[no-untyped-call]

    def _sloped(self, place: int, slope: Tensor) -> None:
        self.slopes[place] = self._slope(slope)

    def _units(self, value: Tensor) -> int | None:
        """Units stand in dimension 1 after a convolution, in the last after a linear layer."""
        if value.ndim < 2 or not value.numel():
            return None
        last = value.ndim == 2 or isinstance(self._joint, nn.Linear) or (self._joint is None and value.ndim == 3)
        return value.ndim - 1 if last else 1


def silent(value: Tensor, units: int) -> Tensor:
    """bool (U,): the units that are ≤ 0 for every sample and place."""
    others = [i for i in range(value.ndim) if i != units]
    return ~(~(value <= 0)).any(dim=others)


def saturated(value: Tensor, family: str) -> Tensor:
    """0-d: the share of values beyond which a gate's slope is small."""
    beyond = value.abs() > TANH if family == "tanh" else (value < LOW) | (value > HIGH)
    return beyond.double().mean() if value.device.type in ("cpu", "cuda") else beyond.float().mean()


def tensors(output: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """(dotted name, tensor) of whatever a layer gives."""
    if isinstance(output, Tensor):
        yield name, output
        return
    if isinstance(output, Mapping):
        parts = list(output.items())
    elif isinstance(output, (list, tuple)):
        parts = list(zip(getattr(output, "_fields", range(len(output))), output, strict=True))
    elif is_dataclass(output) and not isinstance(output, type):
        parts = [(field.name, getattr(output, field.name)) for field in fields(output)]
    else:
        return
    for key, part in parts:
        yield from tensors(part, f"{name}.{key}" if name else str(key))


def cloned(value: Any) -> Any:
    """Layers that work in place must not change what the caller holds."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple):
        parts = [cloned(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        return {key: cloned(part) for key, part in value.items()}
    return [cloned(part) for part in value] if isinstance(value, list) else value


def replica(net: nn.Module) -> nn.Module:
    """A copy that shares nothing with ``net`` and calls none of its hooks. Raises TrainingError where it can't be copied."""
    doubled: nn.Module = copied(getattr(net, "_orig_mod", net))  # what torch.compile has wrapped
    for module in doubled.modules():
        for name in _HOOKS:
            hooks = getattr(module, name)
            for key, hook in list(hooks.items()):
                if not _makes_weights(hook):
                    del hooks[key]
    return doubled


def copied(module: Any) -> Any:
    """Tensors that a layer computed and keeps (weight norm's weight) can't be copied with their graph: their values are."""
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor)]
    memo: dict[int, Any] = {id(value): value.detach().clone() for value in kept if value.grad_fn is not None}
    try:
        return copy.deepcopy(module, memo)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise TrainingError.of(
            type(module).__name__, say("training.not-copied", reason=str(error).partition("\n")[0])
        ) from error


def _makes_weights(hook: Any) -> bool:
    home = getattr(hook, "__module__", None) or type(hook).__module__
    return str(home).startswith("torch.nn.utils.")


@contextmanager
def undisturbed() -> Iterator[None]:
    """All global generators stand afterwards as they stood before."""
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    plain, numpys = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if cuda else []):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpys)
