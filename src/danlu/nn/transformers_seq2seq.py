"""Nets of Transformers that read one text and write another (Marian, T5, BART): called and asked step by step, as our own are."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.padding import real, unpadded
from danlu.nn.transformers_files import configuration
from danlu.nn.transformers_head import writing_head
from danlu.nn.transformers_net import _made, _quiet
from danlu.nn.transformers_plain import plain_attention, plain_in_a_graph
from danlu.nn.transformers_text import fill, own_ids, words_net
from danlu.nn.writing.cached import CacheKept


@dataclass(frozen=True)
class Marks:
    """Ids: what stands before the first token that is written, behind the last, and in padding."""

    start: int
    end: int
    padding: int


class TransformersSeq2seq(nn.Module):
    """Padded ids that are read (B, S) and that are written (B, T) → logits of the next tokens (B, T, V).

    Called with what is read alone it gives the state in which :meth:`step` begins, of the same form as
    :class:`danlu.nn.nets.seq2seq_transformer.Seq2seqTransformer` has it: keys and values of what was read are computed once, those of
    what is written are kept.
    """

    moving = ("own_keys", "own_values", "place")

    def __init__(self, model: Any, marks: Marks) -> None:
        super().__init__()
        self.model, self.marks = model, marks
        parameters = inspect.signature(model.forward).parameters
        self._cache = "cache" if "cache" in parameters else "past_key_values"  # as Transformers has called it

    def forward(self, source: Any, prefix: Any = None) -> Any:
        if prefix is None:
            return self.begin(source)
        ids, seen = self._read(source)
        written, _ = self._read(prefix)
        logits: Tensor = self.model(
            input_ids=ids, attention_mask=seen.long(), decoder_input_ids=written, use_cache=False, return_dict=True
        ).logits
        return logits

    def begin(self, source: Any) -> dict[str, Tensor]:
        """The state before anything is written."""
        ids, seen = self._read(source)
        cache = _empty()
        start = torch.full_like(ids[:, :1], self.marks.start)
        with plain_in_a_graph(self.model):
            memory = self.model.get_encoder()(input_ids=ids, attention_mask=seen.long(), return_dict=True)
            self._ask(start, memory.last_hidden_state, seen, cache)  # it fills in what layers keep of what was read
        layers = cache.cross_attention_cache.layers
        keys, values = (torch.stack([getattr(layer, name) for layer in layers], 1) for name in ("keys", "values"))
        kept = cache.self_attention_cache.layers
        nothing = torch.stack([layer.keys for layer in kept], 1)[:, :, :, :0]
        return {
            "keys": keys, "values": values, "seen": seen, "own_keys": nothing, "own_values": nothing,
            "place": torch.zeros(ids.shape[0], dtype=torch.int64, device=ids.device),
        }  # fmt: skip

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """tokens: int64 (B,), written last → (logits (B, V), what of the state has changed)."""
        own, read = _filled(state, "own_keys", "own_values"), _filled(state, "keys", "values")
        with plain_in_a_graph(self.model):
            logits = self._next(tokens, own, read, state["seen"])
        return logits, {
            "own_keys": torch.stack([layer.keys for layer in own.layers], 1),
            "own_values": torch.stack([layer.values for layer in own.layers], 1),
            "place": state["place"] + 1,
        }

    def writing(self) -> Seq2seqWriting | None:
        """Of :class:`danlu.tasks.generating.steps.Writes`; None where somebody has given it another ``step``."""
        own = type(self).step is TransformersSeq2seq.step and "step" not in vars(self)
        return Seq2seqWriting(self) if own else None

    def _next(self, tokens: Tensor, own: Any, read: Any, seen: Tensor) -> Tensor:
        """Logits (B, V); the cache ``own`` grows."""
        from transformers import EncoderDecoderCache

        width = self.model.get_input_embeddings().weight.shape[1]
        kept = read.layers[0].keys
        shape = kept.new_zeros(1, 1, 1).expand(seen.shape[0], seen.shape[1], width)  # of which nothing is read
        both = EncoderDecoderCache(own, read)
        both.is_updated.update(dict.fromkeys(range(len(read.layers)), True))
        return self._ask(tokens[:, None], shape, seen, both)[:, -1]

    def attention(self, source: Any, prefix: Any) -> Tensor:
        """How much each place that is written looks at each that is read, (B, L, H, T, S), as the net's own softmax gives it."""
        ids, seen = self._read(source)
        written, _ = self._read(prefix)
        with plain_attention(self.model):  # the fast kernels keep no weights
            found = self.model(
                input_ids=ids, attention_mask=seen.long(), decoder_input_ids=written, output_attentions=True,
                use_cache=False, return_dict=True,
            ).cross_attentions  # fmt: skip
        return torch.stack(list(found), 1)

    def get_classifier(self) -> nn.Module:
        """The head, as :func:`danlu.nn.head.head_of` asks for it; the decoder's last norm where the last layer is the embedding."""
        return writing_head(self.model, self.model.get_decoder())

    def _ask(self, tokens: Tensor, memory: Tensor, seen: Tensor, cache: Any) -> Tensor:
        from transformers.modeling_outputs import BaseModelOutput

        logits: Tensor = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=memory), attention_mask=seen.long(), decoder_input_ids=tokens,
            use_cache=True, return_dict=True, **{self._cache: cache},
        ).logits  # fmt: skip
        return logits

    def _read(self, given: Any) -> tuple[Tensor, Tensor]:
        """int64 (B, T) with the net's own padding, bool (B, T)."""
        ids, lengths = unpadded(given)
        seen = real(lengths, ids.shape[1])
        return torch.where(seen, ids.long(), self.marks.padding), seen


