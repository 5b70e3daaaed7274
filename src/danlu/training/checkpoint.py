"""Checkpoints that prove themselves: safetensors and JSON, a manifest with hashes, written aside, synced, renamed (rule 6).

A folder ``checkpoints/000500/`` holds ``*.safetensors`` (one file a group of tensors), ``state.json`` and ``MANIFEST.json``
(:mod:`danlu.training.manifest`), nothing else. It appears whole or not at all; :func:`newest` proves every byte and falls back to the
one before. Nothing in it is ever unpickled. One process writes; any number may read meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as tensors_of
from safetensors.torch import save_file
from torch import Tensor

from danlu.errors import RunError
from danlu.messages import say
from danlu.training import aside, manifest
from danlu.training.manifest import DamagedError

VALUES = "state.json"
_TENSORS = ".safetensors"
_T = TypeVar("_T")


@dataclass(frozen=True)
class State:
    """tensors: group ("net", "optimizer", "ema") → name → tensor. values: JSON-able rest (position, stopper, meter, …)."""

    tensors: Mapping[str, Mapping[str, Tensor]]
    values: Mapping[str, Any]


def save(folder: Path, state: State, keep_old: bool = False) -> Path:
    """Write ``state`` as ``folder`` (atomically; an existing one is replaced). Raises RunError where the disk refuses.

    keep_old: what is replaced stays beside it until :func:`danlu.training.aside.clear`, for :func:`put_back`; of several, the first.
    """
    part = aside.beside(folder)
    try:
        aside.remove(part)
        part.mkdir(parents=True)
        for group, tensors in state.tensors.items():
            write_tensors(tensors, part / f"{group}{_TENSORS}")
        (part / VALUES).write_text(json.dumps(dict(state.values), indent=1, sort_keys=True), encoding="utf-8")
        manifest.write(part, sorted(path.name for path in part.iterdir()))
        for path in part.iterdir():
            aside.sync(path)
        aside.sync_folder(part)
        _move(part, folder, keep_old)
    except OSError as error:
        with suppress(OSError):
            aside.remove(part)
        raise RunError.of(
            str(folder),
            say("training.checkpoint-not-written", reason=error.strerror or str(error)),
            say("training.checkpoint-not-written.remedy"),
        ) from error
    if not keep_old:
        aside.clear(folder.parent, folder.name, elsewhere=True)
    return folder


def load(folder: Path) -> State:
    """Read a checkpoint, every byte of it proven, whether or not it is being replaced. Raises RunError that names the damaged file."""
    try:
        return read(folder)
    except DamagedError as damage:
        raise RunError.of(
            str(folder), say("training.checkpoint-damaged", damage=damage), say("training.checkpoint-damaged.remedy")
        ) from damage


def read(folder: Path) -> State:
    """:func:`load` that raises :class:`DamagedError`."""
    return _whole(folder, _read)


def values(folder: Path) -> dict[str, Any]:
    """The values of a checkpoint, proven, without its tensors. Raises :class:`DamagedError`."""
    return _whole(folder, lambda place: _values(place, manifest.entries(place)))


def verify(folder: Path) -> str:
    """What is wrong with a checkpoint, in words; empty where every file is as the manifest says."""
    try:
        for name, entry in _entries(folder).items():
            manifest.check(folder / name, entry)
    except DamagedError as damage:
        return str(damage)
    return ""


def newest(folder: Path, warn: Callable[[str], None]) -> tuple[Path, State] | None:
    """The latest sound checkpoint under ``folder``, None where there is none at all; ``warn`` is told of each damaged one passed over.

    Raises RunError where all are damaged: to begin again from nothing is for the user to say.
    """
    damages: list[str] = []
    for path in reversed(listed(folder)):
        try:
            return path, _read(path)
        except DamagedError as damage:
            warn(say("training.checkpoint-passed-over", path=path, damage=damage))
            damages.append(f"{path.name}: {damage}")
    if damages:
        what = say("training.checkpoints-all-damaged", damages="; ".join(damages))
        raise RunError.of(str(folder), what, say("training.checkpoints-all-damaged.remedy", path=folder))
    return None


def listed(folder: Path) -> list[Path]:
    """Finished checkpoints under ``folder``, oldest first: all that is named by a number of steps."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _numbered(path.name)), key=lambda path: int(path.name))


def prune(folder: Path, keep: int, step: int | None = None) -> None:
    """Delete all but the last ``keep`` checkpoints, and what dead writers left.

    step: where training stands; checkpoints beyond it are of an earlier attempt that went on from there (damaged ones were passed
    over), so they don't count and go too.
    """
    found = listed(folder)
    past = [path for path in found if step is None or int(path.name) <= step]
    for path in [*past[:-keep], *found[len(past) :]]:
        old = aside.beside(path, "old")
        with suppress(OSError):  # what can't be deleted stays a checkpoint; the next time it is tried again
            path.rename(old)  # so that a half deleted one is none
            aside.remove(old)
    aside.clear(folder, elsewhere=True)


