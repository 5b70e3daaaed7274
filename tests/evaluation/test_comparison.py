"""Two runs compared: what differs, on which samples, by how much, and what is said where that can't be known."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import danlu
from danlu import recipe as recipes
from danlu.cli.main import main
from danlu.errors import RunError
from danlu.evaluation.differences import Difference, differing
from danlu.messages import set_language
from danlu.runs.predictions import PredictionWriter

NAMES = ("cat", "dog", "fox")
Captured = pytest.CaptureFixture[str]


def run(
    folder: Path,
    name: str,
    columns: dict[str, Any],
    predictions: dict[str, Any],
    truth: dict[str, Any],
    ids: Sequence[str],
    recipe: dict[str, Any] | None = None,
    fingerprint: str = "same",
) -> Path:
    """What a run leaves behind, as far as a comparison reads it."""
    path = folder / name
    (path / "data").mkdir(parents=True)
    made = recipes.complete(recipes.from_dict({"run": {"name": name}, **(recipe or {})}))
    (path / "recipe.yaml").write_text(recipes.dump(made), encoding="utf-8")
    (path / "environment.json").write_text(json.dumps({"python": "3.11", "packages": {"torch": "2.13"}, "seed": 0}))
    (path / "data" / "card.json").write_text(json.dumps({"fingerprint": fingerprint, "rows": {"train": 9}}))
    (path / "data" / "columns.json").write_text(json.dumps(columns))
    with PredictionWriter(path / "predictions" / "test.parquet") as writer:
        writer.add(list(ids), truth, predictions)
    return path


def classified(
    folder: Path,
    name: str,
    right: np.ndarray,
    label: np.ndarray | None = None,
    ids: Sequence[str] | None = None,
    classes: Sequence[str] = NAMES,
    **more: Any,
) -> Path:
    """A classifier that is right where ``right`` says so, with .8, and else takes the next class."""
    label = np.arange(len(right)) % 3 if label is None else label
    answer = np.where(right, label, (label + 1) % 3)
    probability = np.full((len(right), 3), 0.1, np.float32)
    probability[np.arange(len(right)), answer] = 0.8
    columns = {
        "kinds": {"label": {"kind": "category", "spec": {"classes": list(classes)}}},
        "inputs": ["image"],
        "targets": ["label"],
    }
    given = {"probability": probability, "label": answer}
    return run(folder, name, columns, given, {"label": label}, ids or [f"s{i:03}" for i in range(len(right))], **more)


def correct(n: int, share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < share


def test_the_difference_and_the_flips_by_hand(tmp_path: Path) -> None:
    before, now = correct(300, 0.7, 0), correct(300, 0.85, 1)
    found = danlu.compare(classified(tmp_path, "a", before), classified(tmp_path, "b", now))
    (pair,) = found.pairs
    accuracy = pair.metrics[0]
    assert accuracy.name == "accuracy", "what decides comes first"
    assert (accuracy.first, accuracy.other) == (pytest.approx(before.mean()), pytest.approx(now.mean()))
    assert accuracy.difference == pytest.approx(now.mean() - before.mean())
    spread = np.std(now.astype(int) - before.astype(int)) / np.sqrt(300)
    half = 1.96 * spread
    assert accuracy.interval == pytest.approx((accuracy.difference - half, accuracy.difference + half), abs=0.01)
    assert accuracy.resolved
    assert pair.flips is not None
    assert pair.flips.lost == tuple(f"s{i:03}" for i in np.flatnonzero(before & ~now))
    assert pair.flips.won == tuple(f"s{i:03}" for i in np.flatnonzero(~before & now))
    lost, won = len(pair.flips.lost), len(pair.flips.won)
    assert pair.flips.p == pytest.approx(stats.binomtest(lost, lost + won).pvalue)
    assert (pair.shared, pair.only_first, pair.only_other, pair.relabelled) == (300, 0, 0, ())


def test_a_difference_of_shares_is_never_more_than_all_of_them(tmp_path: Path) -> None:
    """Of four samples the interval reached 108 points."""
    right = np.asarray([False, True, True, True])
    (pair,) = danlu.compare(classified(tmp_path, "a", ~right), classified(tmp_path, "b", right)).pairs
    shares = {
        one.name: one.interval for one in pair.metrics if one.name in ("accuracy", "macro-f1", "balanced-accuracy")
    }
    assert shares["accuracy"][0] < 0.5 < shares["accuracy"][1]
    assert all(low >= -1 and high <= 1 for low, high in shares.values())
    assert any(high == 1 for _, high in shares.values())


def test_the_sentence_names_the_better_one_whichever_comes_first(tmp_path: Path) -> None:
    worse, best = (classified(tmp_path, name, correct(400, share, 3)) for name, share in (("w", 0.6), ("b", 0.8)))
    forth, back = danlu.compare(worse, best).pairs[0].sentence(), danlu.compare(best, worse).pairs[0].sentence()
    assert forth == back
    assert forth.startswith("b is better than w by ")
    assert "points in accuracy" in forth
    assert "on the same 400 samples" in forth


def test_what_the_samples_don_t_resolve_is_said(tmp_path: Path) -> None:
    one = classified(tmp_path, "one", correct(60, 0.7, 0))
    other = classified(tmp_path, "other", correct(60, 0.72, 1))
    assert danlu.compare(one, other).sentence().startswith("No difference in accuracy that these 60 samples resolve")
    same = danlu.compare(one, one)
    assert same.pairs[0].metrics[0].interval == (0.0, 0.0)
    assert same.pairs[0].flips is not None
    assert same.pairs[0].flips.p == 1.0
    assert "The recipes are the same." in same.sentence()


def test_other_test_sets_are_never_compared_silently(tmp_path: Path) -> None:
    right = correct(100, 0.7, 0)
    one = classified(tmp_path, "one", right)
    apart = classified(tmp_path, "apart", right, ids=[f"t{i}" for i in range(100)], fingerprint="other")
    found = danlu.compare(one, apart)
    assert found.pairs[0].metrics == ()
    assert found.pairs[0].flips is None
    assert "no sample in common" in found.sentence()
    assert "data are not the same" in found.sentence()
    partly = classified(
        tmp_path, "partly", ~right, ids=[f"s{i:03}" for i in range(60, 160)], label=(np.arange(100) + 60) % 3
    )
    pair = danlu.compare(one, partly).pairs[0]
    assert (pair.shared, pair.only_first, pair.only_other) == (40, 60, 60)
    assert pair.metrics[0].first == pytest.approx(right[60:].mean()), "both figures are of the shared samples"
    assert pair.metrics[0].other == pytest.approx((~right[:40]).mean())
    assert "60 are one's alone, 60 partly's alone" in pair.sentence()


def test_the_order_of_the_samples_makes_no_difference(tmp_path: Path) -> None:
    before, now = correct(80, 0.6, 0), correct(80, 0.8, 1)
    order = np.random.default_rng(2).permutation(80)
    one, other = classified(tmp_path, "one", before), classified(tmp_path, "other", now)
    mixed = classified(
        tmp_path, "mixed", now[order], (np.arange(80) % 3)[order], ids=[f"s{place:03}" for place in order.tolist()]
    )
    assert danlu.compare(one, mixed).pairs[0].metrics == danlu.compare(one, other).pairs[0].metrics
    assert danlu.compare(one, mixed).pairs[0].flips == danlu.compare(one, other).pairs[0].flips


def test_samples_with_other_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    right, label = correct(90, 0.8, 0), np.arange(90) % 3
    changed = label.copy()
    changed[:7] = (changed[:7] + 1) % 3
    one, other = classified(tmp_path, "one", right, label), classified(tmp_path, "other", right, changed)
    pair = danlu.compare(one, other).pairs[0]
    assert pair.relabelled == tuple(f"s{i:03}" for i in range(7))
    assert pair.shared == 83
    assert pair.metrics[0].first == pytest.approx(right[7:].mean())
    assert "7 samples have different labels" in pair.sentence()


def test_classes_in_another_order_are_the_same_classes(tmp_path: Path) -> None:
    """The second run knows the classes as fox, cat, dog: places differ, names don't."""
    right = correct(120, 0.75, 0)
    label = np.arange(120) % 3
    one = classified(tmp_path, "one", right, label)
    other = classified(tmp_path, "other", right, (label + 1) % 3, classes=("fox", "cat", "dog"))
    pair = danlu.compare(one, other).pairs[0]
    assert pair.relabelled == ()
    assert pair.flips is not None
    assert pair.flips.lost == pair.flips.won == ()
    assert all(metric.difference == pytest.approx(0, abs=1e-12) for metric in pair.metrics)


