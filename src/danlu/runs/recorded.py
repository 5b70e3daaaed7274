"""What a run's folder holds, as the rules of its health read it. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from danlu import recipe as recipes
from danlu.errors import DanluError, Problem, RecipeError, RunError
from danlu.messages import say
from danlu.metrics.meaning import is_share
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.runs import captures
from danlu.runs.folder import RunFolder
from danlu.runs.judged import ClassPredictions, of_file
from danlu.runs.run import Run
from danlu.runs.suspicious import suspicious
from danlu.runs.takes import takes
from danlu.watch import history
from danlu.watch.health.recording import Doubts, Recording, Standing, Standings

_SIMPLE = ("majority", "mean", "median", "average-box", "most-frequent")  # baselines that look at no input
_INPUTS = ("linear", "nearest", "tfidf")  # those that do
_PARTS = ("val", "test")
_NEAR = 0.1  # by more than that the net may be better than a model it stands level with: then nothing is known
_LISTED = 200  # ids of doubted samples

_AUTOMATIC = (
    "train.device",
    "train.threads",
    "train.precision",
    "train.channels_last",
    "train.optimizer.lr",
    "watch.captures_every",
)  # keys whose "auto" a run replaces by what it chose

T = TypeVar("T")


def recording(run: str | Path | Run, problems: list[Problem] | None = None) -> Recording:
    """What is damaged counts as not recorded, and is added to ``problems``. Raises RunError where there is nothing to read."""
    problems = [] if problems is None else problems
    folder = run.folder if isinstance(run, Run) else RunFolder(Path(run))
    if not folder.recipe.is_file() and not folder.events.is_file() and not folder.captures.is_dir():
        raise RunError.of(str(folder.path), say("runs.no-run"), say("runs.no-run.remedy"))

    def whole(instead: T, read: Callable[[], T]) -> T:
        try:
            return read()
        except DanluError as error:
            problems.extend(error.problems)
            return instead

    def json(path: Path) -> dict[str, Any]:
        return whole({}, lambda: folder.read_json(path)) if path.is_file() else {}

    recipe = whole(None, lambda: recipes.load(folder.recipe)) if folder.recipe.is_file() else None
    columns = json(folder.columns)
    course = _course(folder)
    floor, trivial = _bounds(recipe, columns)
    own = json(folder.net).get("takes", {}) if recipe is not None else {}
    return Recording(
        curves=history.curves(folder.events, problems) if folder.events.is_file() else {},
        layers=whole({}, lambda: captures.read(folder.captures, "layers")),
        parameters=whole({}, lambda: captures.read(folder.captures, "parameters")),
        total_steps=course.total_steps,
        ended=course.ended,
        refused=course.refused,
        recipe=recipe,
        takes=takes(recipe, own) if recipe is not None else {},
        choices={key: tuple(found["choices"]) for key, found in own.items() if found["choices"]},
        standings=standings(json(folder.baselines)),
        doubts=None if _chancy(recipe) else whole(None, lambda: _doubts(folder, columns)),
        floor=floor,
        trivial=trivial,
        side=_side(columns),
        automatic=automatic(folder),
    )


@dataclass
class _Course:
    """What the events say of beginning and end."""

    total_steps: int = 0
    ended: str | None = None
    refused: Mapping[str, Any] | None = None


def _course(folder: RunFolder) -> _Course:
    found = _Course()
    for record in history.records(folder.events, []) if folder.events.is_file() else ():
        match record["type"]:
            case "fit-started":
                found = _Course(int(record["total_steps"]))
            case "fit-done":
                found.ended, found.refused = str(record["reason"]), None
            case "non-finite" if record["action"] == "stop":
                found.refused = record
    return found


def automatic(folder: RunFolder) -> frozenset[str]:
    """Keys whose value the run chose itself: it said so before its first step, "KEY = VALUE (reason)"."""
    said = [
        str(record["text"])
        for record in (history.records(folder.events, []) if folder.events.is_file() else ())
        if record["type"] == "said" and record["step"] == 0
    ]
    return frozenset(key for key in _AUTOMATIC if any(text.startswith(f"{key} = ") for text in said))


def standings(entries: Mapping[str, Mapping[str, Any]]) -> Standings:
    """The net beside its baselines, on the part where it does best beside them. entries: of ``baselines.json``."""
    parts: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, entry in entries.items():
        for key, difference in entry.get("differences", {}).items():
            if math.isfinite(_number(difference["baseline"])) and math.isfinite(_number(difference["net"])):
                parts.setdefault(key, {})[name] = difference
    found = [_standings(key, parts[key]) for key in sorted(parts)]
    return max(found, key=lambda one: (_ORDER.index(one.linear), _ORDER.index(one.simple)), default=Standings())


_ORDER: tuple[Standing | None, ...] = ("worse", "level", None, "better")


def _standings(key: str, told: Mapping[str, Mapping[str, Any]]) -> Standings:
    simple = [name for name in _SIMPLE if name in told]
    best = max(simple, key=lambda name: told[name]["better"] * told[name]["baseline"], default=None)
    linear = told.get("linear", told.get("tfidf"))
    return Standings(
        simple=None if best is None else _standing(told[best], key),
        linear=None if linear is None else _standing(linear, key),
        metric=key,
        net=float(next(iter(told.values()))["net"]),
        linear_value=math.nan if linear is None else float(linear["baseline"]),
        simple_value=math.nan if best is None else float(told[best]["baseline"]),
    )


def _standing(difference: Mapping[str, Any], key: str) -> Standing | None:
    """By the interval of the difference, None where that is too wide; where it isn't known, by the difference."""
    gain = difference["better"] * difference["difference"]
    bounds = difference["interval"]
    if bounds is None:
        return "better" if gain > 0 else "worse" if gain < 0 else "level"
    low, high = sorted(difference["better"] * bound for bound in bounds)
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    size = 1.0 if is_share(key) else abs(difference["baseline"])
    return "level" if high <= _NEAR * size else None


