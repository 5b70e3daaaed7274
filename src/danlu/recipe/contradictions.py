"""What one key means for another: demands that can't both be met, told before any data are read.

Only what is certain stands here, and only values count, never who set them: a complete recipe that was written out and read again
is judged the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from danlu.errors import Problem
from danlu.messages import say
from danlu.recipe.names import load_object, resolve
from danlu.recipe.nearest import did_you_mean, nearest
from danlu.recipe.published import PACKAGES
from danlu.recipe.schema import DataSection, ImageSection, Recipe, TextSection, origin
from danlu.recipe.spec import Column, TaskSpec
from danlu.recipe.writing import shown


@dataclass(frozen=True)
class Clash:
    """text: key of the text (``recipe.clash.…``). keys: what clashes; it is shown at the last of them that the user wrote."""

    text: str
    keys: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)
    remedy: str | None = None


Rule = Callable[[Recipe, TaskSpec | None], Iterator[Clash]]


def contradictions(recipe: Recipe, spec: TaskSpec | None, wrong: Collection[str] = ()) -> list[Problem]:
    """Every clash, but for those that involve a key (or one below or above it) already known to be ``wrong``."""
    clashes = [clash for rule in RULES for clash in rule(recipe, spec)]
    default = say("recipe.default-of", task=spec.name) if spec else ""
    return [
        _problem(clash, recipe, default)
        for clash in clashes
        if not any(_touches(a, b) for a in clash.keys for b in wrong)
    ]


def _touches(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _problem(clash: Clash, recipe: Recipe, default: str) -> Problem:
    origins = {key: origin(recipe._origins, key) for key in clash.keys}
    written = [key for key, place in origins.items() if place not in ("", default)]
    remedy = say(f"recipe.clash.{clash.text}.remedy", **clash.values) if clash.remedy is None else clash.remedy
    return Problem(
        recipe.where((written or list(clash.keys))[-1]), say(f"recipe.clash.{clash.text}", **clash.values), remedy
    )


def _split(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    split = recipe.data.split
    if split.val + split.test >= 1.0:
        yield Clash("shares", ("data.split.test", "data.split.val"), {"val": split.val, "test": split.test})
    if split.time is not None and split.group is not None:
        yield Clash("group-and-time", ("data.split.time", "data.split.group"))
    if split.time is not None and split.stratify is True:
        yield Clash("stratify-and-time", ("data.split.time", "data.split.stratify"))
    if split.column is not None and split.column in (split.group, split.time):
        other = "group" if split.column == split.group else "time"
        yield Clash(
            "same-column", (f"data.split.{other}", "data.split.column"), {"column": split.column, "other": other}
        )


def _category(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    """What is done by class needs classes."""
    kinds = set() if spec is None else {column.kind for column in spec.columns.values() if column.role == "target"}
    if spec is None or "category" in kinds:
        return
    if "labels" in kinds:
        if recipe.data.balance in ("sampler", "logit-adjustment"):
            key = f"data.balance: {recipe.data.balance}"
            yield Clash("sets", ("task", "data.balance"), {"key": key, "task": spec.name})
        return
    if recipe.data.split.stratify is True:
        yield Clash(
            "no-classes", ("task", "data.split.stratify"), {"key": "data.split.stratify: true", "task": spec.name}
        )
    if recipe.evaluate.thresholds is not None:
        key = f"evaluate.thresholds: {recipe.evaluate.thresholds}"
        yield Clash("no-classes", ("task", "evaluate.thresholds"), {"key": key, "task": spec.name})
    if recipe.data.balance != "none":
        yield Clash(
            "no-classes", ("task", "data.balance"), {"key": f"data.balance: {recipe.data.balance}", "task": spec.name}
        )


def _columns(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    if spec is None:
        return
    for name in recipe.data.columns:
        if name not in spec.columns:
            known = ", ".join(spec.columns)
            values = {"column": name, "task": spec.name, "known": known}
            yield Clash("no-column", ("task", f"data.columns.{name}"), values, did_you_mean(name, spec.columns) or None)
    if recipe.data.image != ImageSection() and all(column.kind != "image" for column in spec.columns.values()):
        yield Clash("no-images", ("task", "data.image"), {"task": spec.name})


def _texts(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    """Texts, and batches by their tokens."""
    data, train = recipe.data, recipe.train
    if spec is not None and data.text != TextSection() and not any(map(_reads, spec.columns.values())):
        yield Clash("no-texts", ("task", "data.text"), {"task": spec.name})
    if train.tokens is None:
        return
    if data.bucket is False:
        yield Clash("tokens-unsorted", ("data.bucket", "train.tokens"), {"tokens": train.tokens})
    if train.batch_size == "auto":
        yield Clash("tokens-and-auto", ("train.batch_size", "train.tokens"), {"tokens": train.tokens})
    longest = data.text.max_length
    if isinstance(longest, int) and longest > train.tokens:
        values = {"tokens": train.tokens, "longest": longest}
        yield Clash("tokens-few", ("data.text.max_length", "train.tokens"), values)


def _reads(column: Column) -> bool:
    """Whether the column's kind is told by ``data.text``."""
    return column.kind == "text" or load_object(resolve("kind", column.kind)).section == "text"


