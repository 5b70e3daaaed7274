"""Threads, allocator and compilation by trial: what is taken, by what, and what it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import danlu
from danlu import recipe as recipes
from danlu.errors import DanluError, RecipeError
from danlu.recipe.names import spec_of
from danlu.runs import resume, trials
from danlu.runs.assembling import assemble, first_batch
from danlu.runs.choices import Choices
from danlu.runs.trials import Trials
from danlu.training import allocator, checkpoint, compilation
from danlu.training.forecast.trial import Rehearsed
from danlu.training.plan import Plan
from tests.runs import small


def trials_of(place: Path, **train: Any) -> Trials:
    """Of a small recipe of which nothing was tried yet."""
    recipe = recipes.complete(recipes.from_dict(small.recipe(place, **train)))
    made = assemble(recipes.complete(recipes.from_dict(small.recipe(place, allocator="system"))), spec_of(recipe.task))
    batch = first_batch(made.batches, made.plan)
    return Trials(made.net, made.objective, batch, made.plan, 10_000, recipe, Choices())


def timed(monkeypatch: pytest.MonkeyPatch, seconds: Callable[[Plan], float], pages: int = 0) -> None:
    """A machine by numbers."""
    monkeypatch.setattr(trials, "rehearse", lambda net, objective, feed, plan: Rehearsed(seconds(plan), pages))


@pytest.mark.parametrize(
    ("cores", "took", "chosen"),
    [
        (2, {2: 0.1, 1: 0.2}, 2),
        (2, {2: 0.1, 1: 0.09}, 2),  # not clearly
        (2, {2: 0.1, 1: 0.05}, 1),
        (64, {64: 0.4, 16: 0.1, 4: 0.05, 1: 0.2}, 4),
        (64, {64: 0.6}, 64),  # so long a step has work for all; nothing else is tried
    ],
)
def test_fewer_threads_where_they_are_clearly_faster(
    cores: int, took: dict[int, float], chosen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trials_of(tmp_path, threads="fastest")
    now = [cores]
    monkeypatch.setattr(torch, "get_num_threads", lambda: now[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda count: now.__setitem__(0, count))
    timed(monkeypatch, lambda plan: took[now[0]])
    made.threads()
    assert now == [chosen]
    assert made.choices.made["train.threads"][0] == chosen


def test_threads_are_not_tried_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trials_of(tmp_path)
    monkeypatch.setattr(trials, "rehearse", lambda *_: pytest.fail("tried"))
    made.threads()
    assert not made.choices.made


@pytest.mark.parametrize(("pages", "chosen"), [(0, "system"), (999, "system"), (1000, "keep")])
def test_memory_is_kept_where_a_step_gets_much(
    pages: int, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, kept = trials_of(tmp_path), []
    timed(monkeypatch, lambda plan: 0.01, pages)
    monkeypatch.setattr(allocator, "can_keep", lambda: True)
    monkeypatch.setattr(allocator, "keep", lambda: kept.append(True) or True)
    made.allocator()
    assert made.choices.made["train.allocator"][0] == chosen
    assert bool(kept) == (chosen == "keep")


PAGES = """
import sys, torch
from danlu.training import allocator
if sys.argv[1] == "keep" and not allocator.keep():
    print("none"); raise SystemExit
def step():
    held = [torch.ones(48 << 18) for _ in range(3)]  # 48 MB each: beyond what glibc ever keeps by itself
    return sum(map(torch.sum, held))
for _ in range(10): step()
before = allocator.pages_got()
for _ in range(5): step()
print(allocator.pages_got() - before)
"""


def test_what_is_kept_is_not_asked_for_again() -> None:
    def pages(setting: str) -> str:
        command = [sys.executable, "-c", PAGES, setting]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    if pages("keep") == "none":
        pytest.skip("the C library is not glibc")
    assert int(pages("system")) > 5 * 1000  # 36,864 pages of 4 KiB a step, fewer where pages are large
    assert int(pages("keep")) < int(pages("system")) / 4


@pytest.mark.parametrize(("eager", "compiled", "chosen"), [(1.0, 0.5, True), (1.0, 1.1, False), (0.001, 0.0001, False)])
def test_compiling_must_pay(
    eager: float, compiled: float, chosen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 steps; ten seconds of training are too few for anything to be tried."""
    made = trials_of(tmp_path, compile="auto")
    timed(monkeypatch, lambda plan: compiled if plan.compiled else eager)
    monkeypatch.setattr(compilation, "forward", lambda net: net)
    assert made.compilation() is chosen
    assert made.choices.made["train.compile"][0] is chosen


def test_what_compiles_to_something_else_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trials_of(tmp_path, compile="auto")
    timed(monkeypatch, lambda plan: 0.5 if plan.compiled else 1.0)
    monkeypatch.setattr(compilation, "forward", lambda net: lambda *given: 1.01 * net(*given))
    assert made.compilation() is False
    assert "differs" in made.choices.made["train.compile"][1]


def test_a_compiler_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(net: torch.nn.Module) -> Any:
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(compilation, "forward", fail)
    with pytest.raises(RecipeError, match="can't be compiled here: RuntimeError: no C\\+\\+ compiler") as caught:
        danlu.train(small.recipe(tmp_path, compile=True), screen=False)
    assert "train.compile" in str(caught.value)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
    made = trials_of(tmp_path, compile="auto")
    made = replace(made, steps=10**9)
    assert made.compilation() is False


@pytest.mark.slow
def test_a_compiled_training_resumes_to_the_bit_and_follows_the_eager_one(tmp_path: Path) -> None:
    changed = {"model": {"name": "mlp", "args": {"widths": [6]}, "dropout": 0.2}, "evaluate": {"baselines": False}}
    ended = {}
    for name, compiled in (("eager", False), ("compiled", True)):
        recipe = small.recipe(tmp_path, compile=compiled) | changed
        recipe["run"]["name"] = name
        ended[name] = danlu.train(recipe, screen=False)
    whole = small.last(ended["compiled"])
    eager = small.last(ended["eager"])
    for name, tensor in eager.tensors["net"].items():
        assert torch.allclose(whole.tensors["net"][name].double(), tensor.double(), rtol=1e-3, atol=1e-5), name
    for path in checkpoint.listed(ended["compiled"].folder.checkpoints)[2:]:
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    assert small.same(small.last(resume(ended["compiled"].path, screen=False)), whole)


@pytest.mark.parametrize("key", ["threads", "allocator", "compile"])
def test_what_a_step_can_not_do_is_told_by_the_checks(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that does not fit the net: the same words as without any trial."""
    asked = {"threads": "fastest", "allocator": "auto", "compile": True}
    told = []
    for changed in ({"allocator": "system"}, {key: asked[key]}):
        monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
        with pytest.raises(DanluError) as caught:
            danlu.train(small.recipe(tmp_path, loss="mse", **changed), screen=False)
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert "train.loss" in told[0]
