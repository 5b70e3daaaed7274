"""A few steps on a copy of the net, under watch and by the clock. Nothing of the training changes, no bit of it."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.allocator import pages_got
from danlu.training.events import Event
from danlu.training.forecast import passes
from danlu.training.forecast.figures import Flops, Parameters, Step, StepMemory, Took
from danlu.training.forecast.passes import Pass, few, fullest, line, samples_for
from danlu.training.forecast.resident import Rise
from danlu.training.forecast.timing import middle, take_time, took
from danlu.training.forecast.tracking import Tracker, size
from danlu.training.looking import Looks
from danlu.training.loop import backward
from danlu.training.objective import Objective
from danlu.training.parts import Parts
from danlu.training.plan import Feed, Plan
from danlu.training.seeing import undisturbed
from danlu.training.slots.guard import Verdict
from danlu.training.windows import Window, Windows

_BRIEF, _MOST = 0.05, 100  # seconds, steps of a rehearsal
_LOOKS = 3  # looks that are timed, where they are short


def try_out(
    net: nn.Module,
    objective: Objective,
    batches: Feed,
    plan: Plan,
    *,
    judging: int = 0,
    warm: bool = True,
    seconds: float = 0.5,
    most: int = 100,
) -> Step:
    """Do what a step does on a copy, as when everything that ever learns does.

    judging: samples of a batch of evaluation (0: as of training). warm: do a step before those that are timed; the first is slower.
    seconds, most: for which steps are timed, see :func:`take_time`. What the net's or the objective's code raises comes through.
    """
    rise = Rise(plan.device)
    trial = copy.deepcopy(net).train()
    parts = Parts(trial, objective, plan, -(-len(batches) // plan.accumulate))
    with undisturbed(), parts.parameters:
        parts.parameters.begin(max(0, parts.horizon.steps - 1))
        parts.guard.begin()
        windows = Windows(batches, plan, _unheard, parts.counting)
        source = _endless(windows, parts)
        window = next(source)
        micros = window.micros
        samples, full = sum(map(len, micros)), max(map(len, micros))
        held = size(tensor for one in (*window.batches, *micros) for tensor in one.tensors())
        small = [few(micros[0], count) for count in samples_for(full)]
        repeated, at = min(2, plan.accumulate), Position(plan.seed)
        seen = [passes.trained(parts, objective, one, repeated, at) for one in small]
        gradients, update = size(p.grad for p in trial.parameters()), _update(parts, plan)
        tested = [passes.judged(parts, one) for one in small]
        memory = _memory(parts, seen, tested, full, judging or full, held, gradients, update)
        del small
        window = window._replace(batches=[])
        with rise:  # which tells more than tensors: scratch memory of kernels, and what the allocator can't use again
            if warm:
                _step(parts, objective, window, plan)
            del window, micros
            _step(parts, objective, next(source), plan)
        # not watched: a thread that looks at memory takes its share of every step
        each = take_time(
            lambda: _step(parts, objective, next(source), plan), plan.device, seconds, most, lambda: windows.joined
        )
        with rise:  # what they left
            pass
        memory = replace(memory, whole=max(memory.tensors, rise.bytes or 0))
        look = _look(parts, objective, source, plan, seconds) if plan.captures_every else Took(0.0, 0.0)
    decayed, others = parts.parameters.learnt()
    learnt, every = sum(p.numel() for p in (*decayed, *others)), sum(p.numel() for p in trial.parameters())
    one = seen[-1]
    again = one.forward if parts.cached is not None else 0  # outputs are computed once more, for their gradients
    return Step(
        Parameters(learnt, every - learnt),
        Flops(
            one.forward / one.samples,
            (one.flops + again) / one.samples * samples * (1 if parts.sharpness is None else 2),
        ),
        memory,
        samples,
        each,
        look,
        tested[-1].outputs / tested[-1].samples,
    )


class Repeated:
    """An epoch of one batch, in memory already: what reading costs is the same however the step is done."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        yield self.batch


@dataclass(frozen=True)
class Rehearsed:
    """seconds: of the quickest step. pages: of memory that a step got from the system, by the median; 0 where that isn't told."""

    seconds: float
    pages: int