def test_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=200).astype(np.float32)
    columns = {"kinds": {"price": {"kind": "number", "spec": {}}}, "inputs": [], "targets": ["price"]}
    paths = [
        run(tmp_path, name, columns, {"price": (true + rng.normal(size=200) * noise).astype(np.float32)},
            {"price": true}, [str(i) for i in range(200)])
        for name, noise in (("rough", 1.0), ("fine", 0.3))
    ]  # fmt: skip
    pair = danlu.compare(*paths).pairs[0]
    found = {metric.name: metric for metric in pair.metrics}
    assert set(found) == {"mse", "rmse", "mae", "r2"}
    assert found["rmse"].difference < 0
    assert found["rmse"].better == -1
    assert found["r2"].difference > 0
    assert pair.flips is None
    assert pair.sentence().startswith("fine is better than rough by 0.")


def test_boxes_by_the_tasks_own_metric(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth, near, far = [], [], []
    for _ in range(40):
        corner = rng.uniform(0, 50, 2)
        box = np.array([*corner, *(corner + 20)])
        truth.append(np.array([[*box, 0, 0, 400]], np.float32))
        near.append(np.array([[*(box + 1), 0.9, 0]], np.float32))
        far.append(np.array([[*(box + 6), 0.9, 0]], np.float32))
    columns = {
        "kinds": {
            "image": {"kind": "image", "spec": {"height": None, "width": None, "channels": 3}},
            "boxes": {"kind": "boxes", "spec": {"classes": ["thing"]}},
        },
        "inputs": ["image"],
        "targets": ["boxes"],
        "statistics": {"image": {}, "boxes": {}},
    }
    recipe = {"task": "detection", "data": {"source": "somewhere.json"}}
    ids = [str(i) for i in range(40)]
    paths = [
        run(tmp_path, name, columns, {"boxes": boxes}, {"boxes": truth}, ids, recipe)
        for name, boxes in (("far", far), ("near", near))
    ]
    pair = danlu.compare(*paths).pairs[0]
    assert [metric.name for metric in pair.metrics] == ["ap"]
    assert pair.metrics[0].first == 0.0, "IoU .32: below every threshold"
    assert pair.metrics[0].other == pytest.approx(0.7), "IoU .82: above seven of ten"
    assert pair.metrics[0].resolved
    assert pair.sentence().startswith("near is better than far by ")


def test_only_what_differs(tmp_path: Path) -> None:
    right = correct(30, 0.7, 0)
    one = classified(tmp_path, "one", right, recipe={"train": {"epochs": 22}})
    changed = {"train": {"epochs": 30, "optimizer": {"name": "adamw", "lr": 1e-3}}, "data": {"augment": ["flip"]}}
    other = classified(tmp_path, "other", right, recipe=changed)
    (other / "environment.json").write_text(json.dumps({"python": "3.11", "packages": {"torch": "2.14"}, "seed": 1}))
    found = danlu.compare(one, other)
    keys = {each.key: each.values for each in found.recipe}
    assert keys["train.epochs"] == (22, 30)
    assert keys["train.optimizer.name"] == ("sgd", "adamw")
    assert keys["train.optimizer.lr"] == (0.15, 1e-3)
    assert "data.augment" in keys
    assert not [key for key in keys if key.startswith(("run.", "model", "evaluate"))]
    assert found.environment == (Difference("packages.torch", ("2.13", "2.14")),)
    assert found.data == ()
    assert "train.epochs 22 → 30" in found.sentence()


def test_leaves_that_differ() -> None:
    sides: list[dict[str, Any]] = [
        {"a": {"b": 1, "c": [1, 2]}, "d": {}, "e": 5}, {"a": {"b": 1, "c": [2]}, "d": {"x": 3}}, {"a": {"b": 1, "c": [1, 2]}, "e": 5},
    ]  # fmt: skip
    assert differing(sides) == [
        Difference("a.c", ([1, 2], [2], [1, 2])), Difference("e", (5, None, 5)), Difference("d.x", (None, 3, None)),
    ]  # fmt: skip


def test_on_the_command_line(tmp_path: Path, capsys: Captured) -> None:
    paths = [str(classified(tmp_path, name, correct(200, share, 5))) for name, share in (("a", 0.6), ("b", 0.8))]
    paths.append(str(classified(tmp_path / "more", "a", correct(200, 0.7, 6))))
    assert main(["compare", *paths[:2], "--most", "3"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("b is better than a by ")
    assert "macro-f1" in shown
    won = next(line for line in shown.splitlines() if "wrong in a, right in b" in line)
    assert won.count("s") >= 3
    assert won.endswith(", …")
    assert main(["compare", *paths, "--json", "--most", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["names"] == [f"{tmp_path.name}/a", f"{tmp_path.name}/b", "more/a"], "names that tell them apart"
    assert len(told["pairs"]) == 2
    flips = told["pairs"][0]["flips"]
    assert len(flips["won"]) == 2 < flips["won_count"]
    assert told["pairs"][0]["metrics"][0]["interval"][0] > 0
    assert main(["compare", *paths[:2], "--lang", "zh"]) == 0
    assert capsys.readouterr().out.startswith("在相同的 200 个样本上，b 的 accuracy 优于 a，差距为 ")
    set_language("en")
    assert main(["compare", paths[0]]) == 2
    assert "two runs or more" in capsys.readouterr().err
    assert main(["compare", *paths[:2], "--part", "val"]) == 2
    assert "danlu evaluate" in capsys.readouterr().err


def test_a_single_run_and_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="single"):
        danlu.compare(tmp_path)
    with pytest.raises(RunError):
        danlu.compare(tmp_path, tmp_path)


def test_no_torch(tmp_path: Path) -> None:
    """Runs of classes or numbers are compared without it."""
    paths = [str(classified(tmp_path, name, correct(50, 0.7, 0))) for name in ("a", "b")]
    code = f"import sys, danlu; danlu.compare(*{paths!r}).sentence(); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_page_shows_runs(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, share in (("first", 0.7), ("second", 0.8)):
        classified(tmp_path / "runs", name, correct(120, share, 5))
    page = (Path(__file__).parents[2] / "docs" / language / "evaluation.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})
