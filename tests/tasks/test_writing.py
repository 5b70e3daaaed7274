"""Searching for what is written, against Transformers and against what can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from danlu.data.batches.batch import Padded
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.tasks.generating.search import Plan, log_softmax, write
from danlu.tasks.generating.steps import TorchStep

END, START = 0, 39


@pytest.fixture(scope="module")
def marian() -> MarianMTModel:
    torch.manual_seed(3)
    config = MarianConfig(
        vocab_size=40, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, pad_token_id=START, eos_token_id=END,
        decoder_start_token_id=START, forced_eos_token_id=None, init_std=0.6, dropout=0.0,
    )  # fmt: skip
    model = MarianMTModel(config).eval()
    model.final_logits_bias[0, END] = 5.0  # so that texts end at different places
    model.final_logits_bias[0, START] = -50.0
    return model


class Whole:
    """A step that has no memory but the tokens: it computes all of them again."""

    moving = ("own",)

    def __init__(self, model: MarianMTModel) -> None:
        self.model = model

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        own = np.concatenate([state["own"], tokens[:, None]], 1)
        with torch.inference_mode():
            logits = self.model(
                input_ids=torch.from_numpy(state["ids"]), attention_mask=torch.from_numpy(state["mask"]),
                decoder_input_ids=torch.from_numpy(own),
            ).logits[:, -1]  # fmt: skip
        return logits.numpy(), {**state, "own": own}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def _asked() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    ids, mask = np.full((6, 9), START), np.zeros((6, 9), np.int64)
    for row, size in enumerate((9, 3, 5, 7, 1, 8)):
        ids[row, :size], mask[row, :size] = draw.integers(1, START, size), 1
        ids[row, size - 1] = END
    return ids, mask


SEARCHES: tuple[tuple[int, float, Any], ...] = (
    (1, 1.0, False),
    (2, 1.0, False),
    (4, 1.0, True),
    (4, 0.0, False),
    (5, 2.0, "never"),
    (3, -0.5, True),
    (4, 0.6, "never"),
)


def _written(marian: MarianMTModel, banned: tuple[int, ...]) -> list[list[int]]:
    """What both write of six sentences, padded together, with the same weights, under seven rules of search."""
    ids, mask = _asked()
    texts = []
    for beams, penalty, early in SEARCHES:
        wanted = marian.generate(
            input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), num_beams=beams, do_sample=False,
            max_new_tokens=12, length_penalty=penalty, early_stopping=early, forced_eos_token_id=None,
            bad_words_ids=[[each] for each in banned] or None, suppress_tokens=None,
        ).numpy()  # fmt: skip
        state = {"ids": ids, "mask": mask, "own": np.empty((6, 0), np.int64)}
        found, _ = write(Whole(marian), state, 6, Plan(START, END, 12, beams, penalty, early, banned=banned))
        for row, mine in zip(wanted, found, strict=True):
            theirs = row[1:]
            ends = np.flatnonzero((theirs == END) | (theirs == START))
            assert mine.tolist() == theirs[: ends[0] if len(ends) else None].tolist(), (beams, penalty, early)
            texts.append(mine.tolist())
    return texts


def test_the_same_tokens_as_transformers_writes(marian: MarianMTModel) -> None:
    assert len(set(map(len, _written(marian, ())))) > 3


def test_what_is_banned_takes_its_share_of_the_probability_with_it(marian: MarianMTModel) -> None:
    """As there: beams that met a banned token keep no credit for it, so other texts are the best ones."""
    banned = tuple({token for text in _written(marian, ()) for token in text})
    texts = _written(marian, banned)
    assert not {token for text in texts for token in text} & set(banned)


class Chain:
    """A net that is a table: the next token depends on the last one alone."""

    moving = ("last",)

    def __init__(self, table: np.ndarray) -> None:
        self.table = table

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        return self.table[tokens], {"last": tokens}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def test_enough_beams_find_the_most_probable_text() -> None:
    """Of all texts of up to four tokens over three letters, counted one by one; without a length penalty, to the end."""
    table = np.random.default_rng(5).normal(size=(5, 5)).astype(np.float32)
    table[:, 0] = -30  # the start is never written
    chances = log_softmax(table)
    best = max(
        (sum(chances[a, b] for a, b in zip((0, *text), (*text, 1), strict=True)), text)
        for size in range(4)
        for text in product((2, 3, 4), repeat=size)
    )
    plan = Plan(0, 1, 4, beams=60, length_penalty=0.0, early_stopping="never")
    wide = np.full((125, 125), -40, np.float32)
    wide[:5, :5] = table
    found, score = write(Chain(wide), {"last": np.zeros(1, np.int64)}, 1, plan)
    assert tuple(found[0].tolist()) == best[1]
    assert score[0] == pytest.approx(best[0], abs=1e-4)


def test_draws_follow_the_probabilities() -> None:
    """6,000 first tokens: χ² of all; and of the two likeliest, of the fewest that hold .6, at another temperature."""
    logits = np.log(np.asarray([[0.05, 0.1, 0.4, 0.3, 0.15]], np.float32)).repeat(5, 0)
    chain, count = Chain(logits), 6_000
    state = {"last": np.zeros(count, np.int64)}

    def shares(**args: Any) -> np.ndarray:
        found, _ = write(chain, state, count, Plan(0, 1, 1, seed=7, **args))
        firsts = np.asarray([each[0] if len(each) else 1 for each in found])
        return np.bincount(firsts, minlength=5) / count

    truth = np.exp(log_softmax(logits)[0])
    assert float((count * (shares(temperature=1.0) - truth) ** 2 / truth).sum()) < 18.5  # χ² of 4 degrees, p = .001
    np.testing.assert_allclose(shares(temperature=1.0, top_k=2), [0, 0, 4 / 7, 3 / 7, 0], atol=0.025)
    np.testing.assert_allclose(shares(temperature=1.0, top_p=0.6), [0, 0, 4 / 7, 3 / 7, 0], atol=0.025)
    sharp = truth**2 / (truth**2).sum()
    np.testing.assert_allclose(shares(temperature=0.5), sharp, atol=0.025)


# ---- the net -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def net() -> Seq2seqTransformer:
    torch.manual_seed(0)
    return Seq2seqTransformer(30, 25, width=16, layers=2, heads=2, longest=40).eval()


def _padded(rows: list[list[int]]) -> Padded:
    size = max(map(len, rows))
    values = torch.tensor([row + [0] * (size - len(row)) for row in rows], dtype=torch.int32)
    return Padded(values, torch.tensor([[len(row)] for row in rows]))


def test_logits_do_not_know_what_comes_later(net: Seq2seqTransformer) -> None:
    source = _padded([[5, 6, 7, 8]])
    logits = net(source, _padded([[2, 9, 10, 11, 12]]))
    for place in range(1, 5):
        changed = [2, 9, 10, 11, 12]
        changed[place] = 20
        other = net(source, _padded([changed]))
        assert torch.equal(other[:, :place], logits[:, :place])
        assert not torch.allclose(other[:, place], logits[:, place])


def test_a_text_is_the_same_alone_and_in_a_batch(net: Seq2seqTransformer) -> None:
    sources, prefixes = [[5, 6, 7, 8, 9, 4], [11], [3, 4]], [[2, 3], [2, 9, 10, 11, 12], [2]]
    together = net(_padded(sources), _padded(prefixes))
    for row, (source, prefix) in enumerate(zip(sources, prefixes, strict=True)):
        alone = net(_padded([source]), _padded([prefix]))
        torch.testing.assert_close(together[row, : len(prefix)], alone[0], atol=1e-5, rtol=1e-5)


def test_steps_give_what_the_whole_gives(net: Seq2seqTransformer) -> None:
    """Key-value cache: token by token, the logits of teacher forcing."""
    source, prefix = _padded([[5, 6, 7, 8], [11, 3]]), [[2, 9, 10, 11], [2, 8, 8, 3]]
    whole = net(source, _padded(prefix))
    state = net(source)
    for place in range(4):
        logits, changed = net.step(torch.tensor([row[place] for row in prefix]), state)
        state |= changed
        torch.testing.assert_close(logits, whole[:, place], atol=1e-5, rtol=1e-5)


def test_a_beam_with_a_cache_writes_what_one_without_writes(net: Seq2seqTransformer) -> None:
    """Reordered states: the net's own step beside one that computes everything again."""

    class Again:
        moving = ("own",)

        def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
            own = np.concatenate([state["own"], tokens[:, None]], 1)
            with torch.inference_mode():
                prefix = Padded(torch.from_numpy(own), torch.full((len(own), 1), own.shape[1]))
                logits = net(Padded(torch.from_numpy(state["ids"]), torch.from_numpy(state["sizes"])), prefix)[:, -1]
            return logits.numpy(), {**state, "own": own}

        def pick(self, value: Any, rows: np.ndarray) -> Any:
            return value[rows]

    source = _padded([[5, 6, 7, 8], [11, 3], [9]])
    plan = Plan(2, 3, 10, beams=3)
    with torch.inference_mode():
        found, scores = write(TorchStep(net, torch.device("cpu")), net(source), 3, plan)
    state = {"ids": source.values.numpy(), "sizes": source.sizes.numpy(), "own": np.empty((3, 0), np.int64)}
    wanted, values = write(Again(), state, 3, plan)
    assert [each.tolist() for each in found] == [each.tolist() for each in wanted]
    np.testing.assert_allclose(scores, values, atol=1e-5)
