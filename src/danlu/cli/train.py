"""``danlu train``: recipe → run, ending with the result, where it lies, and what to try next."""

from __future__ import annotations

import argparse

from danlu.cli._ending import report_run
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._recipes import USAGE, read_recipe, recipe_arguments
from danlu.cli._screen import screen_for

__all__ = ["USAGE", "arguments", "run"]

arguments = recipe_arguments


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    recipe = read_recipe(parser, options.words)
    from danlu import runs

    return report_run(runs.train(recipe, screen=screen_for(out)), out)
