"""The folder of a run: where everything in it lies, made once, held by one process at a time (rule 6)."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.training import aside, lock, manifest
from danlu.training.aside import sync_folder, write_whole
from danlu.training.manifest import DamagedError


class RunFolder:
    """Paths of a run, and the lock that keeps a second process out while one is writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    recipe = property(lambda self: self.path / "recipe.yaml")
    environment = property(lambda self: self.path / "environment.json")
    card = property(lambda self: self.path / "data" / "card.json")
    membership = property(lambda self: self.path / "data" / "split.parquet")
    columns = property(lambda self: self.path / "data" / "columns.json")
    net = property(lambda self: self.path / "net.json")
    events = property(lambda self: self.path / "events.jsonl")
    predictions = property(lambda self: self.path / "predictions")
    thresholds = property(lambda self: self.path / "thresholds.json")
    baselines = property(lambda self: self.path / "baselines.json")
    claimed = property(lambda self: self.path / "claimed.json")
    checkpoints = property(lambda self: self.path / "checkpoints")
    best = property(lambda self: self.path / "best")
    captures = property(lambda self: self.path / "captures")
    pictures = property(lambda self: self.path / "pictures")
    tensorboard = property(lambda self: self.path / "tensorboard")

    @staticmethod
    def refuse_taken(recipe: Recipe) -> None:
        """Raises RunError at once where the name that the user chose is taken, before any data are read."""
        path = Path(recipe.run.folder) / (recipe.run.name or "")
        if recipe.run.name and path.exists():
            raise RunError.of(recipe.where("run.name"), say("runs.exists"), say("runs.exists.remedy", path=path))

    @classmethod
    def create(cls, recipe: Recipe, begin: Callable[[RunFolder], None] | None = None) -> RunFolder:
        """A new, locked folder with what ``begin`` writes into it; it appears whole or not at all.

        A name that the user chose must be free; the default is date and task. Raises RunError.
        """
        stem = recipe.run.name or time.strftime("%Y%m%d-%H%M%S-") + recipe.task.split(":")[0].split(".")[-1]
        target = Path(recipe.run.folder) / stem
        base = target.parent
        folder = cls(aside.beside(base / f"{target.name}-{os.urandom(4).hex()}"))
        try:
            base.mkdir(parents=True, exist_ok=True)
            aside.clear(base, own=False)
            folder.path.mkdir()
            folder.lock()
            if begin is not None:
                begin(folder)
            folder._appear(target, bool(recipe.run.name))
        except BaseException as error:
            folder.release()
            shutil.rmtree(folder.path, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            what = say("runs.not-writable", reason=error.strerror or str(error))
            raise RunError.of(str(base), what, say("runs.not-writable.remedy")) from error
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run. Raises RunError where there is none."""
        folder = cls(Path(path))
        if not folder.recipe.is_file():
            raise RunError.of(str(path), say("runs.no-run"), say("runs.no-run.remedy"))
        return folder

    def lock(self) -> None:
        """Hold the folder until this process ends or :meth:`release`. Raises RunError where another one holds it."""
        self._lock = lock.hold(self.path)

    def release(self) -> None:
        lock.release(self._lock)
        self._lock = None

    def in_use(self) -> bool:
        """Whether a living process is writing here. Only looks: works in a folder that can't be written to."""
        return lock.in_use(self.path)

    def prove(self) -> None:
        """Write the manifest of what a run begins with and later reads again."""
        paths = (self.recipe, self.environment, self.card, self.columns, self.membership, self.net)
        names = [path.relative_to(self.path).as_posix() for path in paths if path.is_file()]
        write_whole(self.path / manifest.NAME, manifest.proof(self.path, names))

    def damage(self, path: Path) -> str:
        """What is wrong with one of those files, in words; empty where it is as it was written, or where the run has no manifest."""
        if not os.path.lexists(self.path / manifest.NAME):
            return "" if path.is_file() else say("training.damage-missing", file=path.name)
        try:
            name = path.relative_to(self.path).as_posix()
            entry = manifest.entries(self.path).get(name)
            if entry is not None:
                manifest.check(path, entry)
        except DamagedError as damage:
            return str(damage)
        return ""

    def write_json(self, path: Path, value: Any) -> None:
        """Write a whole JSON file or none. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read a JSON file of the run. Raises RunError where it is missing, torn, or not what was written."""
        reason = self.damage(path)
        try:
            if not reason:
                found = json.loads(path.read_text(encoding="utf-8"))
                if isinstance(found, dict):
                    return found
                reason = say("training.damage-content", file=path.name)
        except (OSError, ValueError) as error:
            reason = str(error)
        raise RunError.of(
            str(path), say("runs.unreadable", reason=reason), say("runs.unreadable.remedy", path=self.path)
        )

    def _appear(self, wanted: Path, chosen: bool) -> None:
        """Under its name; under the next that is free where nobody chose one."""
        sync_folder(self.path)
        for attempt in range(1, 1000):
            target = wanted if attempt == 1 else wanted.with_name(f"{wanted.name}-{attempt}")
            try:
                if os.path.lexists(target):
                    raise FileExistsError
                self.path.rename(target)
            except OSError as error:
                if not os.path.lexists(target):
                    raise
                if chosen:
                    remedy = say("runs.exists.remedy", path=target)
                    raise RunError.of(str(target), say("runs.exists"), remedy) from error
                continue
            self.path = target
            sync_folder(target.parent)
            return
        raise RunError.of(str(wanted), say("runs.exists"), say("runs.not-writable.remedy"))


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """What the disk refuses inside, as a RunError that says where and what to do."""
    try:
        yield
    except OSError as error:
        what = say("runs.not-written", reason=error.strerror or str(error))
        raise RunError.of(str(where), what, say("runs.not-written.remedy")) from error
