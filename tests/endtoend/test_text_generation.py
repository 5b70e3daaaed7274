"""From raw text to a run and an artifact that continues texts."""

from __future__ import annotations

import random
from pathlib import Path

import danlu
from danlu.deploy.export import export


def stories(file: Path, count: int = 150) -> None:
    """Paragraphs of sentences whose subject decides the verb, and the verb the object."""
    draw = random.Random(0)
    what = {
        "the cat": ("drinks", "milk"),
        "the dog": ("eats", "meat"),
        "the child": ("reads", "a book"),
        "雨": ("下", "在山上"),
    }
    lines = []
    for _ in range(count):
        said = []
        for _ in range(draw.randint(2, 5)):
            who = draw.choice(list(what))
            said.append(f"{who} {what[who][0]} {what[who][1]}.")
        lines.append(" ".join(said))
    file.write_text("\n\n".join(lines), encoding="utf-8")


def test_raw_text_becomes_an_artifact_that_continues(tmp_path: Path) -> None:
    """Better than trigrams' perplexity is not asked of so small a run; what the net has learnt by heart it continues rightly."""
    stories(tmp_path / "corpus.txt")
    run = danlu.train(
        {
            "task": "text-generation",
            "run": {"folder": str(tmp_path / "runs"), "name": "one"},
            "data": {
                "source": str(tmp_path / "corpus.txt"),
                "text": {"vocabulary": 60, "max_length": 64, "near": None},
            },
            "model": {"args": {"width": 32, "layers": 2, "heads": 2, "dropout": 0.0}},
            "train": {
                "epochs": 12,
                "batch_size": 16,
                "threads": 1,
                "precision": "fp32",
                "optimizer": {"name": "adamw", "lr": 5e-3},
            },
            "evaluate": {"report": False},
            "options": {"temperature": 0.0, "new_tokens": 12, "passage": 80},
        },
        screen=False,
    )
    assert run.metrics["test/perplexity"] < 4
    assert 0.5 < run.metrics["test/token-accuracy"] <= 1
    asked = ["the dog eats meat. the cat", "雨", "the child reads a"]
    theirs = danlu.load(run.path).predict(asked)
    assert theirs[0]["continuation"].startswith(" drinks milk.")
    assert theirs[2]["continuation"].startswith(" book.")
    artifact = danlu.load(export(run))
    assert artifact.predict(asked) == theirs
    assert artifact.predict(asked[1:2]) == theirs[1:2]
