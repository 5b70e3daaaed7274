"""``danlu list``: what a recipe can name. Without a group, the names alone (which loads nothing large)."""

from __future__ import annotations

import argparse
from typing import Any

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.messages import choose, say

USAGE = "[GROUP]"
GROUPS = {
    "tasks": "task",
    "nets": "net",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "augmentations": "augmentation",
    "activations": "activation",
    "norms": "norm",
    "kinds": "kind",
    "sources": "source",
}


def arguments(parser: Parser) -> None:
    parser.add_argument("group", nargs="*", metavar="GROUP", help=say("cli.list.group", groups=", ".join(GROUPS)))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    from danlu.recipe import names

    if not options.group:
        known = {group: sorted(names.catalogue(key)) for group, key in GROUPS.items()}
        for group, entries in known.items():
            out.line(f"{group:<14} {', '.join(entries)}")
        out.result(known)
        return DONE
    group = one_of(parser, "GROUP", parser.only("GROUP", options.group), list(GROUPS))
    if group == "tasks":
        return _tasks(out)
    rows = [_entry(GROUPS[group], name, target) for name, target in names.catalogue(GROUPS[group]).items()]
    heads = [say("cli.list.name"), say("cli.list.arguments"), say("cli.list.what")]
    from danlu.cli._descriptions import in_short

    out.table(heads, [(row["name"], ", ".join(map(in_short, row["arguments"])), row["about"]) for row in rows])
    if names.GROUPS[GROUPS[group]].published:
        out.line(say("cli.list.also-nets"))
    elif group not in ("kinds", "sources"):
        out.line(say("cli.list.also-own"))
    out.result(rows)
    return DONE


def _entry(group: str, name: str, target: str) -> dict[str, Any]:
    from danlu.cli import _descriptions
    from danlu.recipe import names

    thing = names.load_object(target)
    supplied = names.GROUPS[group].supplied
    listed = [] if names.GROUPS[group].table else _descriptions.arguments(thing, supplied)
    return {"name": name, "target": target, "about": _descriptions.about(thing), "arguments": listed}


def _tasks(out: Output) -> int:
    from danlu.recipe.names import tasks

    rows = [
        {
            "name": name,
            "title": choose(spec.title),
            "columns": {column: {"kind": what.kind, "role": what.role} for column, what in spec.columns.items()},
            "monitor": spec.monitor[0],
        }
        for name, spec in tasks().items()
    ]
    heads = [say("cli.list.name"), say("cli.list.what"), say("cli.list.columns"), say("cli.list.monitor")]
    shown = []
    for row in rows:
        columns = ", ".join(f"{name} ({column['kind']}, {column['role']})" for name, column in row["columns"].items())
        shown.append((row["name"], row["title"], columns, row["monitor"]))
    out.table(heads, shown)
    out.result(rows)
    return DONE
