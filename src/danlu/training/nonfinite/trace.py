"""Where NaN or infinity begins: every operation of a step is watched, and what spoilt its outputs is remembered.

Not the first infinity is wanted (attention masks with -inf on purpose) but that from which the loss or a gradient comes. So each spoilt
tensor carries its origin with it: an operation that makes NaN or infinity of finite values is one; one that only passes it on hands its
inputs' origin on; where it vanishes, as -inf does in a softmax, the trail ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from danlu.training.nonfinite.layers import Layer, Layers, bad, node_name, worst

Leaf = tuple[str, str]  # ("weight" | "buffer" | "column" | "constant", name)
_UNWRITTEN = ("aten.empty", "aten.new_empty", "aten.resize")


@dataclass(frozen=True)
class Origin:
    """Where NaN or infinity came from.

    order: operations before it. leaf: what held it already, None where ``operation`` made it of finite values; else ``operation`` is
    the first that read it. node: the autograd node in a backward pass. samples: where the operation's output has one row a sample,
    those that are spoilt. meant: infinity put there on purpose (``masked_fill(…, -inf)``), which is no fault in itself.
    """

    order: int
    operation: str
    layer: Layer
    node: str
    value: str
    leaf: Leaf | None = None
    samples: tuple[int, ...] = ()
    meant: bool = False


class Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches the operations inside ``with``. size: samples in the batch. named: tensors that are there before."""

    def __init__(self, roots: Mapping[str, nn.Module], named: Iterable[tuple[Leaf, Tensor]], size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers = Layers(roots, self._left)
        self.running: list[tuple[str, Origin]] = []  # buffers that a layer spoilt, in order
        self._leaves = {_place(tensor): leaf for leaf, tensor in named if tensor.numel()}
        modules = [module for root in roots.values() for module in root.modules()]
        self._sound = {(m, name) for m in modules for name, b in m._buffers.items() if b is not None and not bad(b)}
        self._size = size
        self._order, self._last = 0, ""
        self._looking = False
        self._spoilt: dict[int, Origin] = {}  # by where the storage lies
        self._written: set[int] = set()

    def origin(self, tensor: Tensor) -> Origin | None:
        """From where a tensor has its NaN or infinity; None where it is finite, or nothing is known of it."""
        return self._spoilt.get(_place(tensor)) if bad(tensor) else None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._looking:
            return func(*args, **kwargs)
        given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        name = str(func)
        sources = [found for value in given if (found := self._source(value, name)) is not None]
        result = func(*args, **kwargs)
        changed = [value for value in tree_leaves((result, _mutated(func, args, kwargs))) if isinstance(value, Tensor)]
        scalars = [value for value in tree_leaves((args, kwargs)) if isinstance(value, float)]
        for value in changed:
            self._made(value, name, sources, meant=not all(map(math.isfinite, scalars)))
        self._order, self._last = self._order + 1, name
        return result

    def _source(self, value: Tensor, reader: str) -> Origin | None:
        """The origin of an input; one that nothing here has written is a leaf."""
        place = _place(value)
        if not place or (place in self._written and place not in self._spoilt) or not bad(value):
            return None
        if place not in self._spoilt:
            leaf, kind = self._leaves.get(place, ("constant", "")), worst(value)
            meant = leaf[0] in ("buffer", "constant") and kind == "Inf"
            self._spoilt[place] = Origin(
                self._order, reader, self.layers.now, node_name(), kind, leaf, self._samples(value), meant
            )
        return self._spoilt[place]

    def _made(self, value: Tensor, name: str, sources: Sequence[Origin], meant: bool) -> None:
        """Note what an operation has written."""
        place = _place(value)
        if not place:
            return
        self._written.add(place)
        if name.startswith(_UNWRITTEN):
            self._spoilt.pop(place, None)
        elif bad(value):
            self._spoilt[place] = self._blamed(value, name, sources, meant)
        elif value.numel() * value.itemsize >= _storage(value).nbytes():
            self._spoilt.pop(place, None)

    def _blamed(self, value: Tensor, name: str, sources: Sequence[Origin], meant: bool) -> Origin:
        kind = worst(value)
        faults = [source for source in sources if not source.meant]
        if faults:
            return min(faults, key=lambda source: source.order)
        if sources and kind == "Inf":
            return sources[0]
        return Origin(
            self._order, name, self.layers.now, node_name(), kind, None, self._samples(value), meant and kind == "Inf"
        )

    def _samples(self, value: Tensor) -> tuple[int, ...]:
        """Indices of the spoilt samples, where the first dimension seems to be theirs."""
        if value.is_sparse or value.ndim == 0 or len(value) != self._size:
            return ()
        spoilt = ~torch.isfinite(value.float() if value.itemsize == 1 else value).reshape(len(value), -1).all(1)
        return tuple(spoilt.nonzero().flatten().tolist())

    def _left(self, layer: Layer, module: nn.Module, output: Any) -> None:
        """Batch norm writes its statistics without saying so: buffers are looked at when their layer is done."""
        self._looking = True  # a hook's own operations are watched too, unlike those in __torch_dispatch__
        for name, value in module._buffers.items():
            if (module, name) in self._sound and value is not None and bad(value):
                self._sound.discard((module, name))
                known = self._spoilt.get(_place(value))
                found = known or Origin(self._order, self._last, layer, node_name(), worst(value))
                self.running.append((".".join(filter(None, (layer.name, name))), found))
        self._looking = False


def _storage(tensor: Tensor) -> Any:
    return (tensor._values() if tensor.is_sparse else tensor).untyped_storage()


def _place(tensor: Tensor) -> int:
    """The address of a strided or sparse tensor's memory; 0 where it has none to look at."""
    if tensor.is_meta or (tensor.layout is not torch.strided and not tensor.is_sparse) or not tensor.numel():
        return 0
    return int(_storage(tensor).data_ptr())


def _mutated(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Arguments that the operation says it writes to."""
    found = []
    for index, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            found.append(args[index] if index < len(args) else kwargs.get(argument.name))
    return found
