"""A net's stages from its input to its head: what thaws together, and what shares a learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from danlu.nn.head import head_of

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_LARGE = 1 / 3  # of the net's parameters: what holds more, and no layer directly, has blocks inside


@dataclass(frozen=True)
class Stage:
    """name: of its first module ("" where it is the net itself). parameters: dotted names. norms: with running statistics."""

    name: str
    parameters: tuple[str, ...]
    norms: tuple[str, ...] = ()


def stages(net: nn.Module, where: str = "model.unfreeze") -> tuple[Stage, ...]:
    """From the input to the head, which is the last; every parameter and every norm with running statistics is in one of them.

    timm's nets say their order themselves (``group_matcher``). Of others containers are taken apart in the order in which their parts
    were registered, so are parts that hold more than a third of the net but no layer directly; what is left whole is a block: a
    residual block, an encoder layer, a convolution with its norm. Raises RecipeError where no head is found.
    """
    heads = tuple(f"{name}." for name in head_of(net, where))
    blocks = _told(net) or list(_blocks(net))
    of_parameter = {name: number for number, (_, names) in enumerate(blocks) for name in names}
    body: dict[int, list[str]] = {}
    head: list[str] = []
    for name, _ in net.named_parameters():
        (head if f"{name}.".startswith(heads) else body.setdefault(of_parameter[name], [])).append(name)
    merged: list[tuple[str, list[str]]] = []
    shapes = {name: p.ndim for name, p in net.named_parameters()}
    light: list[
        str
    ] = []  # norms and other vectors: they belong to the block before, at the beginning to the one behind
    for number in sorted(body):
        names = body[number]
        if all(shapes[name] < 2 for name in names):
            (merged[-1][1] if merged else light).extend(names)
        else:
            merged.append((blocks[number][0], [*light, *names]))
            light = []
    if light:
        merged.append(("", light))
    merged.append((heads[0][:-1], head))
    return _with_norms(net, merged)


def _with_norms(net: nn.Module, groups: list[tuple[str, list[str]]]) -> tuple[Stage, ...]:
    """A norm without parameters belongs to the stage of what was registered before it."""
    place = {name: number for number, (_, names) in enumerate(groups) for name in names}
    norms: dict[int, list[str]] = {}
    last = 0
    for name, module in net.named_modules():
        own = [
            place[_joined(name, each)]
            for each, _ in module.named_parameters(recurse=False)
            if _joined(name, each) in place
        ]
        last = own[0] if own else last
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.track_running_stats:
            norms.setdefault(last, []).append(name)
    return tuple(Stage(name, tuple(names), tuple(norms.get(number, ()))) for number, (name, names) in enumerate(groups))


def _told(net: nn.Module) -> list[tuple[str, list[str]]]:
    """The order that a net of timm knows; empty for others."""
    for prefix, module in net.named_modules():
        ask: Any = getattr(module, "group_matcher", None)
        if not callable(ask):
            continue
        from timm.models import group_parameters

        found: dict[int, list[str]] = group_parameters(module, ask(coarse=False))
        groups = [[_joined(prefix, name) for name in found[number]] for number in sorted(found)]
        known = {name for names in groups for name in names}
        first = [name for name, _ in net.named_parameters() if name not in known]
        return [("", first)] * bool(first) + [(names[0].rpartition(".")[0], names) for names in groups if names]
    return []


def _blocks(net: nn.Module) -> Iterator[tuple[str, list[str]]]:
    """(name, names of parameters) of each block. Parameters that are shared appear once, where they are first."""
    known = {name for name, _ in net.named_parameters()}
    for name, names in _taken_apart(net, "", sum(p.numel() for p in net.parameters()), wraps=True):
        kept = [each for each in names if each in known]
        if kept:
            yield name, kept


def _taken_apart(
    module: nn.Module, name: str, whole: int, wraps: bool = False, block: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """wraps: nothing but this has parameters. block: it is one of several in a container."""
    parts = [(each, part) for each, part in module.named_children() if next(part.parameters(), None) is not None]
    own = [_joined(name, each) for each, _ in module.named_parameters(recurse=False)]
    container = type(module) in _CONTAINERS
    large = sum(p.numel() for p in module.parameters()) > _LARGE * whole
    of_blocks = not block and large and all(any(part.children()) or _light(part) for _, part in parts)
    if not parts or not (wraps or container or of_blocks):
        yield name, [_joined(name, each) for each, _ in module.named_parameters()]
        return
    if own:
        yield name, own
    alone = wraps and len(parts) == 1 and not own
    for each, part in parts:
        yield from _taken_apart(part, _joined(name, each), whole, alone, container and not alone)


def _light(part: nn.Module) -> bool:
    """A norm, or something as small."""
    return all(parameter.ndim < 2 for parameter in part.parameters())


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
