"""``danlu compare RUN RUN…``: what differs between runs, and what difference it made on the same samples."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from danlu.cli._ending import decimal, percent
from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.evaluation.comparison import Comparison, Pair
    from danlu.evaluation.differences import Difference

USAGE = "RUN RUN [RUN…] [--part PART] [--most N]"
MOST = 20  # ids of a list


def arguments(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="RUN", help=say("cli.compare.runs"))
    parser.add_argument("--part", default="test", metavar="PART", help=say("cli.compare.part"))
    parser.add_argument("--most", default=str(MOST), metavar="N", help=say("cli.compare.most", most=MOST))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    if len(options.paths) < 2:
        raise parser.mistake(say("cli.compare.two"))
    if not options.most.isdigit():
        raise parser.mistake(say("cli.not-one-of", option="--most", value=options.most, allowed="0, 1, 2, …"))
    from danlu.evaluation.comparison import compare

    found = compare(*options.paths, part=options.part)
    out.line(found.sentence())
    _differences(found, out)
    for pair in found.pairs:
        _pair(pair, int(options.most), out)
    out.result(found.as_dict(int(options.most)))
    return DONE


def _differences(found: Comparison, out: Output) -> None:
    """A table of each group of things that differ; nothing for groups where all is the same."""
    groups: Iterable[tuple[str, Sequence[Difference]]] = (
        (say("cli.compare.recipe"), found.recipe),
        (say("cli.compare.data"), found.data),
        (say("cli.compare.environment"), found.environment),
    )
    from danlu.recipe.writing import shown

    for title, rows in groups:
        if rows:
            out.line()
            cells = [[row.key, *("–" if value is None else shown(value) for value in row.values)] for row in rows]
            out.table([title, *found.names], cells)


def _pair(pair: Pair, most: int, out: Output) -> None:
    if not pair.metrics:
        return
    out.line()
    heads = [
        say("cli.compare.on", samples=f"{pair.shared:,}"),
        pair.first,
        pair.other,
        say("cli.compare.difference"),
        say("cli.interval", confidence=percent(pair.confidence)),
    ]
    rows = [
        (
            metric.name,
            decimal(metric.first),
            decimal(metric.other),
            f"{metric.difference:+.4f}",
            " – ".join(map(decimal, metric.interval)),
        )
        for metric in pair.metrics
    ]
    out.table(heads, rows, right=[1, 2, 3])
    if pair.flips is None:
        return
    out.line()
    for key, ids in (("cli.compare.lost", pair.flips.lost), ("cli.compare.won", pair.flips.won)):
        listed = ", ".join(ids[:most]) + (", …" if len(ids) > most else "")
        out.line(
            say(key, count=f"{len(ids):,}", first=pair.first, other=pair.other) + (f": {listed}" if listed else "")
        )
    out.line(say("cli.compare.mcnemar", p=f"{pair.flips.p:.3g}"))
