"""``danlu predict RUN INPUT…``: one answer a line, as soon as it is known."""

from __future__ import annotations

import argparse

from danlu.cli._faults import DONE, SOME_FAILED
from danlu.cli._output import Output, to_json
from danlu.cli._parser import Parser
from danlu.errors import DataError
from danlu.messages import say

USAGE = "RUN INPUT…"


def arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="RUN INPUT…", help=f"{say('cli.run')}; {say('cli.predict.inputs')}")
    parser.epilog = say("cli.predict.json")


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    words = options.words
    if len(words) < 2:
        raise parser.mistake(say("cli.missing", argument="INPUT" if words else "RUN"))
    from danlu import runs

    total = failed = 0
    for answer in runs.predict(words[0], words[1:]):
        total += 1
        if "error" in answer:
            failed += 1
            out.aside(f"{answer['input']}: {answer['error']}")
        else:
            out.line(_as_line(answer))
        out.result(answer)
    if total == 0:
        raise DataError.of(", ".join(words[1:]), say("cli.predict.nothing"))
    if failed:
        out.aside(say("cli.predict.failed", failed=failed, total=total))
    return SOME_FAILED if failed else DONE


def _as_line(answer: dict[str, object]) -> str:
    """``photo.png<TAB>cat<TAB>0.97``: scalars as they are, anything larger as ``name=JSON``."""
    import sys

    cells = []
    for name, value in answer.items():
        if isinstance(value, float):
            cells.append(f"{value:.4f}")
        elif isinstance(value, (str, int)):
            cells.append(str(value))
        else:
            cells.append(f"{name}={to_json(value, sys.stdout)}")
    return "\t".join(cells)
