"""Everything that can be known to be wrong is found before step one (house rule 5)."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from danlu.data.batches.batch import Batch, Padded, Ragged, Value
from danlu.data.batches.batches import Batches
from danlu.data.table import Part
from danlu.errors import DanluError, RecipeError, RunError
from danlu.messages import say
from danlu.nn.norm_layers import batch_norms
from danlu.randomness import Position
from danlu.recipe import complete, given
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.runs import thresholds
from danlu.runs.assembling import Assembled, Bench, Progress, assemble, first_batch
from danlu.runs.choices import timed
from danlu.training import aside, checkpoint
from danlu.training.loop import slots
from danlu.training.optimisers.base import update
from danlu.training.parts import Parts
from danlu.training.plan import Judged
from danlu.training.randomness import reseed
from danlu.training.schedules.base import Horizon
from danlu.training.slots.parameters import ParameterPlan
from danlu.training.slots.stoppers import no_metric

_BLOCK = 4096  # bytes
_COLUMNS = 8  # that are told of by name
_ELSE = 1_000_000  # bytes for what a run writes beside its checkpoints


@dataclass(frozen=True)
class Checked:
    """What was checked: (name, seconds, finding) in order; the resolved loop; what is worth knowing but no error."""

    steps: list[tuple[str, float, str]]
    slots: list[tuple[str, str]]
    recipe: Recipe
    warnings: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "steps": [{"name": name, "seconds": seconds, "found": found} for name, seconds, found in self.steps],
            "slots": [{"slot": slot, "holds": text} for slot, text in self.slots],
            "warnings": self.warnings,
            "choices": self.choices,
            "recipe": self.recipe.model_dump(mode="json"),
        }


def check(recipe: Recipe | Mapping[str, Any] | str | Path, progress: Progress | None = None, **values: Any) -> Checked:
    """Check a recipe on its real data without training. recipe, values: as for :func:`danlu.train`.

    Raises DanluError with all that is wrong.
    """
    recipe = complete(given(recipe, values))
    log: list[tuple[str, float, str]] = []
    assembled = assemble(recipe, spec_of(recipe.task, recipe.where("task")), progress, timed(log))
    return examine(assembled, log, Path(recipe.run.folder))


def examine(assembled: Assembled, log: list[tuple[str, float, str]], folder: Path) -> Checked:
    """Forward, backward, one validation batch, checkpoint round trip, disk space; on copies, so that nothing is changed."""
    note = timed(log)
    thresholds.check(assembled)
    warnings = data_findings(assembled.data.card)
    batch = first_batch(assembled.batches, assembled.plan)
    trial = copy.deepcopy(assembled.net)
    plan, steps = assembled.plan, -(-len(assembled.batches) // assembled.plan.accumulate)
    with ParameterPlan(trial, plan.unfreeze, Horizon(steps, steps), plan.watched) as unfreezing:
        unfreezing.begin(0)
        note("forward", lambda: _forward_backward(assembled, trial, batch, warnings), _lost)
        if assembled.batches.smallest == 1 and assembled.recipe.train.rows > 1 and batch_norms(trial):
            note("batch-of-one", lambda: _batch_of_one(assembled, trial), lambda _: "")
    note("evaluation", lambda: _one_batch_judged(assembled, trial), _first_value)
    parts = Parts(trial, assembled.objective, plan, steps)
    note("checkpoint", lambda: _round_trip(parts, folder, assembled.recipe), lambda size: f"{size / 1e6:.1f} MB")
    size, accumulate = assembled.recipe.train.rows, assembled.plan.accumulate
    if accumulate > 1 and batch_norms(trial):
        warnings.append(say("runs.batch-norm", size=size, effective=size * accumulate))
    given = sorted(assembled.recipe.train.optimizer.args.keys() & {"momentum", "betas"})
    if given and parts.update.schedule.at(0, parts.horizon).momentum is not None:
        schedule = assembled.recipe.train.schedule.name
        warnings.append(say("runs.momentum-cycled", schedule=schedule, given=", ".join(given)))
    warnings += _another_optimizer(assembled)
    if accumulate > len(assembled.batches):
        warnings.append(say("accumulation.more-than-an-epoch", accumulate=accumulate, micros=len(assembled.batches)))
    if accumulate > 1 and any(isinstance(batch[name], Padded) for name in batch.inputs):
        warnings.append(say("accumulation.padding"))
    table = slots(parts, assembled.plan, assembled.objective)
    return Checked(log, list(table), assembled.recipe, warnings, assembled.choices.lines())


def data_findings(card: Mapping[str, Any]) -> list[str]:
    """What the data card holds that a person should hear of before training: rows set aside, values mended, leaks."""
    rows = card.get("rows", {})
    told = [say("data.card.bad", count=rows.get("bad", 0)), say("data.card.missing", count=rows.get("missing", 0))]
    return (
        row_findings(card) + _left_out(card) + [warning for warning in card.get("warnings", ()) if warning not in told]
    )


def _left_out(card: Mapping[str, Any]) -> list[str]:
    """Columns of a table that nothing is learnt from, each with the reason; not those that the recipe leaves out."""
    ignored = say("tables.why.ignored")
    told = [one for column in card.get("columns", {}).values() for one in column.get("table") or ()]
    unused = [f"{one['name']} ({one['why']})" for one in told if not one["used"] and one["why"] not in ("", ignored)]
    if not unused:
        return []
    more = " …" if len(unused) > _COLUMNS else ""
    return [say("runs.columns-left-out", count=len(unused), columns="; ".join(unused[:_COLUMNS]) + more)]


def row_findings(card: Mapping[str, Any], kept: bool = True) -> list[str]:
    """Rows set aside, values mended, columns guessed. kept: whether the card lies in a run, where the rest can be looked up."""
    found = []
    rows, shown = card.get("rows", {}), 3
    if rows.get("bad"):
        few = "; ".join(
            say("runs.row", row=one["row"], reason=str(one["reason"]).rstrip(".。")) for one in card["bad"][:shown]
        )
        key = "runs.set-aside" if kept else "runs.set-aside-here"
        found.append(say(key, count=rows["bad"], all=rows["found"], few=few))
    if rows.get("missing"):
        columns = ", ".join(f"{name} ({count})" for name, count in card["missing"]["columns"].items())
        found.append(say("runs.missing", count=rows["missing"], columns=columns))
    notes = card.get("notes", ())
    for note in notes[: shown if kept else None]:
        first = next(iter(note["examples"]), "")
        key = "runs.mended" if note["column"] else "runs.noted" if note["count"] > 1 else "runs.noted-once"
        found.append(say(key, count=note["count"], text=note["note"], where=first))
    if kept and len(notes) > shown:
        found.append(say("runs.more-notes", count=len(notes) - shown))
    return found


def _another_optimizer(assembled: Assembled) -> list[str]:
    """A net that brings an optimizer of its own was measured with that alone: a sparse linear net learns rows by heart with Adam's."""
    recipe = assembled.recipe
    own = assembled.spec.nets.get(recipe.model.name, {}).get("train", {}).get("optimizer", {})
    name = recipe.train.optimizer.name
    if not own or own.get("name", name) == name:
        return []
    return [
        say("runs.another-optimizer", net=recipe.model.name, own=own["name"], rate=own.get("lr", "auto"), given=name)
    ]


