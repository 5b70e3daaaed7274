"""The one resolver for names: what may be named in a recipe, where it lives, and how it is made.

A short name is a module of the group's package (``cross-entropy`` is ``danlu/nn/terms/cross_entropy.py`` and its class
``CrossEntropy``) or an entry of the group's table. ``timm:NAME``, ``torchvision:NAME`` and ``hf:NAME`` are published nets;
``package.module:Object`` is anything else, the user's own too. Names are found without importing what they name.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from danlu.errors import DanluError, Problem, RecipeError
from danlu.messages import say
from danlu.recipe.arguments import Chosen, Where, check, place, untaken
from danlu.recipe.importing import attribute, exists, load_module, missing_module, place_of
from danlu.recipe.nearest import did_you_mean
from danlu.recipe.published import APPLICATIONS, EXTRAS, PACKAGES, refuse_unknown
from danlu.recipe.schema import Named
from danlu.recipe.shape import one_of
from danlu.recipe.spec import TaskSpec
from danlu.recipe.writing import shown


@dataclass(frozen=True)
class Group:
    """What kind of thing is named. package: where short names live. supplied: arguments that the program gives, never the recipe.

    table: the package is a module whose ENTRIES say which names there are. modules: an entry is the module itself, not a class in it.
    published: packages whose nets can be named. offers: what everything of this kind has, the user's own too.
    """

    package: str
    supplied: frozenset[str] = frozenset()
    table: bool = False
    modules: bool = False
    published: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


GROUPS: dict[str, Group] = {
    "loss": Group("danlu.nn.terms", frozenset({"target", "output"}), offers=("count", "forward")),
    "net": Group(
        "danlu.nn.nets",
        frozenset(
            {
                "in_channels",
                "classes",
                "image_size",
                "vocabulary",
                "targets",
                "shared",
                "users",
                "items",
                "interactions",
                "numbers",
                "cardinalities",
                "quantiles",
            }
        ),
        published=tuple(PACKAGES),
    ),
    "activation": Group("danlu.nn.activations", table=True),
    "norm": Group("danlu.nn.norms", table=True),
    "optimizer": Group("danlu.training.optimisers", frozenset({"params", "lr", "weight_decay"})),
    "schedule": Group("danlu.training.schedules", offers=("at",)),
    "unfreeze": Group("danlu.training.unfreezing", offers=("learning", "rate", "patience")),
    "adapter": Group("danlu.nn.adapters", offers=("attach", "merge")),
    "augmentation": Group("danlu.data.augment.transforms"),
    "kind": Group("danlu.data.kinds"),
    "source": Group("danlu.data.sources", modules=True),
}
TASKS = "danlu.tasks"  # package, and group of entry points

_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def catalogue(group: str) -> dict[str, str]:
    """Short name → ``module:Object`` (a module alone for sources), in alphabetical order, without importing any of them."""
    if group == "task":
        return {name: f"{module}.spec:SPEC" for name, module in _task_folders().items()}
    asked = GROUPS[group]
    if asked.table:
        return dict(importlib.import_module(asked.package).ENTRIES)
    folders = importlib.import_module(asked.package).__path__
    return dict(_entries(asked, tuple((folder, _changed(folder)) for folder in folders)))


def _changed(folder: str) -> int:
    return Path(folder).stat().st_mtime_ns if Path(folder).is_dir() else 0


@cache
def _entries(asked: Group, folders: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """The entries of the package's folders, each given with the time of its last change."""
    found = {}
    for module, path in _modules([folder for folder, _ in folders]):
        target = f"{asked.package}.{module}"
        if not asked.modules:
            match = re.search(
                rf"^(?:class|def) ({module.replace('_', '')})\b", path.read_text("utf-8"), re.MULTILINE | re.IGNORECASE
            )
            if match is None:
                continue
            target += f":{match[1]}"
        found[module.replace("_", "-")] = target
    return found


