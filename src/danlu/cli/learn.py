"""``danlu learn [RUN]``: the page with diagrams and lessons, until Ctrl-C."""

from __future__ import annotations

import argparse

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.messages import say

USAGE = "[RUN] [--port N] [--host ADDRESS] [--open]"
HOST = "127.0.0.1"


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("cli.learn.run"))
    parser.add_argument("--port", metavar="N", help=say("cli.learn.port"))
    parser.add_argument("--host", metavar="ADDRESS", default=HOST, help=say("cli.learn.host", host=HOST))
    parser.add_argument("--open", action="store_true", help=say("cli.learn.open"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    import re
    import sys
    from pathlib import Path

    path = Path(parser.only("RUN", options.path)) if options.path else None
    port = None if options.port is None else int(options.port) if re.fullmatch("[0-9]{1,5}", options.port) else 0
    if port is not None and not 1 <= port <= 65535:
        raise parser.mistake(say("studio.bad-port", port=options.port))
    from danlu.studio.serve import exposed, open_browser, serve
    from danlu.studio.subject import Subject

    subject = Subject(path)

    def ready(url: str) -> None:
        out.line(say("studio.serving", url=url))
        out.line(say("studio.about-builtin") if subject.name is None else say("studio.about-run", name=subject.name))
        out.result({"url": url, "run": subject.name})
        sys.stdout.flush()
        if exposed(options.host):
            out.aside(say("studio.exposed"))
        if options.open and not open_browser(url):
            out.aside(say("studio.no-browser"))

    serve(subject, options.host, port, ready)
    out.line()
    out.line(say("studio.ended"))
    return DONE
