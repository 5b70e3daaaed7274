"""Named tensors from a file of somebody else's: safetensors, or torch's own format through its reader of tensors alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.errors import RecipeError
from danlu.messages import say

_TORCH = (b"\x80", b"PK\x03\x04")  # a pickle of protocol 2 or later, and torch's archive of one
_INSIDE = ("state_dict", "model_state_dict", "model", "net")  # where whole checkpoints keep the net's
_BEFORE = ("module.", "_orig_mod.")  # what data parallelism and compilation put before each name
_WHOLE = ("model.safetensors", "net.safetensors", "pytorch_model.bin")  # in a folder: transformers', ours


def read_tensors(file: Path, where: str) -> dict[str, Tensor]:
    """name → tensor, on the CPU. file: also a folder that holds one. Nothing in it can run code.

    Raises RecipeError where it is not there, can't be read, or holds anything but tensors.
    """
    path = _in_folder(file) if file.is_dir() else file
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        text = say("nn.weights-missing", file=file) if missing else _unreadable(file, error)
        raise RecipeError.of(where, text) from error
    if start.startswith(_TORCH) and not start.endswith(b"{"):
        return _named(_of_torch(path, where), path, where)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return _named(load_file(path), path, where)
    except (OSError, SafetensorError) as error:
        raise RecipeError.of(where, _unreadable(path, error)) from error


def _of_torch(path: Path, where: str) -> Any:
    try:
        with path.open("rb") as stream, warnings.catch_warnings():  # of a path torch would look at the ending
            warnings.simplefilter("ignore", UserWarning)  # of the protocol: what can't be read is told below
            return torch.load(stream, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a broken archive and an object that is no tensor come as many kinds
        if "nsupported" in str(error) or "Weights only load failed" in str(error):
            raise RecipeError.of(
                where, say("nn.weights-pickled", file=path), say("nn.weights-pickled-remedy")
            ) from error
        raise RecipeError.of(where, _unreadable(path, error)) from error


def _named(found: Any, path: Path, where: str) -> dict[str, Tensor]:
    for name in _INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping):
        raise RecipeError.of(where, _unreadable(path, say("nn.weights-unnamed")))
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    for prefix in _BEFORE:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    if not tensors:
        raise RecipeError.of(where, _unreadable(path, say("nn.weights-unnamed")))
    return tensors


def _in_folder(folder: Path) -> Path:
    """The file of weights in it; where there is none, a name that is not there."""
    return next((folder / name for name in _WHOLE if (folder / name).is_file()), folder / _WHOLE[0])


def _unreadable(path: Path, reason: object) -> str:
    return say("nn.weights-unreadable", file=path, reason=str(reason).partition("\n")[0].rstrip("."))
