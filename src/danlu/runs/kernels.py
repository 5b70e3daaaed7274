"""Which kernels a net is trained by: recorded with the run, since its last bits depend on it. The lack of any is said once."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import nn

from danlu.messages import say
from danlu.nn.embedding.native import kernel as rows
from danlu.nn.embedding.native import paired
from danlu.nn.embedding.table import Table
from danlu.nn.maps import kernel as maps
from danlu.nn.maps import layers, tiles
from danlu.nn.native.building import NoKernelError
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.lightgcn import Lightgcn
from danlu.nn.nets.neumf import Neumf
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.recurrent import kernel as recurrent_kernel
from danlu.nn.recurrent import layers as recurrent
from danlu.nn.writing import kernel as tokens
from danlu.nn.writing.known import tokens_of
from danlu.training.plan import Plan


def used(net: nn.Module, plan: Plan) -> dict[str, dict[str, str]]:
    """For the record of what a run ran on: {"kernels": {"embeddings": "native" or "torch", "maps": …, "convolutions": …,
    "recurrent": …}}.

    Of what the net has and the plan leaves to a kernel.
    """
    found = {}
    if _rows(net) or _pairs(net):
        found["embeddings"] = "native" if _unpaired(net) is None else "torch"
    if layers.lends(net):
        found["maps"] = "native" if maps.missing() is None else "torch"
    eager = _eager(plan)
    if eager and layers.convolves(net):
        there = maps.missing() is None and tiles.missing() is None and torch.get_num_threads() <= tiles.THREADS
        found["convolutions"] = "native" if there else "torch"
    if eager and recurrent.lends(net):
        found["recurrent"] = "native" if _lack(recurrent_kernel) is None else "torch"
    return {"kernels": found} if found else {}


def lines(net: nn.Module, plan: Plan) -> list[tuple[str, str]]:
    """(text, level) of what a user should know."""
    found = []
    if count := _whole(net):
        found.append((say("native.embeddings-whole", count=f"{count:,}"), "info"))
    if _rows(net):
        missing = rows.missing()
        if missing is None:
            found.append((say("native.embeddings"), "info"))
        else:
            reason = say(f"native.no-kernel.{missing.why}", detail=missing.detail)
            level = "info" if missing.why == "off" else "warning"
            found.append((say("native.embeddings-torch", reason=reason), level))
    told = _rows(net) and rows.missing() is not None
    if _pairs(net) and not told and (missing := _unpaired(net)) is not None:
        reason = say(f"native.no-kernel.{missing.why}", detail=missing.detail)
        found.append((say("native.pairs-torch", reason=reason), "info"))
    if layers.lends(net) and (missing := maps.missing()) is not None:
        reason = say(f"native.no-kernel.{missing.why}", detail=missing.detail)
        found.append((say("native.maps-torch", reason=reason), "info"))
    if _eager(plan) and recurrent.lends(net) and (missing := _lack(recurrent_kernel)) is not None:
        reason = say(f"native.no-kernel.{missing.why}", detail=missing.detail)
        found.append((say("native.recurrent-torch", reason=reason), "info"))
    if _writes(net) and (missing := _lack(tokens)) is not None:
        reason = say(f"native.no-kernel.{missing.why}", detail=missing.detail)
        found.append((say("native.writing-torch", reason=reason), "info"))
    return found


def _lack(kernel: Any) -> NoKernelError | None:
    """Why a kernel isn't called here: there is none, or none for as many threads as torch has."""
    missing: NoKernelError | None = kernel.missing()
    one = missing is None and torch.get_num_threads() > 1 and not kernel.threaded()
    return NoKernelError("threads") if one else missing


def _eager(plan: Plan) -> bool:
    """Whether bfloat16 is worked out on a CPU, operation by operation."""
    return plan.precision == "bf16" and plan.device.type == "cpu" and not plan.compiled


def _whole(net: nn.Module) -> int:
    """Rows of long tables that a step moves all of, in nets that could do with gradients of the batch's rows alone; 0: too few."""
    tables = {
        part.weight: len(part.weight)
        for owner in net.modules()
        if type(owner).__module__.startswith("danlu.nn.nets.") and "sparse" in signature(type(owner)).parameters
        for part in owner.modules()
        if isinstance(part, nn.Embedding) and not part.sparse and part.weight.is_cpu and part.weight.numel() >= _LONG
    }
    return sum(tables.values())


_LONG = 1 << 22  # numbers of a table: a step over all of them takes tens of milliseconds on a CPU


def _rows(net: nn.Module) -> bool:
    """Whether the kernel of rows could be of use: sparse float32 tables on a CPU."""
    return any(isinstance(part, Table) and part.sparse and part.weight.device.type == "cpu" for part in net.modules())


def _pairs(net: nn.Module) -> bool:
    """Whether the kernels of rows and pairs could be of use where tables are dense."""
    return any(
        isinstance(part, (CollaborativeFiltering, Lightgcn, Neumf)) and next(part.parameters()).is_cpu
        for part in net.modules()
    )


def _unpaired(net: nn.Module) -> NoKernelError | None:
    """Why rows, and where there are layers over them their pairs, are not left to kernels here."""
    missing = rows.missing()
    layered = missing is None and any(isinstance(part, Neumf) for part in net.modules())
    return _lack(paired) if layered else missing


def _writes(net: nn.Module) -> bool:
    """Whether the kernel of tokens could be of use: a net of ours that writes, as it knows them, on a CPU."""
    return type(net) in (Gpt, Seq2seqTransformer) and tokens_of(net) is not None
