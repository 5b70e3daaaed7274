"""``danlu.evaluate`` on other data than the run's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import danlu
from danlu.errors import DataError
from danlu.runs import evaluate
from tests.runs import small


def test_columns_that_the_recipe_names_are_those_of_other_data_too(tmp_path: Path) -> None:
    """A guess by name would take ``label``, which holds something else."""

    def save(name: str, seed: int, **also: np.ndarray) -> Path:
        archive = dict(np.load(small.archive(tmp_path / "plain.npz", seed=seed)))
        np.savez(tmp_path / name, **archive, **also)
        return tmp_path / name

    decoy = (np.arange(36) + 1) % 3
    own, other = save("own.npz", 0, label=decoy), save("other.npz", 1, label=decoy)
    recipe = small.recipe(tmp_path)
    recipe["data"] |= {"source": str(own), "columns": {"image": "images", "label": "labels"}}
    run = danlu.train(recipe, screen=False)
    named = evaluate(run.path, source=str(other))
    np.savez(tmp_path / "right.npz", **{name: np.load(other)[name] for name in ("images", "labels")})
    assert (
        named["values"]["test/accuracy"]
        == evaluate(run.path, source=str(tmp_path / "right.npz"))["values"]["test/accuracy"]
    )
    np.savez(tmp_path / "lacking.npz", images=np.load(other)["images"], label=decoy)
    with pytest.raises(DataError, match=r"data\.columns\.label"):
        evaluate(run.path, source=str(tmp_path / "lacking.npz"))
