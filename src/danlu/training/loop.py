"""The training loop, top to bottom (guide: 训练过程视角, the training-process diagram).

batch → transforms → forward under autocast → terms of the objective → backward → once per effective batch the gradient chain, the
update, the followers, the schedule → tell the watchers → evaluate, keep the best, maybe stop → checkpoint.

What changes the computation stands in ``Parts``, one slot each; watchers are told plain values and can change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.messages import say
from danlu.randomness import Position
from danlu.training import best as best_weights
from danlu.training import checkpoint
from danlu.training.events import (
    CheckpointSaved,
    EpochDone,
    Evaluated,
    Event,
    FitDone,
    FitStarted,
    Said,
    Watcher,
)
from danlu.training.interrupts import Interrupts
from danlu.training.looking import Looks
from danlu.training.nonfinite import incident
from danlu.training.objective import Objective
from danlu.training.parts import Parts
from danlu.training.plan import Feed, Judge, Plan, transformed
from danlu.training.randomness import reseed
from danlu.training.slots.guard import Verdict
from danlu.training.snapshots import snapshot
from danlu.training.windows import Window, Windows


@dataclass(frozen=True)
class Fitted:
    """How training ended. reason: "finished", "early-stop", "interrupted". net: with its last weights (averaged where EMA is on).

    best: values of the best evaluation; best_epoch from 0 (-1 without evaluation). skipped: steps left out because they were NaN or
    infinite.
    """

    net: nn.Module
    reason: str
    steps: int
    best: dict[str, float] = field(default_factory=dict)
    best_epoch: int = -1
    skipped: int = 0


def fit(
    net: nn.Module,
    objective: Objective,
    batches: Feed,
    plan: Plan,
    *,
    judge: Judge | None = None,
    watchers: Sequence[Watcher] = (),
    resume: bool = False,
) -> Fitted:
    """Train ``net`` in place.

    batches: micro-batches by position, on ``plan.device``, where ``net`` already is. judge: evaluates a net after an epoch.
    resume: continue from the newest sound checkpoint under ``plan.checkpoint.folder`` (from the start where there is none).
    Raises TrainingError where loss or gradients are NaN or infinite, RunError where a checkpoint can't be written or doesn't fit.
    """
    steps_per_epoch = -(-len(batches) // plan.accumulate)
    parts = Parts(net, objective, plan, steps_per_epoch)
    progress, meter = parts.progress, parts.meter
    looks = Looks(net, objective, plan.captures_every, watchers, getattr(parts.optimizer, "rows_alone", False))

    def tell(event: Event) -> None:
        for watcher in watchers:
            watcher.on(event)

    def flush(window: Sequence[Batch] = ()) -> bool:
        """Tell what was done; whether steps are to be done again, since the device went on behind one that the guard refused."""
        block, refused = meter.flush(progress.epoch, skips=plan.non_finite == "skip")
        if block is not None:
            tell(block)
        looks.tell(refused.step if refused is not None else None)
        if refused is not None:
            incident.meet(parts, objective, batches, plan, refused, window, tell)
        return refused is not None and not window

    def save() -> None:
        if plan.checkpoint.folder is None:
            return
        parts.guard.approve(progress.step, progress.epoch)
        looks.saving(progress.step, progress.epoch)
        began = time.perf_counter()
        path = checkpoint.save(plan.checkpoint.folder / f"{progress.step:06d}", parts.state())
        checkpoint.prune(plan.checkpoint.folder, plan.checkpoint.keep, progress.step)
        if plan.best_folder is not None:
            best_weights.kept(plan.best_folder)
        tell(CheckpointSaved(progress.step, progress.epoch, str(path), time.perf_counter() - began))

    if resume and plan.checkpoint.folder is not None:

        def warn(text: str) -> None:
            tell(Said(progress.step, progress.epoch, text, "warning"))

        found = checkpoint.newest(plan.checkpoint.folder, warn)
        if found is not None:
            parts.load(found[1])
            progress = parts.progress
            if parts.best is not None and plan.best_folder is not None:
                best_weights.settle(plan.best_folder, plan.checkpoint.folder, parts.best, bool(progress.finished), warn)
            if progress.finished:  # else the next save does it
                checkpoint.prune(plan.checkpoint.folder, plan.checkpoint.keep, progress.step)
    total, nothing = parts.horizon.steps, torch.zeros((), device=plan.device)
    tell(
        FitStarted(
            progress.step,
            progress.epoch,
            total,
            plan.epochs,
            steps_per_epoch,
            int(getattr(batches, "batch_size", 0)) * plan.accumulate,
            slots(parts, plan, objective),
            plan.monitor[0] if plan.monitor and judge else "",
            plan.evaluate_every if judge else 0,
        )
    )
    windows, began = Windows(batches, plan, meter.waited, parts.counting), time.perf_counter()
    with Interrupts() as interrupts, parts.parameters:
        while not progress.finished and progress.epoch < plan.epochs:
            epoch, epoch_began, again = progress.epoch, time.perf_counter(), False
            net.train()
            parts.guard.begin()
            for window in windows.epoch(epoch, progress.micro, lambda: parts.progress.step):
                micros = window.micros
                at = Position(plan.seed, epoch, progress.step)
                parts.parameters.begin(progress.step)
                lr = parts.update.set_rates(progress.step)
                last = progress.step + 1 == total or progress.micro + len(micros) >= len(batches)
                seen, looked, penalty = last or looks.due(progress.step), False, nothing
                refused: Verdict = False
                done = parts.closed.step(micros[0]) if parts.closed is not None and not seen else None
                if done is None:
                    loss, terms, counts = backward(parts, objective, window, plan, epoch)
                    if parts.sharpness is not None:
                        parts.sharpness.climb()
                        backward(parts, objective, window, plan, epoch)
                        parts.sharpness.descend()
                    norm = parts.gradients.finish(parts.optimizer)
                    refused = parts.guard.refuses(loss, norm)
                    penalty = parts.gradients.penalty() if plan.l1 else nothing
                    if last:
                        snapshot(net, progress.step, epoch, watchers)
                    looked = refused is not True and looks.due(progress.step)
                    if looked:
                        looks.before(micros[0], at, parts.precision, parts.gradients.norms())
                    if parts.closed is not None and seen and refused is False:
                        done = parts.closed.step(micros[0])  # as it would have been if nobody had looked
                    if done is None:
                        parts.update.apply(progress.step, refused)
                if done is not None:
                    loss, terms, counts, norm = done
                if looked:
                    looks.after()
                if parts.average is not None:
                    parts.average.follow(progress.step, refused)
                meter.add(progress.step, lr, loss, norm, penalty, terms, counts, sum(map(len, micros)), refused)
                progress.step += 1
                progress.micro += len(micros)
                due = progress.micro < len(batches) and progress.step < total and parts.checkpoint_due(plan)
                if refused is True or due or meter.due():
                    again = flush(window.batches if refused is True else ())
                if again or progress.step >= total or interrupts.asked:
                    break
                if due:
                    save()
            if again or flush():
                continue
            if interrupts.asked and progress.micro < len(batches) and progress.step < total:
                save()
                return _done(parts, "interrupted", began, tell)
            values = meter.epoch() | parts.update.figures()
            tell(EpochDone(progress.step, epoch, values, time.perf_counter() - epoch_began))
            progress.epoch, progress.micro = epoch + 1, 0
            over = progress.epoch == plan.epochs or progress.step >= total
            evaluates = judge is not None and (progress.epoch % plan.evaluate_every == 0 or over)
            if (evaluates or over) and parts.stale:
                parts.refresh(transformed(batch, Position(plan.seed, epoch), plan) for batch in batches.epoch(epoch))
            stops = judge is not None and evaluates and _evaluate(parts, judge, plan, epoch, tell)
            if stops or over:
                progress.finished = "early-stop" if stops else "finished"
            by_epochs = plan.checkpoint.every_epochs is not None and progress.epoch % plan.checkpoint.every_epochs == 0
            if by_epochs or progress.finished or interrupts.asked or parts.checkpoint_due(plan):
                save()
            if interrupts.asked and not progress.finished:
                return _done(parts, "interrupted", began, tell)
    return _done(parts, progress.finished or "finished", began, tell)


def backward(
    parts: Parts, objective: Objective, window: Window, plan: Plan, epoch: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Add up the gradients of an effective batch; its loss (0-d), terms and counts (K,). A second call draws the same in the net."""
    step, micros = parts.progress.step, window.micros
    if parts.cached is not None and len(micros) > 1:
        return parts.cached.backward(micros, lambda index: reseed(Position(plan.seed, epoch, step, index)))
    each = window.counts or [objective.counts(batch) for batch in micros]
    counts = torch.stack(each).sum(0) if len(each) > 1 else each[0]
    loss = terms = counts  # of no micro-batch: never
    for index, batch in enumerate(micros):
        reseed(Position(plan.seed, epoch, step, index))
        with parts.precision.autocast():
            outputs = parts.forward(*batch.arguments())
        share, values = objective(outputs, batch, counts)
        parts.precision.backward(share)
        share = share.detach()
        loss, terms = (loss + share, terms + values) if index else (share, values)
    return loss, terms, counts


