"""Encoders of Transformers with their head for hidden words (BERT, RoBERTa, DistilBERT), called with padded ids."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.padding import real, unpadded
from danlu.nn.transformers_net import _made, _quiet
from danlu.nn.transformers_text import fill, own_ids, words_net


class TransformersMasked(nn.Module):
    """Padded ids (B, T) → logits of every token (B, T, V); with places int64 (B, P), of these alone (B, P, V)."""

    def __init__(self, model: Any, padding: int) -> None:
        super().__init__()
        self.model, self.padding = model, padding

    def forward(self, text: Any, places: Tensor | None = None, wanted: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(text)
        seen = real(lengths, ids.shape[1])
        ids = torch.where(seen, ids.long(), self.padding)
        with _read_off(self.model.base_model, places):
            logits: Tensor = self.model(input_ids=ids, attention_mask=seen.long(), return_dict=True).logits
        return logits

    def get_classifier(self) -> tuple[nn.Module, ...]:
        """The head, as :func:`danlu.nn.head.head_of` asks for it."""
        prefix = self.model.base_model_prefix
        return tuple(part for name, part in self.model.named_children() if name != prefix)

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        found: nn.Module = self.model.get_input_embeddings()
        return found


def transformers_masked(
    name: str,
    vocabulary: int,
    longest: int,
    own: bool,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
) -> TransformersMasked:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. vocabulary: the tokenizer's ids. longest: most tokens of a text.

    own: whether the tokenizer is the net's. args: further values of the configuration, ``dropout`` by whatever name. Published weights
    need their own tokenizer; where they are an encoder's alone, the head is new. Raises RecipeError.
    """
    ensure()  # Transformers imports torchvision
    if not own and own_ids(pretrained):
        raise RecipeError.of(
            where, say("text.not-its-tokenizer", net=name), say("text.other-tokenizer.remedy", net=name)
        )
    with _quiet():
        kind, asked = words_net(name, vocabulary, 2, longest, args, pretrained, where, _class_of)
        model = _made(kind, asked, name, where)
        if pretrained:
            prefix = f"{model.base_model_prefix}."
            head = tuple(each for each in model.state_dict() if not each.startswith(prefix))
            fill(kind, asked, model, head, name, pretrained, where, begun)
    return TransformersMasked(model.train(), asked.pad_token_id)


@contextmanager
def _read_off(encoder: nn.Module, places: Tensor | None) -> Iterator[None]:
    """The encoder's states (B, T, F) at ``places`` (B, P) alone go on to the head, whose work is a product with the vocabulary."""

    def pick(module: nn.Module, given: Any, output: Any) -> Any:
        assert places is not None
        made = copy.copy(output)
        states = output.last_hidden_state
        made["last_hidden_state"] = states.gather(1, places[:, :, None].expand(-1, -1, states.shape[2]))
        return made

    handle = encoder.register_forward_hook(pick) if places is not None else None
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


def _class_of(config: Any, name: str, where: str) -> Any:
    from transformers import MODEL_FOR_MASKED_LM_MAPPING as KNOWN

    found = KNOWN.get(type(config), None)
    if found is None or config.is_encoder_decoder:
        what = say("text.hub-no-filler", net=name, kind=config.model_type)
        raise RecipeError.of(where, what, say("text.hub-no-filler.remedy"))
    return found
