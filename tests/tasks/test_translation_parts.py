"""Scores, cleaning, tokenizers that lose nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from danlu import recipe as recipes
from danlu.data.kinds.tokens import Tokens
from danlu.data.table import Table
from danlu.data.text.pieces import Pieces
from danlu.errors import DataError
from danlu.metrics.bootstrap import interval, paired
from danlu.tasks.translation.cleaning import clean
from danlu.tasks.translation.scores import Translations, signatures

SAID = ["the cat sat on the mat .", "a dog", "", "he reads the book that I gave him, slowly", "x"]
MEANT = [
    "The cat sat on a mat.",
    "a dog barks loudly at night",
    "nothing at all",
    "he slowly reads the book I gave him",
    "y",
]
HAN = (["我喜欢猫。", "今天天气很好", "他 在 北京"], ["我喜欢狗。", "今天的天气真好", "他在北京住"])


def _kind(texts: list[str], **options: object) -> Tokens:
    return Tokens.fit(texts, {"tokenizer": "bpe", "vocabulary": 300, "lower": False, "normalize": "nfc", **options})


def _measured(said: list[str], meant: list[str], scoring: str, parts: int = 1) -> Translations:
    kind = _kind(meant)
    made = []
    for part in range(parts):
        metric = Translations("translation", "target", kind.spec()["tokenizer"], scoring)  # type: ignore[arg-type]
        metric.update(
            {"translation": np.asarray(said[part::parts], object)},
            {"target": [kind.prepare(text).value for text in meant[part::parts]]},
        )
        made.append(metric)
    for other in made[1:]:
        made[0].merge(other)
    return made[0]


@pytest.mark.parametrize(
    ("said", "meant", "scoring"),
    [(SAID, MEANT, "13a"), (*HAN, "zh"), (SAID[1:3], MEANT[1:3], "13a"), (MEANT, MEANT, "13a")],
)
def test_scores_are_sacrebleus(said: list[str], meant: list[str], scoring: str) -> None:
    """Whole and in parts; every figure of the corpus, and every one of a sentence that counts twice."""
    solid = scoring == "zh"
    metrics = {"bleu": BLEU(tokenize=scoring), "chrf": CHRF(), "ter": TER(normalized=solid, asian_support=solid)}
    wanted = {name: metric.corpus_score(said, [meant]).score for name, metric in metrics.items()}
    for parts in (1, 2):
        assert _measured(said, meant, scoring, parts).compute() == pytest.approx(wanted, abs=1e-6)
    twice = {
        name: metric.corpus_score([*said, said[0]], [[*meant, meant[0]]]).score for name, metric in metrics.items()
    }
    assert _measured([*said, said[0]], [*meant, meant[0]], scoring).compute() == pytest.approx(twice, abs=1e-6)


def test_signatures_name_the_tokenizer() -> None:
    assert "tok:zh" in signatures("zh")["bleu"]
    assert "asian:yes" in signatures("zh")["ter"]
    assert "tok:13a" in signatures("13a")["bleu"]


def test_intervals_hold_the_score_and_shrink_with_sentences() -> None:
    few, many = _measured(SAID, MEANT, "13a"), _measured(SAID * 10, MEANT * 10, "13a")
    for name, (low, high) in many.intervals(0.95).items():
        assert low <= many.compute()[name] <= high
        wide = few.intervals(0.95)[name]
        assert high - low < 0.6 * (wide[1] - wide[0])


def test_two_translations_are_compared_sentence_by_sentence() -> None:
    """The difference is of sacrebleu's scores; against itself it is 0 in every draw."""
    one, other = _measured(SAID, MEANT, "13a"), _measured(MEANT, MEANT, "13a")
    for name, figure in one.figures().items():
        apart = paired(figure, other.figures()[name])
        assert apart.value == pytest.approx(other.compute()[name] - one.compute()[name], abs=1e-9)
        assert interval(paired(figure, one.figures()[name]), 0.95, method="percentile") == (0.0, 0.0)


def test_nothing_is_lost_by_lossless_pieces() -> None:
    """Emoji, scripts that were never seen, marks: every text comes back to the letter, and no id is unknown."""
    texts = [
        "the quick brown fox",
        "jumps over the lazy dog",
        "the lazy fox, the quick dog",
        "你好，世界",
        "世界很大，你好吗",
    ] * 4
    pieces = Pieces.learnt(texts, 120, 2, lossless=True)
    for text in [
        *texts,
        "🦊 naïve Ω≈ç",
        "日本語とคนไทย",
        "a  b",
        "Ünïcödé—“quotes”",
        "zzz qqq 0123456789",
    ]:
        ids = pieces.encode(text)
        assert pieces.decode(ids) == text
        assert pieces.unknown not in ids
    again = Pieces.learnt(texts, 120, 2, lossless=True)
    assert again.spec() == pieces.spec()


def test_texts_to_be_written_are_kept_whole_with_an_end() -> None:
    kind = _kind(["one two three"] * 3, max_length=4)
    ids = kind.prepare("one two three one two three").value
    assert ids[-1] == kind.words.end
    assert len(ids) > kind.max_length
    assert kind.draw(ids) == "one two three one two three"


def _table(sources: list[str], targets: list[str]) -> Table:
    names = [str(row) for row in range(len(sources))]
    return Table({"source": sources, "target": targets}, names, names, "x")


def test_copies_and_odd_lengths_are_left_out_and_noted() -> None:
    draw = random.Random(0)
    sources = [" ".join(["word"] * draw.randint(3, 12)) for _ in range(40)]
    targets = [text.replace("word", "mot") for text in sources]
    sources += ["OK Cancel", "one two three four five six seven eight nine ten"]
    targets += ["ok  cancel", "un"]
    recipe = recipes.complete(recipes.from_dict({"task": "translation"}))
    kept = clean(recipe, _table(sources, targets))
    assert list(kept.ids) == [str(row) for row in range(40)]
    assert [origin for origin, _ in kept.notes] == ["40", "41"]
    keeping = recipes.patch(recipe, {"options.copies": "keep", "options.ratio": None})
    assert len(clean(keeping, _table(sources, targets))) == 42
    with pytest.raises(DataError, match=r"copies|相同"):
        clean(recipe, _table(sources, sources))


def test_lengths_are_compared_with_what_is_usual_of_the_two_languages() -> None:
    """A language that needs five times the letters: its pairs are kept, and one of equal lengths is odd."""
    sources = ["x" * (40 + row) for row in range(30)] + ["y" * 400]
    targets = ["z" * 5 * (40 + row) for row in range(30)] + ["w" * 400]
    recipe = recipes.complete(recipes.from_dict({"task": "translation"}))
    assert [origin for origin, _ in clean(recipe, _table(sources, targets)).notes] == ["30"]
