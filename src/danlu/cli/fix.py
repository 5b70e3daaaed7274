"""``danlu fix RUN``: what ails a run, with its evidence, and a new recipe that mends it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danlu.cli._faults import DONE
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.cli._writing import write_new
from danlu.errors import Problem
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.runs import Run
    from danlu.watch.health.verdict import Verdict

USAGE = "RUN [--apply NAME…|all] [-o FILE] [--force]"
ALL = "all"


def arguments(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="RUN", help=say("health.fix.run"))
    parser.add_argument("--apply", nargs="+", metavar="NAME", default=[], help=say("health.fix.apply"))
    parser.add_argument("-o", "--output", metavar="FILE", help=say("health.fix.output"))
    parser.add_argument("--force", action="store_true", help=say("cli.force"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    path = parser.only("RUN", options.path)
    from danlu.runs import Run, health

    found = Run(path)
    problems: list[Problem] = []
    verdicts = health(found, problems)
    for problem in problems:
        out.aside(str(problem))
    if not options.apply:
        if options.output is not None or options.force:
            raise parser.mistake(say("health.fix.nothing-named"), say("health.fix.nothing-named.remedy"))
        _tell(found, verdicts, out)
        out.result({"run": found.path, "verdicts": verdicts})
        return DONE
    chosen = _chosen(parser, verdicts, options.apply)
    from danlu.recipe.writing import shown
    from danlu.runs.fixing import fix

    fixed = fix(found, chosen)
    target = write_new(options.output or f"{found.path.name}-fixed.yaml", fixed.text, options.force)
    for change in fixed.changes:
        was = say("health.fix.was", before="–" if change.before is None else shown(change.before))
        out.line(f"{change.key}: {shown(change.value)}   # {', '.join(change.verdicts)} {was}")
    out.line()
    out.line(say("health.fix.written", path=target))
    out.line(f"  danlu train {shlex.quote(str(target))}")
    changes = [
        {"key": change.key, "value": shown(change.value), "before": shown(change.before), "verdicts": change.verdicts}
        for change in fixed.changes
    ]
    out.result({"run": found.path, "verdicts": verdicts, "changes": changes, "written": target})
    return DONE


def _chosen(parser: Parser, verdicts: Sequence[Verdict], names: Sequence[str]) -> list[Verdict]:
    known = [verdict.name for verdict in verdicts]
    if not known:
        raise parser.mistake(say("health.fix.healthy"), say("health.fix.nothing-to-mend"))
    if ALL in names:
        return list(verdicts)
    wanted = [one_of(parser, "--apply", name, [*known, ALL]) for name in names]
    return [verdict for verdict in verdicts if verdict.name in wanted]


def _tell(found: Run, verdicts: Sequence[Verdict], out: Output) -> None:
    """Each verdict with its evidence, remedy and patch; then how to apply them."""
    if not verdicts:
        out.line(say("health.fix.healthy"))
        missing = _unseen(found)
        if missing:
            out.line(missing)
        return
    from danlu.recipe.writing import shown
    from danlu.watch.health.verdict import ailment

    for verdict in verdicts:
        out.line(ailment(verdict.severity, verdict.name, verdict.text))
        for evidence in verdict.evidence:
            out.line(f"  · {evidence.text}")
        out.line(f"  {say('health.fix.remedy', remedy=verdict.remedy)}")
        for key, value in verdict.patch.items():
            out.line(f"    {key}: {shown(value)}")
        out.line()
    mended = [verdict.name for verdict in verdicts if verdict.patch]
    if not mended:
        out.line(say("health.fix.no-patch"))
        return
    path = shlex.quote(str(found.path))
    out.line(say("health.fix.how"))
    out.line(
        f"  danlu fix {path} --apply {mended[0] if len(mended) == 1 else ALL} -o {Path(found.path).name}-fixed.yaml"
    )


def _unseen(found: Run) -> str:
    """That nothing was seen inside the net, where that is so."""
    return "" if any(found.folder.captures.glob("parameters*.parquet")) else say("health.fix.unseen")
