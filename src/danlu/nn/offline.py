"""Weights that are already here: in the caches of torch and of the hub's client, and inside installed packages. No torch."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
PACKAGE = "package:"
_LEAST = 100_000  # bytes: smaller files with such endings are no weights worth listing
_HASH = re.compile(r"-([0-9a-f]{8,})\.")  # of torch.hub: the name tells how the SHA-256 of the content begins


@dataclass(frozen=True)
class Weights:
    """name: what ``model.pretrained`` takes; where a hub's, the net's name. home: "torch", "hub" or the package. size: bytes."""

    name: str
    home: str
    path: Path
    size: int


def available() -> Iterator[Weights]:
    """Everything that is found, those of torch first, then the hub's, then packages'."""
    folder = _hub_folder()
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix in ENDINGS:
            yield Weights(str(path), "torch", path, path.stat().st_size)
    yield from _of_the_hub()
    packaged = [(name, path) for name, path in _packaged() if path.is_file()]
    files = Counter(name.partition("/")[0] for name, _ in packaged)
    for name, path in packaged:
        package, size = name.partition("/")[0], path.stat().st_size
        if size >= _LEAST and _may_be_weights(path):
            yield Weights(PACKAGE + (package if files[package] == 1 else name), package, path, size)


def in_package(text: str, where: str) -> Path:
    """The file of ``package:NAME``, where NAME has one file of weights, or of ``package:NAME/PATH``. Raises RecipeError."""
    asked = text.removeprefix(PACKAGE)
    package, _, inside = asked.partition("/")
    try:
        importlib.metadata.distribution(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        remedy = say("recipe.not-installed.remedy", package=package)
        raise RecipeError.of(where, say("recipe.not-installed", package=package), remedy) from None
    found = {name: path for name, path in _packaged(package) if path.is_file()}
    if inside:
        path = next((path for name, path in found.items() if name.partition("/")[2] == inside), None)
        if path is not None:
            return path
    elif len(found) == 1:
        return next(iter(found.values()))
    names = [f"{PACKAGE}{name}" for name in found]
    if not found:
        raise RecipeError.of(where, say("nn.none-in-package", package=package), say("nn.none-in-package.remedy"))
    if not inside:
        raise RecipeError.of(where, say("nn.several-in-package", package=package), ", ".join(names))
    what = say("nn.not-in-package", package=package, path=inside)
    raise RecipeError.of(where, what, did_you_mean(text, names) or ", ".join(names))


def published_file(name: str) -> Path | None:
    """The file that torch would download under ``name``, from an installed package, proven by the hash that its name tells."""
    told = _HASH.search(name)
    if told is None:
        return None
    for _, path in _packaged():
        if path.name == name and path.is_file() and _digest(path).startswith(told[1]):
            return path
    return None


def _hub_folder() -> Path:
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _of_the_hub() -> Iterator[Weights]:
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return
    try:
        cached = scan_cache_dir()
    except CacheNotFound:
        return
    for repository in sorted(cached.repos, key=lambda each: each.repo_id):
        files = [file for revision in repository.revisions for file in revision.files]
        for path in sorted({file.file_path for file in files if Path(file.file_name).suffix in ENDINGS}):
            yield Weights(repository.repo_id, "hub", path, path.stat().st_size)


def _packaged(package: str | None = None) -> Iterator[tuple[str, Path]]:
    """("distribution/path", where it lies) of the files of weights that installed packages (or one of them) brought."""
    known = importlib.metadata.distributions() if package is None else [importlib.metadata.distribution(package)]
    for distribution in known:
        for file in distribution.files or ():
            if file.suffix in ENDINGS:
                yield f"{distribution.metadata['Name']}/{file.as_posix()}", Path(str(distribution.locate_file(file)))


def _may_be_weights(path: Path) -> bool:
    """Of files that end in .bin, as others do too: whether one begins as torch's own format, now or before, does."""
    if path.suffix != ".bin":
        return True
    with path.open("rb") as stream:
        begins = stream.read(4)
    return begins == b"PK\x03\x04" or begins[:1] == b"\x80"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
