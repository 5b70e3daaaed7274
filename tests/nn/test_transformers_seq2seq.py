"""Nets of Transformers that read and write: the library's own logits and texts, step by step and whole, and what their attention is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from danlu._compat.torchvision import ensure
from danlu.data.batches.batch import Padded
from danlu.errors import RecipeError
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.transformers_seq2seq import Marks, TransformersSeq2seq, marks_of, transformers_seq2seq
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.generating.steps import TorchStep

ensure()
SIZES = (9, 3, 5, 7, 2, 8)


def _model(kind: str) -> Any:
    """A small one with random weights; some logits are moved, so that texts end at different places."""
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        MarianConfig,
        MarianMTModel,
        T5Config,
        T5ForConditionalGeneration,
    )

    torch.manual_seed(3)
    both = {
        "vocab_size": 40, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
        "init_std": 0.6, "dropout": 0.0, "forced_eos_token_id": None,
    }  # fmt: skip
    if kind == "marian":
        model = MarianMTModel(MarianConfig(**both, pad_token_id=39, eos_token_id=0, decoder_start_token_id=39))
        model.final_logits_bias[0, 0] = 5.0
    elif kind == "bart":
        model = BartForConditionalGeneration(
            BartConfig(**both, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)
        )
        model.final_logits_bias[0, 2] = 5.0
    else:
        model = T5ForConditionalGeneration(
            T5Config(
                vocab_size=40,
                d_model=16,
                d_kv=8,
                d_ff=32,
                num_layers=2,
                num_heads=2,
                dropout_rate=0.0,
                pad_token_id=0,
                eos_token_id=1,
                decoder_start_token_id=0,
                initializer_factor=4.0,
                tie_word_embeddings=False,
            )
        )
    return model.eval()


@pytest.fixture(scope="module", params=["marian", "bart", "t5"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    _model(request.param).save_pretrained(path)
    return path


def _net(folder: Path) -> TransformersSeq2seq:
    return transformers_seq2seq(str(folder), 40, 20, None, {}, True, "model.name", "model.pretrained").eval()


def _asked() -> Padded:
    draw = np.random.default_rng(0)
    rows = np.zeros((len(SIZES), max(SIZES)), np.int32)
    for row, size in zip(rows, SIZES, strict=True):
        row[:size] = draw.integers(3, 38, size)
    return Padded(torch.from_numpy(rows), torch.tensor(SIZES)[:, None])


@pytest.mark.parametrize(("beams", "penalty", "early"), [(1, 1.0, False), (4, 0.6, False), (3, 2.0, True)])
def test_it_writes_what_transformers_writes(folder: Path, beams: int, penalty: float, early: bool) -> None:
    """Of six texts, padded together, token for token."""
    net = _net(folder)
    asked = _asked()
    marks = marks_of(str(folder), "model.name")
    seen = torch.arange(max(SIZES)) < asked.sizes
    banned = tuple({marks.padding} - {marks.end})
    with torch.inference_mode():
        theirs = net.model.generate(
            input_ids=torch.where(seen, asked.values.long(), marks.padding), attention_mask=seen.long(), num_beams=beams,
            do_sample=False, max_new_tokens=12, length_penalty=penalty, early_stopping=early, forced_eos_token_id=None,
            bad_words_ids=[[each] for each in banned],
        ).numpy()  # fmt: skip
        state = net.begin(asked)
        plan = Plan(marks.start, marks.end, 12, beams, penalty, early, banned=banned)
        mine, _ = write(TorchStep(net, torch.device("cpu")), state, len(SIZES), plan)
    for row, said in zip(theirs, mine, strict=True):
        ends = np.flatnonzero((row[1:] == marks.end) | (row[1:] == marks.padding))
        assert said.tolist() == row[1:][: ends[0] if len(ends) else None].tolist()


def test_a_cache_that_grows_gives_what_the_copying_step_gives(folder: Path) -> None:
    """Logit for logit, also after some texts were picked; the state that it began with stays as it was."""
    net, asked = _net(folder), _asked()
    draw = np.random.default_rng(2)
    with torch.inference_mode():
        state = net.begin(asked)
        before = {name: value.clone() for name, value in state.items()}
        step, mine, theirs = TorchStep(net, torch.device("cpu")), dict(state), dict(state)
        assert step.growing is not None
        for rows in (np.arange(6), np.array([5, 0, 0, 3]), np.array([1, 2])):
            mine = {name: step.pick(value, rows) for name, value in mine.items()}
            theirs = {name: value[torch.from_numpy(rows)] for name, value in theirs.items()}
            for _ in range(2):
                tokens = draw.integers(3, 38, len(rows))
                logits, mine = step(mine, tokens)
                wanted, changed = net.step(torch.from_numpy(tokens), theirs)
                theirs |= changed
                np.testing.assert_allclose(logits, wanted.numpy(), atol=2e-5, rtol=1e-4)
        assert all(torch.equal(value, before[name]) for name, value in state.items())


def test_another_step_is_heeded(folder: Path) -> None:
    """Of a subclass, or given by hand: the cache would go past it."""
    net = _net(folder)
    assert net.writing() is not None

    class Louder(type(net)):  # type: ignore[misc]
        def step(self, tokens: Any, state: Any) -> Any:
            logits, changed = super().step(tokens, state)
            return logits + 1, changed

    other = _net(folder)
    other.__class__ = Louder
    assert other.writing() is None
    net.step = other.step
    assert net.writing() is None


def test_the_whole_the_steps_and_the_library_agree(folder: Path) -> None:
    """In float64: T5 doesn't scale its scores, so that float32's rounding shows in the logits' fourth digit."""
    net, asked = _net(folder).double(), _asked()
    draw = np.random.default_rng(1)
    written = torch.from_numpy(draw.integers(3, 38, (len(SIZES), 5)))
    prefix = torch.cat([torch.full((len(SIZES), 1), net.marks.start), written], 1)
    with torch.inference_mode():
        whole = net(asked, Padded(prefix, torch.full((len(SIZES), 1), 6)))
        state = net.begin(asked)
        for place in range(6):
            logits, changed = net.step(prefix[:, place], state)
            state |= changed
            torch.testing.assert_close(logits, whole[:, place], atol=2e-5, rtol=1e-4)
        for row, size in enumerate(SIZES):
            alone = net.model(
                input_ids=asked.values[row : row + 1, :size].long(), decoder_input_ids=prefix[row : row + 1]
            )
            torch.testing.assert_close(whole[row], alone.logits[0], atol=2e-5, rtol=1e-4)


