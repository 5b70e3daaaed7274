"""``best/`` holds the weights of the evaluation that a run calls its best, or it is said that they are lost: never others in silence.

Where they are damaged or missing they are had back, bit for bit, from the checkpoint of the same step, while one is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from danlu.messages import say
from danlu.training import aside, checkpoint
from danlu.training.checkpoint import State
from danlu.training.slots.stoppers import Best

Warn = Callable[[str], None]


def settled(folder: Path, checkpoints: Path | None, best: Mapping[str, Any], warn: Warn) -> str:
    """Empty where ``folder`` holds the weights of step ``best["step"]`` (after this, if need be), else what is wrong with it.

    best: as :meth:`Best.state` gives it. ``warn`` is told of what was mended. For the process that writes.
    """
    if best["step"] < 0:
        return ""
    damage = _wrong(folder, best["step"])
    if not damage:
        return ""
    if checkpoint.put_back(folder, lambda values: values.get("step") == best["step"]):
        return ""
    for path in checkpoint.listed(checkpoints) if checkpoints is not None else ():
        if int(path.name) != best["step"] or checkpoint.verify(path):
            continue
        state = checkpoint.load(path)
        weights = dict(state.tensors.get("ema", state.tensors["net"]))
        values = {key: best[key] for key in ("epoch", "step", "values")} | {"extra": state.values.get("extra", {})}
        checkpoint.save(folder, State({"net": weights}, values))
        warn(say("training.best-restored", path=folder, damage=damage, checkpoint=path))
        return ""
    return damage


def keep(folder: Path, checkpoints: Path | None, state: State) -> None:
    """Write a new best. The one before stays beside it until :func:`kept`, for the last checkpoint still wants that one."""
    checkpoint.save(folder, state, keep_old=checkpoints is not None)


def kept(folder: Path) -> None:
    """The newest best is now what the last checkpoint wants."""
    aside.clear(folder.parent, folder.name, elsewhere=True)


def settle(folder: Path, checkpoints: Path | None, best: Best, finished: bool, warn: Warn) -> None:
    """At a resumption: ``best/`` as the checkpoint wants it; where its weights are lost, that best is said to be and forgotten."""
    damage = settled(folder, checkpoints, best.state(), warn)
    if damage and not finished:
        warn(say("training.best-lost", path=folder, damage=damage, step=best.step))
        best.forget()
    kept(folder)


def _wrong(folder: Path, step: int) -> str:
    damage = checkpoint.verify(folder)
    if damage:
        return damage
    found = checkpoint.values(folder).get("step")
    return "" if found == step else say("training.damage-other-step", file=folder.name, found=found, step=step)
