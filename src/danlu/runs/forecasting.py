"""``danlu.plan``: what a recipe will take, found out on its real data by a few steps on a copy, before it is trained."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from danlu import recipe as recipes
from danlu.data.places import cache_folder
from danlu.data.room import memory as machine
from danlu.data.table import Part
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.runs.assembling import Assembled, Bench, Progress, assemble
from danlu.runs.checking import examine
from danlu.runs.choices import timed
from danlu.runs.foreseen import Disk, Forecast, Memory, Time
from danlu.tasks.baselines import drawing
from danlu.tasks.baselines.features import suit
from danlu.tasks.baselines.nearest import AT_ONCE
from danlu.tasks.baselines.reduced import SIDE
from danlu.training.forecast.figures import Step
from danlu.training.forecast.resident import Rise, give_back, mapped, resident
from danlu.training.forecast.trial import try_out

_JUDGED: tuple[Part, ...] = ("val", "test")
_RECORD = 75  # bytes of a step in the journal
_ROW = 30  # bytes of a row of captures, packed
_IDENTITY = 24  # bytes of a sample's id and truth beside its predictions, packed
_COPIES = 4  # of the float32 matrix that the baselines learn from: pixels become numbers, these are scaled, laid together, chosen from
_APART = 16  # bytes of a distance between two samples while the nearest are sought: itself, its parts, its place in the order
_BRIEF: dict[str, Any] = {"seconds": 0.5, "most": 100}  # for which steps are timed
_WHOLE: dict[str, Any] = {"seconds": 3.0, "most": 2000}
_PASSES = 120  # over it, by which a linear model is fitted


def plan(recipe: Recipe | Mapping[str, Any] | str | Path, progress: Progress | None = None, **values: Any) -> Forecast:
    """Check a recipe and foresee what its training takes on this machine; nothing is trained and nothing kept.

    recipe, values: as for :func:`danlu.train`. Raises DanluError with whatever is wrong in it.
    """
    began = time.perf_counter()
    whole = recipes.complete(recipes.given(recipe, values))
    log: list[tuple[str, float, str]] = []
    assembled = assemble(whole, spec_of(whole.task, whole.where("task")), progress, timed(log))
    examine(assembled, log, Path(whole.run.folder))
    return foresee(assembled, log, time.perf_counter() - began)


def foresee(assembled: Assembled, log: list[tuple[str, float, str]], checks: float, *, brief: bool = False) -> Forecast:
    """The forecast of what was assembled and checked. log: the checks' own. checks: seconds that they took.

    brief: steps are timed for a moment only, for a training that is about to begin.
    """
    _load_the_rest()
    assembled.batches.settle()  # columns on the device are held all the time
    before = _Standing.of(assembled)
    train, parts = assembled.recipe.train, assembled.data.parts
    judging = min(
        assembled.recipe.evaluate.batch_size or 2 * train.rows,
        max((len(parts.get(part, ())) for part in _JUDGED), default=1) or 1,
    )
    step = try_out(
        assembled.net,
        assembled.objective,
        assembled.batches,
        assembled.plan,
        judging=judging,
        warm=not brief,
        **(_BRIEF if brief else _WHOLE),
    )
    each, rise = _judging(assembled, judging, brief)
    return Forecast(
        step.parameters,
        step.flops,
        before.memory(assembled, step, max(step.memory.evaluation, rise)),
        _time(assembled, step, log, checks, each),
        _disk(assembled, step),
        step.samples,
        train.rows,
        train.accumulate,
    )


def _load_the_rest() -> None:
    """What a run loads only after its first step, and then keeps."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"id": ["0"], "part": pa.array(["val"]).dictionary_encode()}),
        pa.BufferOutputStream(),
        compression="zstd",
    )


