"""``danlu export RUN``: what is deployed, proven equal to the run."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.messages import say

USAGE = "RUN [--out FOLDER] [--weights best|last] [--inputs PATH] [--licence TEXT] [--replace]"
WEIGHTS = ("best", "last")


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("cli.run"))
    parser.add_argument("--out", metavar="FOLDER", help=say("cli.export.out"))
    parser.add_argument("--weights", metavar="|".join(WEIGHTS), help=say("cli.export.weights"))
    parser.add_argument("--inputs", metavar="PATH", action="append", help=say("cli.export.inputs"))
    parser.add_argument("--licence", metavar="TEXT", help=say("cli.export.licence"))
    parser.add_argument("--replace", action="store_true", help=say("cli.export.replace"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    path = parser.only("RUN", options.path)
    weights: Any = None if options.weights is None else one_of(parser, "--weights", options.weights, WEIGHTS)
    from danlu.deploy.asking import example
    from danlu.deploy.export import export

    folder = export(
        path,
        options.out,
        weights=weights,
        inputs=options.inputs or (),
        licence=options.licence,
        replace=options.replace,
        tell=lambda text: out.aside(f"{text} …"),
    )
    described = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    parity = described["parity"]
    proven = {"samples": parity["samples"], "equal": parity["equal_answers"]}
    out.line(say("cli.export.proven", difference=f"{parity['largest_difference']:.1e}", **proven))
    near = parity["near_a_threshold"]
    if near:
        out.line(say("cli.export.near", count=len(near), names=", ".join(near[:5])))
    decoder = described["decoder"]["class"]
    if not decoder.startswith("danlu."):
        out.line(say("cli.export.foreign", name=decoder))
    out.line(say("cli.export.folder", path=folder, size=_megabytes(folder)))
    out.line(say("cli.export.try", path=shlex.quote(str(folder)), input=example(described["task"])))
    out.result({"artifact": folder, "parity": parity, "bytes": _bytes(folder)})
    return DONE


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _megabytes(folder: Path) -> str:
    return f"{_bytes(folder) / 1e6:.1f}"