def slots(parts: Parts, plan: Plan, objective: Objective) -> tuple[tuple[str, str], ...]:
    """(slot, what stands in it), in the order in which a step passes them; for `danlu check` and the run's first event."""
    weights = " + ".join(f"{weight:g}·{name}" for name, weight in objective.weights.items())
    chain = [say("loop.accumulate" if parts.cached is None else "loop.cached", count=plan.accumulate)]
    chain += [say("loop.unscale")] if parts.precision.scaler is not None else []
    chain += [say("loop.clip", norm=f"{plan.clip_norm:g}")] if plan.clip_norm is not None else []
    chain += [say("loop.l1", weight=f"{plan.l1:g}")] if plan.l1 and not plan.proximal else []
    chain += [say(f"loop.guard.{plan.non_finite}")]
    chain += [say("loop.closed")] if parts.closed is not None else []
    schedule = type(plan.schedule).__name__
    schedule = say("loop.after-warmup", schedule=schedule, count=plan.warmup) if plan.warmup else schedule
    name, rate, decay = type(parts.optimizer).__name__, f"{plan.lr:g}", f"{plan.decay:g}"
    compiled = [say("loop.compiled")] if plan.compiled else []
    sam = [say("loop.sam", rho=f"{plan.sam:g}")] if plan.sam is not None else []
    shrink = [say("loop.proximal", weight=f"{plan.l1:g}")] if parts.update.proximal is not None else []
    every = plan.evaluate_every
    when = say("loop.every-epoch") if every == 1 else say("loop.every-epochs", count=every)
    stopper = "–"
    if plan.early_stop is not None:
        stopper = say("loop.patience", monitor=plan.early_stop[0], count=plan.early_stop[2])
    return (
        ("transforms", ", ".join(map(str, plan.transforms)) or "–"),
        ("forward", ", ".join([type(parts.net).__name__, plan.precision, *compiled, *sam])),
        ("objective", weights),
        ("parameters", parts.parameters.line()),
        ("gradients", " → ".join(chain)),
        (
            "update",
            " → ".join([say("loop.update", optimizer=name, rate=rate, decay=decay, schedule=schedule), *shrink]),
        ),
        ("followers", parts.followers()),
        ("evaluation", say("loop.best", when=when, monitor=plan.monitor[0]) if plan.monitor else when),
        ("stoppers", stopper),
    )


