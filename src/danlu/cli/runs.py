"""``danlu runs``: what was trained, newest first."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from danlu.cli._ending import decimal
from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import say

USAGE = "[FOLDER]"


def arguments(parser: Parser) -> None:
    parser.add_argument("folder", nargs="*", metavar="FOLDER", help=say("cli.runs.folder"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    folder = parser.only("FOLDER", options.folder or ["runs"])
    from danlu import runs

    found = runs.find(folder)
    if found:
        heads = [say(f"cli.runs.{name}") for name in ("name", "task", "status", "begun", "result", "baseline")]
        out.table(heads, [_cells(row) for row in found])
    else:
        out.line(say("cli.runs.none", folder=folder))
    out.result(found)
    return DONE


def _cells(row: Mapping[str, Any]) -> list[str]:
    begun = datetime.fromtimestamp(row["modified"]).strftime("%Y-%m-%d %H:%M")
    result = row.get("problem") or next((f"{name} {decimal(value)}" for name, value in _by_worth(row["metrics"])), "")
    return [row["name"], row["task"], say(f"cli.status.{row['status']}"), begun, result, _baseline(row.get("compared"))]


def _baseline(told: Mapping[str, Any] | None) -> str:
    """The best baseline with its figure, and whether the net beats it."""
    if told is None:
        return ""
    from danlu.watch.verdict import baseline_name

    best = f"{baseline_name(told['best'])} {decimal(told['baselines'][told['best']])}"
    return best if told["beaten"] else say("cli.runs.not-beaten", baseline=best)


def _by_worth(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """The test part first, and in it what is no loss."""
    return sorted(metrics.items(), key=lambda item: ("test/" not in item[0], "loss" in item[0]))
