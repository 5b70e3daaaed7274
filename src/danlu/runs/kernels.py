"""Which kernel a net's embeddings are learnt by: recorded with the run, since its last bits depend on it, and said once."""

from __future__ import annotations

from torch import nn

from danlu.messages import say
from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.table import Table


def used(net: nn.Module) -> dict[str, dict[str, str]]:
    """For the record of what a run ran on: {"kernels": {"embeddings": "native" or "torch"}}; nothing where no table is of that kind."""
    if not _asked(net):
        return {}
    return {"kernels": {"embeddings": "native" if kernel.missing() is None else "torch"}}


def lines(net: nn.Module) -> list[tuple[str, str]]:
    """(text, level) of what a user should know; one line at most."""
    if not _asked(net):
        return []
    missing = kernel.missing()
    if missing is None:
        return [(say("embedding.native"), "info")]
    reason = say(f"embedding.no-kernel.{missing.why}", detail=missing.detail)
    return [(say("embedding.torch", reason=reason), "info" if missing.why == "off" else "warning")]


def _asked(net: nn.Module) -> bool:
    """Whether the kernel could be of use: sparse float32 tables on a CPU."""
    return any(isinstance(part, Table) and part.sparse and part.weight.device.type == "cpu" for part in net.modules())
