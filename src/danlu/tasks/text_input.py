"""What applications with a text as input share: a net of the recipe's name for the ids of its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from torch import nn

from danlu.data.dataset import Dataset
from danlu.data.kinds.category import Category
from danlu.data.kinds.text import Text
from danlu.data.text.begun import of_run
from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.nn.weights import load_weights
from danlu.recipe import names
from danlu.recipe.arguments import Signature
from danlu.recipe.published import HUB
from danlu.recipe.schema import Named, Recipe

FITTED = 200_000  # training texts, at most, from which a net may compute what it begins with
_VOCABULARY = ("vocabulary", "vocab_size", "num_embeddings", "n_tokens")
_CLASSES = ("classes", "num_classes", "n_classes")


def text_net(
    recipe: Recipe, data: Dataset, column: str, outputs: int, default: str = "bag", labels: str | None = None
) -> nn.Module:
    """Padded ids (B, T) → (B, outputs): an own net by name, ``hf:NAME``, or the user's own class or function.

    An own class is given the number of ids and of classes where its constructor has a parameter for them, ``solid``, whether the
    texts have no spaces between words, and ``exclusive``, whether a text has one label of the column ``labels``. A net with a method
    ``fit_texts`` is given the ids of the training rows, at most ``FITTED`` evenly spread ones, what each id is written as and, where
    it has a parameter ``labels``, those rows' own; what it computes from them is saved with it. Raises RecipeError for a net that
    does not take texts, for arguments that it lacks, and for a published one whose tokenizer is another.
    """
    kind = data.kinds[column]
    assert isinstance(kind, Text)
    model = recipe.model
    name = default if model.name == "auto" else model.name
    where = recipe.where("model")
    package, _, published = name.partition(":")
    wanted = _wanted(recipe)
    if package == HUB:
        from danlu.nn.transformers_text import transformers_text

        same_words(kind, model.pretrained, recipe.where("model.pretrained"))
        return transformers_text(
            published, kind.vocabulary, outputs, kind.max_length, bool(getattr(kind.words, "whole", False)),
            published_arguments(recipe), model.pretrained, recipe.where("model.name"), recipe.where("model.pretrained"),
        )  # fmt: skip
    if package in ("timm", "torchvision"):
        raise RecipeError.of(recipe.where("model.name"), say("text.not-a-text-net", name=name))
    thing = names.load_object(names.resolve("net", name, recipe.where("model.name")), recipe.where("model.name"))
    if isinstance(thing, nn.Module):
        raise RecipeError.of(recipe.where("model.name"), say("text.not-a-text-net", name=name))
    parameters = Signature.of(thing).parameters
    sizes = {
        key: value
        for spellings, value in ((_VOCABULARY, kind.vocabulary), (_CLASSES, outputs))
        for key in spellings
        if key in parameters
    }
    if "solid" in parameters:
        sizes["solid"] = kind.solid
    if "exclusive" in parameters:
        sizes["exclusive"] = labels is not None and isinstance(data.kinds[labels], Category)
    own = ":" not in name
    if own and not {"vocabulary", "classes"} <= sizes.keys():
        raise RecipeError.of(recipe.where("model.name"), say("text.not-a-text-net", name=name))
    lacking = [key for key in wanted if key not in parameters and not Signature.of(thing).others]
    if lacking:
        raise RecipeError(
            Problem(recipe.where(f"model.{key}"), say("nn.takes-no", net=name, argument=key), say("nn.untaken-remedy"))
            for key in lacking
        )
    net: nn.Module = names.construct(thing, Named(name=name, args=dict(model.args)), where, **sizes, **wanted)
    same_words(kind, model.pretrained, recipe.where("model.pretrained"))
    if isinstance(model.pretrained, str):
        load_weights(net, model.pretrained, recipe.where("model.pretrained"))
    elif model.pretrained:
        what = say("nn.none-published", net=type(net).__name__)
        raise RecipeError.of(recipe.where("model.pretrained"), what, say("nn.none-published-remedy"))
    fit: Callable[..., None] | None = getattr(net, "fit_texts", None)
    rows = data.parts.get("train", np.empty(0, np.int64))
    if fit is not None and not model.pretrained and len(rows):
        some = rows[np.unique(np.linspace(0, len(rows) - 1, FITTED).astype(np.int64))]
        more = {}
        if labels is not None and "labels" in signature(fit).parameters:
            more["labels"] = np.asarray(data.store.gather(labels, some))
        fit(data.store.gather(column, some), kind.words.pieces(range(kind.vocabulary)), **more)
    return net


def is_published(recipe: Recipe) -> bool:
    """Whether the net is one of the hub, or of a folder of its form."""
    return recipe.model.name.partition(":")[0] == HUB


def published_arguments(recipe: Recipe) -> dict[str, Any]:
    """Values of a published net's configuration that the recipe names."""
    return {**_wanted(recipe), **recipe.model.args}


def _wanted(recipe: Recipe) -> dict[str, Any]:
    found = {key: getattr(recipe.model, key) for key in ("activation", "norm", "dropout", "drop_path")}
    return {key: value for key, value in found.items() if value is not None}


def same_words(kind: Text, pretrained: bool | str, where: str) -> None:
    """Raises RecipeError where a run was learnt with other ids than ``kind`` gives: its embedding would be of other words."""
    theirs = of_run(pretrained) if isinstance(pretrained, str) else None
    if theirs is not None and theirs["tokenizer"] != dict(kind.tokenizer):
        raise RecipeError.of(where, say("text.run-words", run=pretrained), say("text.run-words.remedy"))
