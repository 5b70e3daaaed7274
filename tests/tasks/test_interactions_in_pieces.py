"""Interactions read, divided and known seven rows at a time are those that are taken whole, to the bit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from danlu import recipe as recipes
from danlu.data import columns, growing
from danlu.data.batches.order import Ask, plan
from danlu.data.dataset import Dataset
from danlu.data.prepare import prepare
from danlu.data.sources import parquet as source
from danlu.large import arrays
from danlu.nn.embedding.interactions import Interactions
from danlu.recipe.names import spec_of
from danlu.tasks.item_recommendation.drawing import Negatives

ROWS = 240


def in_pieces(patch: pytest.MonkeyPatch, few: bool) -> None:
    patch.setattr(arrays, "AT_ONCE", 7)
    patch.setattr(arrays, "HELD", 64)
    patch.setattr(source, "_BATCH", 7)
    patch.setattr(columns, "_SPAN", 7)
    patch.setattr(growing, "_AT_ONCE", 7)
    if few:  # columns of codes are given up for numbers and texts
        patch.setattr(growing, "FEW", 5)
        patch.setattr(growing, "SHARE", ROWS)


def rows() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    return {
        "user": [f"u{each}" for each in rng.integers(0, 30, ROWS)],
        "item": rng.integers(0, 40, ROWS).tolist(),
        "rating": (rng.integers(2, 11, ROWS) / 2).tolist(),
        "time": (1_000_000_000 + rng.integers(0, ROWS // 2, ROWS)).tolist(),
        "click": rng.integers(0, 2, ROWS).tolist(),
        "device": rng.choice(["phone", "", "laptop é"], ROWS).tolist(),
    }


def written(folder: Path, kind: str, names: list[str]) -> Path:
    path, held = folder / f"rows.{kind}", rows()
    lines = [[str(each) for each in row] for row in zip(*(held[name] for name in names), strict=True)]
    if kind == "parquet":
        parquet.write_table(pa.table({name: held[name] for name in names}), path, row_group_size=50)
    elif kind == "csv":
        lines.insert(40, ["broken"])
        lines.insert(60, [])
        path.write_text("\n".join(map(",".join, [names, *lines])) + "\n", encoding="utf-8")
    else:
        head = [f"{name}:token" for name in names]
        path.write_text("\n".join(map("\t".join, [head, *lines])) + "\n", encoding="utf-8")
    return path


def facts(data: Dataset) -> dict[str, Any]:
    every = np.arange(len(data))
    return {
        "ids": list(data.ids),
        "origins": list(data.origins),
        "keys": np.asarray(data.keys).tolist(),
        "parts": {name: np.asarray(part).tolist() for name, part in data.parts.items()},
        "columns": {name: np.asarray(data.store.gather(name, every)).tolist() for name in data.kinds},
        "kinds": {name: kind.spec() for name, kind in data.kinds.items()},
        "statistics": data.statistics,
        "card": {name: value for name, value in data.card.items() if name != "source"},
    }


@pytest.mark.parametrize("kind", ["csv", "inter", "parquet"])
@pytest.mark.parametrize(
    ("task", "names", "options"),
    [
        ("item-recommendation", ["user", "item"], {}),
        ("item-recommendation", ["user", "item", "rating", "time"], {}),
        ("rating-prediction", ["user", "item", "rating", "time"], {"split": "random"}),
        ("rating-prediction", ["user", "item", "rating", "time"], {"split": "leave-one-out"}),
        ("click-prediction", ["user", "item", "click", "device"], {"negatives": 0.5}),
        ("click-prediction", ["user", "item", "click", "device", "time"], {}),
    ],
)
def test_the_same_bits(tmp_path: Path, kind: str, task: str, names: list[str], options: dict[str, Any]) -> None:
    path = written(tmp_path, kind, names)

    def made(place: str) -> Dataset:
        data = {"source": str(path), "cache": str(tmp_path / place)}
        whole = recipes.complete(recipes.given({"task": task, "data": data, "options": options}, {}))
        return prepare(whole, spec_of(task))

    wanted = json.dumps(facts(made("whole")), sort_keys=True, default=str)
    for few in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            in_pieces(patch, few)
            assert json.dumps(facts(made(f"pieces-{few}")), sort_keys=True, default=str) == wanted


def test_who_met_what_and_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    user, item, part = rng.integers(-1, 9, 200), rng.integers(-1, 30, 200), rng.integers(0, 3, 200)
    when = rng.integers(0, 50, 200).astype(np.float64)
    ask = Ask(np.arange(200), rng.integers(0, 2**63, 200).astype(np.uint64), 0, 16, True)

    def made() -> list[Any]:
        known = Interactions(9, 30, user, item, part)
        return [
            known.state_dict(),
            Interactions(9, 30, user, item, part, when).state_dict(),
            known.learnt(),
            known.counts(),
            Negatives(known, 2, None).pairs,
            plan(ask, 3).rows,
            plan(ask, 3).keys,
        ]

    whole = made()
    in_pieces(monkeypatch, False)
    torch.testing.assert_close(made(), whole, rtol=0, atol=0)
    learnt = {(u, i) for u, i, p in zip(user, item, part, strict=True) if u >= 0 <= i and p == 0}
    assert set(zip(*(values.tolist() for values in whole[2]), strict=True)) == learnt
    assert whole[4].tolist() == sorted(u * 30 + i for u, i in learnt)


@pytest.mark.parametrize("task", ["item-recommendation", "content-recommendation"])
def test_the_division_says_how_far_it_is(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.data import reading
    from danlu.data.dividing import divided_by
    from danlu.recipe.names import load_object, spec_of

    rng = np.random.default_rng(0)
    path = tmp_path / "events.csv"
    rows = [f"{rng.integers(50)},{rng.integers(40)},{rng.integers(1000)}" for _ in range(3000)]
    path.write_text("\n".join(["user,item,time", *rows]))
    monkeypatch.setattr("danlu.data.progress.Pace.__init__.__defaults__", (0, 0.0))
    monkeypatch.setattr("danlu.large.arrays.AT_ONCE", 500)
    recipe = recipes.from_dict({"task": task, "data": {"source": str(path)}, "options": {"split": "time"}})
    recipe, spec = recipes.complete(recipe), spec_of(task)
    _, table = reading.read(recipe, spec.columns)
    told: list[tuple[str, int, int]] = []
    own = divided_by(load_object(spec.divide), recipe, table, lambda *at: told.append(at))
    assert len({stage for stage, _, _ in told}) == 1
    done = [at for _, at, _ in told]
    assert len(set(done)) > 20
    assert done == sorted(done)
    assert told[-1][1] == told[-1][2] == max(total for _, _, total in told)
    silent = divided_by(lambda recipe, table: own, recipe, table, lambda *at: told.append(at))  # takes no progress
    assert silent is own
