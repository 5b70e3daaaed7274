"""What a forward pass in training mode changes beside its outputs: the net's buffers (batch norm's running statistics, counters).

A step that is left out must leave them as they were, so the guard copies them after every step: one concatenation for each dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Copied(NamedTuple):
    """Buffers of one group end to end, and the shape of each."""

    values: Tensor
    shapes: list[torch.Size]


class Running:
    """The buffers of ``net``, each where it lies, grouped so that a group is copied by one operation.

    A buffer that a forward pass replaces instead of changing it is put back as well. Buffers that hold NaN or infinity from the start
    (masks of -inf) are copied like all others, but not looked at by :meth:`total` and :meth:`spoilt`. Those that a module names in its
    ``unchanging``, as data that it carries along, no pass writes to: they are left alone.
    """

    def __init__(self, net: nn.Module) -> None:
        self._names: dict[tuple[nn.Module, str], str] = {}
        groups: dict[tuple[torch.dtype, torch.device, bool, bool], list[tuple[nn.Module, str]]] = {}
        for prefix, module in net.named_modules():
            fixed = getattr(module, "unchanging", ())
            for name, value in module._buffers.items():
                if value is None or name in fixed:
                    continue
                self._names[module, name] = f"{prefix}.{name}" if prefix else name
                watched = value.is_floating_point() and bool(torch.isfinite(value).all())
                groups.setdefault((value.dtype, value.device, value.ndim == 0, watched), []).append((module, name))
        self._groups = list(groups.values())
        self._watched = [number for number, key in enumerate(groups) if key[3]]
        self._sums = [torch.promote_types(key[0], torch.float32) for key in groups]

    def read(self) -> list[Copied]:
        """Copies of all buffers as they are now, one a group."""
        copied = []
        for places in self._groups:
            values = [module._buffers[name] for module, name in places]
            shapes = [value.shape for value in values]  # type: ignore[union-attr]
            scalars = not any(shapes)
            flat = values if scalars else [v if v.ndim == 1 else v.reshape(-1) for v in values]  # type: ignore[union-attr]
            copied.append(Copied(torch.stack(flat) if scalars else torch.cat(flat), shapes))  # type: ignore[arg-type]
        return copied

    def total(self, copied: Sequence[Copied]) -> Tensor | None:
        """0-d: finite where every watched value is (their sum); None where there is none to watch."""
        found: Tensor | None = None
        for number in self._watched:
            one = copied[number].values.sum(dtype=self._sums[number])
            found = one if found is None else found + one
        return found

    @torch.no_grad()
    def write(self, copied: Sequence[Copied]) -> None:
        """Put back what :meth:`read` gave."""
        for places, (values, shapes) in zip(self._groups, copied, strict=True):
            pieces = [
                p.view(shape) for p, shape in zip(torch.split(values, [s.numel() for s in shapes]), shapes, strict=True)
            ]
            now = [module._buffers[name] for module, name in places]
            if all(value is not None and value.shape == piece.shape for value, piece in zip(now, pieces, strict=True)):
                torch._foreach_copy_(now, pieces)  # type: ignore[arg-type]
            else:
                for (module, name), piece in zip(places, pieces, strict=True):
                    module._buffers[name] = piece.clone()

    def spoilt(self) -> list[str]:
        """Names of the watched buffers that hold NaN or infinity now."""
        found = []
        for number in self._watched:
            for module, name in self._groups[number]:
                value = module._buffers[name]
                if value is not None and not bool(torch.isfinite(value).all()):
                    found.append(self._names[module, name])
        return found
