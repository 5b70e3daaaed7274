"""``danlu resume RUN``: goes on from the newest sound checkpoint, bit for bit as if nothing had happened."""

from __future__ import annotations

import argparse

from danlu.cli._ending import report_run
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._screen import screen_for
from danlu.messages import say

USAGE = "RUN"


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("cli.run"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    path = parser.only("RUN", options.path)
    from danlu import runs

    return report_run(runs.resume(path, screen=screen_for(out)), out)
