"""Which layer is at work: in the forward pass by hooks, in the backward pass by the number autograd gave each node in the forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Layer(NamedTuple):
    """name: dotted, as in ``named_modules`` ("" is the net itself); kind: its class."""

    name: str
    kind: str


NOWHERE = Layer("", "")


class Layers:
    """Follows the modules of ``roots`` (prefix → module) while :meth:`watched`.

    left: is called after each module's forward with its layer, the module and its output.
    """

    def __init__(self, roots: Mapping[str, nn.Module], left: Callable[[Layer, nn.Module, Any], None]) -> None:
        self._named = {
            module: Layer(".".join(filter(None, (prefix, name))), type(module).__name__)
            for prefix, root in roots.items()
            for name, module in root.named_modules()
        }
        self._owners = {p: layer for m, layer in self._named.items() for p in m.parameters(recurse=False)}
        self._left = left
        self._inside: list[tuple[Layer, int]] = []
        self._spans: list[tuple[int, int, Layer]] = []  # autograd's numbers from … to, of each call of a layer

    @property
    def now(self) -> Layer:
        """The innermost layer at work."""
        if self._inside:
            return self._inside[-1][0]
        node = torch._C._current_autograd_node()
        if node is None:
            return NOWHERE
        owner = self._owners.get(getattr(node, "variable", None))  # type: ignore[arg-type]
        if owner is not None:
            return owner
        number = node._sequence_nr()
        spans = [(first, layer) for first, last, layer in self._spans if first <= number < last]
        return max(spans, default=(0, NOWHERE))[1]  # the one entered last is the innermost

    @contextmanager
    def watched(self) -> Iterator[None]:
        handles: list[Any] = []
        try:
            for module in self._named:
                handles.append(module.register_forward_pre_hook(self._enter, prepend=True))
                handles.append(module.register_forward_hook(self._leave))
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._inside.clear()

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._inside.append((self._named[module], _number()))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        layer, first = self._inside.pop()
        self._spans.append((first, _number(), layer))
        self._left(layer, module, output)


def _number() -> int:
    """The number that autograd gives the next node."""
    return int(torch.autograd._get_sequence_nr())  # type: ignore[attr-defined]


def node_name() -> str:
    """The autograd node at work, such as "LogBackward0"; "" in a forward pass."""
    node = torch._C._current_autograd_node()
    return "" if node is None else node.name().removeprefix("struct torch::autograd::")


def bad(tensor: Tensor) -> bool:
    """Whether it holds NaN or infinity."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or not tensor.numel() or tensor.is_meta:
        return False
    if tensor.is_sparse:
        tensor = tensor._values()
    if tensor.itemsize == 1:  # float8 has no isfinite of its own
        tensor = tensor.float()
    return not bool(torch.isfinite(tensor).all())


def worst(tensor: Tensor) -> str:
    """ "NaN" where there is one, else "Inf"."""
    return "NaN" if bool(torch.isnan(tensor._values() if tensor.is_sparse else tensor).any()) else "Inf"