def resolve(group: str, name: str, where: str = "") -> str:
    """The ``module:Object`` behind a name. Raises RecipeError with what is allowed and the nearest name; imports nothing it names."""
    known = catalogue(group)
    if name in known:
        return known[name]
    head, colon, rest = name.partition(":")
    published = GROUPS[group].published if group in GROUPS else ()
    if head in published and rest:
        package = PACKAGES[head]
        if not exists(package):
            remedy = say("recipe.not-installed.remedy", package=EXTRAS.get(head, package))
            raise RecipeError.of(where, say("recipe.not-installed", package=package), remedy)
        return name
    if not colon or head in PACKAGES:
        raise _unknown(
            group, name, where, [*known], [*(f"{prefix}:NAME" for prefix in published), "package.module:Object"]
        )
    if not _OBJECT.fullmatch(name):
        raise RecipeError.of(where, say("recipe.not-an-object", name=name), say("recipe.not-an-object.remedy"))
    if not exists(head):
        raise missing_module(head, where)
    return name


def _unknown(group: str, name: str, where: str, known: list[str], forms: list[str]) -> DanluError:
    allowed = one_of([*known, *forms])
    what = say("recipe.unknown-name", group=say(f"recipe.group.{group}"), name=shown(name), allowed=allowed)
    return RecipeError.of(where, what, did_you_mean(name, known))


def load_object(target: str, where: str = "") -> Any:
    """What ``module:Object`` (a module, without colon) names, imported now. Raises RecipeError where it isn't there."""
    module, _, path = target.partition(":")
    if module in ("timm", "torchvision") and path:
        return _published(module, path, where)
    loaded = load_module(module, where)
    return attribute(loaded, path, where) if path else loaded


def faults(group: str, named: Chosen, where: Where = "", arguments: bool = True) -> list[Problem]:
    """What is wrong with a choice, as far as it can be told before anything is built.

    An unknown name is told without importing anything. Arguments are looked at only where there are some, where the name is a short
    one, and where ``arguments`` says so.
    """
    spot = place(where, "" if GROUPS[group].table else "name")
    if not named.name:
        return [Problem(place(where, ""), say("recipe.needs-a-name", group=say(f"recipe.group.{group}")))]
    try:
        target = resolve(group, named.name, spot)
        if (
            target == named.name and ":" in target
        ):  # the user's own code, and large libraries, are imported only when needed
            package, _, model = target.partition(":")
            if package in GROUPS[group].published:
                refuse_unknown(package, model, spot, APPLICATIONS)  # which one is told when the net is made
        elif arguments and (named.args or getattr(named, "value", None) is not None):
            return check(load_object(target, spot), named, where, GROUPS[group].supplied)[1]
    except RecipeError as error:
        return list(error.problems)
    return []


def checked(
    group: str, name: str, args: Mapping[str, Any], where: Where = "", value: Any = None
) -> tuple[Any, dict[str, Any]]:
    """(the object behind a name, its checked keyword arguments), for who gives the rest of the arguments later. Raises RecipeError."""
    target = load_object(resolve(group, name, place(where, "name")), place(where, "name"))
    supplied = GROUPS[group].supplied
    _refuse_uncallable(target, name, place(where, "name"))
    kwargs, problems = check(target, Named(name=name, args=dict(args), value=value), where, supplied)
    problems += [
        Problem(place(where, "name"), say("recipe.takes-no", name=name, argument=argument))
        for argument in untaken(target, sorted(supplied - {"params"}))  # parameters come first, whatever their name
    ]
    if problems:
        raise RecipeError(problems)
    return target, kwargs


def build(group: str, named: Chosen | str, where: Where = "", /, **context: Any) -> Any:
    """Make what ``named`` chooses: the recipe's arguments are checked against the constructor's signature, then it is called.

    where: see :data:`danlu.recipe.arguments.Where`. context: arguments that the program gives; the recipe can't. A single value
    (``{rotate: 10}``) goes to the first parameter that the program doesn't give. Raises RecipeError with all problems.
    """
    chosen = Named(name=named) if isinstance(named, str) else named
    spot = place(where, "name")
    made = _made(load_object(resolve(group, chosen.name, spot), spot), chosen, where, context, GROUPS[group].supplied)
    lacking = [name for name in GROUPS[group].offers if not hasattr(made, name)]
    if lacking:
        what = say("recipe.not-of-the-group", name=chosen.name, group=say(f"recipe.group.{group}"), lacking=lacking[0])
        raise RecipeError.of(spot, what)
    return made