class Seq2seqWriting:
    """Gives what ``step`` gives, with the library's own caches in the state, of which the one of what is written grows at each call."""

    moving = ("cache",)

    def __init__(self, net: TransformersSeq2seq) -> None:
        self.net = net

    def taken(self, state: Mapping[str, Tensor]) -> dict[str, Any]:
        """This state in place of the net's own, which stays as it is."""
        own, read = _filled(state, "own_keys", "own_values"), _filled(state, "keys", "values")
        return {"cache": CacheKept(own), "read": CacheKept(read), "seen": state["seen"]}

    def __call__(self, tokens: Tensor, state: Mapping[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        """tokens: int64 (B,), written last → (logits (B, V), the state after them)."""
        return self.net._next(tokens, state["cache"].cache, state["read"].cache, state["seen"]), dict(state)


def transformers_seq2seq(
    name: str,
    vocabulary: int,
    longest: int,
    marks: Marks | None,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
) -> TransformersSeq2seq:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. vocabulary: ids of both texts. longest: most tokens of one.

    marks: of a tokenizer that is not the net's own; None: the net's. args: further values of the configuration, ``dropout`` by whatever
    name. Nothing is new: published weights need their own tokenizer, and fill all of it. Raises RecipeError.
    """
    ensure()  # Transformers imports torchvision
    if own_ids(pretrained) and marks is not None:
        raise RecipeError.of(
            where, say("text.not-its-tokenizer", net=name), say("text.other-tokenizer.remedy", net=name)
        )
    with _quiet():
        kind, asked = words_net(name, vocabulary, 2, longest, args, pretrained, where, _class_of)
        if marks is not None:
            asked.bos_token_id = marks.start
        marks = marks or _marks(asked)
        asked.pad_token_id, asked.eos_token_id, asked.decoder_start_token_id = marks.padding, marks.end, marks.start
        if not own_ids(pretrained) and getattr(asked, "decoder_vocab_size", None) is not None:
            asked.decoder_vocab_size = asked.vocab_size
        model = _made(kind, asked, name, where)
        if pretrained:
            fill(kind, asked, model, (), name, pretrained, where, begun)
    return TransformersSeq2seq(model.train(), marks)


def marks_of(name: str, where: str) -> Marks:
    """The marks of a net of this name with its own tokenizer. Raises RecipeError."""
    ensure()
    with _quiet():
        return _marks(configuration(name, where))


def _marks(config: Any) -> Marks:
    """T5 and Marian begin with padding, BART with an end."""
    padding = config.pad_token_id if isinstance(config.pad_token_id, int) else 0
    end = config.eos_token_id if isinstance(config.eos_token_id, int) else 1
    start = getattr(config, "decoder_start_token_id", None)
    if not isinstance(start, int):
        start = config.bos_token_id if isinstance(config.bos_token_id, int) else padding
    return Marks(start, end, padding)


def _class_of(config: Any, name: str, where: str) -> Any:
    from transformers import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING as KNOWN

    try:
        return KNOWN[type(config)]
    except KeyError:
        what = say("generating.hub-no-writer", net=name, kind=config.model_type)
        raise RecipeError.of(where, what, say("generating.hub-no-writer.remedy")) from None


def _filled(state: Mapping[str, Tensor], keys: str, values: str) -> Any:
    """A cache of a state's keys and values."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer in range(state[keys].shape[1]):
        cache.update(state[keys][:, layer], state[values][:, layer], layer)
    return cache


def _empty() -> Any:
    from transformers import DynamicCache, EncoderDecoderCache

    return EncoderDecoderCache(DynamicCache(), DynamicCache())