def test_attention_is_a_share_of_what_is_read(folder: Path) -> None:
    """Rows add up to one, nothing falls on padding, and the logits' own way of computing is not changed by asking."""
    net, asked = _net(folder), _asked()
    prefix = Padded(torch.full((len(SIZES), 4), 7), torch.full((len(SIZES), 1), 4))
    with torch.inference_mode():
        before = net(asked, prefix)
        maps = net.attention(asked, prefix)
        assert torch.equal(before, net(asked, prefix))
    assert maps.shape == (len(SIZES), 2, 2, 4, max(SIZES))
    torch.testing.assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]))
    for row, size in enumerate(SIZES):
        assert maps[row, ..., size:].abs().max() < 1e-6 if size < max(SIZES) else True


def test_our_own_nets_attention_is_its_softmax() -> None:
    """Against the first layer by hand: softmax(q·k / √d) of the net's own projections."""
    torch.manual_seed(0)
    net = Seq2seqTransformer(40, 40, shared=True, width=16, layers=1, heads=2, dropout=0.0).eval()
    asked = _asked()
    prefix = Padded(torch.full((len(SIZES), 4), 7), torch.full((len(SIZES), 1), 4))
    with torch.inference_mode():
        maps = net.attention(asked, prefix)
        layer: Any = net.decoder[0]
        memory, seen = net.read(asked)
        keys, _ = layer.remembered(memory)
        x = net.targets(prefix.values) * net.scale + net.places[:4]
        q, k, v = layer.split(layer.inside(layer.norm1(x)), 3)
        own = (q @ k.transpose(-1, -2) / 8**0.5).masked_fill(~torch.ones(4, 4, dtype=torch.bool).tril(), -torch.inf)
        x = x + layer.outside((own.softmax(-1) @ v).transpose(1, 2).flatten(2))
        (query,) = layer.split(layer.query(layer.norm2(x)), 1)
        scores = (query @ keys.transpose(-1, -2) / 8**0.5).masked_fill(~seen[:, None, None], -torch.inf)
    torch.testing.assert_close(maps[:, 0], scores.softmax(-1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]))


def test_from_scratch_it_has_the_learnt_tokenizers_ids(folder: Path) -> None:
    net = transformers_seq2seq(
        str(folder), 77, 20, Marks(2, 3, 0), {"dropout": 0.3}, False, "model.name", "model.pretrained"
    )
    assert net.model.get_output_embeddings().weight.shape[0] == 77
    assert (net.marks.start, net.marks.end, net.marks.padding) == (2, 3, 0)
    logits = net(_asked(), Padded(torch.full((len(SIZES), 2), 2), torch.full((len(SIZES), 1), 2)))
    assert logits.shape == (len(SIZES), 2, 77)


def test_published_weights_need_their_tokenizer(folder: Path) -> None:
    with pytest.raises(RecipeError, match="tokenizer"):
        transformers_seq2seq(str(folder), 40, 20, Marks(2, 3, 0), {}, True, "model.name", "model.pretrained")


def test_an_encoder_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(RecipeError, match="bert"):
        transformers_seq2seq(str(tmp_path), 40, 20, Marks(2, 3, 0), {}, False, "model.name", "model.pretrained")
