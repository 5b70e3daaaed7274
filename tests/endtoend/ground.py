"""What is true of a run's net, found with hooks and autograd on all its training rows: no capture and no rule has a part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from danlu import recipe as recipes
from danlu.recipe.names import spec_of
from danlu.runs import Run
from danlu.runs.assembling import assemble
from danlu.training import checkpoint
from danlu.watch.history import curves, evaluations


class Ground:
    """first: the net as it began. last: as the newest checkpoint has it (equal to the first where the run saved none)."""

    def __init__(self, path: Path) -> None:
        self.run = Run(path)
        self.recipe = recipes.resolved(self.run.folder.recipe)
        self._made = assemble(self.recipe, spec_of(self.recipe.task))
        self.first = self._made.net
        self.last = self._copy()
        saved = checkpoint.listed(self.run.folder.checkpoints)
        if saved:
            self.last.load_state_dict(checkpoint.load(saved[-1]).tensors["net"])

    def _copy(self) -> nn.Module:
        made = self._made.task.net().to(self._made.device)
        made.load_state_dict(self.first.state_dict())
        for one, other in zip(made.parameters(), self.first.parameters(), strict=True):
            one.requires_grad_(other.requires_grad)
        return made

    def judged(self, part: Any, net: nn.Module | None = None) -> Mapping[str, float]:
        """ "PART/loss", "PART/accuracy" and so on of the last weights, in eval mode, without augmentation."""
        return self._made.judge(part)(self.last if net is None else net).values

    def outputs(self, net: nn.Module, kinds: type[nn.Module]) -> dict[str, Tensor]:
        """Layer's name → what it gives out for all training rows (N, …), in eval mode."""
        seen: dict[str, list[Tensor]] = {}

        def keep(name: str) -> Callable[..., None]:
            return lambda module, given, output: seen.setdefault(name, []).append(output.detach().clone())

        chosen = {name: module for name, module in net.named_modules() if isinstance(module, kinds)}
        hooks = [module.register_forward_hook(keep(name)) for name, module in chosen.items()]
        net.eval()
        with torch.no_grad():
            for batch in self._made.feed("train").epoch(0):
                net(*batch.arguments())
        for hook in hooks:
            hook.remove()
        return {name: torch.cat(values) for name, values in seen.items()}

    def right(self, part: str) -> dict[str, bool]:
        """Sample's id → whether the run's prediction is the label that its data has."""
        table = pq.read_table(self.run.path / "predictions" / f"{part}.parquet").to_pydict()
        pairs = zip(table["label"], table["true/label"], strict=True)
        return dict(zip(table["id"], [one == other for one, other in pairs], strict=True))

    def dead(self, net: nn.Module | None = None) -> dict[str, float]:
        """Layer → share of its ReLU units (features, channels) that are 0 for every training row; of the last weights unless told."""
        found = self.outputs(net or self.last, nn.ReLU)
        alive = {name: (value > 0).flatten(2).any(2) if value.ndim > 2 else value > 0 for name, value in found.items()}
        return {name: 1 - float(value.any(0).float().mean()) for name, value in alive.items()}

    def saturated(self) -> dict[str, float]:
        """Layer → share of values of tanh beyond ±0.99, of sigmoid outside 0.01 … 0.99 (slopes below 0.02 and 0.01), at the end."""
        gates = self.outputs(self.last, nn.Tanh), self.outputs(self.last, nn.Sigmoid)
        beyond = [value.abs() > 0.99 for value in gates[0].values()]
        beyond += [(value - 0.5).abs() > 0.49 for value in gates[1].values()]
        return dict(zip([*gates[0], *gates[1]], [float(mask.float().mean()) for mask in beyond], strict=True))

    def slopes(self, net: nn.Module) -> dict[str, float]:
        """Parameter → root mean square of the gradient of the first training batch's loss; NaN where it gets none."""
        batch = next(iter(self._made.feed("train").epoch(0)))
        net.train()
        net.zero_grad(set_to_none=True)
        objective = self._made.objective
        objective(net(*batch.arguments()), batch, objective.counts(batch))[0].backward()
        found = {name: float(p.grad.square().mean().sqrt()) if p.grad is not None else float("nan")
                 for name, p in net.named_parameters()}  # fmt: skip
        net.zero_grad(set_to_none=True)
        return found

    def moved(self) -> dict[str, float]:
        """Parameter → how far it went from first to last, as a share of its norm at first."""
        then = dict(self.first.named_parameters())
        return {name: float((p - then[name]).detach().norm() / then[name].detach().norm().clamp_min(1e-12))
                for name, p in self.last.named_parameters()}  # fmt: skip

    def curve(self, name: str) -> list[float]:
        """ "train/loss" of each step, "epoch/train/loss" of each epoch, "val/loss" of each evaluation, in order."""
        if name.startswith("val/"):
            told = [found["values"][name] for found in evaluations(self.run.folder.events) if found["part"] == "val"]
            return [float(value) for value in told]
        return [float(value) for value in curves(self.run.folder.events)[name][1]]