def _forward_backward(assembled: Assembled, trial: nn.Module, batch: Batch, warnings: list[str]) -> float:
    recipe, objective = assembled.recipe, assembled.objective
    trial.train()
    reseed(Position(recipe.seed))
    try:
        with torch.autocast(assembled.plan.device.type, enabled=False):
            outputs = trial(*batch.arguments())
            loss, _ = objective(outputs, batch, objective.counts(batch))
        loss.backward()
    except DanluError as error:
        raise _of_the_loss(recipe, error) from error
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        shapes = ", ".join(f"{name} {_shape(batch[name])}" for name in (*batch.inputs, *assembled.data.targets))
        raise RecipeError.of(
            recipe.where("model.name"),
            say("runs.forward-failed", reason=str(error).splitlines()[0] if str(error) else type(error).__name__),
            say("runs.forward-failed.remedy", shapes=shapes),
        ) from error
    value = float(loss.detach())
    if not torch.isfinite(loss.detach()):
        raise RecipeError.of(
            recipe.where("train.loss"), say("runs.first-loss", loss=value), say("runs.first-loss.remedy")
        )
    unused = [name for name, p in trial.named_parameters() if p.requires_grad and p.grad is None]
    if unused:
        warnings.append(say("runs.unused-parameters", count=len(unused), names=", ".join(unused[:5])))
    return value


def _of_the_loss(recipe: Recipe, error: DanluError) -> DanluError:
    """The error of a term, which knows its column but not where it was asked for."""
    place = recipe.where("train.loss" if recipe.train.loss else "task")
    return type(error)([replace(each, where=f"{place}: {each.where}") for each in error.problems])


