"""Watches the operations of a pass: FLOPs, the memory that is held after each, and what autograd keeps for the backward pass."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Tracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what happens inside, backward passes too. known: tensors that were there before; their memory doesn't count.

    flops: by the formulas of ``torch.utils.flop_counter``. held: bytes of new storages that are alive. course: ``held`` after each
    operation that made any. Scratch memory inside an operation is not seen.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing here is compiled, and the mark for it loads torch.compile's machinery: two CPU seconds a run

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.held = 0
        self.course: list[int] = [0]
        self._known = storages(known)
        self._alive: dict[int, Any] = {}

    @property
    def peak(self) -> int:
        return max(self.course)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.flops += int(count(*args, **kwargs, out_val=made))
        before = self.held
        for value in tree_leaves(made):
            if isinstance(value, Tensor):
                self._note(value)
        if self.held > before:
            self.course.append(self.held)
        return made

    def _note(self, value: Tensor) -> None:
        storage = _storage(value)
        if storage is None or storage._cdata in self._known or storage._cdata in self._alive:
            return
        key, size = storage._cdata, storage.nbytes()
        self._alive[key] = weakref.ref(storage, partial(self._gone, key, size))
        self.held += size

    def _gone(self, key: int, size: int, _: Any) -> None:
        if self._alive.pop(key, None) is not None:
            self.held -= size


class Kept:
    """Bytes that autograd saves inside, each storage once. known: tensors that are there anyway."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        self.bytes = 0
        self._seen = storages(known)
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda value: value)

    def __enter__(self) -> Kept:
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._hooks.__exit__(*error)

    def _pack(self, value: Tensor) -> Tensor:
        storage = _storage(value)
        if storage is not None and storage._cdata not in self._seen:
            self._seen.add(storage._cdata)
            self.bytes += storage.nbytes()
        return value


def storages(values: Iterable[Tensor]) -> set[int]:
    """The identities of what holds ``values``."""
    return {found._cdata for value in values if (found := _storage(value)) is not None}


def size(values: Iterable[Any]) -> int:
    """Bytes of what holds the tensors among ``values``, each storage once."""
    held = {found._cdata: found.nbytes() for value in values if (found := _storage(value)) is not None}
    return sum(held.values())


def _storage(value: Any) -> torch.UntypedStorage | None:
    """None of what is no tensor, or has no single storage (sparse ones)."""
    if not isinstance(value, Tensor):
        return None
    try:
        return value.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return None
