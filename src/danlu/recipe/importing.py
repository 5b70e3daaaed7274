"""Importing what a recipe names as ``package.module:Object``, with the user's own files found where they expect it."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import BuiltinImporter, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from danlu.errors import DanluError, RecipeError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

_folders: list[str] = []  # of recipes read so far


def look_in(folder: Path) -> None:
    """Modules in ``folder`` (a recipe's) can be named in recipes from now on; the current directory's always can."""
    path = str(folder.resolve())
    if path not in _folders:
        _folders.append(path)


def exists(module: str) -> bool:
    """Whether a module of this name is there. Neither it nor the packages around it are run."""
    if module in sys.modules:
        return True
    top, *inner = module.split(".")
    with _own_first(top):
        spec = PathFinder.find_spec(top) or BuiltinImporter.find_spec(top)
        for step in inner:
            if spec is None or spec.submodule_search_locations is None:
                return False
            spec = PathFinder.find_spec(f"{spec.name}.{step}", spec.submodule_search_locations)
    return spec is not None


def load_module(name: str, where: str = "") -> ModuleType:
    """Import a module that a user named. Raises RecipeError where it is missing, or where its own code fails."""
    with _own_first(name):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                raise missing_module(name, where) from None
            raise _broken(name, where, error) from error
        except (Exception, SystemExit) as error:  # a script that was meant to be run may end the program
            raise _broken(name, where, error) from error


def missing_module(name: str, where: str) -> DanluError:
    """There is no module of this name."""
    beside = [path.stem for folder in _places() for path in Path(folder).glob("*.py")]
    remedy = did_you_mean(name, beside) or say("recipe.no-module.remedy", folder=Path.cwd())
    return RecipeError.of(where, say("recipe.no-module", module=name), remedy)


def attribute(module: ModuleType, path: str, where: str = "") -> Any:
    """``module.path``. Raises RecipeError with the nearest name that is there."""
    found: Any = module
    for step in path.split("."):
        if not hasattr(found, step):
            public = [name for name in dir(found) if not name.startswith("_")]
            what = say(
                "recipe.no-attribute", module=module.__name__, file=getattr(module, "__file__", None) or "–", name=step
            )
            raise RecipeError.of(where, what, did_you_mean(step, public))
        found = getattr(found, step)
    return found


def place_of(error: BaseException) -> str:
    """``file:line`` where an error arose, so that people find it in their own code."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _broken(name: str, where: str, error: BaseException) -> DanluError:
    reason = f"{type(error).__name__}: {error}"
    return RecipeError.of(where, say("recipe.broken-module", module=name, reason=reason, place=place_of(error)))


def _places() -> list[str]:
    return [str(Path.cwd()), *_folders]


@contextmanager
def _own_first(module: str) -> Iterator[None]:
    """While a user's module is imported, its folder comes first; afterwards last, so that it hides nothing of others.

    It stays on the path, for what the module imports later and for worker processes, which inherit the path.
    """
    top = module.partition(".")[0]
    folder = next((place for place in _places() if _holds(Path(place), top)), None)
    if folder is None:
        yield
        return
    importlib.invalidate_caches()  # the file may be new
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _holds(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module).is_dir()
