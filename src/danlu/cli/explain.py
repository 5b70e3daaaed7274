"""``danlu explain RUN INPUT…``: what answers rest on, of images as pictures, of texts as their words."""

from __future__ import annotations

import argparse
from pathlib import Path

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.cli._worded import METHOD, explain_texts, takes_texts
from danlu.errors import DanluError
from danlu.messages import say

USAGE = "RUN IMAGE|TEXT… [--method METHOD] [--class NAME] [--layer NAME] [--beside IMAGE] [-o FOLDER]"
_OF_IMAGES = ("method", "layer", "beside", "out")
METHODS = ("grad-cam", "integrated-gradients", "occlusion", "roll-out")


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="RUN IMAGE|TEXT…", help=f"{say('cli.run')}; {say('explain.inputs')}"
    )
    parser.add_argument("--method", metavar="METHOD", help=say("explain.method", methods=", ".join(METHODS)))
    parser.add_argument("--class", dest="target", metavar="NAME", help=say("explain.class"))
    parser.add_argument("--layer", metavar="NAME", help=say("explain.layer"))
    parser.add_argument("--beside", metavar="IMAGE", help=say("explain.beside"))
    parser.add_argument("-o", "--out", metavar="FOLDER", help=say("explain.out"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    words = options.words
    if len(words) < 2:
        raise parser.mistake(say("cli.missing", argument="INPUT" if words else "RUN"))
    method = one_of(parser, "--method", options.method or METHODS[0], METHODS)
    if takes_texts(words[0]):
        for name in _OF_IMAGES:
            if getattr(options, name) not in (None, METHOD):
                raise DanluError.of(f"--{name}", say("explain.of-texts"), say("explain.of-texts.remedy"))
        explain_texts(words[0], words[1:], options.target, out)
        return DONE
    from danlu.evaluation.explain.explaining import explain

    found = explain(
        words[0],
        words[1:],
        method=method,
        target=options.target,
        layer=options.layer,
        beside=options.beside,
    )
    folder = Path(words[0]) / "explanations" if options.out is None else Path(options.out)
    names: dict[str, int] = {}
    told = []
    for one in found:
        stem = f"{Path(one.input).stem}-{one.method}"
        names[stem] = names.get(stem, 0) + 1
        path = one.save(folder / f"{stem if names[stem] == 1 else f'{stem}-{names[stem]}'}.png")
        score = f"{one.score:.4g}"
        out.line(say("explain.line", input=one.input, method=one.method, target=one.target, score=score, picture=path))
        for note in one.notes:
            out.line(f"  {note}")
        told.append(one.as_dict() | {"picture": path})
    out.result(told)
    return DONE
