"""What a net's layers give out, layer by layer: by running a copy of it, eagerly, on a few samples (house rule 2).

The net itself notices nothing: its weights, buffers, gradients, mode and hooks stay as they are, and so do all random generators.
"""

from __future__ import annotations

import copy
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.nn.moments import Moments, moments
from danlu.randomness import Position
from danlu.training.nonfinite.culprits import take
from danlu.training.nonfinite.layers import Layer, Layers
from danlu.training.nonfinite.replay import eager
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed

SAMPLES = 16  # of a batch, unless said otherwise
TANH, LOW, HIGH = 0.97, 0.03, 0.97  # beyond these tanh and sigmoid count as saturated
_RELU = ("relu", "relu6", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish")
_GATES = ("tanh", "sigmoid")
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


@dataclass(frozen=True)
class Activation:
    """One output of one call of a layer, in the order of the forward pass.

    layer: dotted, "" is the net itself. kind: its class, or "F.relu" for an activation that the layer's forward calls as a function.
    call: 0, or the how-manieth of a layer that is used again. output: which of several, dotted. figures: of all its values.
    dead: of ReLU and its kin (leaky ones and GELU, SiLU too) the share of units (channels, features) that are ≤ 0 for every sample and
    place. saturated: of tanh the share of values beyond ±0.97, of sigmoid that outside 0.03 … 0.97. Both None of other layers.
    gradient: Euclidean norm of the loss's gradient with respect to this output; None where there is no loss or it does not depend on
    the output. gradient_odd: its NaN and infinite values.
    """

    layer: str
    kind: str
    call: int
    output: str
    shape: tuple[int, ...]
    figures: Moments
    dead: float | None = None
    saturated: float | None = None
    gradient: float | None = None
    gradient_odd: int = 0


def activations(
    net: nn.Module,
    arguments: tuple[Any, ...],
    *,
    loss: Callable[[Any], Tensor] | None = None,
    position: Position | None = None,
    precision: Precision | None = None,
    training: bool | None = None,
) -> tuple[Activation, ...]:
    """What each layer of ``net`` gives out when called with ``arguments``.

    A layer that only hands on what another gave is left out. loss: makes a 0-d loss of the outputs; then each output's gradient is
    given too. position: dropout draws as in this micro-batch of training; None: as the generators stand. training: the mode; None: as
    the net is. Hooks on the net are not called, but for those of torch.nn.utils that compute weights.
    Raises TrainingError where the net can't be copied; what the net's forward raises comes through.
    """
    doubled = replica(net)
    if training is not None:
        doubled.train(training)
    if isinstance(loss, nn.Module):
        loss = _copied(loss)
    seen = _Seen(doubled)
    with _undisturbed(), torch.inference_mode(False), torch.set_grad_enabled(loss is not None), eager():
        if position is not None:
            reseed(position)
        given = _cloned(arguments)
        with seen.layers.watched(), precision.autocast() if precision is not None else nullcontext(), seen:
            outputs = doubled(*given)
        if loss is not None:
            value = loss(outputs)
            if value.requires_grad:  # not where everything is frozen
                torch.autograd.backward(value)
    return seen.found()


def of_batch(
    net: nn.Module,
    objective: Objective | None,
    batch: Batch,
    *,
    position: Position | None = None,
    precision: Precision | None = None,
    samples: int = SAMPLES,
    training: bool | None = None,
) -> tuple[Activation, ...]:
    """:func:`activations` for the first ``samples`` of a batch, which is as the net gets it; with gradients by the objective.

    Batch norm in training mode sees these samples only, so its outputs are not quite those of the step.
    """
    few = take(batch, np.arange(min(samples, len(batch))))
    doubled = _copied(objective) if objective is not None else None

    def loss(outputs: Any) -> Tensor:
        assert doubled is not None
        share: Tensor = doubled(outputs, few, doubled.counts(few))[0]
        return share

    return activations(
        net,
        few.arguments(),
        loss=loss if doubled is not None else None,
        position=position,
        precision=precision,
        training=training,
    )


def replica(net: nn.Module) -> nn.Module:
    """A copy that shares nothing with ``net`` and calls none of its hooks. Raises TrainingError where it can't be copied."""
    doubled: nn.Module = _copied(getattr(net, "_orig_mod", net))  # what torch.compile has wrapped
    for module in doubled.modules():
        for name in _HOOKS:
            hooks = getattr(module, name)
            for key, hook in list(hooks.items()):
                if not _makes_weights(hook):
                    del hooks[key]
    return doubled


class _Seen(TorchFunctionMode):
    """Writes down what layers, and activations called as functions, give out. Figures are taken at once: the next layer may work in
    place.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.layers = Layers({"": net}, self._left)
        self._rows: list[Activation] = []
        self._slopes: dict[int, tuple[float, int]] = {}
        self._known: dict[int, tuple[Tensor, int]] = {}  # kept alive, so that no id is given again
        self._calls: Counter[tuple[str, str]] = Counter()
        self._last: nn.Module | None = None  # the last convolution or linear layer, which says where the units are

    def found(self) -> tuple[Activation, ...]:
        return tuple(
            replace(row, gradient=self._slopes[i][0], gradient_odd=self._slopes[i][1]) if i in self._slopes else row
            for i, row in enumerate(self._rows)
        )

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").rstrip("_").replace("_", "")
        layer = self.layers.now
        if name in _RELU + _GATES and layer.kind.lower() not in _RELU + _GATES:
            self._note(Layer(layer.name, f"F.{func.__name__.rstrip('_')}"), name, result)
        return result

    def _left(self, layer: Layer, module: nn.Module, output: Any) -> None:
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            self._last = module
        self._note(layer, layer.kind.lower(), output)

    def _note(self, layer: Layer, family: str, output: Any) -> None:
        call = self._calls[layer.name, layer.kind]
        self._calls[layer.name, layer.kind] += 1
        for name, value in _tensors(output):
            if not value.is_floating_point() or value.layout is not torch.strided or value.is_nested:
                continue
            if id(value) in self._known and self._known[id(value)][1] == value._version:
                continue
            self._known[id(value)] = value, value._version
            with torch.no_grad():
                figures = moments(value, quantiles=(), bins=0)
                dead = self._dead(value) if family in _RELU else None
                saturated = _saturated(value, family) if family in _GATES else None
            place = len(self._rows)
            self._rows.append(
                Activation(layer.name, layer.kind, call, name, tuple(value.shape), figures, dead, saturated)
            )
            if value.requires_grad:
                value.register_hook(lambda slope, place=place: self._sloped(place, slope))  # type: ignore[no-untyped-call]

    def _sloped(self, place: int, slope: Tensor) -> None:
        slope = slope if slope.device.type in ("cpu", "cuda") else slope.cpu()  # others may have no float64
        norm = float(torch.linalg.vector_norm(slope, dtype=torch.float64))
        found = None if math.isfinite(norm) else moments(slope, quantiles=(), bins=0)
        self._slopes[place] = (norm, 0) if found is None else (found.norm, found.nan + found.inf)

    def _dead(self, value: Tensor) -> float | None:
        """Units stand in dimension 1 after a convolution, in the last after a linear layer."""
        if value.ndim < 2 or not value.numel():
            return None
        last = value.ndim == 2 or isinstance(self._last, nn.Linear) or (self._last is None and value.ndim == 3)
        alive = ~(value <= 0)
        others = [i for i in range(value.ndim) if i != (value.ndim - 1 if last else 1)]
        return 1 - float(alive.any(dim=others).double().mean())


def _saturated(value: Tensor, family: str) -> float | None:
    if not value.numel():
        return None
    beyond = value.abs() > TANH if family == "tanh" else (value < LOW) | (value > HIGH)
    return float(beyond.double().mean())


def _tensors(output: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
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
        yield from _tensors(part, f"{name}.{key}" if name else str(key))


def _cloned(value: Any) -> Any:
    """Layers that work in place must not change what the caller holds."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple):
        parts = [_cloned(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        return {key: _cloned(part) for key, part in value.items()}
    return [_cloned(part) for part in value] if isinstance(value, list) else value


def _copied(module: Any) -> Any:
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
def _undisturbed() -> Iterator[None]:
    """All global generators stand afterwards as they stood before."""
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    plain, numpys = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if cuda else []):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpys)
