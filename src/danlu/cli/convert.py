"""``danlu convert SOURCE FORMAT FOLDER``: images with boxes, in whatever format, written as COCO, YOLO or VOC."""

from __future__ import annotations

import argparse

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import say

USAGE = "SOURCE coco|yolo|voc FOLDER [--from FORMAT]"


def arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="SOURCE FORMAT FOLDER", help=say("boxes.convert.words"))
    parser.add_argument("--from", dest="given", metavar="FORMAT", default="auto", help=say("boxes.convert.from"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    names = ("SOURCE", "FORMAT", "FOLDER")
    if len(options.words) < len(names):
        raise parser.mistake(say("cli.missing", argument=names[len(options.words)]))
    from danlu.data.writing.boxes import FORMATS

    source, form, folder, *rest = options.words
    if rest or form not in FORMATS:
        value = rest[0] if rest else form
        raise parser.mistake(say("cli.not-one-of", option="FORMAT", value=value, allowed=", ".join(FORMATS)))
    from danlu.data.writing.converting import convert

    done = convert(source, options.given, form, folder)
    for where, told in done.told:
        out.aside(f"{where}: {told}")
    out.line(say("boxes.convert.done", images=done.images, boxes=done.boxes, path=done.path))
    out.result(
        {"images": done.images, "boxes": done.boxes, "path": done.path, "told": [list(row) for row in done.told]}
    )
    return DONE