def construct(target: Callable[..., Any], named: Chosen, where: Where = "", /, **context: Any) -> Any:
    """:func:`build` where the class is known and only its arguments are the recipe's."""
    return _made(target, named, where, context)


def _made(
    target: Callable[..., Any],
    named: Chosen,
    where: Where,
    context: Mapping[str, Any],
    supplied: frozenset[str] = frozenset(),
) -> Any:
    _refuse_uncallable(target, named.name, place(where, "name"))
    kwargs, problems = check(target, named, where, {*context, *supplied}, whole=True)
    problems += [
        Problem(place(where, "name"), say("recipe.takes-no", name=named.name, argument=name))
        for name in untaken(target, context)
    ]
    if problems:
        raise RecipeError(problems)
    try:
        return target(**context, **kwargs)
    except ValueError as error:  # what no annotation could say
        raise RecipeError.of(place(where, ""), say("recipe.refused", name=named.name, reason=error)) from error
    except DanluError:
        raise
    except Exception as error:
        if ":" not in named.name:
            raise  # a defect of Danlu's own
        raise failed(named.name, place(where, "name"), error) from error


def failed(name: str, where: str, error: Exception) -> DanluError:
    """The user's own code, or another library's, raised when it was called."""
    reason = f"{type(error).__name__}: {error}"
    return RecipeError.of(where, say("recipe.own-failed", name=name, reason=reason, place=place_of(error)))


def _refuse_uncallable(target: Any, name: str, where: str) -> None:
    if not callable(target):
        raise RecipeError.of(where, say("recipe.not-callable", name=name, kind=type(target).__name__))


# ---- tasks ----------------------------------------------------------------------------------------------------------


def spec_of(task: str, where: str = "") -> TaskSpec:
    """The spec of a task: a folder of ``danlu.tasks``, an entry point of that group, or ``package.module:SPEC``. Raises RecipeError."""
    targets = catalogue("task")
    if task not in targets and ":" not in task:
        targets |= _plugins()
    target = targets.get(task, task)
    if ":" not in target:
        raise _unknown("task", task, where, [*targets], ["package.module:SPEC"])
    if not _OBJECT.fullmatch(target):
        raise RecipeError.of(where, say("recipe.not-an-object", name=task), say("recipe.not-an-object.remedy"))
    spec = load_object(target, where)
    if not isinstance(spec, TaskSpec):
        raise RecipeError.of(where, say("recipe.not-a-spec", target=target))
    return spec


def tasks() -> dict[str, TaskSpec]:
    """Every task there is, by name."""
    return {name: spec_of(name) for name in sorted({**catalogue("task"), **_plugins()})}


def _task_folders() -> dict[str, str]:
    """Name → package, for every sub-package of danlu.tasks that has a spec."""
    package = importlib.import_module(TASKS)
    found = {}
    for folder in map(Path, package.__path__):
        for spec in sorted(folder.glob("*/spec.py")):
            found[spec.parent.name.replace("_", "-")] = f"{TASKS}.{spec.parent.name}"
    return found


@cache
def _plugins() -> dict[str, str]:
    """Tasks of installed packages: ``[project.entry-points."danlu.tasks"] name = "package.module:SPEC"``."""
    return {entry.name: entry.value for entry in importlib.metadata.entry_points(group=TASKS)}


def _modules(folders: Sequence[str]) -> list[tuple[str, Path]]:
    """(name, file) of the modules that can be entries."""
    found = []
    for finder, name, is_package in pkgutil.iter_modules(folders):
        if name != "base" and not name.startswith("_"):
            root = Path(finder.path) / name  # type: ignore[union-attr]
            found.append((name, root / "__init__.py" if is_package else root.with_suffix(".py")))
    return sorted(found)


# ---- published nets -------------------------------------------------------------------------------------------------


def _published(package: str, name: str, where: str) -> Callable[..., Any]:
    """The function that makes a net of timm or torchvision. Raises RecipeError with the nearest name."""
    refuse_unknown(package, name, where)
    from danlu._compat.torchvision import ensure

    ensure()
    if package == "timm":
        import timm

        return partial(timm.create_model, name)
    import torchvision

    return partial(torchvision.models.get_model, name)
