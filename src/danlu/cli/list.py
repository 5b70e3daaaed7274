"""``danlu list``: what a recipe can name. Without a group, the names alone (which loads nothing large)."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.cli._wrapping import cells, padded, wrap
from danlu.messages import choose, say
from danlu.messages.texts.names import TEXTS

USAGE = "[GROUP]"
WEIGHTS = "weights"
GROUPS = {
    "tasks": "task",
    "nets": "net",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "unfreezing": "unfreeze",
    "adapters": "adapter",
    "augmentations": "augmentation",
    "activations": "activation",
    "norms": "norm",
    "kinds": "kind",
    "sources": "source",
}
CONFIGURED = (
    "nets",
    "losses",
    "optimizers",
    "schedules",
    "unfreezing",
    "adapters",
    "augmentations",
)  # those that a recipe gives arguments


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "group", nargs="*", metavar="GROUP", help=say("cli.list.group", groups=", ".join([*GROUPS, WEIGHTS]))
    )


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    from danlu.recipe import names

    if not options.group:
        known = {group: sorted(names.catalogue(key)) for group, key in GROUPS.items()}
        for group, entries in known.items():
            out.line(f"{group:<14} {', '.join(entries)}")
        out.result(known)
        return DONE
    group = one_of(parser, "GROUP", parser.only("GROUP", options.group), [*GROUPS, WEIGHTS])
    if group == WEIGHTS:
        return _weights(out)
    if group == "tasks":
        return _tasks(out)
    asked = names.GROUPS[GROUPS[group]]
    rows = [_entry(GROUPS[group], name, target) for name, target in names.catalogue(GROUPS[group]).items()]
    _show(rows, out)
    if asked.published:
        _also(say("cli.list.also-nets"), out)
    elif group in CONFIGURED or asked.table:
        _also(say("cli.list.also-own"), out)
    out.result(rows)
    return DONE


def _entry(group: str, name: str, target: str) -> dict[str, Any]:
    from danlu.cli import _descriptions
    from danlu.recipe import names

    thing = names.load_object(target)
    key = f"names.{group}.{name}"
    about = say(key) if key in TEXTS else _descriptions.about(thing)
    row: dict[str, Any] = {"name": name, "target": target, "about": about}
    if group in map(GROUPS.get, CONFIGURED):
        row["arguments"] = _descriptions.arguments(thing, names.GROUPS[group].supplied)
    return row


def _also(text: str, out: Output) -> None:
    for line in wrap(text, _width()):
        out.line(line)


def _width() -> int:
    return max(60, shutil.get_terminal_size().columns)


def _show(rows: Sequence[Mapping[str, Any]], out: Output) -> None:
    """Each name with what it is; below it, its arguments as a recipe writes them, with what is allowed."""
    from danlu.cli._descriptions import as_yaml

    indent = max((cells(row["name"]) for row in rows), default=0) + 2
    width = _width()
    for row in rows:
        given = [(f"{one['name']}: {as_yaml(one)}", one["allowed"]) for one in row.get("arguments", ())]
        middle = max((cells(text) for text, _ in given), default=0) + 2
        blocks = [(padded(row["name"], indent), wrap(row["about"], width - indent))]
        inner = width - indent - middle
        blocks += [(" " * indent + padded(text, middle), wrap(what, inner)) for text, what in given]
        for head, lines in blocks:
            out.line(f"{head}{lines[0] if lines else ''}".rstrip())
            for line in lines[1:]:
                out.line(" " * cells(head) + line)
        if any("arguments" in each for each in rows):
            out.line()


def _weights(out: Output) -> int:
    """What ``model.pretrained`` can be had from without a network."""
    from danlu.nn.offline import available

    found = list(available())
    if found:
        out.table(
            [say("cli.list.weights.name"), say("cli.list.weights.home"), say("cli.list.weights.size")],
            [(each.name, each.home, f"{each.size / 1e6:.1f} MB") for each in found],
        )
    else:
        out.line(say("cli.list.no-weights"))
    out.result([{"name": each.name, "home": each.home, "path": str(each.path), "bytes": each.size} for each in found])
    return DONE


def _tasks(out: Output) -> int:
    from danlu.recipe.names import tasks

    known = tasks()
    heads = [say("cli.list.name"), say("cli.list.what"), say("cli.list.columns"), say("cli.list.monitor")]
    rows = []
    for name, spec in known.items():
        columns = ", ".join(f"{column} ({what.kind}, {what.role})" for column, what in spec.columns.items())
        rows.append((name, choose(spec.title), columns, spec.monitor[0]))
    out.table(heads, rows)
    out.result(
        [
            {
                "name": name,
                "about": choose(spec.title),
                "columns": {column: {"kind": what.kind, "role": what.role} for column, what in spec.columns.items()},
                "monitor": spec.monitor[0],
            }
            for name, spec in known.items()
        ]
    )
    return DONE
