"""Running a copy of a net eagerly while every layer's output passes by, so that the net itself notices nothing (house rule 2).

Its weights, buffers, gradients, mode and hooks stay as they are, and so do all random generators.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import lru_cache, wraps
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.overrides import TorchFunctionMode

from danlu.errors import TrainingError
from danlu.messages import say
from danlu.training.nonfinite.layers import NOWHERE, Layer

RELU = ("relu", "relu6", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish")
GATES = ("tanh", "sigmoid")
FAMILIES = frozenset(RELU + GATES)
TANH, LOW, HIGH = 0.97, 0.03, 0.97  # beyond these tanh and sigmoid count as saturated
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


class Noted(NamedTuple):
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
    """While it is entered, what the layers of ``net`` and activations called as functions give out is written down, in the order of the
    forward pass. net: a :func:`replica`, since its forward methods are wrapped.

    measure: (output, family, dimension of its units or None) → what is kept of it, taken at once: the next layer may work in place.
    slope: the loss's gradient with respect to an output → what is kept of that, in :attr:`slopes` by the row's place. Without it
    :attr:`edges` holds where in the graph each output that needs a gradient came from.
    For several passes call :meth:`attach` once, and :meth:`begin` before each. functions: whether functions are looked at; that slows
    every operation down.
    """

    functions = True

    def __init__(
        self, net: nn.Module, measure: Callable[[Tensor, str, int | None], Any], slope: Callable[[Tensor], Any] | None
    ) -> None:
        super().__init__()
        self._net = net
        self._measure, self._slope = measure, slope
        self._attached: list[tuple[nn.Module, Any]] = []  # with an own forward that was there, None: its class's
        self._stays = self._open = False
        self.begin()

    def begin(self) -> None:
        """Forget the pass before, with its tensors and their graph."""
        self.rows: list[Noted] = []
        self.slopes: dict[int, Any] = {}
        self.edges: dict[int, GradientEdge] = {}
        self._inside: list[Layer] = []
        self._known: dict[int, tuple[Tensor, int, int]] = {}  # kept alive, so that no id is given again
        self._calls: dict[Layer, int] = {}
        self._joint: nn.Module | None = None  # the last convolution or linear layer, which says where the units are

    def attach(self) -> None:
        """Wrap the layers until :meth:`detach`, not for one pass only."""
        self._stays = True
        self._wrap()

    def detach(self) -> None:
        for module, before in self._attached:
            del module.forward
            if before is not None:
                module.forward = before
        self._attached, self._stays = [], False

    def __enter__(self) -> Self:
        if not self._attached:
            self._wrap()
        if self.functions:
            super().__enter__()  # type: ignore[no-untyped-call]
        self._open = True
        return self

    def __exit__(self, *error: Any) -> None:
        self._open = False  # what is computed again in the backward pass has been noted already
        if self.functions:
            super().__exit__(*error)  # type: ignore[no-untyped-call]
        if not self._stays:
            self.detach()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = _family(func)
        if name is not None:
            layer = self._inside[-1] if self._inside else NOWHERE
            if layer.kind.lower() not in FAMILIES:
                self._note(Layer(layer.name, f"F.{func.__name__.rstrip('_')}"), name, result)
        return result

    def answers(self, outputs: Any) -> None:
        """Which rows are what the net gave out."""
        for _, value in tensors(outputs):
            known = self._known.get(id(value))
            if known is not None:
                self.rows[known[2]] = self.rows[known[2]]._replace(last=True)

    def _wrap(self) -> None:
        for name, module in self._net.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):  # closed: nothing of it can be replaced
                self._attached.append((module, vars(module).get("forward")))
                module.forward = self._through(Layer(name, type(module).__name__), module)

    def _through(self, layer: Layer, module: nn.Module) -> Callable[..., Any]:
        """The layer's forward, which notes what it gives. (Hooks would cost several times as much.)"""
        forward, family = module.forward, layer.kind.lower()
        joint = isinstance(module, (nn.Linear, nn.modules.conv._ConvNd))

        @wraps(forward)
        def through(*args: Any, **kwargs: Any) -> Any:
            if not self._open:
                return forward(*args, **kwargs)
            self._inside.append(layer)
            output = forward(*args, **kwargs)
            self._inside.pop()
            if joint:
                self._joint = module
            self._note(layer, family, output)
            return output

        return through

    def _note(self, layer: Layer, family: str, output: Any) -> None:
        call = self._calls[layer] = self._calls.get(layer, -1) + 1
        with torch._C.DisableTorchFunction():  # type: ignore[attr-defined]
            for name, value in (("", output),) if isinstance(output, Tensor) else tensors(output):
                known = self._known.get(id(value))
                if known is not None and known[1] == value._version:
                    continue
                if not value.is_floating_point() or value.layout is not torch.strided or value.is_nested:
                    continue
                place = len(self.rows)
                self._known[id(value)] = value, value._version, place
                measured = self._measure(value.detach(), family, self._units(value))
                self.rows.append(Noted(layer.name, layer.kind, family, call, name, tuple(value.shape), measured))
                if value.requires_grad and self._slope is None:
                    self.edges[place] = get_gradient_edge(value)
                elif value.requires_grad:
                    value.register_hook(lambda slope, place=place: self._sloped(place, slope))  # type: ignore[no-untyped-call]

    def _sloped(self, place: int, slope: Tensor) -> None:
        assert self._slope is not None
        self.slopes[place] = self._slope(slope)

    def _units(self, value: Tensor) -> int | None:
        """Units stand in dimension 1 after a convolution, in the last after a linear layer."""
        if value.ndim < 2 or not value.numel():
            return None
        last = value.ndim == 2 or isinstance(self._joint, nn.Linear) or (self._joint is None and value.ndim == 3)
        return value.ndim - 1 if last else 1


