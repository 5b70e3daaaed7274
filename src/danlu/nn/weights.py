"""Weights to begin with: from a file, and into a net that differs at both ends."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.head import head_of
from danlu.nn.offline import ENDINGS, PACKAGE, in_package
from danlu.nn.run_weights import is_run, load_run
from danlu.nn.tensor_file import read_tensors

FILES = (*ENDINGS, ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".onnx")


def is_file(pretrained: bool | str) -> bool:
    """Whether what ``model.pretrained`` says is a file, a folder or inside a package, and no name of published weights."""
    if not isinstance(pretrained, str):
        return False
    return (
        pretrained.lower().endswith(FILES)
        or "/" in pretrained
        or os.sep in pretrained
        or pretrained.startswith(PACKAGE)
    )


def load_weights(net: nn.Module, file: str, where: str = "model.pretrained") -> tuple[str, ...]:
    """Load weights into ``net``; returns the names that kept their fresh values: the head's, if it differs.

    file: safetensors, torch's own format (tensors alone), a folder that holds either, ``package:NAME[/PATH]``, or the folder of a run
    (see :mod:`danlu.nn.run_weights`). A kernel for another number of input channels is fitted, except a run's. Names may all stand
    behind "1." (a net saved with its normalisation in front). Raises RecipeError where the file can't be read or anything else is
    missing or differs.
    """
    own = net.state_dict()
    if is_run(file):
        return load_run(net, Path(file).expanduser(), tuple(f"{name}." for name in head_of(net, where)), where)
    found = tensors_of(file, where)
    if own and all(f"1.{name}" in found for name in own):
        found = {name: found[f"1.{name}"] for name in own}
    head = tuple(f"{name}." for name in head_of(net, where))
    first = first_convolution(net)
    fresh, wrong = [], []
    for name, value in own.items():
        given = found.get(name)
        if given is not None and first is not None and name == f"{first[0]}.weight" and given.shape != value.shape:
            given = fitted(given, value.shape[1] * first[1].groups) if given.shape[2:] == value.shape[2:] else given
        if given is not None and given.shape == value.shape:
            value.copy_(given)
        elif name.startswith(head):
            fresh.append(name)
        else:
            wrong.append(name)
    if wrong:
        some = ", ".join(wrong[:5]) + (" …" if len(wrong) > 5 else "")
        raise RecipeError.of(where, say("nn.weights-differ", file=file, names=some, count=len(wrong)))
    return tuple(fresh)


def tensors_of(file: str, where: str) -> dict[str, Tensor]:
    """name → tensor, of what ``model.pretrained`` says. Raises RecipeError where it can't be read."""
    return read_tensors(in_package(file, where) if file.startswith(PACKAGE) else Path(file), where)


def first_convolution(net: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """The convolution that sees the image: the first one registered."""
    return next(((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d)), None)


def fitted(kernel: Tensor, channels: int) -> Tensor:
    """A kernel (out, in, h, w) for ``channels`` inputs: summed for one, repeated in turn and scaled for others.

    A grey image then gives what it gave as an RGB image of three equal channels (as timm does it).
    """
    if channels == 1:
        return kernel.sum(1, keepdim=True)
    order = torch.arange(channels, device=kernel.device) % kernel.shape[1]
    return kernel[:, order] * (kernel.shape[1] / channels)


def replace(net: nn.Module, name: str, module: nn.Module) -> None:
    """Put ``module`` where the sub-module ``name`` of ``net`` stands."""
    parent, _, last = name.rpartition(".")
    setattr(net.get_submodule(parent), last, module)