def _batch_of_one(assembled: Assembled, trial: nn.Module) -> None:
    """An epoch's last batch, where it holds a single sample, of which batch norm may find no variance."""
    data, plan, recipe = assembled.data, assembled.plan, assembled.recipe
    one = Batches(
        data, data.parts["train"][:1], 1, recipe.seed, shuffle=False, transforms=plan.transforms, device=plan.device
    )
    try:
        trial(*first_batch(one, plan).arguments())
    except ValueError as error:
        where, reason = recipe.where("train.batch_size"), str(error).splitlines()[0]
        raise RecipeError.of(where, say("runs.batch-of-one", reason=reason), say("runs.batch-of-one.remedy")) from error


def _one_batch_judged(assembled: Assembled, trial: nn.Module) -> Judged:
    """Judge the untrained copy on one batch, so that a broken metric or decoder is found now and not after an epoch.

    Of the validation part; where there is none, of the test part or the training rows as they are: a loss must take unmixed targets.
    """
    data, plan = assembled.data, assembled.plan
    part: Part = next(part for part in ("val", "test", "train") if len(data.parts.get(part, ())))
    some = data.parts[part][: assembled.recipe.train.rows]
    small = Bench(**{key: value for key, value in vars(assembled).items() if key in Bench.__dataclass_fields__})
    small.data, small.feeds = replace(data, parts={**data.parts, part: some}), {}
    try:
        judged = small.judge(part)(trial)
    except RecipeError as error:
        raise _of_the_loss(assembled.recipe, error) from error
    for key, metric in (
        ("train.best", plan.monitor),
        ("train.early_stop.monitor", plan.early_stop),
        ("train.schedule.monitor", plan.plateau),
    ):
        if metric and metric[0] not in judged.values:
            raise RecipeError([no_metric(assembled.recipe.where(key), metric[0], judged.values)])
    return judged


def _round_trip(parts: Parts, folder: Path, recipe: Recipe) -> int:
    """Write, verify and read a checkpoint where the run will lie, after one update, so that all that an optimiser remembers is in it.

    Returns its size in bytes. Raises RunError for a disk too small. folder: the run's, or that of the runs.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = say("runs.not-writable", reason=error.strerror or str(error))
        raise RunError.of(recipe.where("run.folder"), what, say("runs.not-writable.remedy")) from error
    path = aside.beside(folder / "check")  # a name that is cleared away where this process is killed
    aside.clear(folder, own=False)
    update(parts.optimizer)
    state = parts.state()
    try:
        checkpoint.save(path, state)
        read = checkpoint.load(path)
        sizes = {file.stem: _taken(file) for file in path.iterdir()}
    finally:
        shutil.rmtree(path, ignore_errors=True)
    for group, tensors in state.tensors.items():
        for name, tensor in tensors.items():
            if not torch.equal(read.tensors[group][name], tensor.cpu()):
                raise RunError.of(str(folder), say("training.damage-changed", file=f"{group}/{name}"))
    if json.loads(json.dumps(dict(state.values))) != dict(read.values):
        raise RunError.of(str(folder), say("training.damage-changed", file="state.json"))
    size, best = sum(sizes.values()), sizes.get("ema", sizes["net"]) if parts.best else 0
    _check_space(folder, size, best, min(recipe.train.checkpoint.keep, parts.horizon.steps))
    return size


def _check_space(folder: Path, size: int, best: int, keep: int) -> None:
    """Raises RunError where the disk can't hold the checkpoints that are kept and the one being written, and as much for the best.

    size, best: bytes of a checkpoint, of the best weights; of these there may be three: kept, replaced, being written. What a run
    that is taken up has there already needs no more room; one that begins also writes events, predictions and the like.
    """
    there = [*checkpoint.listed(folder / "checkpoints"), folder / "best"]
    used = sum(_taken(file) for path in there if path.is_dir() for file in path.iterdir())
    needed = max((keep + 1) * size + 3 * best - used, size + 2 * best) + (0 if used else _ELSE)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RunError.of(
            str(folder),
            say("runs.too-little-disk", needed=f"{needed / 1e6:.1f}", free=f"{free / 1e6:.1f}"),
            say("runs.too-little-disk.remedy"),
        )


def _taken(file: Path) -> int:
    """Bytes that a file takes on a disk of common blocks."""
    return -(-file.stat().st_size // _BLOCK) * _BLOCK


def _lost(loss: float) -> str:
    return say("loop.loss", value=f"{loss:.4f}")


def _first_value(judged: Judged) -> str:
    return next((f"{name} {value:.4f}" for name, value in judged.values.items()), "")


def _shape(value: Value) -> str:
    if isinstance(value, (Padded, Ragged)):
        return f"{tuple(value.values.shape)} {value.values.dtype}"
    return f"{tuple(value.shape)} {value.dtype}"
