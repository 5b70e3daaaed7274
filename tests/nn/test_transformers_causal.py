"""Nets of Transformers that continue texts: the library's own logits and texts, step by step and whole, alone and padded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from danlu._compat.torchvision import ensure
from danlu.data.batches.batch import Padded
from danlu.errors import RecipeError
from danlu.nn.transformers_causal import TransformersCausal, transformers_causal
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.generating.steps import TorchStep

ensure()
SIZES = (9, 3, 5, 7, 2, 8)  # with an end
END, FIRST = 2, 1
KINDS = ("gpt2", "llama", "qwen2", "mistral")


def _model(kind: str) -> Any:
    """A small one with random weights."""
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
        Qwen2Config,
        Qwen2ForCausalLM,
    )

    torch.manual_seed(3)
    if kind == "gpt2":
        dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        model: Any = GPT2LMHeadModel(
            GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=32, initializer_range=0.5, **dropout)
        )
    else:
        both = {
            "vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.6,
        }  # fmt: skip
        if kind == "llama":
            model = LlamaForCausalLM(LlamaConfig(**both, tie_word_embeddings=False))
        elif kind == "mistral":
            model = MistralForCausalLM(MistralConfig(**both, sliding_window=4))
        else:
            model = Qwen2ForCausalLM(Qwen2Config(**both, tie_word_embeddings=True))
    model.config.eos_token_id = model.generation_config.eos_token_id = END
    model.config.bos_token_id, model.config.pad_token_id = FIRST, None
    return model.eval()


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    _model(request.param).save_pretrained(path)
    return path


def _net(folder: Path, **more: Any) -> TransformersCausal:
    given: dict[str, Any] = {"own": True, "args": {}, "pretrained": True, **more}
    marks = (FIRST, END, None if given["own"] else 0)
    return transformers_causal(
        str(folder), 40, 20, more.pop("written", 10), marks, given["own"], given["args"], given["pretrained"], "model.name",
        "model.pretrained",
    ).eval()  # fmt: skip


def _asked() -> Padded:
    """Texts with an end, and zeros behind."""
    draw = np.random.default_rng(0)
    rows = np.zeros((len(SIZES), max(SIZES) + 2), np.int32)
    for row, size in zip(rows, SIZES, strict=True):
        row[: size - 1] = draw.integers(3, 40, size - 1)
        row[size - 1] = END
    return Padded(torch.from_numpy(rows), torch.tensor(SIZES)[:, None])


def test_it_writes_what_transformers_writes(folder: Path) -> None:
    """Of six texts, padded together, token for token what ``generate`` writes of each alone, begin included."""
    net, asked = _net(folder), _asked()
    with torch.inference_mode():
        state = net.begin(asked)
        first = state.pop("last").numpy()
        plan = Plan(FIRST, END, 10)
        mine, _ = write(TorchStep(net, torch.device("cpu")), state, len(SIZES), plan, first)
        for row, size in enumerate(SIZES):
            ids = torch.cat([torch.tensor([FIRST]), asked.values[row, : size - 1].long()])[None]
            theirs = net.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=10, pad_token_id=0
            )[0, size:].tolist()
            assert mine[row].tolist() == (theirs[: theirs.index(END)] if END in theirs else theirs)
    assert len({tuple(each) for each in mine}) == len(SIZES)


def test_beams_are_those_of_transformers(folder: Path) -> None:
    net, asked = _net(folder), _asked()
    with torch.inference_mode():
        state = net.begin(asked)
        first = state.pop("last").numpy()
        mine, _ = write(TorchStep(net, torch.device("cpu")), state, len(SIZES), Plan(FIRST, END, 8, 3), first)
        for row, size in enumerate(SIZES):
            ids = torch.cat([torch.tensor([FIRST]), asked.values[row, : size - 1].long()])[None]
            theirs = net.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=8, num_beams=3,
                pad_token_id=0, length_penalty=1.0, early_stopping=False,
            )[0, size:].tolist()  # fmt: skip
            assert mine[row].tolist() == (theirs[: theirs.index(END)] if END in theirs else theirs)


def test_a_cache_that_grows_gives_what_the_copying_step_gives(folder: Path) -> None:
    """Logit for logit, also after some texts were picked; the state that it began with stays as it was."""
    net, asked = _net(folder), _asked()
    draw = np.random.default_rng(2)
    with torch.inference_mode():
        state = net.begin(asked)
        state.pop("last")
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
    """Logits of a padded batch are those of each text alone, whether told at once or step by step behind what was read."""
    net, asked = _net(folder), _asked()
    prefix = torch.cat([torch.full((len(SIZES), 1), FIRST), asked.values[:, :-1]], 1)
    with torch.inference_mode():
        whole = net(asked, Padded(prefix, asked.sizes))
        state = net.begin(asked)
        stepped, _ = net.step(state.pop("last"), state)
        for row, size in enumerate(SIZES):
            alone = net.model(input_ids=prefix[row : row + 1, :size].long()).logits[0]
            torch.testing.assert_close(whole[row, :size], alone, atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(stepped[row], alone[-1], atol=2e-5, rtol=1e-4)


def test_of_a_text_that_is_too_long_the_end_is_read(folder: Path) -> None:
    """Where its table of positions ends, what fits before the tokens that are to be written."""
    net = _net(folder, written=10)
    room = net.room
    assert room in (32 - 10, 64 - 10)
    long = torch.arange(3, 83)[None] % 37 + 3
    long[0, -1] = END
    with torch.inference_mode():
        state = net.begin(Padded(long, torch.tensor([[80]])))
        last = state.pop("last")
        logits, _ = net.step(last, state)
        kept = long[:, 78 - room : 79]
        torch.testing.assert_close(logits, net.model(input_ids=kept).logits[:, -1], atol=2e-5, rtol=1e-4)
    assert state["place"].tolist() == [room]


def test_from_scratch_it_has_the_learnt_tokenizers_ids(folder: Path) -> None:
    net = _net(folder, own=False, pretrained=False)
    assert net.model.get_output_embeddings().weight.shape[0] == 40
    assert (net.model.config.bos_token_id, net.model.config.eos_token_id, net.model.config.pad_token_id) == (1, 2, 0)


def test_no_id_of_a_published_net_is_taken_for_padding(folder: Path) -> None:
    """The embedding of id 0 learns as any other."""
    net = _net(folder).train()
    net(None, Padded(torch.zeros(1, 3, dtype=torch.int64), torch.tensor([[3]]))).sum().backward()
    gradient = net.get_input_embeddings().weight.grad
    assert gradient is not None
    assert gradient[0].abs().sum() > 0


def test_published_weights_need_their_tokenizer(folder: Path) -> None:
    with pytest.raises(RecipeError, match="tokenizer"):
        _net(folder, own=False)


def test_a_net_without_room_is_refused(folder: Path) -> None:
    with pytest.raises(RecipeError, match="leaves no room"):
        _net(folder, written=64)


@pytest.mark.parametrize(("kind", "told"), [
    ("bert", "looks at the tokens that it is to foretell"),
    ("t5", "no version that continues texts"),
    ("mamba", "keeps no keys and values"),
])  # fmt: skip
def test_what_can_not_continue_is_refused_with_the_reason(kind: str, told: str, tmp_path: Path) -> None:
    from transformers import AutoConfig

    small = {
        "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
        "state_size": 4, "d_model": 16,
    }  # fmt: skip
    AutoConfig.for_model(kind, **small).save_pretrained(tmp_path)
    with pytest.raises(RecipeError, match=told):
        _net(tmp_path, own=False, pretrained=False)


def test_adapted_and_merged_it_says_the_same(folder: Path) -> None:
    """GPT-2's layers lie the other way round; none that shares the embedding's weight is adapted, which merging would change."""
    from danlu.nn.adapters.lora import Lora

    net, asked = _net(folder), _asked()
    plain = net.get_input_embeddings().weight.detach().clone()
    Lora(rank=2, alpha=6.0).attach(net)
    drawn = torch.Generator().manual_seed(0)
    names = [name for name, _ in net.named_parameters() if "lora_B" in name]
    assert len(names) >= 8
    assert not any("lm_head" in name for name in names)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=drawn))
        prefix = Padded(asked.values.clamp_min(3), asked.sizes)
        before = net.eval()(asked, prefix)
        Lora(rank=2, alpha=6.0).merge(net)
        torch.testing.assert_close(net(asked, prefix), before, atol=1e-4, rtol=1e-4)
    assert torch.equal(net.get_input_embeddings().weight, plain)
