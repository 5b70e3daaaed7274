"""Weights to begin with: from a file, and into a net that differs at both ends."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.head import head_of

_PICKLED = (b"\x80", b"PK\x03\x04")  # a pickle of protocol 2 or later; torch.save's archive of one
FILES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".onnx")


def is_file(pretrained: bool | str) -> bool:
    """Whether what ``model.pretrained`` says is a file, and no name of published weights."""
    return isinstance(pretrained, str) and pretrained.lower().endswith(FILES)


def load_weights(net: nn.Module, file: Path, where: str = "model.pretrained") -> tuple[str, ...]:
    """Load a safetensors file into ``net``; returns the names that kept their fresh values: the head's, if it differs.

    A kernel for another number of input channels is fitted. Names may all stand behind "1." (a net saved with its
    normalisation in front). Raises RecipeError where the file can't be read or anything else is missing or differs; a
    pickle is never opened.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with file.open("rb") as stream:
            start = stream.read(9)
        if start.startswith(_PICKLED) and not start.endswith(b"{"):
            raise RecipeError.of(where, say("nn.weights-pickled", file=file), say("nn.weights-pickled-remedy"))
        found = load_file(file)
    except FileNotFoundError as error:
        raise RecipeError.of(where, say("nn.weights-missing", file=file)) from error
    except (OSError, SafetensorError) as error:
        raise RecipeError.of(where, say("nn.weights-unreadable", file=file, reason=error)) from error
    own = net.state_dict()
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
