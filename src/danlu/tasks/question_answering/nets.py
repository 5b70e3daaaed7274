"""Which net of the recipe's name reads: an own one, a question-answering head of Transformers, or the user's own."""

from __future__ import annotations

from typing import Any

from torch import nn

from danlu.data.dataset import Dataset
from danlu.data.kinds.passage import Passage
from danlu.data.kinds.query import Query
from danlu.data.text.pieces import Pieces
from danlu.data.text.tokenizers import Tokenizer
from danlu.errors import Problem, RecipeError
from danlu.messages import choose, say
from danlu.nn.nets.text_transformer import TextTransformer
from danlu.nn.transformers_span import Around
from danlu.nn.weights import load_weights
from danlu.recipe import names
from danlu.recipe.arguments import Signature
from danlu.recipe.published import HUB
from danlu.recipe.schema import Named, Recipe
from danlu.tasks.question_answering import texts
from danlu.tasks.question_answering.encoder_reader import EncoderReader
from danlu.tasks.question_answering.net import Windowed
from danlu.tasks.text_input import same_words

_DEFAULT = "span-reader"
_OWN = ("activation", "norm", "dropout", "drop_path")


def reader(recipe: Recipe, data: Dataset) -> Windowed:
    """A net for the columns question and context. Raises RecipeError for one that does not read two texts, or lacks an argument."""
    question, passage = data.kinds["question"], data.kinds["context"]
    assert isinstance(question, Query)
    assert isinstance(passage, Passage)
    model = recipe.model
    name = _DEFAULT if model.name == "auto" else model.name
    where = recipe.where("model.name")
    wanted: dict[str, Any] = {key: value for key in _OWN if (value := getattr(model, key)) is not None}
    package, _, published = name.partition(":")
    if package == HUB:
        from danlu.nn.transformers_span import transformers_span

        same_words(passage, model.pretrained, recipe.where("model.pretrained"))
        net: nn.Module = transformers_span(
            published, passage.vocabulary, _around(passage.words), question.max_length + passage.window, passage.window,
            {**wanted, **model.args}, model.pretrained, where, recipe.where("model.pretrained"),
        )  # fmt: skip
        return Windowed(net, passage.window, passage.stride)
    thing = (
        names.load_object(names.resolve("net", name, where), where) if package not in ("timm", "torchvision") else None
    )
    parameters = Signature.of(thing).parameters if thing is not None and not isinstance(thing, nn.Module) else {}
    around: dict[str, Any] = {"classes": 1} if thing is TextTransformer else {}
    if thing is None or "vocabulary" not in parameters or ("classes" in parameters and not around):
        raise RecipeError.of(where, choose(texts.NO_READER).format(name=name), choose(texts.NO_READER_REMEDY))
    lacking = [key for key in wanted if key not in parameters and not Signature.of(thing).others]
    if lacking:
        raise RecipeError(
            Problem(recipe.where(f"model.{key}"), say("nn.takes-no", net=name, argument=key), say("nn.untaken-remedy"))
            for key in lacking
        )
    given = Named(name=name, args=dict(model.args))
    net = names.construct(thing, given, recipe.where("model"), vocabulary=passage.vocabulary, **around, **wanted)
    if isinstance(net, TextTransformer):
        net = EncoderReader(net)
    if isinstance(model.pretrained, str):
        same_words(passage, model.pretrained, recipe.where("model.pretrained"))
        load_weights(net, model.pretrained, recipe.where("model.pretrained"))
    elif model.pretrained:
        what = say("nn.none-published", net=type(net).__name__)
        raise RecipeError.of(recipe.where("model.pretrained"), what, say("nn.none-published-remedy"))
    return Windowed(net, passage.window, passage.stride)


def _around(words: Tokenizer) -> Around | None:
    """What a published tokenizer puts around two texts."""
    return words.pair() if isinstance(words, Pieces) and words.whole else None
