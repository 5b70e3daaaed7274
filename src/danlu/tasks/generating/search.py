"""Which tokens are written: greedy, beam search, sampling. numpy alone: a run and an artifact search alike (house rule 7).

Beam search keeps to the rules of ``generate`` of Transformers 5 (two candidates a beam, length penalty, early stopping), so that the
same weights write the same tokens there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

State = Mapping[str, Any]
"""What a net remembers of what was written: arrays (N, …), a row for each text being written."""

_NEVER = np.float32(-1e9)


class Step(Protocol):
    """One step of a net. moving: names in the state that differ between the beams of one text."""

    moving: tuple[str, ...]

    def __call__(self, state: State, tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """tokens: int64 (N,), the last ones written → (float32 logits (N, V) of the next, the state after them).

        The state that is given may be used up: only the one that comes back goes on.
        """
        ...

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        """int64 ``rows`` of a value of the state."""
        ...


@dataclass(frozen=True)
class Plan:
    """How to search. start, end: ids. most: tokens written at most, the end counted. banned: ids that are never written.
    forced: the id that is written first, whatever the net says of it; -1: none.

    beams: 1 is greedy. length_penalty: a text's log-probability is divided by its length to this power. early_stopping: as
    Transformers calls it. temperature: 0 takes the likeliest; above, tokens are drawn, of the ``top_k`` likeliest (0: of all) and of
    the fewest that hold ``top_p`` of the probability. seed: of what is drawn.
    """

    start: int
    end: int
    most: int
    beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    banned: tuple[int, ...] = ()
    forced: int = -1


def write(
    step: Step,
    state: State,
    count: int,
    plan: Plan,
    first: np.ndarray | None = None,
    keys: np.ndarray | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """(int64 tokens of each of ``count`` texts, without the end; float32 (count,): log-probability, for beams by the length penalty).

    state: with ``count`` rows. first: int64 (count,), what the first step is given; None: the start everywhere.
    keys: int64 (count,), of which, with the seed, what a text draws is a function; None: its place.
    """
    tokens = np.full(count, plan.start, np.int64) if first is None else np.asarray(first, np.int64)
    if not count:
        return [], np.empty(0, np.float32)
    if plan.beams > 1 and not plan.temperature:
        return _beam(step, state, tokens, plan)
    return _one(step, state, tokens, plan, np.arange(count) if keys is None else keys)


def _one(
    step: Step, state: State, tokens: np.ndarray, plan: Plan, keys: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    count = len(tokens)
    written = np.full((count, plan.most), plan.end, np.int64)
    lengths, scores = np.full(count, plan.most), np.zeros(count, np.float32)
    alive = np.arange(count)
    places = np.zeros((count, plan.most if plan.temperature else 0))
    for row, key in zip(places, keys.tolist(), strict=True):
        np.random.Generator(np.random.Philox(key=[plan.seed % 2**64, key % 2**64])).random(out=row)
    for place in range(plan.most):
        logits, state = step(state, tokens)
        chances = _chances(logits, plan, place)
        tokens = _drawn(chances, plan, places[alive, place]) if plan.temperature else chances.argmax(1)
        scores[alive] += chances[np.arange(len(alive)), tokens]
        written[alive, place] = tokens
        ended = tokens == plan.end
        if ended.any():
            lengths[alive[ended]] = place
            kept = np.flatnonzero(~ended)
            if not len(kept):
                break
            alive, tokens = alive[kept], tokens[kept]
            state = {name: step.pick(value, kept) for name, value in state.items()}
    return [row[:length] for row, length in zip(written, lengths.tolist(), strict=True)], scores


def _drawn(chances: np.ndarray, plan: Plan, places: np.ndarray) -> np.ndarray:
    """int64 (N,): a token where the cumulated probability passes ``places`` (N,) in [0, 1), the likeliest first."""
    scaled = log_softmax(chances / np.float32(plan.temperature))
    order = np.argsort(-scaled, axis=1, kind="stable")
    shares = np.exp(np.take_along_axis(scaled, order, 1).astype(np.float64))
    if plan.top_k:
        shares[:, plan.top_k :] = 0.0
        shares /= shares.sum(1, keepdims=True)
    if plan.top_p < 1:
        before = np.cumsum(shares, 1) - shares
        shares[before >= plan.top_p] = 0.0
    ends = np.cumsum(shares, 1)
    chosen = (ends <= places[:, None] * ends[:, -1:]).sum(1).clip(max=chances.shape[1] - 1)
    found: np.ndarray = np.take_along_axis(order, chosen[:, None], 1)[:, 0]
    return found


def _beam(step: Step, state: State, tokens: np.ndarray, plan: Plan) -> tuple[list[np.ndarray], np.ndarray]:
    """Texts are taken out as soon as nothing can change their answer any more."""
    count, beams, most = len(tokens), plan.beams, plan.most
    rows = np.repeat(np.arange(count), beams)
    state = {name: step.pick(value, rows) for name, value in state.items()}
    tokens = tokens[rows]
    alive = np.arange(count)
    running = np.full((count, beams, most), plan.end, np.int64)
    running_scores = np.full((count, beams), _NEVER)
    running_scores[:, 0] = 0
    done = running.copy()
    done_scores = np.full((count, beams), _NEVER)
    done_flags = np.zeros((count, beams), bool)
    better = np.ones((count, 1), bool)  # whether a running beam may still beat what is done
    answers: list[np.ndarray] = [np.empty(0, np.int64)] * count
    values = np.zeros(count, np.float32)
    for place in range(most):
        logits, state = step(state, tokens)
        chances = _chances(logits, plan, place).reshape(len(alive), beams, -1)
        vocabulary = chances.shape[-1]
        joint = (chances + running_scores[:, :, None]).reshape(len(alive), -1)
        top, found = _top(joint, 2 * beams)
        came, said = found // vocabulary, found % vocabulary
        longer = np.take_along_axis(running, came[:, :, None], 1)
        longer[:, :, place] = said
        stops = said == plan.end if place + 1 < most else np.ones_like(said, bool)
        # what goes on
        _, next_ = _top(top + stops * _NEVER, beams)
        running = np.take_along_axis(longer, next_[:, :, None], 1)
        running_scores = np.take_along_axis(top + stops * _NEVER, next_, 1)
        # what is done: of the candidates among the first ``beams`` alone
        ends = stops & (np.arange(2 * beams) < beams)
        scores = top / np.float32((place + 1) ** plan.length_penalty)
        full = done_flags.all(1, keepdims=True) & (plan.early_stopping is True)
        scores = scores + full * _NEVER + (~better) * _NEVER + (~ends) * _NEVER
        merged = np.concatenate([done_scores, scores], 1)
        done_scores, kept = _top(merged, beams)
        done = np.take_along_axis(np.concatenate([done, longer], 1), kept[:, :, None], 1)
        done_flags = np.take_along_axis(np.concatenate([done_flags, ends], 1), kept, 1)
        length = most if plan.early_stopping == "never" and plan.length_penalty > 0 else place + 1
        possible = running_scores[:, :1] / np.float32(length**plan.length_penalty)
        worst = np.where(done_flags, done_scores.min(1, keepdims=True), _NEVER)
        better = better & (possible > worst).any(1, keepdims=True)
        over = ~better[:, 0] | (done_flags.all(1) & (plan.early_stopping is True)) | stops.all(1)
        for row in np.flatnonzero(over).tolist():
            answers[alive[row]], values[alive[row]] = _until(done[row, 0], plan.end), done_scores[row, 0]
        if over.all():
            break
        came = np.take_along_axis(came, next_, 1)
        left = np.flatnonzero(~over)
        rows = (left[:, None] * beams + came[left]).reshape(-1)
        names = state if len(left) < len(alive) else step.moving
        state = {name: step.pick(value, rows) if name in names else value for name, value in state.items()}
        tokens = running[left, :, place].reshape(-1)
        alive, better, running, running_scores = alive[left], better[left], running[left], running_scores[left]
        done, done_scores, done_flags = done[left], done_scores[left], done_flags[left]
    return answers, values


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """float32 (N, V): log-probabilities."""
    moved = logits - logits.max(1, keepdims=True)
    found: np.ndarray = moved - np.log(np.exp(moved).sum(1, keepdims=True))
    return found


def _chances(logits: np.ndarray, plan: Plan, place: int) -> np.ndarray:
    """float32 (N, V): log-probabilities of what stands at ``place``, as the net has them: what is banned takes its share with it."""
    found = log_softmax(logits)
    found[:, list(plan.banned)] = -np.inf
    if place == 0 and plan.forced >= 0:
        found = np.full_like(found, -np.inf)
        found[:, plan.forced] = 0.0
    return found


def _top(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` largest of each row and their places, the largest first."""
    some = np.argpartition(-values, count - 1, axis=1)[:, :count] if count < values.shape[1] else np.argsort(-values, 1)
    some.sort(axis=1)
    order = np.argsort(-np.take_along_axis(values, some, 1), axis=1, kind="stable")
    some = np.take_along_axis(some, order, 1)
    return np.take_along_axis(values, some, 1), some


def _until(tokens: np.ndarray, end: int) -> np.ndarray:
    found = np.flatnonzero(tokens == end)
    return tokens[: found[0]] if len(found) else tokens
