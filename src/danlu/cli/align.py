"""``danlu align FOLDER OUT``: faces found by their landmarks, turned upright and written, a folder for each person as before."""

from __future__ import annotations

import argparse
from pathlib import Path

from danlu.cli._faults import DONE, SOME_FAILED
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import choose, say

USAGE = "FOLDER OUT [--size PIXELS] [--weights FOLDER]"


def arguments(parser: Parser) -> None:
    from danlu.tasks.face_recognition.align import texts

    parser.add_argument("words", nargs="*", metavar="FOLDER OUT", help=choose(texts.WORDS))
    parser.add_argument("--size", metavar="PIXELS", default="112", help=choose(texts.SIZE))
    parser.add_argument("--weights", metavar="FOLDER", help=choose(texts.FOLDER))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    if len(options.words) != 2:
        raise parser.mistake(say("cli.missing", argument="OUT" if options.words else "FOLDER"))
    if not options.size.isdecimal() or not 16 <= int(options.size) <= 1024:
        raise parser.mistake(say("cli.not-one-of", option="--size", value=options.size, allowed="16 … 1024"))
    from danlu.tasks.face_recognition.align import texts
    from danlu.tasks.face_recognition.align.folder import align

    source, target = options.words
    done = failed = 0
    for name, reason in align(source, target, int(options.size), Path(options.weights) if options.weights else None):
        done, failed = done + (not reason), failed + bool(reason)
        if reason:
            out.aside(f"{name}: {reason}")
    out.line(choose(texts.DONE).format(done=done, path=target, failed=failed))
    out.result({"done": done, "failed": failed, "path": target})
    return SOME_FAILED if failed else DONE
