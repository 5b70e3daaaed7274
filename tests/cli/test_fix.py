"""``danlu fix``: verdicts in the terminal, their patches in a new recipe."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu import recipe as recipes
from danlu.cli.main import main
from danlu.errors import DanluError
from danlu.runs import Run
from danlu.runs.fixing import fix, merged
from danlu.watch.health.verdict import Evidence, Verdict

HEALTHY = Path(__file__).parents[1] / "fixtures/runs/0.1/runs/shapes"


def ailing(place: Path, **train: Any) -> dict[str, Any]:
    """A wide rate makes this net's units die in its first steps."""
    return {
        "task": "image-classification",
        "run": {"folder": str(place / "runs"), "name": "ailing"},
        "data": {"source": "builtin:digits", "limit": 300, "augment": []},
        "model": {"name": "mlp", "norm": "none", "args": {"widths": [32, 32]}},
        "train": {"epochs": 8, "batch_size": 32, "optimizer": {"name": "sgd", "lr": 3.0, "momentum": 0.9}}
        | {"schedule": "constant", "precision": "fp32"}
        | train,
        "evaluate": {"report": False},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody may change it."""
    made: Run = danlu.train(ailing(tmp_path_factory.mktemp("ailing")), screen=False)
    return made.path


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["fix", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["fix", *map(str, words)]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_verdicts_with_evidence_remedy_and_patch(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = danlu.health(run)
    assert {"rate-too-high", "dead-relu"} <= {one.name for one in found}
    text = said(capsys, run)
    for one in found:
        assert one.text in text
        assert one.remedy in text
        assert all(evidence.text in text for evidence in one.evidence)
        assert all(f"{key}: " in text for key in one.patch)
    assert f"danlu fix {run} --apply all" in text
    as_json = json.loads(said(capsys, run, "--json"))
    assert [one["name"] for one in as_json["verdicts"]] == [one.name for one in found]
    assert as_json["verdicts"][0]["evidence"][0]["values"]
    assert set(as_json["verdicts"][0]) == {"name", "severity", "text", "evidence", "remedy", "patch"}
    chinese = said(capsys, run, "--lang", "zh")
    assert "学习率过高" in chinese


def test_the_new_recipe_is_the_old_one_with_the_patch(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new.yaml"
    said(capsys, run, "--apply", "all", "-o", target)
    verdicts = danlu.health(run)
    values = {key: value for one in verdicts for key, value in one.patch.items()}
    before = recipes.resolved(run / "recipe.yaml")
    automatic = {"train.device": "auto", "train.threads": "auto", "train.channels_last": "auto"}
    wanted = recipes.patch(before, values | automatic | {"watch.captures_every": "auto", "run.name": "ailing-fixed"})
    assert recipes.complete(recipes.load(target)) == recipes.complete(wanted)
    text = target.read_text()
    lines = [line for line in text.splitlines() if "# answers" in line]
    assert len(lines) == len(values)
    assert any("dead-relu" in line and "model.activation".rpartition(".")[2] in line for line in lines)
    assert "device" not in text
    assert "captures_every" not in text
    assert str(run) in text.splitlines()[0]


def test_the_mended_run_is_mended(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new.yaml"
    told = json.loads(said(capsys, run, "--apply", "all", "-o", target, "--json"))
    assert told["written"] == str(target)
    mended = danlu.train(target, screen=False, run__folder=str(tmp_path / "runs"))
    assert danlu.health(mended) == ()
    assert mended.metrics["test/accuracy"] > Run(run).metrics["test/accuracy"] + 0.3


def test_one_verdict_alone(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new.yaml"
    told = json.loads(said(capsys, run, "-o", target, "--json", "--apply", "rate-too-high"))
    assert all(change["verdicts"] == ["rate-too-high"] for change in told["changes"])
    assert recipes.load(target).model.activation is None


def test_nothing_is_overwritten(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ailing-fixed.yaml").write_text("mine")
    assert "ailing-fixed.yaml" in refused(capsys, run, "--apply", "all")
    assert Path("ailing-fixed.yaml").read_text() == "mine"
    said(capsys, run, "--apply", "all", "--force")
    assert "task:" in Path("ailing-fixed.yaml").read_text()


def test_a_free_name_is_taken(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "runs"
    shutil.copytree(run, taken / "ailing")
    recipe = (taken / "ailing" / "recipe.yaml").read_text()
    (taken / "ailing" / "recipe.yaml").write_text(recipe.replace(str(run.parent), str(taken)))
    (taken / "ailing-fixed").mkdir()
    said(capsys, taken / "ailing", "--apply", "all", "-o", tmp_path / "new.yaml")
    assert recipes.load(tmp_path / "new.yaml").run.name == "ailing-fixed-2"


def test_mistakes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no run" in refused(capsys, tmp_path).lower() or "run" in refused(capsys, tmp_path)
    assert "dead-relu" in refused(capsys, run, "--apply", "dead-rely")
    assert "--apply" in refused(capsys, run, "-o", tmp_path / "x.yaml")
    refused(capsys)
    refused(capsys, run, run)
    assert not list(tmp_path.iterdir())


def test_a_healthy_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert danlu.health(HEALTHY) == ()
    text = said(capsys, HEALTHY)
    assert "Nothing ails this run" in text
    assert "captures_every" in text  # nobody looked inside that net
    assert json.loads(said(capsys, HEALTHY, "--json"))["verdicts"] == []
    refused(capsys, HEALTHY, "--apply", "all", "-o", tmp_path / "x.yaml")
    assert not list(tmp_path.iterdir())


# ---- patches put together


def verdict(name: str, **patch: Any) -> Verdict:
    values = {key.replace("__", "."): value for key, value in patch.items()}
    return Verdict(name, "warning", "It ails.", (Evidence("seen"),), "Mend it.", values)


def values(*verdicts: Verdict, before: Sequence[tuple[str, Any]] = ()) -> dict[str, Any]:
    recipe = recipes.complete(recipes.patch(recipes.from_dict({}), {"train.optimizer.lr": 0.1} | dict(before)))
    return {change.key: change.value for change in merged(verdicts, recipe)}


def test_of_two_steps_in_one_direction_the_longer_is_taken() -> None:
    one, other = verdict("a", train__optimizer__lr=0.05), verdict("b", train__optimizer__lr=0.01)
    assert values(one, other) == values(other, one) == {"train.optimizer.lr": 0.01}


def test_the_same_wish_twice_is_one() -> None:
    stop = {"monitor": "val/loss", "patience": 3}
    assert values(verdict("a", train__early_stop=stop), verdict("b", train__early_stop=dict(stop))) == {
        "train.early_stop": stop
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"train__optimizer__lr": 0.01}, {"train__optimizer__lr": 1.0}),
        ({"train__optimizer__lr": 0.01}, {"train__optimizer__lr": "auto"}),
        ({"model__activation": "gelu"}, {"model__activation": "leaky-relu"}),
    ],
)
def test_contradictions_are_refused(one: dict[str, Any], other: dict[str, Any]) -> None:
    with pytest.raises(DanluError) as caught:
        values(verdict("first", **one), verdict("second", **other))
    (problem,) = caught.value.problems
    assert "first" in problem.what
    assert "second" in problem.what


def test_what_the_recipe_refuses_is_not_written(run: Path) -> None:
    with pytest.raises(DanluError):
        fix(Run(run), [verdict("a", train__no_such_key=1)])
    with pytest.raises(DanluError):
        fix(Run(run), [verdict("a", train__epochs=0)])
    with pytest.raises(DanluError):
        fix(Run(run), [verdict("a", train__precision="fp16", train__device="cpu")])
    with pytest.raises(DanluError):
        fix(Run(run), [verdict("a")])
