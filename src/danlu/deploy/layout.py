"""The files of an artifact, and how they prove themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from danlu.errors import ArtifactError, DanluError
from danlu.messages import say
from danlu.training import manifest
from danlu.training.manifest import DamagedError, Entry

FORMAT = 1
GRAPH = "model.onnx"
DESCRIPTION = "artifact.json"
PROFILE = "profile.json"
CARD = "card.md"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def is_artifact(path: Path) -> bool:
    """Whether this claims to be one; damaged or not."""
    return (path / DESCRIPTION).is_file()


class Files:
    """An artifact's files, each read only once it is proven. Raises ArtifactError for what is not as it was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.entries: dict[str, Entry] = manifest.entries(folder)
        except DamagedError as damage:
            raise damaged(folder, str(damage)) from damage
        for name in self.entries:
            if not plain(name):
                raise damaged(folder, say("deploy.name", name=name))

    def content(self, name: str) -> bytes:
        if name not in self.entries:
            raise damaged(self.folder, say("deploy.unlisted", name=name))
        try:
            return manifest.content(self.folder / name, self.entries[name])
        except DamagedError as damage:
            raise damaged(self.folder, str(damage)) from damage

    def check_all(self, but: frozenset[str] = frozenset()) -> None:
        """Every file in the manifest, except those that are read anyway."""
        for name, entry in self.entries.items():
            if name not in but:
                try:
                    manifest.check(self.folder / name, entry)
                except DamagedError as damage:
                    raise damaged(self.folder, str(damage)) from damage

    def json(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self.content(name))
        except (ValueError, RecursionError) as error:
            raise damaged(self.folder, say("deploy.not-json", name=name)) from error
        if not isinstance(found, dict):
            raise damaged(self.folder, say("deploy.not-json", name=name))
        return found


def plain(name: str) -> bool:
    """Whether this is the name of a file in the folder itself: no separators, nothing that leads elsewhere."""
    return bool(name) and name[0] != "." and _PLAIN.issuperset(name)


def seal(folder: Path) -> None:
    """Write the manifest of all that is in ``folder``. Raises OSError."""
    manifest.write(folder, sorted(path.name for path in folder.iterdir() if path.name != manifest.NAME))


def write_json(path: Path, value: Any) -> None:
    """Raises OSError, and ValueError for numbers that JSON has not."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def damaged(folder: Path, what: str) -> DanluError:
    return ArtifactError.of(str(folder), what, say("deploy.damaged.remedy"))
