"""``danlu predict RUN|ARTIFACT INPUT…``: one answer a line, as soon as it is known. An artifact answers without torch."""

from __future__ import annotations

import argparse

from danlu.cli._faults import DONE, SOME_FAILED
from danlu.cli._output import Output, to_json
from danlu.cli._parser import Parser
from danlu.messages import say

USAGE = "RUN|ARTIFACT INPUT… [-o FOLDER] [--rank] [--device cpu|cuda] [--threads N] [--allow-code]"


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN|ARTIFACT INPUT…",
        help=f"{say('cli.predict.path')}; {say('cli.predict.inputs')}",
    )
    parser.add_argument("-o", "--out", metavar="FOLDER", help=say("cli.predict.out"))
    parser.add_argument("--rank", action="store_true", help=say("cli.predict.rank"))
    parser.add_argument("--device", metavar="cpu|cuda", default="cpu", help=say("cli.predict.device"))
    parser.add_argument("--threads", metavar="N", help=say("cli.predict.threads"))
    parser.add_argument("--allow-code", action="store_true", help=say("cli.predict.allow-code"))
    parser.epilog = say("cli.predict.json")


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    words = options.words
    if len(words) < 2:
        raise parser.mistake(say("cli.missing", argument="INPUT" if words else "RUN"))
    threads = None
    if options.threads is not None:
        if not options.threads.isdecimal() or not int(options.threads):
            raise parser.mistake(say("cli.not-one-of", option="--threads", value=options.threads, allowed="1, 2, 3, …"))
        threads = int(options.threads)
    from danlu.cli._masks import Masks
    from danlu.deploy.loading import predict

    total = failed = 0
    given = words[1:]
    masks = None if options.out is None else Masks(options.out, given)
    more = {"threads": threads, "allow_code": options.allow_code, "rank": options.rank, "tell": out.aside}
    for answer in predict(words[0], given, options.device, **more):
        total += 1
        answer = answer if masks is None else masks.write(answer)
        if "error" in answer:
            failed += 1
            out.aside(f"{answer['input']}: {answer['error']}")
        else:
            out.line(_as_line(answer))
        out.result(answer)
    if masks is not None:
        written = say("cli.predict.masks", count=masks.count, path=options.out)
        out.aside(written if masks.count else say("cli.predict.no-masks", path=options.out))
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
