"""``danlu report RUN``: everything about a run on one page that can be opened anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser
from danlu.errors import DanluError
from danlu.messages import say

USAGE = "RUN [-o FILE] [--force] [--open]"


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("cli.run"))
    parser.add_argument("-o", "--output", metavar="FILE", help=say("cli.report.output"))
    parser.add_argument("--force", action="store_true", help=say("cli.force"))
    parser.add_argument("--open", action="store_true", help=say("cli.report.open"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    path = parser.only("RUN", options.path)
    target = None if options.output is None else _target(options.output, path, options.force)
    from danlu.report import write_report

    written = write_report(path, target)
    size = written.stat().st_size
    out.line(say("cli.report.written", path=written, size=f"{size / 1000:,.0f}"))
    if options.open:
        from danlu.studio.serve import open_browser

        if not open_browser(written.resolve().as_uri()):
            out.aside(say("cli.report.no-browser"))
    out.result({"report": written, "bytes": size})
    return DONE


def _target(named: str, run: str, force: bool) -> Path:
    """The file that a person named, or the run's name in a folder that they named. What is there and is no report is spared."""
    from danlu.report.page import is_report

    target = Path(named)
    if target.is_dir():
        target /= f"{Path(run).resolve().name}.html"
    if target.exists() and not force and not is_report(target):
        raise DanluError.of(str(target), say("cli.exists"), say("cli.choose-another"))
    return target
