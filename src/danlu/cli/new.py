"""``danlu new TASK``: a commented recipe to begin with."""

from __future__ import annotations

import argparse
import sys

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.cli._writing import write_new
from danlu.messages import say
from danlu.recipe.names import tasks

USAGE = "TASK [-o FILE] [--force]"


def arguments(parser: Parser) -> None:
    parser.add_argument("task", nargs="*", metavar="TASK", help=say("cli.new.task", tasks=", ".join(tasks())))
    parser.add_argument("-o", "--output", metavar="FILE", help=say("cli.output"))
    parser.add_argument("--force", action="store_true", help=say("cli.force"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    known = tasks()
    task = one_of(parser, "TASK", parser.only("TASK", options.task), list(known))
    text = known[task].example
    if options.output is None:
        if out.as_json:
            out.result({"task": task, "recipe": text})
        else:
            sys.stdout.write(text)
        return DONE
    path = write_new(options.output, text, options.force)
    out.line(say("cli.new.then", path=path))
    out.result({"task": task, "path": path})
    return DONE
