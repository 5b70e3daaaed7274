"""Which runs of tokens the training rows have, and how much each tells: the rows of a table, their IDF, what they tell of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from danlu.large.sorting import once

_LEAST = 2  # texts that a run must be in
_AT_ONCE = 20_000  # texts


@dataclass(frozen=True)
class Known:
    """keys: int64 (R,), rising, ``code of all but the last token · vocabulary + last token``, where a token's code is its id and a
    run's is vocabulary + its place here. idf: float32 (vocabulary + R,) by code; 0 for what no text has.
    """

    keys: np.ndarray
    idf: np.ndarray


def known(
    texts: Sequence[np.ndarray], vocabulary: int, longest: int, most: int, told: Callable[[], None] = lambda: None
) -> Known:
    """Of texts, int (n,) each: every run of 2 … ``longest`` tokens that two of them have, but no more than the ``most`` frequent.

    IDF is ln((1 + texts) / (1 + texts with it)) + 1, as scikit-learn's. A run is known only where what it begins with is.

    told: called after each length.
    """
    sizes = np.asarray([len(text) for text in texts], np.int64)
    ids = np.concatenate([*texts, np.empty(0, np.int64)]).astype(np.int64)
    text = np.repeat(np.arange(len(sizes)), sizes)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(ids))  # tokens from here to the text's end
    found = [np.bincount(once(text * vocabulary + ids) % vocabulary, minlength=vocabulary)]
    keys, codes, places = [np.empty(0, np.int64)], ids, np.arange(len(ids))
    begun = vocabulary
    told()
    for size in range(2, longest + 1):
        kept = left[places] >= size
        places, codes = places[kept], codes[kept]
        if not len(places):
            break
        key = codes * vocabulary + ids[places + size - 1]
        distinct, at = np.unique(key, return_inverse=True)
        counts = np.bincount(once(at * len(sizes) + text[places]) // len(sizes), minlength=len(distinct))
        often = counts >= _LEAST
        number = np.cumsum(often) - 1
        keys.append(distinct[often])
        found.append(counts[often])
        codes, places = begun + number[at][often[at]], places[often[at]]
        begun += int(often.sum())
        told()
    return _cut(np.concatenate(keys), found, vocabulary, most, len(sizes))


def _cut(keys: np.ndarray, found: Sequence[np.ndarray], vocabulary: int, most: int, texts: int) -> Known:
    """The most frequent runs under codes of their own. Of equally frequent ones those that came first, so that beginnings stay."""
    counts = np.concatenate([np.empty(0, np.int64), *found[1:]])
    kept = np.sort(np.argsort(-counts, kind="stable")[:most])
    new = np.full(len(keys) + vocabulary, -1, np.int64)
    new[:vocabulary] = np.arange(vocabulary)
    new[vocabulary + kept] = vocabulary + np.arange(len(kept))
    codes, last = np.divmod(keys[kept], vocabulary)
    made = new[codes] * vocabulary + last
    counts = np.concatenate([found[0], counts[kept]])
    idf = np.where(counts > 0, np.log((1 + texts) / (1 + counts)) + 1, 0.0)
    return Known(made, idf.astype(np.float32))


def telling(
    texts: Sequence[np.ndarray],
    members: np.ndarray,
    keys: np.ndarray,
    vocabulary: int,
    longest: int,
    told: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """float32 (vocabulary + R,) by code: how much each token and known run tells of the classes; 0 for those that no text has.

    members: bool (N, K), whether each text is of each class. keys: of :class:`Known`. It is the mean over classes of |r|, where r is
    naive Bayes' log-count ratio of one class against the rest, log (p/‖p‖₁) - log (q/‖q‖₁): p is 1 + how many texts of the class have
    it, q 1 + how many others (Wang and Manning 2012, "Baselines and Bigrams"). Of two classes both have the same |r|.
    told: hears how many texts were looked at.
    """
    size = vocabulary + len(keys)
    inside = np.zeros((size, members.shape[1]))
    every = np.zeros(size)
    for at in range(0, len(texts), _AT_ONCE):
        text, code = _present(texts[at : at + _AT_ONCE], keys, vocabulary, longest)
        every += np.bincount(code, minlength=size)
        for label, column in enumerate(members[at : at + _AT_ONCE].T):
            inside[:, label] += np.bincount(code[column[text]], minlength=size)
        told(min(at + _AT_ONCE, len(texts)))
    seen = every > 0
    ours, others = 1 + inside[seen], 1 + every[seen, None] - inside[seen]
    ratio = np.log(ours / ours.sum(0)) - np.log(others / others.sum(0))
    found = np.zeros(size, np.float32)
    found[seen] = np.abs(ratio).mean(1)
    return found


def _present(
    texts: Sequence[np.ndarray], keys: np.ndarray, vocabulary: int, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """(place of a text, code of what it has), int64 (P,) each: every pair once."""
    sizes = np.asarray([len(text) for text in texts], np.int64)
    ids = np.concatenate([*texts, np.empty(0, np.int64)]).astype(np.int64)
    text = np.repeat(np.arange(len(sizes)), sizes)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(ids))
    total = vocabulary + len(keys)
    places, codes = np.arange(len(ids)), ids
    pairs = [text * total + codes]
    for size in range(2, longest + 1) if len(keys) else ():
        kept = left[places] >= size
        places, codes = places[kept], codes[kept]
        key = codes * vocabulary + ids[places + size - 1]
        at = np.searchsorted(keys, key).clip(0, len(keys) - 1)
        there = keys[at] == key
        places, codes = places[there], vocabulary + at[there]
        pairs.append(text[places] * total + codes)
    both = once(np.concatenate(pairs))
    return np.divmod(both, total)
