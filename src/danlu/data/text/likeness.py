"""Texts that are alike: equal once written plainly, or nearly equal. MinHash with bands (Broder 1997; Leskovec et al., MMDS, ch. 3).

Near means: the sets of their character n-grams have a Jaccard index of at least a given one. Candidates are found by bands of MinHash
values and then compared exactly, so that no pair below it counts; a pair at .8 is missed once in a thousand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from danlu.data.progress import Pace, Progress
from danlu.data.text.scripts import is_solid
from danlu.messages import say

NEAR = 0.8
_BANDS, _ROWS = 12, 4
_SPACED, _SOLID = 5, 3  # characters of an n-gram, by script
_BLOCK = 1 << 22  # characters at once
_LONGEST = 20_000  # characters of a text that are compared
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1], np.uint32)


@dataclass(frozen=True)
class Likeness:
    """exact: uint64 (N,), equal for texts that are equal but for case, width and spaces; near: int64 (N,), the same for near ones.

    A text that can't be used is like no other. near is None where it was not asked for.
    """

    exact: np.ndarray
    near: np.ndarray | None


def likeness(texts: Iterable[str], count: int, near: float | None = NEAR, progress: Progress | None = None) -> Likeness:
    """texts: ``count`` of them, empty where there is none. near: the least Jaccard index; None looks for equal ones alone."""
    plain: list[str] = []
    exact = np.empty(count, np.uint64)
    pace = Pace(progress, say("text.copies"), count)
    for row, text in enumerate(texts):
        pace(row)
        made = plainly(text)
        key = made.encode("utf-8", "surrogatepass") if made else b"\0" + row.to_bytes(8, "little")
        exact[row] = int.from_bytes(blake2b(key, digest_size=8).digest(), "little")
        plain.append(made[:_LONGEST])
    pace.end(count)
    if near is None:
        return Likeness(exact, None)
    _, first, group = np.unique(exact, return_index=True, return_inverse=True)
    different = [plain[row] for row in first.tolist()]
    del plain
    size = _SOLID if is_solid(different[:: max(1, len(different) // 2000)]) else _SPACED
    return Likeness(exact, near_groups(different, size, near, progress)[group.reshape(-1)])


def plainly(text: str) -> str:
    """NFKC, no case, no white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return "".join(text.casefold().split())


def near_groups(texts: list[str], size: int, least: float, progress: Progress | None = None) -> np.ndarray:
    """int64 (N,): the same number for texts that are joined by a chain of near pairs. size: characters of an n-gram."""
    pace = Pace(progress, say("text.near-copies"), len(texts))
    signed = [np.empty((0, _BANDS * _ROWS), np.uint32)]
    for block in _signatures(texts, size):  # the first half of the work
        signed.append(block)
        pace(sum(map(len, signed)) // 2)
    signatures = np.concatenate(signed)
    parent = np.arange(len(texts))
    sets: dict[int, set[str]] = {}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    long = np.flatnonzero(np.fromiter((len(text) > size for text in texts), bool, len(texts)))
    for band in range(_BANDS):
        keys = _band(signatures[long], band)
        order = np.argsort(keys, kind="stable")
        rows, keys = long[order], keys[order]
        edges = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1], True]) if len(keys) else np.zeros(1, np.int64)
        several = np.flatnonzero(np.diff(edges) > 1)
        for turn, bucket in enumerate(several.tolist()):
            pace(int(len(texts) * (1 + (band + turn / len(several)) / _BANDS) / 2))
            members = rows[edges[bucket] : edges[bucket + 1]].tolist()
            for place, member in enumerate(members[1:], start=1):
                for other in {members[0], members[place - 1]}:  # not every pair: a bucket of thousands has millions
                    one, two = root(member), root(other)
                    if one != two and _alike(texts, member, other, size, least, sets):
                        parent[max(one, two)] = min(one, two)
        sets.clear()
    pace.end(len(texts))
    return np.fromiter((root(row) for row in range(len(texts))), np.int64, len(texts))


def _alike(texts: list[str], one: int, two: int, size: int, least: float, sets: dict[int, set[str]]) -> bool:
    """Whether the sets of n-grams of two texts have a Jaccard index of at least ``least``."""
    lengths = sorted((len(texts[one]), len(texts[two])))
    if lengths[0] < 0.3 * lengths[1]:
        return False
    for row in (one, two):
        if row not in sets:
            text = texts[row]
            sets[row] = {text[at : at + size] for at in range(max(1, len(text) - size + 1))}
    a, b = sets[one], sets[two]
    both = len(a & b)
    return both / (len(a) + len(b) - both) >= least


def _band(signatures: np.ndarray, band: int) -> np.ndarray:
    """uint64 (N,): the band's values as one."""
    mixed = np.zeros(len(signatures), np.uint64)
    for place in range(band * _ROWS, (band + 1) * _ROWS):
        mixed = (mixed ^ signatures[:, place]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _signatures(texts: list[str], size: int) -> Iterator[np.ndarray]:
    """uint32 (n, bands · rows), block by block: the least hash of a text's n-grams under each of so many permutations."""
    start = 0
    while start < len(texts):
        stop, room = start, 0
        while stop < len(texts) and (room == 0 or room + len(texts[stop]) <= _BLOCK):
            room += len(texts[stop])
            stop += 1
        yield _signed(texts[start:stop], size)
        start = stop


def _signed(texts: list[str], size: int) -> np.ndarray:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    letters = np.concatenate([letters, np.zeros(size, np.uint32)])
    total = int(lengths.sum())
    hashes = np.zeros(total, np.uint32)
    for place in range(size):
        hashes += letters[place : place + total] * _FACTORS[place]
        hashes ^= hashes >> np.uint32(15)
        hashes *= np.uint32(0x2C1B3C6D)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    inside = np.ones(total, bool)  # n-grams that lie in one text alone
    for back in range(1, size):
        inside[np.maximum(ends - back, starts)[lengths >= size]] = False
    counts = np.where(lengths >= size, lengths - size + 1, lengths)
    hashes = hashes[inside]
    begins = np.cumsum(counts) - counts
    kept = counts > 0
    made = np.full((len(texts), _BANDS * _ROWS), np.iinfo(np.uint32).max, np.uint32)
    if not len(hashes):
        return made
    mixed = np.empty_like(hashes)
    for turn in range(_BANDS * _ROWS):
        np.multiply(hashes, np.uint32((2 * turn + 1) * 0x9E3779B1 & 0xFFFFFFFF | 1), out=mixed)
        np.bitwise_xor(mixed, mixed >> np.uint32(16), out=mixed)
        np.multiply(mixed, np.uint32(0x7FEB352D), out=mixed)
        made[kept, turn] = np.minimum.reduceat(mixed, begins[kept])
    return made
