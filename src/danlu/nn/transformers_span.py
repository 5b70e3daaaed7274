"""Question-answering nets of Transformers: a question and a text as one sequence, put together as their tokenizer does it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.packing import Packing
from danlu.nn.padding import real
from danlu.nn.special import BEGIN, END
from danlu.nn.transformers_net import _made, _quiet
from danlu.nn.transformers_text import fill, own_ids, words_net

Around = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, int]]
_HEAD = "qa_outputs"
_LEAST = 16  # tokens of a window in which an answer can stand


class TransformersSpan(nn.Module):
    """Question ids (B, S), their lengths, text ids (B, T), their lengths → logits {"start", "end"}, both (B, 1 + T).

    Place 0 is the first token of all, which stands for no answer.
    """

    def __init__(self, model: nn.Module, packing: Packing, segments: tuple[int, int] | None) -> None:
        super().__init__()
        self.model, self.packing, self.segments = model, packing, segments

    def forward(self, question: Tensor, asked: Tensor, text: Tensor, length: Tensor) -> dict[str, Tensor]:
        packed = self.packing(question, asked, text, length)
        seen = real(packed.lengths, packed.ids.shape[1]).long()
        more: dict[str, Tensor] = {}
        if self.segments is not None:
            first, second = self.segments
            more["token_type_ids"] = torch.where(packed.second & seen.bool(), second, first)
        found = self.model(input_ids=packed.ids, attention_mask=seen, return_dict=True, **more)
        return {
            "start": found.start_logits.gather(1, packed.places),
            "end": found.end_logits.gather(1, packed.places),
        }

    def get_classifier(self) -> nn.Module:
        """The head, as :func:`danlu.nn.head.head_of` asks for it."""
        return self.model.get_submodule(_HEAD)

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        found: nn.Module = self.model.get_input_embeddings()  # type: ignore[operator]
        return found


def transformers_span(
    name: str,
    vocabulary: int,
    around: Around | None,
    longest: int,
    window: int,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
) -> TransformersSpan:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. vocabulary: the tokenizer's ids. longest: tokens of question and window.
    window: of the window alone.

    around: what a published tokenizer puts around two texts (ids before, between, behind, segments), None for one that was learnt here.
    args: further values of the configuration. Only the head may be new; published weights need their own tokenizer. Raises RecipeError.
    """
    ensure()  # Transformers imports torchvision
    before, between, behind, segments = around or ((BEGIN,), (END,), (END,), (0, 1))
    beside = longest - window + len(before) + len(between) + len(behind)
    longest += len(before) + len(between) + len(behind)
    if own_ids(pretrained) and around is None:
        raise RecipeError.of(
            where, say("text.not-its-tokenizer", net=name), say("text.other-tokenizer.remedy", net=name)
        )
    with _quiet():
        kind, asked = words_net(
            name, vocabulary, 2, longest, args, pretrained, where, _class_of, shorter=partial(_narrower, beside)
        )
        model = _made(kind, asked, name, where)
        if pretrained:
            heads = tuple(each for each, _ in model.named_parameters() if each.startswith(f"{_HEAD}."))
            fill(kind, asked, model, heads, name, pretrained, where, begun)
    typed = getattr(asked, "type_vocab_size", 0) > max(segments) and "token_type_ids" in _parameters(model)
    packing = Packing(before, between, behind, asked.pad_token_id)
    return TransformersSpan(model.train(), packing, segments if typed else None)


def _narrower(beside: int, most: int) -> str:
    """What to do where a net reads ``most`` tokens at most, of which question and marks take ``beside``."""
    window = most - beside
    if window < _LEAST:
        return say("answers.hub-too-short.remedy", least=beside + _LEAST)
    return say("answers.hub-window.remedy", window=window, stride=window // 2)


def _parameters(model: nn.Module) -> tuple[str, ...]:
    import inspect

    return tuple(inspect.signature(model.forward).parameters)


def _class_of(config: Any, name: str, where: str) -> Any:
    from transformers import MODEL_FOR_QUESTION_ANSWERING_MAPPING as KNOWN

    try:
        return KNOWN[type(config)]
    except KeyError:
        what = say("answers.hub-no-reader", net=name, kind=config.model_type)
        raise RecipeError.of(where, what, say("answers.hub-no-reader.remedy")) from None
