"""Applications that write, quote, hide words and recommend: stopped in the middle and resumed, a run ends in the same bits."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu import recipe as recipes
from danlu.runs import resume
from tests.endtoend.golden import SHIPPED
from tests.endtoend.pairs import Keeper, Story, same_bits

STEPS, STOP = 8, 5
TINY: dict[str, Any] = {"width": 16, "layers": 1, "heads": 2}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "translation": ("new-translation", {"model.args": TINY, "options.beams": 2, "train.tokens": 200}),
    "text-generation": (
        "new-text-generation",
        {"model.args": TINY, "options.new_tokens": 4, "options.temperature": 0.8, "train.tokens": 200},
    ),
    "question-answering": (
        "new-question-answering",
        {"model.args": TINY, "train.batch_size": 16, "options.passage": {"window": 8, "stride": 5}},
    ),
    "masked-lm": ("new-masked-lm", {"model.args": TINY, "train.batch_size": 16}),
    "clicks": ("new-click-prediction", {"train.batch_size": 32, "options.negatives": 0.5}),
    "content": (
        "new-content-recommendation",
        {"train.batch_size": 32, "train.accumulate": 2, "model.args": {"ids": True, "width": 8}},
    ),
    "sequences": (
        "item-recommendation",
        {
            "data.source": "ratings.csv",
            "model": {"name": "sasrec", "args": {**TINY, "length": 6}},
            "train.loss": None,
            "train.batch_size": 32,
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_resumed_run_ends_in_the_same_bits(name: str, tmp_path: Path) -> None:
    """With dropout, several epochs (other orders, other words hidden, other negatives), and judged at the end as the whole one."""
    kept, changes = CASES[name]
    shipped = SHIPPED["new-content-recommendation" if name == "sequences" else kept]
    shipped.data(tmp_path)
    recipe = recipes.from_dict({"task": kept}) if name == "sequences" else shipped.load()
    asked = recipes.patch(
        recipe,
        {
            **({} if name == "sequences" else shipped.changes),
            "run.name": name,
            "run.folder": str(tmp_path / "runs"),
            "train.device": "cpu",
            "train.precision": "fp32",
            "train.threads": 1,
            "train.early_stop": None,
            "train.epochs": 20,
            "train.max_steps": STEPS,
            "train.evaluate_every": 100,
            "train.checkpoint": {"every_steps": STOP, "every_minutes": None, "every_epochs": None},
            "evaluate.baselines": False,
            "evaluate.report": False,
            **changes,
        },
    )
    with chdir(tmp_path):
        done = danlu.train(asked, screen=Keeper(STOP, tmp_path / "cut"))
        whole, resumed = Story.of(done), Story.of(resume(tmp_path / "cut", screen=False))
    assert len(whole.curves["train/loss"]) == STEPS
    assert {event["attempt"] for event in resumed.events} == {1, 2}
    same_bits(whole, resumed)
    assert danlu.Run(resumed.path).metrics == done.metrics
