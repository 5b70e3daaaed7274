"""``danlu check``: everything before step one, with the time each check took, and the loop as it will run."""

from __future__ import annotations

import argparse
import shlex

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._recipes import USAGE, read_recipe, recipe_arguments
from danlu.cli._screen import preparing
from danlu.messages import say

__all__ = ["USAGE", "arguments", "run"]

arguments = recipe_arguments


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    recipe = read_recipe(parser, options.words)
    from danlu import runs

    with preparing() as progress:
        checked = runs.check(recipe, progress)
    steps = [(_called(name), f"{seconds:.2f}", text) for name, seconds, text in checked.steps]
    out.table([say("cli.check.step"), say("cli.check.seconds"), say("cli.check.found")], steps, right=[1])
    out.line()
    out.table([say("cli.check.slot"), say("cli.check.stands")], [(_called(slot), text) for slot, text in checked.slots])
    for text in (*checked.choices, *checked.warnings):
        out.line(f"· {text}")
    out.line()
    out.line(say("cli.check.good", words=shlex.join(options.words)).rstrip())
    out.result(checked.as_dict())
    return DONE


def _called(name: str) -> str:
    """A check or slot in the reader's language."""
    return say(f"cli.check.{name}")
