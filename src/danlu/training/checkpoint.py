"""Checkpoints that prove themselves: safetensors and JSON, a manifest with hashes, written aside, synced, renamed (rule 6).

A folder ``checkpoints/000500/`` holds ``*.safetensors`` (one file a group of tensors), ``state.json`` and ``MANIFEST.json``
{file: {bytes, blake2b}}. It appears whole or not at all; :func:`newest` verifies every byte and falls back to the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from danlu.errors import RunError
from danlu.messages import say

FORMAT = 1


@dataclass(frozen=True)
class State:
    """tensors: group ("net", "optimizer", "ema") → name → tensor. values: JSON-able rest (position, stopper, meter, …)."""

    tensors: Mapping[str, Mapping[str, Tensor]]
    values: Mapping[str, Any]


def save(folder: Path, state: State) -> Path:
    """Write ``state`` as ``folder`` (atomically; an existing one is replaced). Raises RunError where the disk refuses."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        for group, tensors in state.tensors.items():
            save_file({name: _plain(value) for name, value in tensors.items()}, aside / f"{group}.safetensors")
        (aside / "state.json").write_text(json.dumps(dict(state.values), indent=1, sort_keys=True), encoding="utf-8")
        files = {path.name: {"bytes": path.stat().st_size, "blake2b": digest(path)} for path in sorted(aside.iterdir())}
        manifest = {"format": FORMAT, "files": files}
        (aside / "MANIFEST.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        for path in aside.iterdir():
            _sync(path)
        _sync(aside)
        if folder.exists():
            old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
            folder.rename(old)
            aside.rename(folder)
            shutil.rmtree(old)
        else:
            aside.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise RunError.of(
            str(folder),
            say("training.checkpoint-not-written", reason=error.strerror or str(error)),
            say("training.checkpoint-not-written.remedy"),
        ) from error
    return folder


def load(folder: Path) -> State:
    """Read a checkpoint after verifying every byte of it. Raises RunError that names the damaged file."""
    damage = verify(folder)
    if damage:
        raise RunError.of(
            str(folder), say("training.checkpoint-damaged", damage=damage), say("training.checkpoint-damaged.remedy")
        )
    values = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    tensors = {path.stem: load_file(path) for path in sorted(folder.glob("*.safetensors"))}
    return State(tensors, values)


def verify(folder: Path) -> str:
    """What is wrong with a checkpoint, in words; empty where every file is as the manifest says."""
    try:
        manifest = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
        files = manifest["files"]
        entries = {name: (entry["bytes"], entry["blake2b"]) for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return say("training.checkpoint-no-manifest")
    if manifest.get("format") != FORMAT:
        return say("training.checkpoint-format", format=manifest.get("format"), known=FORMAT)
    extra = sorted({path.name for path in folder.iterdir()} - set(entries) - {"MANIFEST.json"})
    if extra:
        return say("training.checkpoint-extra", file=extra[0])
    for name, (size, hashed) in entries.items():
        path = folder / name
        if not path.is_file():
            return say("training.checkpoint-missing", file=name)
        if path.stat().st_size != size or digest(path) != hashed:
            return say("training.checkpoint-changed", file=name)
    return ""


def put_back(folder: Path) -> Path:
    """``folder``, after a writer killed between its two renames: the whole checkpoint it had just moved away is there again."""
    if not folder.exists():
        for old in folder.parent.glob(f".{folder.name}.*.old"):
            if not verify(old):
                old.rename(folder)
                break
    return folder


def newest(folder: Path, warn: Callable[[str], None]) -> tuple[Path, State] | None:
    """The latest sound checkpoint under ``folder``, None where there is none at all; ``warn`` is told of each damaged one passed over.

    Raises RunError where all are damaged: to begin again from nothing is for the user to say.
    """
    found = listed(folder)
    for path in reversed(found):
        damage = verify(path)
        if not damage:
            return path, load(path)
        warn(say("training.checkpoint-passed-over", path=path, damage=damage))
    if found:
        remedy = say("training.checkpoints-all-damaged.remedy", path=folder)
        raise RunError.of(str(folder), say("training.checkpoints-all-damaged"), remedy)
    return None


def listed(folder: Path) -> list[Path]:
    """Finished checkpoints under ``folder``, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdigit())


def prune(folder: Path, keep: int) -> None:
    """Delete all but the last ``keep`` checkpoints, and what dead writers left."""
    for path in listed(folder)[:-keep]:
        shutil.rmtree(path)
    for path in folder.glob(".*.part"):
        if not _alive(path.name.split(".")[-2]):
            shutil.rmtree(path, ignore_errors=True)


def digest(path: Path) -> str:
    """blake2b-128 of a file, hex."""
    hashed = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous().clone()  # a clone: safetensors refuses tensors that share memory


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
