"""Which words are hidden, as a function of (seed, epoch, sample): other ones in each epoch, the same after a resume (house rule 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from danlu.data.augment.stages import Alone
from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Kind
from danlu.data.text.whole_words import ALONE, groups
from danlu.randomness import Position, bits, uniform

NOTHING = -1  # in ``wanted``: not hidden


class Hiding(Alone):
    """Hides whole words of ``text``. Adds ``places`` int64 (B, P), which tokens are hidden (0 behind the last), and ``wanted`` int64
    (B, P), what they were (:data:`NOTHING` behind the last); both are inputs of the net, which looks at the first alone.

    forms: of :func:`danlu.data.text.whole_words.forms`. Each word is hidden with probability ``share``, one of every text is. Of the
    hidden tokens ``masked`` become the mask, half of the others a random token (Devlin et al. 2019), the rest stay.
    """

    def __init__(self, forms: np.ndarray, mask: int, share: float, masked: float) -> None:
        self.forms, self.mask, self.share, self.masked = forms, mask, share, masked
        self.usual = np.flatnonzero(forms != ALONE)

    def __str__(self) -> str:
        return f"hide {self.share:g} of the words"

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        text = batch["text"]
        assert isinstance(text, Padded)
        ids, sizes = text.values.cpu().numpy(), text.sizes.cpu().numpy()
        time = ids.shape[1]
        real = np.arange(time) < sizes
        can = real & (self.forms[ids] != ALONE)
        odd = bits(at.seed, "hide/odd", at.epoch, batch.keys, 1)[:, 0] % np.uint64(2) == 1
        first = groups(ids, self.forms, odd)
        drawn = np.take_along_axis(uniform(at.seed, "hide/word", at.epoch, batch.keys, time), first, 1)
        drawn = np.where(can, drawn, 2.0)
        hidden = can & ((drawn < self.share) | (drawn == drawn.min(1, keepdims=True)))
        how = uniform(at.seed, "hide/how", at.epoch, batch.keys, time)
        which = bits(at.seed, "hide/which", at.epoch, batch.keys, time) % np.uint64(max(1, len(self.usual)))
        shown = np.where(hidden & (how < self.masked), self.mask, ids)
        other = hidden & (how >= self.masked) & (how < (1 + self.masked) / 2)
        shown = np.where(other, self.usual[which.astype(np.int64)] if len(self.usual) else ids, shown)
        many = hidden.sum(1)
        most = max(1, int(many.max(initial=0)))
        places = np.argsort(~hidden, axis=1, kind="stable")[:, :most]
        known = np.arange(most) < many[:, None]
        wanted = np.where(known, np.take_along_axis(ids, places, 1), NOTHING).astype(np.int64)
        device = text.values.device
        columns = {
            **batch.columns,
            "text": Padded(torch.from_numpy(shown.astype(ids.dtype)).to(device), text.sizes),
            "places": torch.from_numpy(np.where(known, places, 0).astype(np.int64)).to(device),
            "wanted": torch.from_numpy(wanted).to(device),
        }
        return replace(batch, columns=columns, inputs=("text", "places", "wanted"))
