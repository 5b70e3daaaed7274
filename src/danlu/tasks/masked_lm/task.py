"""Masked language model: net, objective, what is hidden, and what the frequencies of words alone would find."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from torch import Tensor, nn

from danlu.data.augment.base import BatchTransform
from danlu.data.kinds.gapped import Gapped
from danlu.data.text.whole_words import forms
from danlu.errors import RecipeError
from danlu.messages import choose
from danlu.metrics.base import Metric
from danlu.nn.nets.text_transformer import TextTransformer
from danlu.randomness import Position
from danlu.recipe.published import HUB, refuse_unknown
from danlu.tasks.base import Rows, Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.masked_lm import texts
from danlu.tasks.masked_lm.hiding import Hiding
from danlu.tasks.masked_lm.metrics import Recovered
from danlu.tasks.masked_lm.net import Masked
from danlu.tasks.masked_lm.term import Hidden
from danlu.tasks.text_input import is_published, published_arguments, same_words, text_net
from danlu.training.objective import Objective

_AT_ONCE = 4096


class MaskedLm(Task):
    """Hidden words found again; prediction columns as :class:`danlu.tasks.masked_lm.decoder.FillDecoder` gives them."""

    @property
    def kind(self) -> Gapped:
        found = self.data.kinds["text"]
        assert isinstance(found, Gapped)
        return found

    def net(self) -> nn.Module:
        if self.kind.words.mask < 0:
            where = self.recipe.where("data.text.tokenizer")
            raise RecipeError.of(where, choose(texts.NO_MASK), choose(texts.NO_MASK_REMEDY))
        if is_published(self.recipe):
            return self._published()
        made = text_net(self.recipe, self.data, "text", 2, "text-transformer")
        if not isinstance(made, TextTransformer):
            what = choose(texts.NO_ENCODER).format(net=self.recipe.model.name)
            raise RecipeError.of(self.recipe.where("model.name"), what, choose(texts.NO_ENCODER_REMEDY))
        return Masked(made)

    def _published(self) -> nn.Module:
        """An encoder of Transformers with its own head, whose words are hidden by its own tokenizer's pieces."""
        from danlu.nn.transformers_masked import transformers_masked

        model, where = self.recipe.model, self.recipe.where("model.name")
        name = model.name.partition(":")[2]
        refuse_unknown(HUB, name, where)
        same_words(self.kind, model.pretrained, self.recipe.where("model.pretrained"))
        return transformers_masked(
            name, self.kind.vocabulary, self.kind.max_length, bool(getattr(self.kind.words, "whole", False)),
            published_arguments(self.recipe), model.pretrained, where, self.recipe.where("model.pretrained"),
        )  # fmt: skip

    def objective(self) -> Objective:
        return Objective({"hidden": Hidden()})

    def metrics(self) -> Sequence[Metric]:
        return (Recovered(),)

    def baselines(self) -> Sequence[Baseline]:
        return ()  # frequencies alone stand beside: see :meth:`probe`

    @cached_property
    def _hiding(self) -> Hiding:
        options = self.recipe.options
        return Hiding(forms(self.kind.words), self.kind.words.mask, options["hidden"], options["masked"])

    def transforms(self) -> Sequence[BatchTransform]:
        return (self._hiding,)

    # ---- what the frequencies of words alone would find ------------------------------------------------------------
    @cached_property
    def _chances(self) -> np.ndarray:
        """float64 (V,): how often each token occurs in the training rows, one more for each (Laplace)."""
        counts = np.ones(self.kind.vocabulary)
        rows = self.data.rows("train")
        for start in range(0, len(rows), _AT_ONCE):
            for ids in self.data.store.gather("text", rows[start : start + _AT_ONCE]):
                counts += np.bincount(ids, minlength=len(counts))
        counts[sorted(self.kind.words.special)] = 1.0
        return np.asarray(counts / counts.sum())

    @cached_property
    def _beside(self) -> dict[str, dict[str, float]]:
        return {}

    def probe(self, net: nn.Module, part: str, rows: Rows) -> Mapping[str, float]:
        """unigram-perplexity and unigram-accuracy on the same hidden tokens: the frequencies of the training rows for every place."""
        if part == "train" or not len(self.data.parts.get(part, ())):  # type: ignore[call-overload]
            return {}
        if part not in self._beside:
            nats, hits, count = 0.0, 0, 0
            common = int(self._chances.argmax())
            for batch in rows(self.data.parts[part]):  # type: ignore[index]
                wanted = self._hiding(batch, Position(0), self.data.kinds)["wanted"]
                assert isinstance(wanted, Tensor)
                known = wanted.cpu().numpy()
                known = known[known >= 0]
                nats -= float(np.log(self._chances[known]).sum())
                hits += int((known == common).sum())
                count += len(known)
            found = {"unigram-perplexity": math.exp(nats / count), "unigram-accuracy": hits / count} if count else {}
            self._beside[part] = found
        return self._beside[part]
