"""Encoders of Transformers for texts: called with padded ids, as all nets here are."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.padding import real, unpadded
from danlu.nn.run_weights import begun_with, is_run, run_tensors
from danlu.nn.transformers_files import configuration, weights
from danlu.nn.transformers_net import _configured, _heads, _made, _quiet, _refuse, _some, _unwrapped
from danlu.nn.weights import is_file, tensors_of


class TransformersText(nn.Module):
    """Padded ids (B, T) → logits (B, classes). heads: names in ``model`` of the layers whose outputs are the classes."""

    def __init__(self, model: nn.Module, heads: tuple[str, ...], padding: int) -> None:
        super().__init__()
        self.model, self.heads, self.padding = model, heads, padding

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths)
        seen = real(lengths, ids.shape[1])
        ids = torch.where(seen, ids.long(), self.padding)  # some nets count positions by their own padding id
        logits: Tensor = self.model(input_ids=ids, attention_mask=seen.long(), return_dict=True).logits
        return logits

    def get_classifier(self) -> tuple[nn.Module, ...]:
        """The head, as :func:`danlu.nn.head.head_of` asks for it."""
        return tuple(map(self.model.get_submodule, self.heads))

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        found: nn.Module = self.model.get_input_embeddings()  # type: ignore[operator]
        return found


def transformers_text(
    name: str,
    vocabulary: int,
    classes: int,
    longest: int,
    own: bool,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    begun: str,
) -> TransformersText:
    """name: ``OWNER/NAME[@REVISION]`` of the hub, or a folder. own: whether the tokenizer is the net's. args: further values of the
    configuration, ``dropout`` by whatever name.

    Without weights the embedding gets as many ids as the tokenizer has; published weights need the tokenizer that they were learnt
    with (``data.text.tokenizer: hf:NAME``): with fewer ids of its own each would be another word's. Only the head may be new. Raises
    RecipeError.
    """
    ensure()  # Transformers imports torchvision
    if own_ids(pretrained) and not own:
        raise RecipeError.of(
            where, say("text.not-its-tokenizer", net=name), say("text.other-tokenizer.remedy", net=name)
        )
    with _quiet():
        kind, asked = words_net(name, vocabulary, classes, longest, args, pretrained, where, _class_of)
        model = _made(kind, asked, name, where)
        sized, prefix = _heads(kind, asked, model), f"{getattr(model, 'base_model_prefix', '')}."
        heads = tuple(name for name, _ in model.named_parameters() if name in sized or not name.startswith(prefix))
        if pretrained:
            fill(kind, asked, model, heads, name, pretrained, where, begun)
    return TransformersText(
        model.train(), tuple(dict.fromkeys(each.rpartition(".")[0] for each in heads)), asked.pad_token_id
    )


def words_net(
    name: str,
    vocabulary: int,
    classes: int,
    longest: int,
    args: Mapping[str, Any],
    pretrained: bool | str,
    where: str,
    class_of: Callable[[Any, str, str], Any],
    padded: bool = True,
    shorter: Callable[[int], str] = lambda most: say("text.too-long.remedy", most=most),
) -> tuple[Any, Any]:
    """(class of the net, its configuration) for ids of ``vocabulary``, at most ``longest`` of them.

    pretrained: what the recipe says, see :func:`own_ids`. class_of: (configuration, name, where) → the class. padded: whether
    the net is to have a padding id, whose embedding learns nothing, where its configuration names none. shorter: what to do where the
    net has that many places at most. Raises RecipeError.
    """
    found = configuration(name, where)
    _refuse(found, name, where)
    asked = _configured(found, args, name, where)
    kind = class_of(asked, name, where)
    asked.num_labels = classes
    if not own_ids(pretrained):
        asked.vocab_size = vocabulary
    elif vocabulary > asked.vocab_size:
        what = say("text.other-tokenizer", net=name, ids=f"{vocabulary:,}", rows=f"{asked.vocab_size:,}")
        raise RecipeError.of(where, what, say("text.other-tokenizer.remedy", net=name))
    most = positions_of(asked)
    if most is not None and longest > most:
        what = say("text.too-long", net=name, longest=longest, most=most)
        raise RecipeError.of(where, what, shorter(most))
    if (padded and asked.pad_token_id is None) or (asked.pad_token_id or 0) >= asked.vocab_size:
        asked.pad_token_id = 0 if padded else None
    return kind, asked


def own_ids(pretrained: bool | str) -> bool:
    """Whether weights know the ids that were published with the net: those of the hub and of files, of a run that began with such."""
    if isinstance(pretrained, str) and is_run(pretrained):
        return own_ids(begun_with(Path(pretrained).expanduser(), "model.pretrained"))
    return bool(pretrained)


def inside(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a run's tensors those of the net of Transformers in it, by the names in that net."""
    heads = (re.match(r"(?:(?:inner|1)\.)*model\.", name) for name in tensors)
    prefixes = {found[0] for found in heads if found}
    return {
        name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def fill(
    kind: Any,
    asked: Any,
    model: nn.Module,
    heads: tuple[str, ...],
    name: str,
    pretrained: bool | str,
    where: str,
    begun: str,
) -> None:
    """Weights of the hub (True), of a file, or of a run of ours whose net has the same body.

    heads: parameters that may be new. begun: where the recipe names weights. Raises RecipeError.
    """
    file = name if pretrained is True else str(pretrained)
    if not (pretrained is True or is_file(file) or is_run(file)):
        raise RecipeError.of(begun, say("nn.hub-tag", tag=file), say("nn.hub-tag-remedy", net=name, tag=file))
    if pretrained is True:
        tensors = weights(name, where)
    elif is_run(file):
        tensors = inside(run_tensors(Path(file).expanduser(), begun))
    else:
        tensors = _unwrapped(tensors_of(file, begun))
    _fill(kind, asked, model, tensors, heads, file, begun)


def _class_of(config: Any, name: str, where: str) -> Any:
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING as KNOWN

    try:
        return KNOWN[type(config)]
    except KeyError:
        what = say("text.hub-no-text", net=name, kind=config.model_type)
        raise RecipeError.of(where, what) from None


def positions_of(config: Any) -> int | None:
    """Most tokens, where positions are a table."""
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:
        return None
    return most - 2 if config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer") else most


def _fill(
    kind: Any, config: Any, model: nn.Module, tensors: dict[str, Tensor], heads: tuple[str, ...], file: str, where: str
) -> None:
    """All but the head is filled, or it is an error; a head that fits is filled too."""
    try:
        net, info = kind.from_pretrained(
            None,
            config=copy.deepcopy(config),
            state_dict=dict(tensors),
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise RecipeError.of(where, say("nn.no-weights", net=file, reason=reason)) from error
    lacking = {
        each[0] if isinstance(each, tuple) else each for each in (*info["missing_keys"], *info["mismatched_keys"])
    }
    fresh = {each for each in lacking if "pooler" in each}  # part of the head, in all but name
    wrong = sorted(lacking.difference(heads) - fresh)
    if wrong:
        raise RecipeError.of(where, say("nn.weights-differ", file=file, names=_some(wrong), count=len(wrong)))
    given = net.state_dict()
    for key, value in model.state_dict().items():
        if key not in lacking:
            value.copy_(given[key])
