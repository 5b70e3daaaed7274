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
    from danlu.training.events import Compared
    from danlu.watch.verdict import baseline_name, verdict

    intervals, baselines = judged["intervals"], judged["baselines"]
    rows = [
        (
            name,
            decimal(value),
            " – ".join(map(decimal, intervals[name])) if name in intervals else "",
            *(decimal(entry["values"][name]) if name in entry["values"] else "" for entry in baselines.values()),
        )
        for name, value in judged["values"].items()
    ]
    heads = [
        say("cli.metric"),
        say("cli.metric-value"),
        say("cli.interval", confidence=percent(judged["confidence"])),
        *map(baseline_name, baselines),
    ]
    out.table(heads, rows, right=[1, *range(3, len(heads))])
    out.line(say("cli.samples", samples=judged["samples"]))
    if judged["verdict"] is not None:
        out.line(verdict(Compared(**judged["verdict"])))
    for warning in judged["warnings"]:
        out.aside(warning)
    if judged["note"]:
        out.aside(judged["note"])
    out.result(judged)
    return DONE