def _unused(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    """What the task would pass over in silence."""
    nothing = Recipe()
    for key in spec.unused if spec else ():
        value = reduce(getattr, key.split("."), recipe)
        if value != reduce(getattr, key.split("."), nothing):
            yield Clash("unused", ("task", key), {"key": key, "task": spec.name if spec else ""})


def _source(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    data = recipe.data
    if data.source.startswith("builtin:"):
        for key, is_set in (("format", data.format != "auto"), ("root", data.root is not None)):
            if is_set:
                yield Clash("builtin", ("data.source", f"data.{key}"), {"key": key, "source": data.source})


def _validation(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    """Judged on a validation part that isn't there."""
    train = recipe.train
    if recipe.data.split.val > 0 or _may_hold_validation(recipe.data):
        return
    if train.early_stop is not None:
        yield Clash("no-validation", ("data.split.val", "train.early_stop"), {"key": "train.early_stop"})
    if train.best is not None:
        yield Clash("no-validation", ("data.split.val", "train.best"), {"key": "train.best"})
    if recipe.evaluate.thresholds is not None:
        key = "evaluate.thresholds"
        yield Clash("no-validation", ("data.split.val", key), {"key": key})
    if _plateau(recipe) is not None:
        values = {"key": "train.schedule"}
        remedy = say("recipe.clash.plateau-validation.remedy")
        yield Clash("no-validation", ("data.split.val", "train.schedule"), values, remedy)


def _plateau(recipe: Recipe) -> dict[str, Any] | None:
    """Arguments of the schedule that waits for evaluations, where it is the one."""
    schedule = recipe.train.schedule
    return {"monitor": "val/loss", "patience": 3, **schedule.args} if schedule.name == "reduce-on-plateau" else None


def _may_hold_validation(data: DataSection) -> bool:
    """Whether the source could bring a validation part of its own; only builtin ones and plain folders surely don't."""
    if data.split.column is not None:
        return True
    if data.source.startswith("builtin:"):
        return False
    folder = Path(data.source)
    if data.format not in ("auto", "folder") or not folder.is_dir():
        return True
    return any(
        item.name.lower() in ("val", "valid", "validation", "dev", "eval") or item.is_file()
        for item in folder.iterdir()
    )


def _monitors(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    stop = recipe.train.early_stop
    monitors: dict[str, str | None] = {
        "train.best": recipe.train.best,
        "train.early_stop.monitor": stop.monitor if stop else None,
        "train.schedule.monitor": (_plateau(recipe) or {}).get("monitor"),
    }
    for key, value in monitors.items():
        if not isinstance(value, str) or re.fullmatch(r"val/\S+", value):
            continue
        part, slash, name = value.partition("/")
        if part in ("test", "train"):
            yield Clash("monitor-part", (key,), {"value": value, "part": part, "name": name or "loss"})
        else:
            metric = "".join((name if slash else part).split()) or "loss"
            yield Clash("monitor", (key,), {"value": shown(value), "name": metric})


def _devices(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    train = recipe.train
    kind, colon, number = train.device.partition(":")
    if kind not in _DEVICES or (colon and (kind in ("auto", "cpu") or not number.isdecimal())):
        near = nearest(kind, _DEVICES) if kind not in _DEVICES else kind
        remedy = say("recipe.did-you-mean", name=near) if near else None
        yield Clash("device", ("train.device",), {"device": train.device, "known": ", ".join(_DEVICES)}, remedy)
    elif train.precision == "fp16" and kind == "cpu":
        yield Clash("fp16-on-cpu", ("train.device", "train.precision"))


_DEVICES = ("auto", "cpu", "cuda", "mps", "xpu", "hpu", "npu", "mtia", "xla")


def _steps(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    train = recipe.train
    if train.max_steps is not None and train.warmup >= 1 and train.warmup >= train.max_steps:
        values = {"warmup": train.warmup, "steps": train.max_steps}
        yield Clash("warmup", ("train.max_steps", "train.warmup"), values)
    if train.early_stop is not None and train.max_steps is None and train.evaluate_every > train.epochs:
        values = {"every": train.evaluate_every, "epochs": train.epochs}
        yield Clash("never-evaluated", ("train.epochs", "train.early_stop", "train.evaluate_every"), values)
    plateau, stop = _plateau(recipe), train.early_stop
    if plateau is not None and train.evaluate_every >= train.epochs:
        values = {"every": train.evaluate_every, "epochs": train.epochs}
        yield Clash("never-lowered", ("train.epochs", "train.schedule", "train.evaluate_every"), values)
    if plateau is not None and stop is not None and stop.monitor == plateau["monitor"]:
        delta, borne = plateau.get("min_delta", 0.0), plateau["patience"]
        if isinstance(borne, int) and stop.min_delta == delta and stop.patience <= borne:
            keys = ("train.early_stop.patience", "train.schedule.patience")
            yield Clash("stopped-first", keys, {"stop": stop.patience, "borne": borne})


def _loss(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    train = recipe.train
    if train.loss is None:
        return
    balance = recipe.data.balance
    for key, same in (("class_weights", "class-weights"), ("logit_offsets", "logit-adjustment")):
        if balance != "none" and train.loss.args.get(key) is not None:
            text = (
                "balanced-twice" if balance != same else "weights-twice" if same == "class-weights" else "offsets-twice"
            )
            yield Clash(text, ("data.balance", f"train.loss.{key}"), {"balance": balance, "key": key})


def _optimizer(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    args = recipe.train.optimizer.args
    if recipe.train.optimizer.name == "sgd" and args.get("nesterov") is True and args.get("dampening"):
        yield Clash("nesterov", ("train.optimizer.nesterov", "train.optimizer.dampening"))


def _schedule_free(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    """Its mean takes the place of a falling rate, and of other means."""
    train = recipe.train
    if train.optimizer.name != "schedule-free":
        return
    if train.schedule.name != "constant":
        keys = ("train.optimizer.name", "train.schedule")
        yield Clash("schedule-free", keys, {"schedule": shown(train.schedule.name)})
    for key in ("ema", "swa"):
        if getattr(train, key) is not None:
            yield Clash("schedule-free-average", ("train.optimizer.name", f"train.{key}"), {"key": f"train.{key}"})
    if train.l1_by == "proximal":
        yield Clash("schedule-free-proximal", ("train.optimizer.name", "train.l1_by"), {"key": "train.l1_by"})


def _regularisation(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    train = recipe.train
    if train.ema is not None and train.swa is not None:
        yield Clash("two-averages", ("train.ema", "train.swa"))
    averaged = train.epochs - math.floor(train.epochs * (train.swa or 0.0) + 1e-9)  # ends of epochs
    if train.swa is not None and averaged < 2:
        yield Clash(
            "average-of-one", ("train.epochs", "train.swa"), {"epochs": train.epochs, "share": f"{train.swa:g}"}
        )
    if train.l1_by == "proximal":
        if not train.l1:
            yield Clash("proximal-of-nothing", ("train.l1", "train.l1_by"))
        if train.precision == "fp16":
            yield Clash("proximal-fp16", ("train.precision", "train.l1_by"))


def _model(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    model = recipe.model
    head = model.name.partition(":")[0]
    own_code = ":" in model.name and head not in PACKAGES  # may bring weights of its own
    if model.unfreeze.name == "frozen" and model.pretrained is False and not own_code:
        yield Clash("frozen", ("model.pretrained", "model.unfreeze"))
    if model.adapter is not None:
        if model.pretrained is False and not own_code:
            yield Clash("adapter-random", ("model.pretrained", "model.adapter"))
        if model.unfreeze.name not in ("all", "frozen"):
            keys = ("model.unfreeze", "model.adapter")
            yield Clash("adapter-unfreeze", keys, {"unfreeze": shown(model.unfreeze.name)})
    for key in ("activation", "norm", "dropout", "drop_path"):
        for name in (key, *(("drop_path_rate", "stochastic_depth_prob") if key == "drop_path" else ())):
            if getattr(model, key) is not None and name in model.args:
                yield Clash("model-twice", (f"model.{key}", f"model.args.{name}"), {"key": key, "name": name})


def _watch(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    watch = recipe.watch
    if watch.histograms_every != 1 and not watch.tensorboard:
        yield Clash("no-histograms", ("watch.tensorboard", "watch.histograms_every"))


def _run(recipe: Recipe, spec: TaskSpec | None) -> Iterator[Clash]:
    name = recipe.run.name
    if name is None:
        return
    simple = re.sub(r"[^\w.-]+", "-", name).strip("-.")
    if _RESERVED.fullmatch(name):
        yield Clash("run-name", ("run.name",), {"name": name, "simple": f"run-{simple}"})
    elif name.strip(". ") != name or re.search(r'[\x00-\x1f/\\:*?"<>|]', name):
        yield Clash("run-name", ("run.name",), {"name": shown(name), "simple": simple or "run-1"})
    elif (size := len(name.encode("utf-8", "replace"))) > _LONGEST_NAME:
        yield Clash("run-name-long", ("run.name",), {"name": shown(name), "size": size, "most": _LONGEST_NAME})


_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)  # devices, to Windows
_LONGEST_NAME = 200  # bytes; file systems take 255, and something may be added


RULES: tuple[Rule, ...] = (
    _run,
    _source,
    _columns,
    _split,
    _category,
    _texts,
    _unused,
    _validation,
    _model,
    _loss,
    _optimizer,
    _schedule_free,
    _regularisation,
    _steps,
    _monitors,
    _devices,
    _watch,
)
