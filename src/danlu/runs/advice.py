"""What a forecast says in words: when memory is fullest, of what, and what would certainly lower it."""

from __future__ import annotations

from danlu.messages import say
from danlu.runs.foreseen import Forecast
from danlu.watch.figures import size

_SCRATCH = 0.1  # share of a step's memory below which nothing is advised


def advice(found: Forecast) -> list[str]:
    """Sentences for people, the most important first."""
    memory = found.memory
    part = say(f"forecast.memory.{memory.dominant}")
    lines = [say(f"forecast.at.{memory.fullest}", peak=size(memory.peak), part=part)]
    if memory.room is not None and memory.peak > memory.room:
        lines.insert(0, say("forecast.too-large", room=size(memory.room)))
    if memory.fullest == "step":
        lines += _lower(found)
    return lines


def _lower(found: Forecast) -> list[str]:
    """Of the largest part, and of activations and the optimiser's memory where they are worth it."""
    memory, lines = found.memory, []
    least = _SCRATCH * memory.peak
    grown = memory.step.activations
    if grown > least and found.batch_size > 1:
        half = found.batch_size // 2
        lines.append(
            say(
                "forecast.lower.batch",
                size=half,
                accumulate=2 * found.accumulate,
                less=size(grown - grown * half // found.batch_size),
            )
        )
    if memory.step.optimizer > least:
        lines.append(say("forecast.lower.optimizer", amount=size(memory.step.optimizer)))
    if memory.data > least:
        lines.append(say("forecast.lower.data"))
    if memory.dominant == "process" and not lines:
        lines.append(say("forecast.lower.process"))
    return lines
