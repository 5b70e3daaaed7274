"""How a run ends for a person: the result with its interval, where it lies, and what to try next."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from danlu.cli._faults import DONE, INTERRUPTED
from danlu.cli._output import Output, plain
from danlu.cli._wrapping import cells
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.runs import Run
    from danlu.training.events import Compared


def report_run(run: Run, out: Output) -> int:
    """Writes its report and says how ``run`` ended; returns the exit code (130 where it was interrupted)."""
    from danlu.report.after import report_after

    page = report_after(run, out.aside)
    from danlu.deploy.asking import example
    from danlu.watch.health.verdict import ailment
    from danlu.watch.verdict import untrained

    path = shlex.quote(str(run.path))
    told = run.compared() or run.compared("val")
    out.result(
        {
            "run": run.path,
            "status": run.status,
            "skipped": run.skipped,
            "metrics": dict(run.metrics),
            "intervals": dict(run.intervals),
            "compared": told,
            "health": run.ailments,
            "report": page,
        }
    )
    if run.status == "interrupted":
        out.aside(f"{say('cli.interrupted')} {say('cli.resume-this', path=path)}")
        return INTERRUPTED
    out.line()
    found = _headline(run.metrics)
    for name, value in found.items():
        shown = name.ljust(max(map(len, found)))
        out.line(with_interval(shown, value, run.intervals.get(name), run.recipe.evaluate.confidence))
    if told is not None:
        tell_verdict(told, out)
    elif (before := untrained(run.metrics, "test") or untrained(run.metrics, "val")) is not None:
        out.line(before[1])
    for one in run.ailments:
        out.line(ailment(one["severity"], one["name"], one["text"]))
    if run.skipped:
        out.line(say("nonfinite.left-out", count=run.skipped))
    out.line(say("cli.run-folder", path=run.path))
    if page is not None:
        out.line(say("cli.report", path=page))
    out.line()
    out.line(say("cli.next"))
    commands = {f"danlu fix {path}": say("health.next")} if run.ailments else {}
    commands |= {
        f"danlu predict {path} {example(run.recipe.task)}": say("cli.next.predict"),
        f"danlu evaluate {path} --part val": say("cli.next.evaluate"),
        f"danlu export {path}": say("cli.next.export"),
        _longer(run, path): say("cli.next.longer"),
    }
    width = max(map(cells, commands))
    for command, what in commands.items():
        out.line(f"  {command}{' ' * (width - cells(command))}   # {what}")
    return DONE


def tell_verdict(found: Compared, out: Output) -> None:
    """Whether the net beats its baselines, and their figures."""
    from danlu.watch.verdict import beside, verdict

    out.line(verdict(found))
    out.line(say("evaluation.beside", baselines=beside(found)))


def _longer(run: Run, path: str) -> str:
    """The same recipe with twice the epochs, under a name that is free where the user chose one."""
    name = f" run.name={shlex.quote(run.recipe.run.name + '-longer')}" if run.recipe.run.name else ""
    return f"danlu train {path}/recipe.yaml train.epochs={2 * run.recipe.train.epochs}{name}"


def _headline(metrics: Mapping[str, float]) -> dict[str, float]:
    """The test part's metrics without its loss; where there is no test part, whatever there is."""
    test = {name: value for name, value in metrics.items() if name.startswith("test/") and "loss" not in name}
    return test or dict(metrics)


def with_interval(name: str, value: float, interval: tuple[float, float] | None, confidence: float) -> str:
    if interval is None:
        return say("cli.value", name=name, value=decimal(value))
    low, high = map(decimal, interval)
    return say(
        "cli.value-with-interval", name=name, value=decimal(value), low=low, high=high, confidence=percent(confidence)
    )


def decimal(value: float | None) -> str:
    """Four digits for people; an empty cell for what is undefined."""
    if plain(value) is None or value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 1000 or math.isinf(value) else f"{value:.4g}"


def percent(share: float) -> str:
    """``95 %``."""
    return f"{100 * share:g} %"
