"""Nets of Transformers that write, by the recipe's name: their weights, their tokenizer, and the ids that begin and end a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from danlu.data.kinds.text import Text
from danlu.data.text.languages import spoken
from danlu.data.text.tokenizers import Tokenizer
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.published import HUB, refuse_unknown
from danlu.recipe.schema import Recipe
from danlu.tasks.generating.decoder import unwritable
from danlu.tasks.text_input import published_arguments, same_words

if TYPE_CHECKING:
    from danlu.nn.transformers_seq2seq import Marks


def published_writer(recipe: Recipe, source: Text, target: Text) -> nn.Module:
    """A net that reads ``source`` and writes ``target``. Raises RecipeError where it can't, or where the tokenizer is another."""
    from danlu.nn.transformers_seq2seq import transformers_seq2seq

    model, name, where = recipe.model, _name(recipe), recipe.where("model.name")
    refuse_unknown(HUB, name, where)
    same_words(source, model.pretrained, recipe.where("model.pretrained"))
    own = _whole(target.words)
    same = dict(source.tokenizer) == dict(target.tokenizer)
    if not same and not own:
        raise RecipeError.of(
            recipe.where("options.shared"),
            say("generating.two-vocabularies"),
            say("generating.two-vocabularies.remedy"),
        )
    marks = None if own else learnt_marks(target.words)
    return transformers_seq2seq(
        name, max(source.vocabulary, target.vocabulary), max(source.max_length, target.max_length), marks,
        published_arguments(recipe), model.pretrained, where, recipe.where("model.pretrained"),
    )  # fmt: skip


def published_continuer(recipe: Recipe, kind: Text) -> nn.Module:
    """A net that continues ``kind``. Raises RecipeError where it can't, or where the tokenizer is another."""
    from danlu.nn.transformers_causal import transformers_causal

    model, where = recipe.model, recipe.where("model.name")
    refuse_unknown(HUB, _name(recipe), where)
    same_words(kind, model.pretrained, recipe.where("model.pretrained"))
    own = _whole(kind.words)
    marks = (begin_of(kind.words), kind.words.end, None if own else kind.words.padding)
    return transformers_causal(
        _name(recipe), kind.vocabulary, kind.max_length, recipe.options["new_tokens"], marks, own,
        published_arguments(recipe), model.pretrained, where, recipe.where("model.pretrained"),
    )  # fmt: skip


def learnt_marks(words: Tokenizer) -> Marks:
    """Those of a tokenizer that is not the net's own."""
    from danlu.nn.transformers_seq2seq import Marks

    return Marks(begin_of(words), words.end, max(words.padding, 0))


def begin_of(words: Tokenizer) -> int:
    """What stands before the first token of a text that is written: a begin, or the end of another text."""
    return words.begin if words.begin >= 0 else words.end


def published_marks(recipe: Recipe, words: Tokenizer) -> tuple[int, int, tuple[int, ...], int]:
    """(what stands before a text, its end, what is never written, what is written first or -1). words: of what is written."""
    from danlu.nn.transformers_seq2seq import marks_of

    own = _whole(words)
    marks = learnt_marks(words) if not own else marks_of(_name(recipe), recipe.where("model.name"))
    banned = unwritable(words) if not own else (marks.padding,) if marks.padding != marks.end else ()
    code, first = spoken(words) if recipe.options.get("target_language") is not None else (-1, False)
    if code >= 0 and not first:  # mBART: the code itself stands before a text
        return code, marks.end, banned, -1
    return marks.start, marks.end, banned, code


def _name(recipe: Recipe) -> str:
    return recipe.model.name.partition(":")[2]


def _whole(words: Tokenizer) -> bool:
    return bool(getattr(words, "whole", False))
