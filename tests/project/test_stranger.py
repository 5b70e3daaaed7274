"""A stranger follows CONTRIBUTING.md: what it shows runs as it stands there, and no file of Danlu is touched."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

import danlu
import danlu.data.sources
import danlu.nn.terms
import danlu.tasks
from danlu.cli.main import main
from danlu.errors import RecipeError
from danlu.recipe import names
from danlu.recipe.schema import Named

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHOWN = re.findall(r"```python\n(.*?)\n```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The application, the term and the source in the folders where CONTRIBUTING.md puts them, and a table of houses."""
    for package, name in (
        (danlu.tasks, "house_price"),
        (danlu.nn.terms, "log_cosh.py"),
        (danlu.data.sources, "sqlite.py"),
    ):
        folder = tmp_path / package.__name__
        folder.mkdir()
        if name.endswith(".py"):
            shutil.copy(EXAMPLES / name, folder)
        else:
            shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    _write_houses(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if module.rpartition(".")[2] in ("log_cosh", "sqlite") or "house_price" in module:
            del sys.modules[module]


def _write_houses(folder: Path, count: int = 400) -> None:
    """Price = 3·area + 20·rooms, give or take 2; as a CSV file and as a SQLite database."""
    draw = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        area, rooms = draw.uniform(30, 200), int(draw.integers(1, 8))
        rows.append((round(area, 2), rooms, round(3 * area + 20 * rooms + draw.normal(0, 2), 2)))
    with (folder / "houses.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("area", "rooms", "price"), *rows])
    with closing(sqlite3.connect(folder / "houses.db")) as base, base:
        base.execute("create table houses (area real, rooms integer, price real)")
        base.executemany("insert into houses values (?, ?, ?)", rows)


def test_the_page_shows_what_is_tested() -> None:
    files = [
        EXAMPLES / "house_price/spec.py",
        EXAMPLES / "house_price/task.py",
        EXAMPLES / "log_cosh.py",
        EXAMPLES / "sqlite.py",
    ]
    assert [path.read_text(encoding="utf-8").rstrip() for path in files] == SHOWN
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (EXAMPLES / "house_price").glob("*.py"))
    assert lines < 150


def test_an_application_in_one_folder_trains_evaluates_and_predicts(workshop: Path, capsys: Captured) -> None:
    assert main(["list", "tasks", "--json"]) == 0
    assert "house-price" in capsys.readouterr().out
    words = ["data.source=houses.csv", "run.name=houses", "train.device=cpu"]
    assert main(["train", "house-price", *words, "--json"]) == 0, capsys.readouterr().err
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["metrics"]["test/mae"] < 6, "the mean price is wrong by about 150"
    assert main(["evaluate", "runs/houses", "--part", "test", "--json"]) == 0
    judged = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert judged["values"]["test/mae"] == pytest.approx(trained["metrics"]["test/mae"], rel=1e-6)
    (answer,) = danlu.load("runs/houses").predict([{"area": 100.0, "rooms": 3}])
    assert answer["price"] == pytest.approx(3 * 100 + 20 * 3, abs=12)


def test_its_options_are_checked_as_any_other_key(workshop: Path, capsys: Captured) -> None:
    assert main(["check", "house-price", "data.source=houses.csv", "options.hiden=8"]) == 2
    assert "hidden" in capsys.readouterr().err
    assert main(["check", "house-price", "data.source=houses.csv", "options.hidden=0"]) == 2
    assert "≥ 1" in capsys.readouterr().err


def test_it_works_outside_danlu_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """``task: house_price.spec:SPEC`` with the folder beside the recipe."""
    shutil.copytree(EXAMPLES / "house_price", tmp_path / "house_price", ignore=shutil.ignore_patterns("__pycache__"))
    _write_houses(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = ["task=house_price.spec:SPEC", "data.source=houses.csv", "train.epochs=1", "train.device=cpu", "--json"]
    try:
        assert main(["train", *words]) == 0, capsys.readouterr().err
    finally:
        for module in [name for name in sys.modules if name.partition(".")[0] == "house_price"]:
            del sys.modules[module]


def test_a_new_term_is_known_checked_and_right(workshop: Path) -> None:
    assert "log-cosh" in names.catalogue("loss")
    with pytest.raises(RecipeError, match="> 0"):
        names.build("loss", Named(name="log-cosh", args={"scale": 0}), "train.loss", target="price")
    term = names.build("loss", Named(name="log-cosh", args={"scale": 2.0}), "train.loss", target="price")
    output = torch.tensor([0.0, 3.0, -700.0], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([1.0, 1.0, 700.0], dtype=torch.float64)
    total = term(output, {"price": target})
    error = ((output - target) / 2.0).detach()
    expected = 4.0 * (torch.logaddexp(error, -error) - np.log(2.0)).sum()
    assert torch.allclose(total, expected)
    (gradient,) = torch.autograd.grad(total, output)
    assert torch.allclose(gradient, 2.0 * torch.tanh(error))
    assert float(term.count({"price": target})) == 3


def test_a_new_source_serves_any_task(workshop: Path, capsys: Captured) -> None:
    """The same rows from another format give the same model: their content is the same."""
    values = []
    for source in ("houses.csv", "houses.db"):
        assert (
            main(["train", "house-price", f"data.source={source}", "train.epochs=2", "train.device=cpu", "--json"]) == 0
        )
        values.append(json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["test/mae"])
    assert values[0] == pytest.approx(values[1], rel=0.5)
