"""A training loop as a tutorial writes it: torch alone. What it shares with Danlu are the batches, and the seeds of dropout.

Objective, accumulation, clipping, penalty, schedule, optimiser, average and mixed precision are torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, update_bn

from danlu._compat import torchvision

torchvision.ensure()
from schedulefree import AdamWScheduleFree, SGDScheduleFree  # noqa: E402
from timm.optim.lion import Lion  # noqa: E402
from timm.optim.muon import Muon  # noqa: E402

Micro = tuple[Tensor, Tensor]  # inputs, labels or rows of probabilities

OPTIMISERS: dict[str, Callable[..., Any]] = {
    "sgd": lambda groups, **args: torch.optim.SGD(groups, fused=True, **args),
    "adam": lambda groups, **args: torch.optim.Adam(groups, fused=True, **args),
    "adamw": lambda groups, **args: torch.optim.AdamW(groups, fused=True, **args),
    "rmsprop": torch.optim.RMSprop,
    "lion": Lion,
    "schedule-free": lambda groups, **args: Separate(groups, **args),
    "muon": lambda groups, **args: Muon(groups, **args),
}


class Separate(torch.optim.Optimizer):
    """The authors' optimiser for each group, which goes on where something of the group learns."""

    def __init__(self, groups: list[dict[str, Any]], form: str, **args: Any) -> None:
        kind = AdamWScheduleFree if form == "adamw" else SGDScheduleFree
        used = [group for group in groups if group["params"]]
        self.made = [kind([group], **args) for group in used]
        super().__init__(used, {})
        for each in self.made:
            each.train()

    def step(self, closure: Any = None) -> None:
        for each in self.made:
            if any(p.grad is not None for p in each.param_groups[0]["params"]):
                each.step()

    def eval(self) -> None:
        for each in self.made:
            each.eval()


