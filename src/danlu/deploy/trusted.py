"""What an artifact may name: Danlu's own kinds and decoders, and those of installed packages. Nothing else is imported for it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import danlu.data.kinds
import danlu.tasks
from danlu.data.kinds.base import Kind
from danlu.errors import ArtifactError
from danlu.messages import say
from danlu.tasks.decoding import Decoder

_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_SHARED = "danlu.tasks.decoding"

T = TypeVar("T")


def kind(folder: Path, entry: Mapping[str, Any], allow_code: bool) -> Kind:
    """The kind of a column as {"kind", "version", "spec"}. Raises ArtifactError."""
    name = _text(folder, entry, "kind")
    module = name.replace("-", "_")
    if ":" in name:
        found = _class(folder, name, Kind, allow_code)
    elif module not in {each.name for each in pkgutil.iter_modules(danlu.data.kinds.__path__)} or module == "base":
        raise ArtifactError.of(str(folder), say("deploy.unknown-kind", name=name), say("deploy.newer.remedy"))
    else:
        loaded = importlib.import_module(f"danlu.data.kinds.{module}")
        wanted = module.replace("_", "")
        found = next(thing for known, thing in vars(loaded).items() if known.lower() == wanted)
    if entry.get("version") != found.version:
        what = say("deploy.kind-version", name=name, version=entry.get("version"), known=found.version)
        raise ArtifactError.of(str(folder), what, say("deploy.export-again.remedy"))
    made: Kind = _made(folder, found, entry)
    return made


def decoder(folder: Path, entry: Mapping[str, Any], allow_code: bool) -> Decoder:
    """The decoder of {"class": "module:Class", "spec"}. Raises ArtifactError."""
    target = _text(folder, entry, "class")
    if not _OBJECT.fullmatch(target):
        raise ArtifactError.of(str(folder), say("deploy.not-an-object", name=target), say("deploy.damaged.remedy"))
    own = _is_own(target) or target in _installed(target)
    made: Decoder = _made(folder, _class(folder, target, Decoder, own or allow_code), entry)
    return made


def _is_own(target: str) -> bool:
    """Whether it is a decoder of one of Danlu's applications: told by its place, without loading their specs (which takes longer)."""
    module, _, _ = target.partition(":")
    name = module.removeprefix("danlu.tasks.").removesuffix(".decoder")
    if module == _SHARED:
        return True
    if module != f"danlu.tasks.{name}.decoder":
        return False
    return any((Path(place) / name / "spec.py").is_file() for place in danlu.tasks.__path__)


def _installed(target: str) -> set[str]:
    """The decoders that installed applications of the target's package name in their specs."""
    from importlib.metadata import entry_points  # half as slow to load as numpy

    package = target.partition(":")[0].partition(".")[0]
    return {
        entry.load().decoder for entry in entry_points(group="danlu.tasks") if entry.module.partition(".")[0] == package
    }


def _class(folder: Path, target: str, base: type[Any], allowed: bool) -> type[Any]:
    if not allowed:
        raise ArtifactError.of(str(folder), say("deploy.foreign", name=target), say("deploy.foreign.remedy"))
    module, _, name = target.partition(":")
    if module.partition(".")[0] == "danlu":
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            what = say("deploy.not-there", name=target, reason=str(error))
            raise ArtifactError.of(str(folder), what, say("deploy.newer.remedy")) from error
    else:  # found where a recipe's own modules are; that takes longer to load
        from danlu.recipe import importing

        found = importing.attribute(importing.load_module(module, str(folder)), name, str(folder))
    if not (isinstance(found, type) and issubclass(found, base)):
        what = say("deploy.wrong-class", name=target, base=base.__name__)
        raise ArtifactError.of(str(folder), what, say("deploy.damaged.remedy"))
    return found


def _made(folder: Path, found: type[T], entry: Mapping[str, Any]) -> T:
    try:
        return found(**entry["spec"])
    except (KeyError, TypeError, ValueError) as error:
        what = say("deploy.bad-spec", name=found.__name__, reason=str(error))
        raise ArtifactError.of(str(folder), what, say("deploy.newer.remedy")) from error


def _text(folder: Path, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(value, str):
        raise ArtifactError.of(str(folder), say("deploy.lacks", key=key), say("deploy.damaged.remedy"))
    return value
