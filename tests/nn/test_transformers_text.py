"""Encoders of Transformers for texts: the library's own logits, the same alone and padded, only the head new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from danlu.data.batches.batch import Padded
from danlu.errors import RecipeError
from danlu.nn.head import head_of
from danlu.nn.transformers_text import transformers_text

CONFIG = {
    "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "vocab_size": 40, "max_position_embeddings": 24, "architectures": ["BertModel"],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from danlu._compat.torchvision import ensure

    ensure()
    from transformers import BertConfig, BertModel

    path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(3)
    BertModel(BertConfig(**{key: value for key, value in CONFIG.items() if key != "model_type"})).save_pretrained(path)
    (path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


def test_the_librarys_own_logits_and_the_same_alone_and_padded(folder: Path) -> None:
    net = transformers_text(str(folder), 40, 3, 20, True, {}, True, "model.name", "model.pretrained").eval()
    from transformers import BertModel

    base = BertModel.from_pretrained(folder).eval()
    texts = [torch.tensor(ids, dtype=torch.int32) for ids in ([2, 5, 6, 3], [2, 9, 3], [2, *range(5, 20), 3])]
    block = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    with torch.no_grad():
        together = net(Padded(block, torch.tensor([[len(text)] for text in texts])))
        for text, logits in zip(texts, together, strict=True):
            alone = net(Padded(text[None], torch.tensor([[len(text)]])))[0]
            pooled = base(text[None].long()).pooler_output
            torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)
            torch.testing.assert_close(alone, net.model.classifier(pooled)[0], atol=1e-5, rtol=0)
    assert head_of(net) == ("model.classifier",)


def test_from_scratch_it_has_the_tokenizers_ids(folder: Path) -> None:
    net = transformers_text(str(folder), 77, 2, 20, False, {"dropout": 0.3}, False, "model.name", "model.pretrained")
    assert net.get_input_embeddings().weight.shape == (77, 16)
    assert net.model.config.hidden_dropout_prob == 0.3


def test_other_tokenizers_and_longer_texts_are_refused(folder: Path) -> None:
    with pytest.raises(RecipeError, match="tokenizer has 41"):
        transformers_text(str(folder), 41, 2, 20, True, {}, True, "model.name", "model.pretrained")
    with pytest.raises(RecipeError, match="at most 24 tokens"):
        transformers_text(str(folder), 40, 2, 25, True, {}, True, "model.name", "model.pretrained")


def test_published_weights_are_not_fed_the_ids_of_another_tokenizer(folder: Path) -> None:
    """A vocabulary that was learnt here may well have fewer ids than the weights know: each would be another word's."""
    with pytest.raises(RecipeError, match="its own tokenizer alone"):
        transformers_text(str(folder), 30, 2, 20, False, {}, True, "model.name", "model.pretrained")


def test_weights_of_another_net_are_refused(folder: Path, tmp_path: Path) -> None:
    wider = tmp_path / "wider"
    wider.mkdir()
    (wider / "config.json").write_text(json.dumps({**CONFIG, "hidden_size": 32}), encoding="utf-8")
    (wider / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(RecipeError):
        transformers_text(str(wider), 40, 2, 20, True, {}, True, "model.name", "model.pretrained")


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_a_head_of_several_layers_is_new_as_a_whole(kind: str, tmp_path: Path) -> None:
    """Published weights are mostly the body's alone: all that stands behind it learns as the head, and the body is as published."""
    from danlu._compat.torchvision import ensure

    ensure()
    from transformers import AutoConfig, AutoModelForMaskedLM

    more = {
        key: CONFIG[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    }
    if kind == "distilbert":
        more = {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2}
    theirs = AutoModelForMaskedLM.from_config(
        AutoConfig.for_model(kind, **more, vocab_size=40, max_position_embeddings=24, pad_token_id=0)
    )
    theirs.save_pretrained(tmp_path)
    net = transformers_text(str(tmp_path), 40, 3, 20, True, {}, True, "model.name", "model.pretrained")
    heads = {"roberta": {"dense", "out_proj"}, "distilbert": {"pre_classifier", "classifier"}}[kind]
    assert {name.rpartition(".")[2] for name in head_of(net)} == heads
    given = theirs.base_model.state_dict()
    for name, value in net.model.base_model.state_dict().items():
        assert torch.equal(value, given[name]), name
