"""Randomness as a function of position (house rule 1).

Every random number of the data plane is a hash of (seed, purpose, epoch, sample key, draw number): nothing is remembered,
so nothing has to be saved, and neither workers, ranks, batch size nor an interruption can change it.
The hash is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), chained over the parts; all arithmetic is modulo 2**64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Position:
    """Where training stands: ``seed`` of the run, ``epoch`` and optimiser ``step`` from 0, ``micro`` batch in the step."""

    seed: int
    epoch: int = 0
    step: int = 0
    micro: int = 0


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = z ^ (z >> np.uint64(31))
    return mixed


def _chain(state: np.ndarray, part: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return _mix((state + _GOLDEN) ^ _mix(part + _GOLDEN))


_WORD = 0xFFFFFFFFFFFFFFFF


def _chain_one(state: int, part: int) -> int:
    """:func:`_chain` of two plain integers, without numpy's cost for each call."""
    return _mix_one(((state + int(_GOLDEN)) & _WORD) ^ _mix_one((part + int(_GOLDEN)) & _WORD))


def _mix_one(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)


@lru_cache(maxsize=256)
def _purpose(seed: int, purpose: str) -> int:
    return _chain_one(seed & _WORD, key_of(purpose))


def key_of(text: str) -> int:
    """The 64-bit key of a sample id (or of a purpose's name)."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def keys_of(ids: Iterable[str]) -> np.ndarray:
    """uint64 (N,): :func:`key_of` for many ids."""
    return np.fromiter((key_of(i) for i in ids), dtype=np.uint64)


def bits(seed: int, purpose: str, epoch: int, keys: np.ndarray, draws: int) -> np.ndarray:
    """uint64 (len(keys), draws): independent random bits for each sample and draw."""
    state = np.asarray([_chain_one(_purpose(seed, purpose), epoch)], dtype=np.uint64)
    state = _chain(state, np.asarray(keys, dtype=np.uint64))[:, None]
    return _chain(state, np.arange(draws, dtype=np.uint64)[None, :])


def bits_at(seed: int, purpose: str, epoch: int, keys: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """uint64, of the shape to which ``keys`` and ``draws`` broadcast: what :func:`bits` has for these keys at these draws alone."""
    state = np.asarray([_chain_one(_purpose(seed, purpose), epoch)], dtype=np.uint64)
    return _chain(_chain(state, np.asarray(keys, dtype=np.uint64)), np.asarray(draws, dtype=np.uint64))


def uniform(seed: int, purpose: str, epoch: int, keys: np.ndarray, draws: int = 1) -> np.ndarray:
    """float64 (len(keys), draws), uniform in [0, 1) with 53 random bits."""
    return (bits(seed, purpose, epoch, keys, draws) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def order(seed: int, purpose: str, epoch: int, keys: np.ndarray) -> np.ndarray:
    """int64 (N,): the order in which an epoch visits samples; depends on each sample's key, not on its row.

    Equal keys (the same sample drawn more than once) keep their rows' order.
    """
    return np.argsort(bits(seed, purpose, epoch, keys, 1)[:, 0], kind="stable")


def torch_seed(position: Position, rank: int = 0) -> int:
    """The seed for torch's default generator before one micro-batch, from (seed, step, micro-batch, rank)."""
    return _chain_one(_torch_stream(position.seed, position.micro, rank), position.step) >> 1


@lru_cache(maxsize=256)
def _torch_stream(seed: int, micro: int, rank: int) -> int:
    return _chain_one(_purpose(seed, f"torch/{micro}/{rank}"), 0)
