from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.freeze import freeze
from danlu.nn.head import head_of
from danlu.nn.weights import replace
from danlu.recipe.importing import exists
from danlu.recipe.nearest import did_you_mean
from danlu.recipe.published import EXTRAS

# Inside these, layers' weights are also used past the layers themselves: what is added to a layer would have no effect.
_CLOSED = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
_Ending = Annotated[str, Field(min_length=1)]


class Lora:
    """To each layer's frozen weight is added a product of two small trained matrices (Hu et al. 2021, LoRA; guide section 12), by peft.

    rank: of the product; alpha: it is multiplied by alpha/rank; dropout: of the layer's inputs before it.
    targets: auto: linear layers and convolutions below the head; else how the names of those that are meant end.
    """

    def __init__(
        self,
        rank: Annotated[int, Field(ge=1)] = 8,
        alpha: Annotated[float, Field(gt=0.0)] = 16.0,
        dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
        targets: Literal["auto"] | Annotated[tuple[_Ending, ...], Field(min_length=1)] = "auto",
    ) -> None:
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.targets = targets

    def attach(self, net: nn.Module, where: str = "model.adapter") -> None:
        if not exists("peft"):
            remedy = say("recipe.not-installed.remedy", package=EXTRAS["peft"])
            raise RecipeError.of(where, say("recipe.not-installed", package="peft"), remedy)
        ensure()  # peft imports Transformers, which imports torchvision
        from peft import LoraConfig, inject_adapter_in_model

        heads = head_of(net, where)
        learning = [p for name, p in net.named_parameters() if p.requires_grad and _within(name, heads)]
        chosen = self._chosen(net, heads, where)
        below = [(name, module) for name, module in net.named_modules() if not _within(name, heads)]
        norms = [m for _, m in below if isinstance(m, nn.modules.batchnorm._NormBase) and m.track_running_stats]
        freeze((p for name, p in net.named_parameters() if not _within(name, heads)), norms)
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]  # a factor, whatever its annotation says
            lora_dropout=self.dropout,
            target_modules="|".join(map(re.escape, chosen)),  # of a list peft would take endings
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "fan_in_fan_out is set")  # peft asks each layer which way its weight lies
            inject_adapter_in_model(config, net)
        del net.peft_config
        for parameter in learning:  # peft freezes all but its own
            parameter.requires_grad_(True)

    def merge(self, net: nn.Module) -> None:
        from peft.tuners.lora import LoraLayer

        for name, layer in [each for each in net.named_modules() if isinstance(each[1], LoraLayer)]:
            layer.merge()
            replace(net, name, layer.get_base_layer())

    def _chosen(self, net: nn.Module, heads: tuple[str, ...], where: str) -> list[str]:
        """Names of the layers that get one. Raises RecipeError where a target is none, or there are none at all.

        None that shares an embedding's weight: a product added to one of them would, once merged, change the other.
        """
        shared = {id(each.weight) for each in net.modules() if isinstance(each, nn.Embedding)}
        known = [name for name in _layers(net, "", heads) if id(net.get_submodule(name).weight) not in shared]
        if not known:
            raise RecipeError.of(where, say("nn.no-targets", net=type(net).__name__))
        if self.targets == "auto":
            return known
        for target in self.targets:
            if not any(_ends(name, target) for name in known):
                ends = sorted({name.rpartition(".")[2] for name in known if not name.rpartition(".")[2].isdecimal()})
                remedy = did_you_mean(target, [*ends, *known])
                some = ", ".join(ends[:12] or known[:12])
                raise RecipeError.of(
                    where, say("nn.no-such-target", target=target), remedy or say("nn.no-such-target.remedy", some=some)
                )
        return [name for name in known if any(_ends(name, target) for target in self.targets)]


def _layers(module: nn.Module, prefix: str, heads: tuple[str, ...]) -> Iterator[str]:
    """Names of what can be adapted: linear layers and plain convolutions, in the order of registration."""
    for name, part in module.named_children():
        whole = f"{prefix}{name}"
        if _within(whole, heads) or isinstance(part, _CLOSED):
            continue
        if _adaptable(part):
            yield whole
        else:
            yield from _layers(part, f"{whole}.", heads)


def _adaptable(part: Any) -> bool:
    """Of convolutions peft's product knows neither groups, dilation nor other paddings than zeros."""
    if isinstance(part, nn.Conv1d | nn.Conv2d):
        return part.groups == 1 and set(part.dilation) == {1} and part.padding_mode == "zeros"
    return isinstance(part, nn.Linear) or _turned(part)


def _turned(part: Any) -> bool:
    """A linear layer of GPT-2's, whose weight is (in, out)."""
    return type(part).__module__ == "transformers.pytorch_utils" and type(part).__name__ == "Conv1D"


def _ends(name: str, target: str) -> bool:
    return f".{name}".endswith(f".{target}")


def _within(name: str, heads: tuple[str, ...]) -> bool:
    return f"{name}.".startswith(tuple(f"{head}." for head in heads))
