"""The folder of a run: where everything in it lies, made once, held by one process at a time (rule 6)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe

_held: set[int] = set()  # descriptors of the locks of this process


def _let_go() -> None:
    """A forked data worker must not hold the lock on after this process was killed."""
    while _held:
        os.close(_held.pop())


if os.name == "posix":
    import fcntl

    os.register_at_fork(after_in_child=_let_go)


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
    events = property(lambda self: self.path / "events.jsonl")
    predictions = property(lambda self: self.path / "predictions")
    checkpoints = property(lambda self: self.path / "checkpoints")
    best = property(lambda self: self.path / "best")
    pictures = property(lambda self: self.path / "pictures")
    tensorboard = property(lambda self: self.path / "tensorboard")

    @staticmethod
    def refuse_taken(recipe: Recipe) -> None:
        """Raises RunError at once where the name that the user chose is taken, before any data are read."""
        path = Path(recipe.run.folder) / (recipe.run.name or "")
        if recipe.run.name and path.exists():
            raise RunError.of(recipe.where("run.name"), say("runs.exists"), say("runs.exists.remedy", path=path))

    @classmethod
    def create(cls, recipe: Recipe) -> RunFolder:
        """A new, locked folder. A name that the user chose must be free; the default is date and task."""
        base = Path(recipe.run.folder)
        stem = recipe.run.name or time.strftime("%Y%m%d-%H%M%S-") + recipe.task.split(":")[0].split(".")[-1]
        try:
            for attempt in range(1, 1000):
                folder = cls(base / (stem if attempt == 1 else f"{stem}-{attempt}"))
                try:
                    folder.path.mkdir(parents=True)
                except FileExistsError:
                    if recipe.run.name:
                        raise RunError.of(
                            str(folder.path), say("runs.exists"), say("runs.exists.remedy", path=folder.path)
                        ) from None
                    continue
                folder.lock()
                return folder
        except OSError as error:
            raise RunError.of(
                str(base),
                say("runs.not-writable", reason=error.strerror or str(error)),
                say("runs.not-writable.remedy"),
            ) from error
        raise RunError.of(str(base), say("runs.exists"), say("runs.not-writable.remedy"))

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run. Raises RunError where there is none."""
        folder = cls(Path(path))
        if not folder.recipe.is_file():
            raise RunError.of(str(path), say("runs.no-run"), say("runs.no-run.remedy"))
        return folder

    def lock(self) -> None:
        """Hold the folder until this process ends or :meth:`release`. Raises RunError where another one holds it."""
        if os.name != "posix":
            return
        self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise RunError.of(str(self.path), say("runs.in-use"), say("runs.in-use.remedy")) from None
        _held.add(self._lock)

    def release(self) -> None:
        if self._lock is not None:
            _held.discard(self._lock)
            os.close(self._lock)
            self._lock = None

    def in_use(self) -> bool:
        """Whether a living process is writing here. Only looks: works in a folder that can't be written to."""
        try:
            file = os.open(self.path / ".lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            if os.name == "posix":
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def write_json(self, path: Path, value: Any) -> None:
        """Write a whole JSON file or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        aside.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
        aside.replace(path)

    def read_json(self, path: Path) -> Any:
        """Read a JSON file of the run. Raises RunError where it is missing or torn."""
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError.of(str(path), say("runs.unreadable", reason=str(error))) from error
