"""From a table of pairs to a run, its report and an artifact; what can be learnt exactly is learnt."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu.deploy.export import export
from danlu.runs.evaluating import evaluate

WORDS = {
    "red": "rouge",
    "blue": "bleu",
    "cat": "chat",
    "dog": "chien",
    "sees": "voit",
    "the": "le",
    "big": "grand",
    "a": "un",
}


def phrases(file: Path, count: int = 240) -> None:
    """Word for word, adjectives behind: ``the red cat sees a dog`` → ``le chat rouge voit un chien``."""
    draw = random.Random(0)
    rows = set()
    while len(rows) < count:
        said, meant = [], []
        for half in range(2):
            article, colour, thing = (
                draw.choice(["the", "a"]),
                draw.choice(["red", "blue", "big", ""]),
                draw.choice(["cat", "dog"]),
            )
            said += [article, *([colour] if colour else []), thing] + (["sees"] if not half else [])
            meant += [WORDS[article], WORDS[thing], *([WORDS[colour]] if colour else [])] + (
                ["voit"] if not half else []
            )
        rows.add((" ".join(said) + f" {len(rows)}", " ".join(meant) + f" {len(rows)}"))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow(("en", "fr"))
        writer.writerows(sorted(rows))


def trained(folder: Path, source: str, **more: Any) -> Any:
    recipe = {
        "task": "translation",
        "run": {"folder": str(folder / "runs"), "name": "one"},
        "data": {"source": str(folder / source), "text": {"vocabulary": 80, "near": None}},
        "model": {"args": {"width": 32, "layers": 1, "heads": 2, "dropout": 0.0}},
        "train": {"epochs": 4, "batch_size": 16, "threads": 1, "precision": "fp32"},
        "options": {"copies": "keep", "ratio": None},
    }
    return danlu.train(recipe, screen=False, **more)


def test_a_table_of_pairs_becomes_an_artifact(tmp_path: Path) -> None:
    """Figures of written texts with intervals and baselines; run and artifact, which needs no torch, write the same by beams."""
    phrases(tmp_path / "pairs.tsv")
    run = trained(tmp_path, "pairs.tsv", options__beams=3, data__columns={"source": "en", "target": "fr"})
    for name in ("bleu", "chrf", "ter", "token-accuracy", "perplexity", "loss"):
        assert f"test/{name}" in run.metrics
    assert set(evaluate(run.path)["baselines"]) == {"copy", "nearest-sentence"}
    assert run.metrics["test/chrf"] > 15
    page = (run.path / "report.html").read_text("utf-8")
    assert "bleu" in page.lower()
    artifact = danlu.load(export(run))
    asked = ["the red cat sees a dog 7", "a dog", "😀 unknown Ωords"]
    theirs = danlu.load(run.path).predict(asked)
    assert artifact.predict(asked) == theirs
    assert all(set(answer) == {"input", "translation"} for answer in theirs)
    assert [answer["translation"] for answer in artifact.predict(asked[:1])] == [theirs[0]["translation"]]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backwards", [True, False])
def test_digits_are_reversed_and_copied(tmp_path: Path, backwards: bool) -> None:
    """Random strings of 3 to 10 digits, none of which was seen: 99 of 100 to the letter."""
    draw = random.Random(0)
    texts = sorted({"".join(draw.choices("0123456789", k=draw.randint(3, 10))) for _ in range(9000)})
    with (tmp_path / "pairs.tsv").open("w", encoding="utf-8") as stream:
        stream.write("source\ttarget\n")
        stream.writelines(f"{text}\t{text[::-1] if backwards else text}\n" for text in texts)
    run = trained(
        tmp_path, "pairs.tsv", data__text__tokenizer="characters", train__epochs=20, train__batch_size=64,
        train__optimizer={"name": "adamw", "lr": 2e-3}, model__args={"width": 64, "layers": 2, "heads": 4, "dropout": 0.0},
        options__label_smoothing=0.0, evaluate__baselines=False,
    )  # fmt: skip
    fresh = ["".join(draw.choices("0123456789", k=draw.randint(3, 10))) for _ in range(400)]
    fresh = [text for text in fresh if text not in set(texts)]
    answers = danlu.load(run.path).predict(fresh)
    right = sum(
        answer["translation"] == (text[::-1] if backwards else text)
        for text, answer in zip(fresh, answers, strict=True)
    )
    assert right >= 0.99 * len(fresh)