def rehearse(net: nn.Module, objective: Objective, batches: Feed, plan: Plan) -> Rehearsed:
    """Some steps on a copy, after two that are not counted; more of them where they are short."""
    trial = copy.deepcopy(net).train()
    parts = Parts(trial, objective, plan, -(-len(batches) // plan.accumulate))
    seconds: list[float] = []
    pages: list[int] = []
    with undisturbed(), parts.parameters:
        parts.parameters.begin(max(0, parts.horizon.steps - 1))
        parts.guard.begin()
        source = _endless(Windows(batches, plan, _unheard, parts.counting), parts)

        def step() -> None:
            _step(parts, objective, next(source), plan)

        for _ in range(2):
            took(step, plan.device)
        while len(seconds) < 3 or (sum(seconds) < _BRIEF and len(seconds) < _MOST):
            before = pages_got()
            seconds.append(took(step, plan.device).seconds)
            pages.append(pages_got() - before)
    return Rehearsed(min(seconds), int(statistics.median(pages)))


def _memory(
    parts: Parts,
    seen: Sequence[Pass],
    tested: Sequence[Pass],
    full: int,
    judging: int,
    batch: int,
    gradients: int,
    update: int,
) -> StepMemory:
    """full, judging: samples of a micro-batch, of a batch of evaluation. batch: bytes of an effective batch."""
    weights = size([*parts.net.parameters(), *parts.net.buffers()])
    averaged = size(parts.average.net.state_dict().values()) if parts.average is not None else 0
    remembered = size(value for state in parts.optimizer.state.values() for value in state.values())
    activations = round(line([(one.samples, one.kept) for one in seen], full))
    passing = fullest(seen, full)
    again = size(p for group in parts.optimizer.param_groups for p in group["params"]) if parts.sharpness else 0
    return StepMemory(
        weights=weights,
        gradients=gradients,
        optimizer=remembered,
        averaged=averaged,
        batch=batch,
        activations=activations,
        working=max(0, passing - activations) + again,
        update=update,
        evaluation=fullest(tested, judging),
        tensors=(tensors := weights + remembered + averaged + batch + max(passing + again, gradients + update)),
        whole=tensors,
    )


def _update(parts: Parts, plan: Plan) -> int:
    """Bytes that an update needs at its fullest moment, beside what the optimiser then remembers. Gradients are used up."""
    known = [value for p in parts.net.parameters() for value in (p, p.grad) if value is not None]
    tracker = Tracker([*known, *parts.net.buffers()])
    with tracker:
        parts.update.set_rates(0)
        norm = parts.gradients.finish(parts.optimizer)
        if plan.l1:
            parts.gradients.penalty()
        parts.update.apply(0, parts.guard.refuses(norm, norm))
        if parts.average is not None:
            parts.average.follow(0)
    remembered = size(value for state in parts.optimizer.state.values() for value in state.values())
    return max(0, tracker.peak - remembered)


def _at_once(update: Callable[[], None]) -> None:
    update()


def _step(
    parts: Parts,
    objective: Objective,
    window: Window,
    plan: Plan,
    around: Callable[[Callable[[], None]], None] = _at_once,
) -> None:
    """A step of the loop. around: does the update, and what it wants before and after it."""
    lr, step, micros = parts.update.set_rates(parts.progress.step), parts.progress.step, window.micros
    done = parts.closed.step(micros[0]) if parts.closed is not None and around is _at_once else None
    refused: Verdict = False
    if done is None:
        loss, terms, counts = backward(parts, objective, window, plan, 0)
        if parts.sharpness is not None:
            parts.sharpness.climb()
            backward(parts, objective, window, plan, 0)
            parts.sharpness.descend()
        norm = parts.gradients.finish(parts.optimizer)
        refused = parts.guard.refuses(loss, norm)
        around(lambda: _update_of(parts, micros, step, refused))
    else:
        loss, terms, counts, norm = done
    penalty = parts.gradients.penalty() if plan.l1 else torch.zeros_like(loss)
    if parts.average is not None:
        parts.average.follow(step, refused)
    parts.meter.add(step, lr, loss, norm, penalty, terms, counts, sum(map(len, micros)), refused)
    parts.progress.step += 1


def _update_of(parts: Parts, micros: Sequence[Batch], step: int, refused: Verdict) -> None:
    """The update of a step whose gradients are there."""
    if parts.closed is None or refused is not False or parts.closed.step(micros[0]) is None:
        parts.update.apply(step, refused)


class _Wanting:
    """Somebody who wants captures, so that looks are taken."""

    wants_captures = True

    def on(self, event: Event) -> None:
        pass

    def close(self) -> None:
        pass


def _look(parts: Parts, objective: Objective, source: Iterator[Window], plan: Plan, seconds: float) -> Took:
    """What a look inside the net takes, beside the step's own; several where that is shorter than ``seconds``."""
    looks: Any = Looks(parts.net, objective, 1, [_Wanting()], getattr(parts.optimizer, "rows_alone", False))

    def look() -> Took:
        window, spent = next(source), []

        def around(update: Callable[[], None]) -> None:
            at, norms = Position(plan.seed, 0, parts.progress.step), parts.gradients.norms()
            spent.append(took(lambda: looks.before(window.micros[0], at, parts.precision, norms), plan.device))
            update()
            spent.append(took(looks.after, plan.device))

        _step(parts, objective, window, plan, around)
        spent.append(took(looks.tell, plan.device))
        return Took(*map(sum, zip(*spent, strict=True)))

    look()  # makes the copy
    found = [look()]
    while len(found) < _LOOKS and sum(one.seconds for one in found) < seconds:
        found.append(look())
    return middle(found)


def _endless(windows: Windows, parts: Parts) -> Iterator[Window]:
    """Effective batches as the loop gets them, the first epoch again and again."""
    while True:
        yield from windows.epoch(0, 0, lambda: parts.progress.step)


def _unheard(seconds: float) -> None:
    """Nobody asks how long batches were waited for: that is part of a step's time."""
