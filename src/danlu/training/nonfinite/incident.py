"""A step that the guard refused: go back to it, find out why, keep its batch, say so; then stop, or go on behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.events import Event, NonFinite, Said
from danlu.training.meter import Refused
from danlu.training.nonfinite import capture
from danlu.training.nonfinite.diagnosis import diagnose
from danlu.training.nonfinite.finding import Finding, listed
from danlu.training.objective import Objective
from danlu.training.parts import Parts
from danlu.training.plan import Feed, Plan, transformed
from danlu.training.slots.guard import MOST_IN_A_ROW

KEPT = 5  # steps of a run that are explained and whose batches are kept; of later ones only the rows are said


def meet(
    parts: Parts,
    objective: Objective,
    batches: Feed,
    plan: Plan,
    refused: Refused,
    window: Sequence[Batch],
    tell: Callable[[Event], None],
) -> None:
    """Weights, optimiser, average and buffers are as before the step, and progress stands behind it, when this returns.

    window: the step's micro-batches before the batch transforms; empty where the device went on, so they are asked for again.
    Raises TrainingError where the plan says to stop, or after :data:`MOST_IN_A_ROW` steps in a row.
    """
    progress, skips = parts.progress, parts.guard.skips
    parts.guard.take_back()
    parts.update.take_back(refused.step)
    windows = -(-progress.micro // plan.accumulate) - (progress.step - refused.step)  # of the epoch, before the step
    progress.step, progress.micro = refused.step, windows * plan.accumulate
    window = window or list(islice(batches.epoch(progress.epoch, progress.micro), plan.accumulate))
    at = Position(plan.seed, progress.epoch, progress.step)
    micros = [transformed(batch, at, plan) for batch in window]

    stops = plan.non_finite == "stop"
    finding, where = Finding("unknown", reason=say("nonfinite.enough", count=KEPT)), ""
    if stops or skips.total < KEPT:
        finding = diagnose(parts.net, objective, window, micros, plan, parts.precision, at)
        where = _kept(plan, micros, at, refused, finding)
    skips.add(refused.step)
    too_many = skips.in_a_row > MOST_IN_A_ROW
    rows = finding.rows or tuple(int(row) for batch in micros for row in batch.rows[: len(batch)])
    names = [plan.source(row)[1] for row in rows]
    text = say("nonfinite.what", loss=refused.loss, norm=refused.norm, finding=finding.sentence())
    text += f" {_rows(finding, names)}"
    tell(
        NonFinite(
            refused.step, progress.epoch, refused.loss, refused.norm, "stop" if stops or too_many else "skip",
            skips.in_a_row, finding.as_dict(), tuple(names), where, text,
        )
    )  # fmt: skip
    text += " " + where if where else ""
    place = say("nonfinite.place", step=refused.step, epoch=progress.epoch + 1)
    if too_many:
        raise TrainingError.of(place, text + " " + say("nonfinite.too-many", count=MOST_IN_A_ROW), finding.remedy())
    if stops:
        raise TrainingError.of(place, text, finding.remedy())
    progress.step += 1
    progress.micro += len(window)
    tell(
        Said(
            progress.step,
            progress.epoch,
            say("nonfinite.skipped", place=place, what=text, total=skips.total),
            "warning",
        )
    )


def _rows(finding: Finding, names: Sequence[str]) -> str:
    if not finding.rows:
        return say("nonfinite.batch-rows", rows=listed(names))
    return say("nonfinite.holding" if finding.kind in ("column", "transform") else "nonfinite.rows", rows=listed(names))


def _kept(plan: Plan, micros: Sequence[Batch], at: Position, refused: Refused, finding: Finding) -> str:
    """Where the batch is, in words; "" where the plan has no folder for it."""
    if plan.captures is None:
        return ""
    sources = [[_source(plan, int(row)) for row in batch.rows[: len(batch)]] for batch in micros]
    details = {"loss": refused.loss, "norm": refused.norm, "finding": finding.as_dict(), "text": finding.sentence()}
    try:
        folder = capture.keep(plan.captures / f"non-finite-{at.step:06d}", micros, at, sources, details)
    except OSError as error:  # a full disk must not hide what was found
        return say("nonfinite.not-kept", reason=error.strerror or str(error))
    return say("nonfinite.kept", path=folder)


def _source(plan: Plan, row: int) -> dict[str, object]:
    name, place = plan.source(row)
    return {"row": row, "id": name, "place": place}
