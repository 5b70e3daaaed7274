"""``danlu runs``: what was trained, newest last."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from danlu.cli._ending import decimal
from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import say

USAGE = "[FOLDER]"
COLUMNS = ("name", "task", "status", "started")


def arguments(parser: Parser) -> None:
    parser.add_argument("folder", nargs="*", metavar="FOLDER", help=say("cli.runs.folder"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    folder = parser.only("FOLDER", options.folder or ["runs"])
    from danlu import runs

    found = runs.find(folder)
    if found:
        heads = [say(f"cli.runs.{name}") for name in (*COLUMNS, "result")]
        out.table(heads, [[*(str(row.get(name) or "") for name in COLUMNS), _result(row)] for row in found])
    else:
        out.line(say("cli.runs.none", folder=folder))
    out.result(found)
    return DONE


def _result(row: Mapping[str, Any]) -> str:
    """``test/accuracy 0.9163``: the run's main number, of the test part where it was judged, else of the best evaluation."""
    metrics = row.get("metrics") or {}
    return "  ".join(f"{name} {decimal(value)}" for name, value in list(metrics.items())[:1])