class _Standing:
    """Where this process stands before any step. process: bytes beside the net and the data's cache. most: bytes it had at most."""

    def __init__(self, process: int, data: int, most: int) -> None:
        self.process, self.data, self.most = process, data, most

    @classmethod
    def of(cls, assembled: Assembled) -> _Standing:
        if assembled.device.type == "cuda":
            tensors = (*assembled.net.parameters(), *assembled.net.buffers())
            held = int(torch.cuda.memory_allocated(assembled.device)) - sum(t.nbytes for t in tensors)
            return cls(max(0, held), 0, int(torch.cuda.max_memory_allocated(assembled.device)))
        give_back()
        found = resident()
        if found is None:
            return cls(0, 0, 0)
        data, there = mapped(cache_folder(assembled.recipe.data.cache))
        weights = sum(tensor.nbytes for tensor in (*assembled.net.parameters(), *assembled.net.buffers()))
        return cls(max(0, found.now - there - weights), data, found.most)

    def memory(self, assembled: Assembled, step: Step, evaluation: int) -> Memory:
        """evaluation: what judging a batch takes beside the weights."""
        on_device = assembled.device.type == "cuda"
        room = torch.cuda.get_device_properties(assembled.device).total_memory if on_device else machine()
        base, of = self.process + self.data, step.memory
        baselines = 0 if on_device else _baselines_memory(assembled)
        moments = {
            "step": base + of.whole,
            "evaluation": base + of.weights + of.averaged + of.optimizer + evaluation,
            "baselines": base + of.weights + of.averaged + baselines if baselines else 0,
            "checks": self.most,
        }
        fullest = max(moments, key=lambda name: moments[name])
        return Memory(
            str(assembled.device),
            self.process,
            self.data,
            of,
            evaluation,
            baselines,
            moments[fullest],
            fullest,
            None if room == float("inf") else int(room),
        )


def _baselines_sizes(assembled: Assembled) -> tuple[int, int, int]:
    """(training rows, rows that are asked about, columns of their matrix) of the baselines; zeros where there are none."""
    data, seed = assembled.data, assembled.recipe.seed
    asked = sum(len(drawing.chosen(data, data.parts[part], seed)) for part in _JUDGED if len(data.parts.get(part, ())))
    wanted = assembled.recipe.evaluate.baselines and asked and assembled.task.baselines()
    if not wanted or not suit(data.kinds, data.inputs):
        return 0, 0, 0
    columns = 0
    for name in data.inputs:
        shape = data.kinds[name].storage().shape
        if data.kinds[name].name == "image":
            high, wide, channels = shape if -1 not in shape else (SIDE, SIDE, shape[-1])
            scale = SIDE / max(high, wide, SIDE)
            columns += max(1, round(high * scale)) * max(1, round(wide * scale)) * max(1, channels)
        else:
            columns += min(64, len(getattr(data.kinds[name], "classes", ())) or 1)
    return len(drawing.chosen(data, data.parts["train"], seed)), asked, columns


def _baselines_memory(assembled: Assembled) -> int:
    rows, asked, columns = _baselines_sizes(assembled)
    return columns * (4 * _COPIES * rows + rows + asked) + _APART * min(AT_ONCE, rows * asked)


def _baselines_time(assembled: Assembled) -> float:
    """By the machine's speed at the two products of which nearly all of their work consists."""
    rows, asked, columns = _baselines_sizes(assembled)
    names = {baseline.name for baseline in assembled.task.baselines()} if rows else set()
    seconds = 0.0
    if "nearest" in names:
        operations = min(1e11, float(columns) * (asked + 2000) * rows)
        seconds += operations * _pace(512, columns, 512)
    if "linear" in names:
        classes = max(
            (len(getattr(assembled.data.kinds[name], "classes", ())) for name in assembled.data.targets), default=0
        )
        operations = min(1e11, 4.0 * rows * max(1, classes) * columns * _PASSES) if classes else 2.0 * rows * columns**2
        seconds += operations * _pace(512, columns, classes or columns)
    return seconds


def _pace(rows: int, columns: int, wide: int) -> float:
    """Seconds of one multiplication in a product of (rows, columns) and (columns, wide), float32."""
    left, right = np.ones((rows, columns), np.float32), np.ones((columns, wide), np.float32)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        left @ right
        took.append(time.perf_counter() - began)
    return min(took) / (rows * columns * wide)


