"""A GPU on paper: what of a step would be left on the CPU or would make the host wait, found out on a machine that has no GPU.

Tensors are fake: torch follows their shapes, types and devices alone. Their device is one that torch lets Python define; for good, so
this is a process of its own: ``python -m tests.gpu.paper`` prints, as JSON, what each check found: the waits, in words, or the error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

from danlu.data.augment import pipeline
from danlu.data.batches.batch import Batch
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import Position, keys_of
from danlu.recipe import names
from danlu.recipe.names import catalogue
from danlu.recipe.schema import Named
from danlu.training.events import FitStarted
from danlu.training.loop import fit
from danlu.training.meter import Meter
from danlu.training.objective import Objective
from danlu.training.optimisers import adam, adamw
from danlu.training.plan import Plan
from tests.data.augmented import kinds_of
from tests.gpu.nets import NETS, leaves, resnet
from tests.training.exactness import Pieces
from tests.training.feeds import Recorder, small_net
from tests.training.textbook import CASES

DEVICE = "paper"


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every time the host would wait for the device. A number that is read then is 1, so that the work goes on."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.noted: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = str(func)
        if name == "aten._local_scalar_dense.default" and args[0].device.type == DEVICE:
            self.noted.append("a number is read")
            return True if args[0].dtype is torch.bool else 1.0 if args[0].is_floating_point() else 1
        if name == "aten._to_copy.default" and kwargs.get("device") is not None:
            self._crossing(args[0].device, torch.device(kwargs["device"]), kwargs.get("non_blocking"))
        elif name == "aten.copy_.default":
            self._crossing(args[1].device, args[0].device, kwargs.get("non_blocking") or (len(args) > 2 and args[2]))
        return func(*args, **kwargs)

    def _crossing(self, source: torch.device, target: torch.device, freely: object) -> None:
        if source.type != target.type and not freely:
            self.noted.append(f"{source.type} → {target.type}")


@contextmanager
def on_paper() -> Iterator[Waits]:
    with FakeTensorMode(allow_non_fake_inputs=True), Waits() as waits:
        yield waits


def like(value: Tensor) -> Tensor:
    """A tensor of the shape, type and memory format of ``value``, on paper."""
    found = torch.zeros(value.shape, dtype=value.dtype, device=DEVICE)
    last = value.ndim == 4 and not value.is_contiguous() and value.is_contiguous(memory_format=torch.channels_last)
    return found.contiguous(memory_format=torch.channels_last) if last else found


def moved(module: nn.Module) -> nn.Module:
    """Its parameters and buffers on paper; in place."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = nn.Parameter(like(value), value.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = like(buffer)
    return module


def _copied(value: Tensor, memo: dict[int, Tensor]) -> Tensor:
    """In place of torch's own, which looks at addresses, of which a fake tensor has none."""
    if id(value) not in memo:
        copied = value.detach().clone().requires_grad_(value.requires_grad)
        memo[id(value)] = (
            nn.Parameter(copied.detach(), value.requires_grad) if isinstance(value, nn.Parameter) else copied
        )
    return memo[id(value)]


# ---- whole steps ----------------------------------------------------------------------------------------------------


class ToldError(Exception):
    """The block of steps is told, which is when the host may wait."""


class Looker(Recorder):
    """Forgets the waits of what comes before the first step."""

    wants_captures = True

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.waits = waits

    def on(self, event: Any) -> None:
        super().on(event)
        if isinstance(event, FitStarted):
            self.waits.noted.clear()


class Asking(nn.Module):
    """A net that asks for a number in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y * (1.0 if float(y.detach().sum()) else 2.0)


class Straying(Asking):
    """A net that mixes in a tensor of the CPU."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y + torch.ones(3)


PLANS: dict[str, dict[str, Any]] = {
    "adamw": {},
    "adam": {"optimizer": adam.Adam},
    "accumulated and clipped": {"accumulate": 2, "clip_norm": 1.0},
    "penalty": {"l1": 1e-4},
    "proximal": {"l1": 1e-4, "proximal": True},
    "sam": {"sam": 0.05},
    "ema": {"ema": 0.9},
    "swa": {"swa": 0.1},
    "warm-up": {"warmup": 2},
    "looks": {"captures_every": 1},
}


