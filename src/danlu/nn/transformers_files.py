"""The configuration and the weights of a net of Transformers: from a folder, the hub's cache, or the hub; read as tensors alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from danlu.errors import DanluError, RecipeError
from danlu.messages import say
from danlu.nn.hub import careful
from danlu.nn.tensor_file import read_tensors
from danlu.recipe.published import local

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def configuration(name: str, where: str) -> Any:
    """The configuration of ``OWNER/NAME[@REVISION]`` or of a folder; no code of a repository ever runs.

    Raises RecipeError where it can't be had or isn't one that Transformers itself knows.
    """
    from transformers import AutoConfig

    source, revision = _source(name)
    try:
        with careful():
            return AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
    except Exception as error:  # each of the client, of JSON and of Transformers has its own kinds
        raise RecipeError.of(
            where, say("nn.no-configuration", net=name, reason=_reason(error)), say("nn.no-configuration-remedy")
        ) from error


def weights(name: str, where: str) -> dict[str, Tensor]:
    """name → tensor, of one file or of several that an index names.

    Raises RecipeError where they can't be had, or hold more than tensors.
    """
    source, revision = _source(name)
    try:
        with careful():
            files = _files(source, revision)
    except Exception as error:  # whatever a download can end in
        raise _none(name, _reason(error), where) from error
    if not files:
        raise _none(name, say("nn.no-weights-file", files=", ".join(_WEIGHTS[::2])), where)
    found: dict[str, Tensor] = {}
    for file in files:
        found |= read_tensors(file, where)
    return found


def _files(source: str, revision: str) -> list[Path]:
    for name in _WEIGHTS:
        file = _file(source, name, revision)
        if file is None:
            continue
        if file.suffix != ".json":
            return [file]
        parts = dict.fromkeys(json.loads(file.read_text("utf-8"))["weight_map"].values())
        found = [_file(source, Path(part).name, revision, must=True) for part in parts]
        return [each for each in found if each is not None]
    return []


def _file(source: str, name: str, revision: str, must: bool = False) -> Path | None:
    from transformers.utils.hub import cached_file

    found = cached_file(source, name, revision=revision, _raise_exceptions_for_missing_entries=must)
    return None if found is None else Path(found)


def _source(name: str) -> tuple[str, str]:
    """(folder or repository, revision)"""
    folder = local(name)
    if folder is not None:
        return str(folder), "main"
    repository, _, revision = name.partition("@")
    return repository, revision or "main"


def _none(name: str, reason: str, where: str) -> DanluError:
    return RecipeError.of(where, say("nn.no-weights", net=name, reason=reason), say("nn.no-weights-remedy"))


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