def train(
    recipe: Mapping[str, Any],
    net: nn.Module,
    batches: Callable[[int], Iterator[Micro]],
    micros: int,
    steps: int,
    class_weights: Tensor | None,
    offsets: Tensor | None,
    seed: Callable[[int, int], object],
    judged: Mapping[int, float],
) -> tuple[list[float], nn.Module]:
    """(loss of every step, the net with its last weights, averaged where asked).

    recipe: as resolved, as plain data. batches: an epoch's micro-batches, of which there are ``micros``. steps: to be done (the
    schedule is made for the recipe's). class_weights, offsets (added to logits while training): float64. seed: called with
    (step, micro-batch) before every forward pass.
    judged: steps done → loss of the validation part, as the run found it.
    """
    asked = recipe["train"]
    plan = recipe["model"]["unfreeze"]
    trained = [(name, p) for name, p in sorted(net.named_parameters()) if _stage(name) < _learning(plan, 1.0)]
    matrices = [p for _, p in trained if p.ndim > 1]
    vectors = [p for _, p in trained if p.ndim < 2]
    stages = {p: _stage(name) for name, p in trained}
    optimizer = _optimizer(asked["optimizer"], matrices, vectors, stages, plan["args"].get("decay", 1.0))
    window = asked["accumulate"]
    rates = Rates(optimizer, asked, asked["max_steps"], -(-micros // window))
    average = None
    if asked["swa"] is not None:
        average = AveragedModel(net)
    if asked["ema"] is not None:
        average = AveragedModel(net, avg_fn=_towards(asked["ema"]), use_buffers=True)
        average.update_parameters(net)  # begins at the first weights
    weight = None if class_weights is None else class_weights.float()
    losses: list[float] = []
    averaged, start = 0, round((asked["swa"] or 1.0) * asked["max_steps"])

    def backward(some: list[Micro], total: Tensor) -> float:
        loss = 0.0
        for index, (inputs, target) in enumerate(some):
            seed(len(losses), index)
            with torch.autocast("cpu", torch.bfloat16, enabled=asked["precision"] == "bf16"):
                logits = net(inputs)
            logits = logits.float() if offsets is None else logits.float() + offsets.float()
            share = _sum(asked["loss"], logits, target, weight) / total
            share.backward()
            loss += share.detach()  # type: ignore[assignment]
        return float(loss)

    epoch = 0
    while len(losses) < steps:
        net.train()
        epochs = list(batches(epoch))
        for first in range(0, micros, window):
            if len(losses) == steps:
                break
            if len(losses) <= start:
                rates.set(len(losses), judged.get(len(losses)) if first == 0 else None)
            _freeze(net, _learning(plan, len(losses) / asked["max_steps"]))
            some = epochs[first : first + window]
            total = torch.stack([_count(target, class_weights) for _, target in some]).sum().float()
            loss = backward(some, total)
            if asked["sam"] is not None:
                here = {name: value.clone() for name, value in net.state_dict().items()}
                _climb([*matrices, *vectors], asked["sam"])
                backward(some, total)
                net.load_state_dict(here)
            if asked["clip_norm"] is not None:
                torch.nn.utils.clip_grad_norm_([*matrices, *vectors], asked["clip_norm"])
            if asked["l1"] and asked["l1_by"] == "penalty":
                (asked["l1"] * torch.stack([p.abs().sum() for p in matrices]).sum()).backward()
            optimizer.step()
            if asked["l1"] and asked["l1_by"] == "proximal":
                _shrink(optimizer, set(matrices), asked["l1"])
            optimizer.zero_grad()
            ends = first + window >= micros or len(losses) + 1 == asked["max_steps"]
            if average is not None and (asked["swa"] is None or (ends and len(losses) >= start)):
                average.update_parameters(net)
                averaged += 1
            losses.append(loss)
        epoch += 1
    if isinstance(optimizer, Separate):
        optimizer.eval()
        _refresh(net, [inputs for inputs, _ in epochs[:50]], _learning(plan, 1.0))
    if asked["swa"] is not None:
        if averaged == 0:
            return losses, net
        if averaged > 1:
            _refresh(average.module, [inputs for inputs, _ in epochs], _learning(plan, 1.0))
        else:
            average.module.load_state_dict(net.state_dict())
    return losses, net if average is None else average.module


def _refresh(net: nn.Module, inputs: list[Tensor], learning: int) -> None:
    """Batch norm's statistics anew, but for stages that never learnt."""
    held = {name: value.clone() for name, value in net.state_dict().items() if _stage(name) >= learning}
    update_bn(inputs, net)
    net.load_state_dict(held, strict=False)


@torch.no_grad()
def _climb(parameters: list[nn.Parameter], rho: float) -> None:
    """A step of length rho up the slope; the gradients are then none."""
    held = [p for p in parameters if p.grad is not None]
    norm = torch.stack([p.grad.norm() for p in held if p.grad is not None]).norm()
    for p in held:
        p += p.grad * (rho / (norm + 1e-12))
        p.grad = None


@torch.no_grad()
def _shrink(optimizer: torch.optim.Optimizer, matrices: set[nn.Parameter], weight: float) -> None:
    """Towards 0 by what the penalty's slope would come to: momentum adds it up."""
    for group in optimizer.param_groups:
        gain = 1 / (1 - group["momentum"]) if "dampening" in group or "centered" in group else 1.0
        for p in group["params"]:
            if p in matrices and p.grad is not None:
                reach = group["lr"] * gain * weight
                p.copy_(torch.where(p.abs() > reach, p - p.clamp(-reach, reach), torch.zeros_like(p)))


def _stage(name: str) -> int:
    """From the head up: 0, 1, 2."""
    return 0 if ".head." in name else 1 if ".stages." in name else 2


def _learning(plan: Mapping[str, Any], share: float) -> int:
    """How many stages learn when this share of the steps is done."""
    if plan["name"] == "gradual":
        until = plan["args"]["until"]
        return 3 if share >= until else 1 + int(share / until * 2)
    return 1 if plan["name"] == "frozen" else 3


def _freeze(net: nn.Module, learning: int) -> None:
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(_stage(name) < learning)
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(_stage(f"{name}.") < learning)


def _optimizer(
    asked: Mapping[str, Any],
    matrices: list[nn.Parameter],
    vectors: list[nn.Parameter],
    stages: Mapping[nn.Parameter, int],
    rate: float,
) -> Any:
    """A group for each stage: torch's fused SGD takes the momenta of all of a group or of none."""
    groups = [
        {"params": [p for p in some if stages[p] == stage], "weight_decay": decay, "scale": rate**stage}
        for stage in sorted(set(stages.values()))
        for some, decay in ((matrices, asked["weight_decay"]), (vectors, 0.0))
    ]
    return OPTIMISERS[asked["name"]](groups, lr=asked["lr"], **asked["args"])


class Rates:
    """torch's schedulers, after a linear warm-up."""

    def __init__(self, optimizer: torch.optim.Optimizer, asked: Mapping[str, Any], steps: int, per_epoch: int) -> None:
        self.optimizer = optimizer
        self.warmup = asked["warmup"]
        lr, args, left = asked["optimizer"]["lr"], asked["schedule"]["args"], steps - int(asked["warmup"])
        name = asked["schedule"]["name"]
        if name == "step":
            made: Any = lr_scheduler.StepLR(optimizer, args["every"] * per_epoch, args["gamma"])
        elif name == "cosine" and args.get("restarts"):
            made = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, left // (args["restarts"] + 1))
        elif name == "cosine":
            made = lr_scheduler.CosineAnnealingLR(optimizer, left, eta_min=lr * args["floor"])
        elif name == "one-cycle":
            has = any("betas" in group or group.get("momentum", 0) > 0 for group in optimizer.param_groups)
            shape, moved = "linear" if args.get("linear") else "cos", has and args.get("cycle_momentum", True)
            made = lr_scheduler.OneCycleLR(optimizer, lr, left, None, None, args["peak"], shape, moved)
        elif name == "reduce-on-plateau":
            made = lr_scheduler.ReduceLROnPlateau(
                optimizer, "min", args["factor"], args["patience"], args["min_delta"], "abs", eps=0.0
            )
        else:
            made = lr_scheduler.ConstantLR(optimizer, 1.0)
        self.scheduler = made
        self.first = optimizer.param_groups[0]["lr"]

    def set(self, step: int, judged: float | None) -> None:
        """The rates of ``step``; called once for each, in order. judged: by an evaluation right before it."""
        groups = self.optimizer.param_groups
        for group in groups:
            group["lr"] = group.get("whole", group["lr"])
        waits = isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau)
        if step > self.warmup and not waits:
            self.scheduler.step()
        for group in groups:
            if step < self.warmup:
                group["lr"] = self.first * (step + 1) / (self.warmup + 1)
            elif step == self.warmup:
                group["lr"] = self.first
        if waits and judged is not None and step >= self.warmup:
            self.scheduler.step(judged)
        for group in groups:
            group["whole"] = group["lr"]
            group["lr"] *= group["scale"]


def _count(target: Tensor, weights: Tensor | None) -> Tensor:
    """By how much a micro-batch's sum is divided: its samples, or the weights of their classes."""
    if target.is_floating_point():
        return (target.double() if weights is None else target * weights).sum()
    return torch.tensor(float(len(target))) if weights is None else weights[target].sum()


def _sum(asked: Mapping[str, Any], logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    args = asked["args"]
    if asked["name"] in ("cross-entropy", "tests.endtoend.coupled:Coupled"):
        return F.cross_entropy(
            logits, target, weights, reduction="sum", label_smoothing=args.get("label_smoothing", 0.0)
        )
    rows = target if target.is_floating_point() else F.one_hot(target, logits.shape[1]).float()
    p = logits.softmax(1)
    return -(rows * (1 if weights is None else weights) * (1 - p) ** args.get("gamma", 2.0) * p.log()).sum()


def _towards(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def average(mean: Tensor, value: Tensor, seen: Tensor) -> Tensor:
        rate = min(decay, int(seen) / (9 + int(seen)))
        return torch.lerp(mean, value, 1 - rate) if mean.is_floating_point() else value.clone()

    return average