def _bounds(recipe: Recipe | None, columns: Mapping[str, Any]) -> tuple[float, float | None]:
    """(lowest loss there can be, loss of one constant answer) of a plain cross entropy; (0, None) of other losses."""
    loss = None if recipe is None else recipe.train.loss
    if recipe is None or loss is None or loss.name != "cross-entropy" or recipe.data.balance != "none":
        return 0.0, None
    if loss.args.get("class_weights") is not None:
        return 0.0, None
    counts = [columns["statistics"].get(name, {}).get("counts") for name in columns.get("targets", ())]
    known = next((np.asarray(one, np.float64) for one in counts if one), None)
    if known is None or not known.sum():
        return 0.0, None
    smoothing, size = float(loss.args.get("label_smoothing", 0.0)), len(known)
    prior = (1 - smoothing) * known / known.sum() + smoothing / size
    target = np.full(size, smoothing / size)
    target[0] += 1 - smoothing
    return _entropy(target), _entropy(prior)


def _side(columns: Mapping[str, Any]) -> int:
    specs = [columns["kinds"][name] for name in columns.get("inputs", ())]
    sides = [spec["spec"].get(key) or 0 for spec in specs if spec["kind"] == "image" for key in ("height", "width")]
    return int(min(sides, default=0))


def _entropy(shares: np.ndarray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _chancy(recipe: Recipe | None) -> bool:
    """Whether surprising labels are no suspicion in this application."""
    if recipe is None or ":" in recipe.task:  # code of one's own is not loaded to look at a run
        return False
    try:
        return spec_of(recipe.task).chancy
    except RecipeError:  # an application of a package that is not here
        return False


def _doubts(folder: RunFolder, columns: Mapping[str, Any]) -> Doubts | None:
    """Of the validation and test parts, where the net's answers and those of a baseline that looks at the input are kept."""
    samples = sure = against = errors = 0
    wrong, parts = 0.0, []
    ids: list[tuple[float, str]] = []
    for part in _PARTS if columns else ():
        net = _classes(folder.predictions / f"{part}.parquet", columns, part)
        if net is None or not len(net):
            continue
        place = {name: row for row, name in enumerate(net.ids)}
        others = [
            _answers(found, place)
            for name in _INPUTS
            if (found := _classes(folder.predictions / f"baseline-{name}-{part}.parquet", columns, part)) is not None
        ]
        if not others:
            continue
        answers = net.answers
        judged = np.all([other >= 0 for other in others], axis=0)
        rows = np.flatnonzero(judged)
        rows = rows[np.argsort(-answers.sure[rows], kind="stable")][: len(rows) // 2]
        false = answers.predicted[rows] != answers.true[rows]
        agreed = np.all([other[rows] == answers.predicted[rows] for other in others], axis=0)
        doubted = suspicious(net)
        samples, sure, wrong = samples + len(net), sure + len(rows), wrong + doubted.estimated
        errors, against = errors + int(false.sum()), against + int((false & agreed).sum())
        ids += [(suspect.margin, suspect.id) for suspect in doubted.suspects]
        parts.append(part)
    if not sure:
        return None
    listed = tuple(name for _, name in sorted(ids, key=lambda one: -one[0])[:_LISTED])
    return Doubts(samples, sure, against, errors, wrong / samples, tuple(parts), listed)


def _classes(path: Path, columns: Mapping[str, Any], part: str) -> ClassPredictions | None:
    found = of_file(path, dict(columns), part) if path.is_file() else None
    return found if isinstance(found, ClassPredictions) else None


def _answers(found: ClassPredictions, place: Mapping[str, int]) -> np.ndarray:
    """int64 (N,): the class that a baseline answers, in the net's order; -1 where it was not asked."""
    answers = np.full(len(place), -1, np.int64)
    rows: Sequence[int | None] = [place.get(name) for name in found.ids]
    for row, predicted in zip(rows, found.answers.predicted.tolist(), strict=True):
        if row is not None:
            answers[row] = predicted
    return answers


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