def put_back(folder: Path, fits: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Whether ``folder`` is again the sound one that a writer moved away, and that ``fits`` by its values.

    For the process that writes; readers look there themselves.
    """
    for old in _moved_away(folder):
        if not verify(old) and fits(values(old)):
            aside.remove(folder)
            old.rename(folder)
            return True
    return False


def exists(folder: Path) -> bool:
    """Whether there is one, or there was until a writer moved it away just now."""
    return os.path.lexists(folder) or bool(_moved_away(folder))


def write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """A safetensors file of copies of ``tensors``. Raises OSError where the disk refuses, as everything else that writes does."""
    try:
        save_file({name: _plain(value) for name, value in tensors.items()}, path)
        path.chmod(path.parent.stat().st_mode & 0o666)  # safetensors lets nobody but the owner read it
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code) if number else str(error), str(path)) from error


def _read(folder: Path) -> State:
    found = _entries(folder)
    tensors = {}
    for name, entry in found.items():
        if name == VALUES:
            continue
        try:
            tensors[name.removesuffix(_TENSORS)] = tensors_of(manifest.content(folder / name, entry))
        except SafetensorError as error:
            raise DamagedError(say("training.damage-content", file=name)) from error
    return State(tensors, _values(folder, found))


def _values(folder: Path, found: Mapping[str, manifest.Entry]) -> dict[str, Any]:
    if VALUES not in found:
        raise DamagedError(say("training.damage-missing", file=VALUES))
    try:
        content = json.loads(manifest.content(folder / VALUES, found[VALUES]))
    except (ValueError, RecursionError) as error:
        raise DamagedError(say("training.damage-content", file=VALUES)) from error
    if not isinstance(content, dict):
        raise DamagedError(say("training.damage-content", file=VALUES))
    return content


def _entries(folder: Path) -> dict[str, manifest.Entry]:
    """The manifest's entries, which are just the files of the folder, and of kinds that a checkpoint has."""
    if folder.is_symlink() or not folder.is_dir():
        key = "training.damage-link" if folder.is_symlink() else "training.damage-no-folder"
        raise DamagedError(say(key, file=folder.name))
    found = manifest.entries(folder)
    try:
        there = {path.name for path in folder.iterdir()} - {manifest.NAME}
    except OSError as error:
        raise DamagedError(say("training.damage-unreadable", file=folder.name, reason=error.strerror)) from error
    for name in sorted(found.keys() | there):
        if name not in found:
            raise DamagedError(say("training.damage-extra", file=name))
        if name not in there:
            raise DamagedError(say("training.damage-missing", file=name))
        if name != VALUES and not name.endswith(_TENSORS):
            raise DamagedError(say("training.damage-foreign", file=name))
    return found


def _whole(folder: Path, reading: Callable[[Path], _T]) -> _T:
    """``reading(folder)``, or of what a writer has just moved away; again where it was replaced meanwhile."""
    while True:
        moved = [] if os.path.lexists(folder) else _moved_away(folder)
        place = moved[0] if moved else folder
        with _pinned(place) as before:
            try:
                return reading(place)
            except DamagedError:
                if _identity(place) == before and (place is folder or not os.path.lexists(folder)):
                    raise


@contextmanager
def _pinned(folder: Path) -> Iterator[tuple[int, int] | None]:
    """The folder's identity, which no other folder gets while this is open."""
    descriptor = -1
    with suppress(OSError):  # nothing is there, or the system opens no folders: whoever reads it will see
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0))
    try:
        found = os.fstat(descriptor) if descriptor >= 0 else None
        yield (found.st_dev, found.st_ino) if found else _identity(folder)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _moved_away(folder: Path) -> list[Path]:
    """What writers moved away to put another in its place; the furthest in training first."""
    return sorted(aside.left(folder.parent, folder.name, "old"), key=_step, reverse=True)


def _step(folder: Path) -> int:
    try:
        step = _values(folder, manifest.entries(folder)).get("step", -1)
    except DamagedError:
        return -1
    return step if isinstance(step, int) else -1


def _move(part: Path, folder: Path, keep_old: bool) -> None:
    """``part`` becomes ``folder``; what was there goes when the new one is safe on the disk."""
    if not os.path.lexists(folder):
        part.rename(folder)
        aside.sync_folder(folder.parent)
        return
    old = aside.beside(folder, "old")
    kept = keep_old and old.exists()
    if kept:
        old = aside.beside(folder.with_name(f"{folder.name}.replaced"), "old")
    aside.remove(old)
    folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    aside.sync_folder(folder.parent)
    if kept or not keep_old:
        aside.remove(old)


def _numbered(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous().clone()  # a clone: safetensors refuses tensors that share memory
