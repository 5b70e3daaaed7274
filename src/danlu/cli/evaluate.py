"""``danlu evaluate RUN``: the run's best weights on one part of its data, or on other data."""

from __future__ import annotations

import argparse
from typing import Any

from danlu.cli._ending import decimal, percent
from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.cli._screen import preparing
from danlu.messages import say

USAGE = "RUN [--part train|val|test] [--data SOURCE]"
PARTS = ("train", "val", "test")


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("cli.run"))
    parser.add_argument("--part", default="test", metavar="PART", help=say("cli.evaluate.part"))
    parser.add_argument("--data", metavar="SOURCE", help=say("cli.evaluate.data"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    path = parser.only("RUN", options.path)
    part: Any = one_of(parser, "--part", options.part, PARTS)
    from danlu import runs

    with preparing() as progress:
        judged = runs.evaluate(path, part, options.data, progress)
    intervals = judged["intervals"]
    rows = [
        (name, decimal(value), " – ".join(map(decimal, intervals[name])) if name in intervals else "")
        for name, value in judged["values"].items()
    ]
    heads = [
        say("cli.metric"),
        say("cli.metric-value"),
        say("cli.interval", confidence=percent(judged.get("confidence", 0.95))),
    ]
    out.table(heads, rows, right=[1])
    out.line(say("cli.samples", samples=judged["samples"]))
    out.result(judged)
    return DONE
