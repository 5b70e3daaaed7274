"""``danlu schema``: the recipe's JSON Schema, so that an editor completes and checks recipes."""

from __future__ import annotations

import argparse
import json
import sys

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._writing import write_new
from danlu.messages import say

USAGE = "[-o FILE] [--force]"


def arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help=say("cli.output"))
    parser.add_argument("--force", action="store_true", help=say("cli.force"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    from danlu.recipe import json_schema

    schema = json_schema()
    if options.output is None:
        sys.stdout.write(json.dumps(schema, indent=2) + "\n")  # JSON with and without --json
        return DONE
    path = write_new(options.output, json.dumps(schema, indent=2, ensure_ascii=False) + "\n", options.force)
    out.line(say("cli.wrote", path=path))
    out.result({"path": path})
    return DONE
