"""``danlu inspect RUN|FILE [INPUT…]``: weights, what each layer gives out, two of a kind side by side."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.cli._worded import asked_by
from danlu.messages import say

USAGE = "RUN|FILE [RUN|FILE | INPUT…] [--samples N]"
SAMPLES = 16


def arguments(parser: Parser) -> None:
    parser.add_argument("what", nargs="?", metavar="RUN|FILE", help=say("cli.inspect.what"))
    parser.add_argument("others", nargs="*", metavar="RUN|FILE|INPUT", help=say("cli.inspect.others"))
    parser.add_argument("--samples", default=str(SAMPLES), metavar="N", help=say("cli.inspect.samples", most=SAMPLES))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    if options.what is None:
        raise parser.mistake(say("cli.missing", argument="RUN"))
    if not options.samples.isdecimal() or not int(options.samples):
        raise parser.mistake(say("cli.not-one-of", option="--samples", value=options.samples, allowed="1, 2, 3, …"))
    from danlu.runs.inspecting import inspect, is_run
    from danlu.runs.tensor_files import ENDINGS

    what: Any = options.what
    others: list[Any] = options.others
    of_its_kind = len(others) == 1 and (is_run(others[0]) or others[0].lower().endswith(ENDINGS))
    if others and not of_its_kind and is_run(what) and asked_by(what) != "file":
        from danlu.deploy.asking import raws
        from danlu.runs.predicting import load

        what = load(what)
        others = [raw for _, raw in islice(raws(what, others, out.aside), int(options.samples))]
    other = None if not others else others[0] if of_its_kind else others
    found = inspect(what, other, samples=int(options.samples))
    for text in str(found).splitlines():
        out.line(text)
    out.result(found.as_dict())
    return DONE