def _time(assembled: Assembled, step: Step, log: list[tuple[str, float, str]], checks: float, each: float) -> Time:
    """each: seconds of judging one sample."""
    plan, recipe, parts = assembled.plan, assembled.recipe, assembled.data.parts
    an_epoch = -(-len(assembled.batches) // plan.accumulate)
    steps = min(plan.epochs * an_epoch, plan.max_steps or plan.epochs * an_epoch)
    epochs = -(-steps // an_epoch)
    rows = {part: len(parts.get(part, ())) for part in _JUDGED}
    evaluations = -(-epochs // plan.evaluate_every) * rows["val"] * each
    looks = 1 + steps // plan.captures_every if plan.captures_every else 0
    saved = next((seconds for name, seconds, _ in log if name == "checkpoint"), 0.0)
    return Time(
        step=step.took.seconds,
        steps=steps,
        checks=checks,
        training=steps * step.took.seconds,
        evaluations=evaluations,
        captures=looks * step.look.seconds,
        checkpoints=_checkpoints(recipe, steps, an_epoch) * saved,
        test=sum(rows.values()) * each,
        baselines=_baselines_time(assembled),
        cpu=step.took.cpu + looks * step.look.cpu / max(1, steps),
    )


def _checkpoints(recipe: Recipe, steps: int, an_epoch: int) -> int:
    """How many are written, not counting those that are due by the clock."""
    asked = recipe.train.checkpoint
    due = {steps}
    if asked.every_epochs:
        due |= set(range(asked.every_epochs * an_epoch, steps, asked.every_epochs * an_epoch))
    if asked.every_steps:
        due |= set(range(asked.every_steps, steps, asked.every_steps))
    return len(due)


def _judging(assembled: Assembled, rows: int, brief: bool) -> tuple[float, int]:
    """(seconds of judging one sample, memory that judging a batch takes), by a batch of ``rows``; zeros where nothing is judged."""
    part: Part | None = next((part for part in _JUDGED if len(assembled.data.parts.get(part, ()))), None)
    if part is None:
        return 0.0, 0
    some = assembled.data.parts[part][:rows]
    small = Bench(**{key: value for key, value in vars(assembled).items() if key in Bench.__dataclass_fields__})
    small.data, small.feeds = replace(assembled.data, parts={**assembled.data.parts, part: some}), {}
    took, rise = [], Rise(assembled.device)
    with rise:
        for _ in range(1 if brief else 2):
            began = time.perf_counter()
            small.judge(part)(assembled.net)
            took.append(time.perf_counter() - began)
    return min(took) / len(some), rise.bytes or 0


def _disk(assembled: Assembled, step: Step) -> Disk:
    plan, memory, parts = assembled.plan, step.memory, assembled.data.parts
    an_epoch = -(-len(assembled.batches) // plan.accumulate)
    steps = min(plan.epochs * an_epoch, plan.max_steps or plan.epochs * an_epoch)
    checkpoint = memory.weights + memory.optimizer + memory.averaged
    kept = min(assembled.recipe.train.checkpoint.keep, _checkpoints(assembled.recipe, steps, an_epoch))
    judged = sum(len(parts.get(part, ())) for part in _JUDGED)
    files = 1 + (len(assembled.task.baselines()) if assembled.recipe.evaluate.baselines else 0)
    looks = 1 + steps // plan.captures_every if plan.captures_every else 0
    layers = sum(1 for _ in assembled.net.modules()) + sum(1 for _ in assembled.net.parameters())
    return Disk(
        checkpoint=checkpoint,
        checkpoints=kept * checkpoint,
        best=(memory.averaged or memory.weights) if plan.monitor else 0,
        predictions=round(files * judged * (step.outputs + _IDENTITY)),
        events=_RECORD * steps,
        captures=_ROW * looks * layers,
    )