@lru_cache(1024)
def _family(func: Any) -> str | None:
    """Of an activation, as which one it counts; else None."""
    name = getattr(func, "__name__", "").rstrip("_").replace("_", "")
    return name if name in FAMILIES else None


def silent(value: Tensor, units: int) -> Tensor:
    """bool (U,): the units that are ≤ 0 for every sample and place; one with a NaN is not. units: their dimension, not the first."""
    if value.ndim == 4 and units == 1 and value.is_contiguous(memory_format=torch.channels_last):
        value, units = value.movedim(1, 3), 3
    most = value.amax(0)  # as values lie in memory: over all at once is many times slower with few channels
    others = [i for i in range(most.ndim) if i != units - 1]
    return (most.amax(others) if others else most) <= 0


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


def replica(net: nn.Module, shared: Iterable[Tensor] = ()) -> nn.Module:
    """A copy that calls none of the hooks of ``net``, and shares nothing with it but the memory of ``shared``, parameters and buffers.

    Raises TrainingError where it can't be copied.
    """
    net = getattr(net, "_orig_mod", net)  # what torch.compile has wrapped
    doubled: nn.Module = copied(net, shared)
    for original, module in zip(net.modules(), doubled.modules(), strict=True):
        forward = vars(module).get("forward")
        if forward is not None and forward is vars(original).get("forward"):  # it still runs the net itself
            raise TrainingError.of(type(original).__name__, say("training.not-copied", reason=say("training.bound")))
        for name in _HOOKS:
            hooks = getattr(module, name)
            for key, hook in list(hooks.items()):
                if not _makes_weights(hook):
                    del hooks[key]
    return doubled


def copied(module: Any, shared: Iterable[Tensor] = ()) -> Any:
    """Tensors that a layer computed and keeps (weight norm's weight) can't be copied with their graph: their values are."""
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor)]
    memo: dict[int, Any] = {id(value): value.detach().clone() for value in kept if value.grad_fn is not None}
    for value in shared:
        alias = value.detach()
        memo[id(value)] = nn.Parameter(alias, value.requires_grad) if isinstance(value, nn.Parameter) else alias
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
    plain, numpys, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpys)
        torch.set_rng_state(torchs)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
