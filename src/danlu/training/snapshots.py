"""Copies of parameters and gradients for watchers that draw their distributions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.training.events import Snapshot, Watcher


def snapshot(net: nn.Module, step: int, epoch: int, watchers: Sequence[Watcher]) -> None:
    """Copies of parameters and gradients at an epoch's end, only for watchers that want them."""
    wanting = [watcher for watcher in watchers if getattr(watcher, "wants_snapshots", False)]
    if not wanting:
        return
    weights = {name: p.detach().float().cpu().clone() for name, p in net.named_parameters()}
    held = {name: p.grad.detach().to_dense() for name, p in net.named_parameters() if p.grad is not None}
    slopes = {name: gradient.float().cpu().clone() for name, gradient in held.items()}
    for watcher in wanting:
        watcher.on(Snapshot(step, epoch, weights, slopes))
