"""Nets of Transformers that continue texts (GPT-2, Llama, Qwen2): called and asked step by step, as our own are."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.padding import unpadded
from danlu.nn.transformers_head import writing_head
from danlu.nn.transformers_net import _made, _quiet
from danlu.nn.transformers_plain import plain_in_a_graph
from danlu.nn.transformers_text import fill, own_ids, positions_of, words_net
from danlu.nn.writing.cached import CacheKept

_PROBED = 3  # tokens by which a net is tried


class TransformersCausal(nn.Module):
    """Ids (B, T), each text's own and the same one later behind a begin → logits of the next tokens (B, T, V).

    Called with the texts alone, each with an end, it gives the state in which :meth:`step` goes on behind them, of the same form as
    :class:`danlu.nn.nets.gpt.Gpt` has it. What was read stands at the right end of it, so that tokens are as far apart in it as they
    are in the text: nets whose attention reaches so far back alone need that.

    first: the id before the first token. room: most tokens that are read, of a longer text the last ones; 0: any number.
    """

    moving = ("own_keys", "own_values", "seen", "place")

    def __init__(self, model: Any, first: int, room: int = 0) -> None:
        super().__init__()
        self.model, self.first, self.room = model, first, room
        parameters = inspect.signature(model.forward).parameters
        self._cache = "cache" if "cache" in parameters else "past_key_values"  # as Transformers has called it
        self._placed = "position_ids" in parameters  # others count by what is seen

    def forward(self, text: Any, prefix: Any = None) -> Any:
        if prefix is None:
            return self.begin(text)
        ids, _ = unpadded(prefix)  # nothing that is real looks at what stands behind it
        logits: Tensor = self.model(input_ids=ids.long(), use_cache=False, return_dict=True).logits
        return logits

    def begin(self, text: Any) -> dict[str, Tensor]:
        """The state behind texts, of which each has an end, which is left out; its tensors are those of Gpt."""
        ids, lengths = unpadded(text)
        ids = torch.cat([torch.full_like(ids[:, :1], self.first), ids[:, :-1]], 1).long()
        place = lengths.long() - 1  # of the last token, which the first step is given
        last = ids.gather(1, place[:, None])[:, 0]
        wide = ids.shape[1] - 1
        column = torch.arange(wide, device=ids.device)
        if self.room:
            column = column[-self.room :]
            place = place.clamp_max(self.room)
        source = column[None] - wide + (lengths[:, None] - 1)
        width = column.shape[0]
        seen = torch.arange(width, device=ids.device)[None] >= width - place[:, None]
        shown = ids.gather(1, source.clamp_min(0))
        places = (seen.long().cumsum(1) - 1).clamp_min(0)
        cache = _empty()
        with plain_in_a_graph(self.model):  # whose strides hold in it
            self._ask(shown, seen, places, cache)
        keys, values = _kept(cache)
        return {"own_keys": keys, "own_values": values, "seen": seen, "place": place, "last": last}

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """tokens: int64 (B,), at the state's places → (logits (B, V), what of the state has changed)."""
        cache = _filled(state)
        with plain_in_a_graph(self.model):
            logits, changed = self._next(tokens, state, cache)
        keys, values = _kept(cache)
        return logits, {"own_keys": keys, "own_values": values, **changed}

    def writing(self) -> CausalWriting | None:
        """Of :class:`danlu.tasks.generating.steps.Writes`; None where somebody has given it another ``step``."""
        own = type(self).step is TransformersCausal.step and "step" not in vars(self)
        return CausalWriting(self) if own else None

    def _next(self, tokens: Tensor, state: Mapping[str, Any], cache: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """(logits, what is seen and where, after them); the cache grows."""
        place = state["place"]
        seen = torch.cat([state["seen"], torch.ones_like(place[:, None], dtype=torch.bool)], 1)
        logits = self._ask(tokens[:, None], seen, place[:, None], cache)
        return logits[:, -1], {"seen": seen, "place": place + 1}

    def get_classifier(self) -> nn.Module:
        """The head, as :func:`danlu.nn.head.head_of` asks for it; the last norm where the last layer is the embedding."""
        return writing_head(self.model, self.model.base_model)

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        found: nn.Module = self.model.get_input_embeddings()
        return found

    def _ask(self, ids: Tensor, seen: Tensor, places: Tensor, cache: Any) -> Tensor:
        more: dict[str, Any] = {"position_ids": places} if self._placed else {}
        logits: Tensor = self.model(
            input_ids=ids, attention_mask=seen.long(), use_cache=True, return_dict=True, **{self._cache: cache}, **more
        ).logits
        return logits


class CausalWriting:
    """Gives what ``step`` gives, with the library's own cache in the state, which grows at each call."""

    moving = ("cache", "seen", "place")

    def __init__(self, net: TransformersCausal) -> None:
        self.net = net

    def taken(self, state: Mapping[str, Tensor]) -> dict[str, Any]:
        """This state in place of the net's own, which stays as it is."""
        return {"cache": CacheKept(_filled(state)), "seen": state["seen"], "place": state["place"]}

    def __call__(self, tokens: Tensor, state: Mapping[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        """tokens: int64 (B,), written last → (logits (B, V), the state after them)."""
        logits, changed = self.net._next(tokens, state, state["cache"].cache)
        return logits, {**state, **changed}


def transformers_causal(
    name: str,
    vocabulary: int,
    longest: int,
    written: int,
    marks: tuple[int, int, int | None],
    own: bool,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
) -> TransformersCausal:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. vocabulary: the tokenizer's ids. longest: most tokens of a text that
    is learnt, and written: that are written behind one. marks: ids of begin, end and, where the tokenizer was learnt here, padding.

    own: whether the tokenizer is the net's. args: further values of the configuration. Nothing is new: published weights need their own
    tokenizer, and fill all of it. Raises RecipeError, also for a net that looks ahead, or keeps no keys and values.
    """
    ensure()  # Transformers imports torchvision
    if own_ids(pretrained) and not own:
        raise RecipeError.of(
            where, say("text.not-its-tokenizer", net=name), say("text.other-tokenizer.remedy", net=name)
        )
    with _quiet():
        kind, asked = words_net(name, vocabulary, 2, longest, args, pretrained, where, _class_of, padded=False)
        most = positions_of(asked)
        if most is not None and written + 2 > most:
            what = say("generating.no-room", net=name, most=most, written=written)
            raise RecipeError.of(where, what, say("generating.no-room.remedy", most=most - 2))
        if not own:
            asked.bos_token_id, asked.eos_token_id, asked.pad_token_id = marks
        model = _made(kind, asked, name, where)
        if pretrained:
            fill(kind, asked, model, (), name, pretrained, where, begun)
    net = TransformersCausal(model.train(), marks[0], 0 if most is None else most - written)
    _prove(net, name, asked.model_type, where)
    return net


def _class_of(config: Any, name: str, where: str) -> Any:
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING as KNOWN

    try:
        return KNOWN[type(config)]
    except KeyError:
        what = say("generating.hub-no-causal", net=name, kind=config.model_type)
        raise RecipeError.of(where, what, say("generating.hub-no-causal.remedy")) from None


def _prove(net: TransformersCausal, name: str, kind: str, where: str) -> None:
    """Raises RecipeError unless what stands behind a token changes nothing before it, and each layer keeps keys and values.

    Encoders have a version with the same head that sees everything: it would learn to copy. Others keep a state of another form.
    """
    remedy = say("generating.hub-no-causal.remedy")
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            ids = torch.zeros(2, _PROBED, dtype=torch.int64, device=next(net.parameters()).device)
            ids[1, -1] = 1
            told = net(ids, ids)[:, : _PROBED - 1]
            if not torch.allclose(told[0], told[1], atol=1e-4, rtol=1e-4):
                raise RecipeError.of(where, say("generating.looks-ahead", net=name, kind=kind), remedy)
            cache = _empty()
            seen = torch.ones_like(ids)
            net._ask(ids, seen, seen.cumsum(1) - 1, cache)
            keys, values = _kept(cache)
            fits = len(cache.layers) and keys.shape[3] == values.shape[3] == _PROBED
    except RecipeError:
        raise
    except Exception as error:  # as many kinds as there are nets
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise RecipeError.of(where, say("generating.no-state", net=name, kind=kind, reason=reason), remedy) from error
    finally:
        net.train(training)
    if not fits:
        raise RecipeError.of(where, say("generating.no-state", net=name, kind=kind, reason="–"), remedy)


def _kept(cache: Any) -> tuple[Tensor, Tensor]:
    """Keys and values (B, L, H, t, d)."""
    return (
        torch.stack([layer.keys for layer in cache.layers], 1),
        torch.stack([layer.values for layer in cache.layers], 1),
    )


def _filled(state: Mapping[str, Tensor]) -> Any:
    """A cache of a state's keys and values."""
    cache = _empty()
    for layer in range(state["own_keys"].shape[1]):
        cache.update(state["own_keys"][:, layer], state["own_values"][:, layer], layer)
    return cache


def _empty() -> Any:
    from transformers import DynamicCache

    return DynamicCache()