def steps(net: nn.Module, waits: Waits, **changes: Any) -> list[str]:
    """Four micro-batches of ten samples through the loop, up to where they are told."""
    rows = np.arange(10)
    columns = {"x": like(torch.zeros(10, 8)), "label": like(torch.zeros(10, dtype=torch.int64))}
    feed = Pieces([Batch(columns, ("x",), rows, keys_of("0123456789")) for _ in range(4)])
    objective = Objective({"loss": CrossEntropy("label", class_weights=(1.0, 2.0, 3.0))})
    plan = Plan(**{"epochs": 1, "device": torch.device(DEVICE), "log_seconds": 1e9, **changes})
    try:
        fit(moved(net), moved(objective), feed, plan, watchers=[Looker(waits)])  # type: ignore[arg-type]
    except ToldError:
        return waits.noted
    raise AssertionError("nothing was told")


# ---- parts of steps -------------------------------------------------------------------------------------------------


def term(name: str, waits: Waits) -> list[str]:
    """Count, value and gradient of a loss."""
    case = CASES[name]
    target = like(case.target(6, torch.Generator().manual_seed(0)))
    objective = Objective({"loss": names.build("loss", Named(name=case.loss, args=dict(case.args)), target="y")})
    batch, outputs = Batch({"y": target}, ()), torch.zeros(6, *case.shape, device=DEVICE, requires_grad=True)
    moved(objective)
    waits.noted.clear()
    loss, _ = objective(outputs, batch, objective.counts(batch))
    loss.backward()
    return waits.noted


def net(made: nn.Module, inputs: Sequence[Tensor], waits: Waits) -> list[str]:
    """Forward and backward, in training mode."""
    given = [like(value) for value in inputs]
    moved(made)
    waits.noted.clear()
    torch.stack([out.sum() for out in leaves(made(*given))]).sum().backward()
    assert all(p.grad is not None and p.grad.device.type == DEVICE for p in made.parameters())
    return waits.noted


def dropping() -> nn.Module:
    """What those of ``nets.py`` leave out, as a device draws other numbers than the CPU."""
    return resnet(drop_path=0.3, dropout=0.2)


AUGMENTATIONS: dict[str, Any] = {
    "color-jitter": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.1},
    "rotate": 15,
    "crop": 2,
    "mixup": 0.4,
}


def augmentation(name: str, waits: Waits) -> list[str]:
    """A batch of eight images and their labels."""
    value = AUGMENTATIONS.get(name)
    given = {"args": value} if isinstance(value, dict) else {"value": value}
    images = torch.zeros(8, 3, 16, 16, dtype=torch.uint8).contiguous(memory_format=torch.channels_last)
    kinds = kinds_of({"image": images, "label": torch.zeros(8, dtype=torch.int64)})
    transforms = pipeline.build([Named(name=name, **given)], kinds)
    both = 1 + max((transform.partners for transform in transforms), default=0)
    columns = {"image": like(images.repeat(both, 1, 1, 1)), "label": like(torch.zeros(8 * both, dtype=torch.int64))}
    keys = keys_of(str(row) for row in range(8 * both))
    batch = Batch(columns, ("image",), np.arange(8 * both), keys, both - 1)
    waits.noted.clear()
    batch = pipeline.apply(transforms, batch, Position(3), kinds)
    assert {tensor.device.type for tensor in batch.tensors()} == {DEVICE}
    return waits.noted


def checks() -> Iterator[tuple[str, Callable[[Waits], list[str]]]]:
    for name, changes in PLANS.items():
        yield f"steps: {name}", partial(steps, small_net(), **changes)
    yield "asking", partial(steps, Asking())
    yield "straying", partial(steps, Straying())
    for name in CASES:
        yield f"term: {name}", partial(term, name)
    for name, case in NETS.items():
        yield f"net: {name}", partial(net, case.net(), case.inputs())
    yield "net: dropping", partial(net, dropping(), NETS["resnet, batch"].inputs())
    for name in catalogue("augmentation"):
        yield f"augmentation: {name}", partial(augmentation, name)


def main() -> None:
    backend_registration._setup_privateuseone_for_python_backend(DEVICE)  # type: ignore[no-untyped-call]
    for module in (adam, adamw):
        module.fusible = lambda groups: True  # type: ignore[attr-defined]  # as on CUDA

    for kind in (Tensor, FakeTensor, nn.Parameter):
        kind.__deepcopy__ = _copied  # type: ignore[method-assign,assignment]

    def told(*_: Any, **__: Any) -> None:
        raise ToldError

    Meter.flush = told  # type: ignore[method-assign,assignment]
    found = {}
    for name, check in checks():
        try:
            with on_paper() as waits:
                found[name] = list(check(waits))
        except Exception as error:  # noqa: BLE001 - it is what is told
            found[name] = [f"{type(error).__name__}: {str(error).splitlines()[0]}"]
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
