"""Encoders of Transformers that fill gaps: the library's own logits, at hidden places alone, and what can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from danlu._compat.torchvision import ensure
from danlu.data.batches.batch import Padded
from danlu.errors import RecipeError
from danlu.nn.transformers_masked import TransformersMasked, transformers_masked

ensure()
KINDS = ("bert", "roberta", "distilbert", "albert")
SIZES = (9, 3, 6)


def _model(kind: str) -> Any:
    from transformers import AutoConfig, AutoModelForMaskedLM

    torch.manual_seed(3)
    same = {"vocab_size": 40, "pad_token_id": 1, "initializer_range": 0.5}
    if kind == "distilbert":
        more = {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 32}
    else:
        more = {
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "max_position_embeddings": 32, "embedding_size": 8,
        }  # fmt: skip
    return AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **same, **more)).eval()


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    _model(request.param).save_pretrained(path)
    return path


def _net(folder: Path, own: bool = True, pretrained: bool | str = True, vocabulary: int = 40) -> TransformersMasked:
    return transformers_masked(
        str(folder), vocabulary, 20, own, {}, pretrained, "model.name", "model.pretrained"
    ).eval()


def _asked() -> Padded:
    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 40, (len(SIZES), max(SIZES) + 2), generator=drawn, dtype=torch.int32)
    return Padded(ids, torch.tensor(SIZES)[:, None])


def test_logits_are_the_librarys_and_at_places_the_same(folder: Path) -> None:
    """Of each text alone, padded or not; and what is asked for at places is what stands there."""
    from transformers import AutoModelForMaskedLM

    net, asked = _net(folder), _asked()
    theirs = AutoModelForMaskedLM.from_pretrained(folder).eval()
    places = torch.tensor([[1, 7], [0, 2], [5, 3]])
    with torch.inference_mode():
        whole = net(asked)
        some = net(asked, places, places)
        for row, size in enumerate(SIZES):
            alone = theirs(input_ids=asked.values[row : row + 1, :size].long()).logits[0]
            torch.testing.assert_close(whole[row, :size], alone, atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(some[row], alone[places[row]], atol=2e-5, rtol=1e-4)


def test_the_body_alone_gets_a_new_head(folder: Path, tmp_path: Path) -> None:
    """Where the weights are an encoder's without its head; all of the body is as published."""
    from transformers import AutoModelForMaskedLM

    theirs = AutoModelForMaskedLM.from_pretrained(folder)
    theirs.base_model.save_pretrained(tmp_path)
    net = _net(tmp_path)
    for name, value in net.model.base_model.state_dict().items():
        assert torch.equal(value, theirs.base_model.state_dict()[name]), name


def test_from_scratch_it_has_the_learnt_tokenizers_ids(folder: Path) -> None:
    net = _net(folder, own=False, pretrained=False, vocabulary=77)
    assert net(_asked()).shape == (len(SIZES), max(SIZES) + 2, 77)


def test_published_weights_need_their_tokenizer(folder: Path) -> None:
    with pytest.raises(RecipeError, match="tokenizer"):
        _net(folder, own=False)


@pytest.mark.parametrize("kind", ["gpt2", "bart"])
def test_what_fills_no_gaps_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}', encoding="utf-8")
    with pytest.raises(RecipeError, match="no version that fills in hidden words"):
        _net(tmp_path, pretrained=False)
