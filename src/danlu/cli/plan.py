"""``danlu plan``: what a recipe will take: parameters, FLOPs, memory by part, time and disk."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._recipes import USAGE, read_recipe, recipe_arguments
from danlu.cli._screen import preparing
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.runs.foreseen import Forecast

__all__ = ["USAGE", "arguments", "run"]

arguments = recipe_arguments


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    recipe = read_recipe(parser, options.words)
    from danlu import runs
    from danlu.runs.advice import advice

    with preparing() as progress:
        found = runs.plan(recipe, progress)
    for title, rows in _tables(found):
        right = [1, 2] if len(rows[0]) > 2 else [1]
        heads = [title, say("forecast.amount"), *([say("forecast.share")] if len(rows[0]) > 2 else [])]
        out.table(heads, rows, right=right)
        out.line()
    lines = advice(found)
    for text in lines:
        out.line(f"· {text}")
    out.result(found.as_dict() | {"advice": lines})
    return DONE


def _tables(found: Forecast) -> list[tuple[str, list[list[str]]]]:
    """(title, rows) of each; parts of which there is nothing are left out."""
    from danlu.watch.figures import flops, share, short, size

    memory, took, disk = found.memory, found.time, found.disk
    trained, frozen = f"{found.parameters.trained:,}", f"{found.parameters.frozen:,}"
    net = [
        [say("forecast.parameters"), say("forecast.parameters.found", trained=trained, frozen=frozen)],
        [say("forecast.forward"), flops(found.flops.forward)],
        [say("forecast.backward", samples=found.samples), flops(found.flops.step)],
    ]
    parts = memory.parts()
    whole = max(1, sum(parts.values()))
    held = [
        [say(f"forecast.memory.{name}"), size(amount), share(amount / whole) if amount >= whole / 100 else ""]
        for name, amount in parts.items()
        if amount
    ]
    if memory.fullest == "baselines":
        held.append([say("forecast.memory.baselines"), size(memory.baselines), ""])
    held.append([say("forecast.memory.peak"), size(memory.peak), ""])
    times = {name: getattr(took, name) for name in _TIMES}
    spent = [
        [say(f"forecast.time.{name}", steps=f"{took.steps:,}"), short(seconds)]
        for name, seconds in times.items()
        if seconds
    ]
    stored = [[say(f"forecast.disk.{name}"), size(getattr(disk, name))] for name in _DISK if getattr(disk, name)]
    return [
        (say("forecast.net"), net),
        (say("forecast.memory"), held),
        (say("forecast.time"), spent),
        (say("forecast.disk"), stored),
    ]


_TIMES = ("step", "cpu", "checks", "training", "evaluations", "captures", "checkpoints", "test", "baselines", "total")
_DISK = ("checkpoints", "best", "predictions", "events", "captures", "total")