def _evaluate(parts: Parts, judge: Judge, plan: Plan, epoch: int, tell: Callable[[Event], None]) -> bool:
    """Judge the net (averaged where EMA is on) and keep the best weights; whether to stop early."""
    began, step = time.perf_counter(), parts.progress.step
    parts.guard.approve(step, epoch)
    judged = judge(parts.judged)
    best = parts.best is not None and parts.best.better(judged.values, epoch, step)
    if best and plan.best_folder is not None:
        values = {"epoch": epoch, "step": step, "values": dict(judged.values), "extra": dict(plan.extra_state)}
        weights = checkpoint.State({"net": dict(parts.judged.state_dict())}, values)
        best_weights.keep(plan.best_folder, plan.checkpoint.folder, weights)
    stop = parts.stopper is not None and parts.stopper.stops(judged.values)
    parts.heed(judged.values)
    seconds = time.perf_counter() - began
    tell(Evaluated(step, epoch, "val", dict(judged.values), dict(judged.intervals), best, seconds))
    return stop


def _done(parts: Parts, reason: str, began: float, tell: Callable[[Event], None]) -> Fitted:
    progress = parts.progress
    best = dict(parts.best.values) if parts.best else {}
    skipped = parts.guard.skips.total
    tell(FitDone(progress.step, progress.epoch, reason, time.perf_counter() - began, best, skipped))
    if reason == "interrupted":
        tell(Said(progress.step, progress.epoch, say("training.interrupted", step=progress.step), "warning"))
    return Fitted(parts.judged, reason, progress.step, best, parts.best.epoch if parts.best else -1, skipped)
