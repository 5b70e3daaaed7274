"""Which tokens belong to one word, so that a word is hidden as a whole.

Pieces of a word belong together, and so do letters of an alphabet. In scripts without spaces between words, where each letter is a
token, a run of letters is taken two by two, from a place that is drawn anew each time: most Chinese words are two characters long, and
no dictionary is needed.
"""

from __future__ import annotations

import numpy as np

from danlu.data.text.scripts import SOLID
from danlu.data.text.tokenizers import Tokenizer

ALONE, MARK, BEGINS, GOES_ON, SOLID_LETTER = range(5)


def forms(tokenizer: Tokenizer) -> np.ndarray:
    """int8 (ids,): of each token whether it is ALONE (never hidden: special tokens, spaces), a MARK, BEGINS a word, GOES_ON with one,
    or is a SOLID_LETTER.
    """
    made = np.full(tokenizer.size, BEGINS, np.int8)
    goes_on = tokenizer.goes_on()
    for token, piece in enumerate(tokenizer.pieces(range(tokenizer.size))):
        bare = piece.strip()
        if token in tokenizer.special or not bare:
            made[token] = ALONE
        elif len(bare) == 1 and SOLID.match(bare):
            made[token] = SOLID_LETTER
        elif not any(map(str.isalnum, bare)):
            made[token] = MARK
        elif tokenizer.name == "characters" or (goes_on is not None and goes_on[token] and not SOLID.match(bare)):
            made[token] = GOES_ON
    return made


def groups(ids: np.ndarray, known: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """int64 (B, T): for each token the place of the first one of its word. ids (B, T); known: of :func:`forms`; odd: bool (B,), whether
    runs of solid letters begin with a single one.
    """
    form = known[ids]
    batch, time = ids.shape
    places = np.broadcast_to(np.arange(time), (batch, time))
    before = np.concatenate([np.full((batch, 1), ALONE, np.int8), form[:, :-1]], axis=1)
    solid, ran = form == SOLID_LETTER, before == SOLID_LETTER
    start = np.maximum.accumulate(np.where(solid & ~ran, places, 0), axis=1)
    second = solid & ran & ((places - start + odd[:, None]) % 2 == 1)
    joins = second | ((form == GOES_ON) & ((before == BEGINS) | (before == GOES_ON)))
    return np.maximum.accumulate(np.where(joins, 0, places), axis=1)
