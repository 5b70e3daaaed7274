"""Translators with a code for each language: put where the tokenizer has it, written first, as ``generate`` does; exported."""

from __future__ import annotations

import csv
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu._compat.torchvision import ensure
from danlu.data.text.languages import codes, speaking, spoken
from danlu.data.text.pieces import Pieces
from danlu.deploy.export import export
from danlu.errors import DanluError, RecipeError
from tests.endtoend.test_translation import phrases

ensure()
CODES = {"mbart": ("en_XX", "fr_XX", "zh_CN"), "m2m_100": ("__en__", "__fr__", "__zh__")}


def tokenizer(folder: Path, texts: list[str], kind: str) -> int:
    """A ``tokenizer.json`` that puts the code of English: behind the end as mBART's, or before the text as NLLB's."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
    made.decoder = decoders.Metaspace()  # type: ignore[assignment]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    made.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False)
    )
    made.add_special_tokens([AddedToken(code, special=True) for code in CODES[kind]])
    code = CODES[kind][0]
    form = f"$A </s> {code}" if kind == "mbart" else f"{code} $A </s>"
    made.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        form, special_tokens=[("</s>", 2), (code, made.token_to_id(code))]
    )
    made.save(str(folder / "tokenizer.json"))
    return made.get_vocab_size(with_added_tokens=True)


@pytest.fixture(scope="module", params=["mbart", "m2m_100"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``pairs.tsv``, and a net of this kind with random weights in a folder of its name."""
    import torch
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    path = tmp_path_factory.mktemp("languages") / request.param
    path.mkdir()
    phrases(path / "pairs.tsv", 120)
    with (path / "pairs.tsv").open(encoding="utf-8") as file:
        texts = [text for row in csv.reader(file, delimiter="\t") for text in row]
    (path / "net").mkdir()
    size = tokenizer(path / "net", texts, request.param)
    torch.manual_seed(0)
    heads = {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")}
    config = AutoConfig.for_model(
        request.param, vocab_size=size, d_model=16, **heads, encoder_ffn_dim=32, decoder_ffn_dim=32, dropout=0.0,
        max_position_embeddings=64, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
        forced_eos_token_id=None, scale_embedding=True, init_std=0.3,
    )  # fmt: skip
    net = AutoModelForSeq2SeqLM.from_config(config)
    net.generation_config.forced_eos_token_id = None
    net.save_pretrained(path / "net")
    return path


def trained(place: Path, name: str, **options: Any) -> Any:
    recipe = {
        "task": "translation",
        "run": {"folder": str(place / "runs"), "name": name},
        "data": {
            "source": str(place / "pairs.tsv"), "columns": {"source": "en", "target": "fr"},
            "text": {"tokenizer": f"hf:{place / 'net'}", "max_length": 40, "near": None},
        },
        "model": {"name": f"hf:{place / 'net'}", "pretrained": True},
        "train": {
            "epochs": 2, "batch_size": 16, "threads": 1, "precision": "fp32", "optimizer": {"name": "adamw", "lr": 0.005},
        },
        "options": options,
        "evaluate": {"baselines": False, "report": False},
    }  # fmt: skip
    with chdir(place):
        return danlu.train(recipe, screen=False)


@pytest.mark.parametrize("beams", [1, 3])
def test_it_writes_what_generate_writes_in_that_language(place: Path, beams: int) -> None:
    """Chinese into French, neither of which the tokenizer would put by itself; run and artifact write the same."""
    import torch

    _, french, chinese = CODES[place.name]
    run = trained(place, f"beams-{beams}", source_language=chinese, target_language=french.strip("_"), beams=beams)
    model = danlu.load(run.path)
    asked = ["the red cat sees a dog 7", "a dog", "the dog"]
    ours = model.predict(asked)
    known = codes(model.kinds["source"].words)
    net = model.net.model
    words = Pieces.published(str(place / "net"), "data.text.tokenizer")
    for text, said in zip(asked, ours, strict=True):
        ids = words.located(text)[0]
        code = known[chinese]
        ids = [*ids, 2, code] if place.name == "mbart" else [code, *ids, 2]
        more: dict[str, Any] = (
            {"decoder_start_token_id": known[french]}
            if place.name == "mbart"
            else {"forced_bos_token_id": known[french]}
        )
        with torch.inference_mode():
            theirs = net.generate(
                input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64), num_beams=beams,
                do_sample=False, max_new_tokens=40, forced_eos_token_id=None, bad_words_ids=[[1]], length_penalty=1.0, **more,
            )  # fmt: skip
        assert known[french] in theirs[0].tolist()[:2]
        assert said["translation"] == words.decode(theirs[0].tolist())
    assert danlu.load(export(run)).predict(asked) == ours


def test_codes_stand_where_they_belong(place: Path) -> None:
    """Also behind a source that was cut; of a target they are learnt first, or stand before it."""
    words = Pieces.published(str(place / "net"), "data.text.tokenizer")
    french = CODES[place.name][1]
    made = speaking(words, french, "options.target_language")
    plain = words.located("the red cat")[0]
    known = codes(words)
    framed = [*plain, 2, known[french]] if place.name == "mbart" else [known[french], *plain, 2]
    assert made.encode("the red cat") == framed
    assert spoken(made) == (known[french], place.name != "mbart")
    from danlu.data.kinds.text import Text
    from danlu.data.kinds.tokens import Tokens

    cut = Text(made.spec(), 5, "none", False).prepare("the red cat sees a dog and a cat").value.tolist()
    assert len(cut) == 5
    assert {2, known[french]} <= set(cut)
    learnt = Tokens(made.spec(), 32, "none", False, ends=True).prepare("the red cat").value.tolist()
    assert learnt == ([*plain, 2] if place.name == "mbart" else [known[french], *plain, 2])


def test_a_code_that_is_none_is_told_with_all_there_are(place: Path) -> None:
    with pytest.raises(RecipeError) as told:
        trained(place, "wrong", source_language="fr_X", target_language=CODES[place.name][1])
    text = str(told.value)
    assert text.startswith("options.source_language")
    assert all(code in text for code in CODES[place.name])


def test_a_tokenizer_without_codes_is_told(place: Path) -> None:
    with chdir(place), pytest.raises(DanluError, match="no codes of languages"):
        danlu.train(
            {
                "task": "translation", "run": {"folder": "runs", "name": "none"},
                "data": {"source": "pairs.tsv", "columns": {"source": "en", "target": "fr"}},
                "options": {"target_language": "fr_XX"},
            },
            screen=False,
        )  # fmt: skip
