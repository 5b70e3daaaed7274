"""How our own decoders write: each token through layers that keep what they know of the others; few texts by the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from danlu.nn.dropout import Dropout
from danlu.nn.native.lent import unseen
from danlu.nn.writing.kept import Kept
from danlu.nn.writing.known import tokens_of

_STEPS = {"step", "logits"}  # by which a net writes, unless somebody has given it others


class Decodes(Protocol):
    """A net whose state is that of :class:`danlu.nn.nets.gpt.Gpt` or :class:`danlu.nn.nets.seq2seq_transformer.Seq2seqTransformer`."""

    targets: nn.Embedding
    scale: float
    places: Tensor
    decoder: nn.ModuleList
    norm: nn.Module

    def logits(self, x: Tensor) -> Tensor: ...


class Layered:
    """Gives what the net's ``step`` gives, in a state of its own, which each call overwrites.

    The state is a mapping: ``kept``, the :class:`Kept` of what is written; ``place`` (B,); and ``read``, that of what was read, where
    something was.
    """

    moving = ("kept", "place")

    def __init__(self, net: Decodes) -> None:
        self.net = net
        self.tokens = tokens_of(net)

    def taken(self, state: Mapping[str, Tensor]) -> dict[str, Any]:
        """This state in place of the net's own, which stays as it is."""
        own, reads = (state["own_keys"], state["own_values"]), "keys" in state
        if not reads:
            return {"kept": Kept.of(*own, state["seen"]), "place": state["place"]}
        read = Kept.of(state["keys"], state["values"], state["seen"])
        return {"kept": Kept.of(*own), "place": state["place"], "read": read}

    def __call__(self, tokens: Tensor, state: Mapping[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        """tokens: int64 (B,), written last → (logits (B, V), the state after them)."""
        net, kept, read, place = self.net, state["kept"], state.get("read"), state["place"]
        x = net.targets(tokens) * net.scale + net.places[place]
        kept.grow()
        after = {**state, "place": place + 1}
        if self.tokens is not None and self.tokens.take(x, kept, read):
            return self.tokens(x, kept, read), after
        for index, layer in enumerate(net.decoder):
            x = layer.one(x, index, kept, read)  # type: ignore[operator]
        return net.logits(x), after


def layered(net: Any, kind: type[nn.Module], layer: type[nn.Module]) -> Layered | None:
    """None where the net isn't exactly ``kind`` or a layer not exactly ``layer``, any part drops something or may, or they are looked
    at or done otherwise as a whole: then :class:`Layered` might leave something out that ``step`` does.
    """
    layers: list[Any] = list(net.decoder)
    of_ours = [type(net) is kind, *(type(each) is layer for each in layers)]
    if not all(of_ours):
        return None
    own = _STEPS.isdisjoint(vars(net)) and all(type(each.dropout) in (nn.Dropout, Dropout) for each in layers)
    drops = [net, *layers, *(part for part in net.decoder.modules() if isinstance(part, _DropoutNd))]
    still = not any(
        part.training for part in drops
    )  # others may be in training and do the same: quantised ones begin so
    return Layered(net) if own and still and unseen(*layers) else None
