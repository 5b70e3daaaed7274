"""Runs that earlier versions wrote go on being loaded, judged, asked and resumed, wherever they lie by now.

They are made by ``tools/make_old_runs.py`` with the code of their day; nothing in them is ever changed.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import danlu
from danlu import recipe as recipes
from danlu import runs
from danlu.errors import RunError
from danlu.training import checkpoint, manifest
from tests.runs.nearness import near

OLD = Path(__file__).parents[1] / "fixtures" / "runs"
VERSIONS = sorted(path.name for path in OLD.iterdir())


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of a version's folder, in which the process stands, as the person who made the runs did."""
    folder = tmp_path / "elsewhere"
    shutil.copytree(OLD / request.param, folder)
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "house_price":
            del sys.modules[name]


def expected(folder: Path) -> dict[str, Any]:
    """What was said with each run; where a mended defect changed that, what is said since."""
    content: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["runs"]
    changed = folder / "changed.json"
    since = json.loads(changed.read_text(encoding="utf-8")) if changed.is_file() else {}
    return {name: {**said, **since.get(name, {})} for name, said in content.items()}


def test_they_are_listed(old: Path) -> None:
    found = {row["name"]: row for row in runs.find("runs")}
    for name, wanted in expected(old).items():
        assert found[name]["status"] == wanted["status"]
        assert near(dict(found[name]["metrics"]), wanted["metrics"]) if "metrics" in wanted else True


def test_they_answer_as_they_did(old: Path) -> None:
    for name, wanted in expected(old).items():
        if "answers" in wanted:
            assert near(danlu.load(f"runs/{name}").predict(wanted["inputs"]), wanted["answers"]), name


def test_they_are_judged_as_they_were(old: Path) -> None:
    for name, wanted in expected(old).items():
        for part, values in wanted.get("evaluated", {}).items():
            judged = runs.evaluate(f"runs/{name}", part)
            assert near({key: judged["values"].get(key) for key in values}, values), name  # others may have come since
            assert near(judged["intervals"], wanted["intervals"][part]), name


def test_an_interrupted_one_goes_on_to_where_it_would_have_ended(old: Path) -> None:
    for name, wanted in expected(old).items():
        if "continues" in wanted:
            (whole,) = checkpoint.listed(old / "runs" / wanted["continues"] / "checkpoints")
            run = runs.resume(f"runs/{name}", screen=False)
            assert near(run.metrics, expected(old)[wanted["continues"]]["metrics"])
            mine, theirs = (checkpoint.load(path) for path in (checkpoint.listed(run.folder.checkpoints)[-1], whole))
            assert mine.values["progress"] == theirs.values["progress"]
            for group, tensors in theirs.tensors.items():
                for key, tensor in tensors.items():
                    assert mine.tensors[group][key].allclose(tensor, rtol=1e-3, atol=1e-5), f"{group} {key}"


def test_a_moved_and_renamed_one_is_the_same(old: Path, tmp_path: Path) -> None:
    for name, wanted in expected(old).items():
        if "answers" in wanted:
            (old / "runs" / name).rename(tmp_path / f"moved {name}")
            run = runs.Run(tmp_path / f"moved {name}")
            assert near(run.predict(wanted["inputs"]), wanted["answers"])
            assert run.status == wanted["status"]
            assert near(run.metrics, wanted["metrics"])


SINCE: dict[str, Any] = {
    "data.labels.empty": "missing",  # for a kind of column that there was not
    "data.labels.separator": "auto",
    "data.bucket": "auto",  # for texts, of which there were none
    "data.text.cut": "end",
    "data.text.lower": "auto",
    "data.text.max_length": "auto",
    "data.text.min_count": 2,
    "data.text.near": 0.8,
    "data.text.normalize": "auto",
    "data.text.tokenizer": "auto",
    "data.text.vocabulary": 20_000,
    "deploy.licence": None,
    "evaluate.baselines": True,  # adds to what is said, changes nothing of it
    "evaluate.report": True,  # the same
    "evaluate.views": "none",
    "evaluate.thresholds": None,
    "model.adapter": None,
    "model.drop_path": None,
    "train.allocator": "auto",  # changes no bit
    "train.compile": False,
    "train.l1_by": "penalty",
    "train.non_finite": "stop",
    "train.sam": None,
    "train.swa": None,
    "train.tokens": None,
    "watch.captures_every": 0,
}
"""Every key that came after 0.1, with what was in force before (docs/decisions/0010-old-runs.md). It must be the schema's default, or
stand in ``danlu.recipe.reading.EARLIER``.
"""


def test_keys_that_came_later_do_what_was_done_without_them(old: Path) -> None:
    for path in (old / "runs").iterdir():
        written = flat(yaml.safe_load((path / "recipe.yaml").read_text(encoding="utf-8")))
        now = flat(yaml.safe_load(recipes.dump(recipes.resolved(path / "recipe.yaml"))))
        assert {key: now[key] for key in written} == written
        came = {key: value for key, value in now.items() if key not in written}
        assert came == {key: SINCE.get(key, "say here what was in force before") for key in came}


def flat(tree: dict[str, Any], head: str = "") -> dict[str, Any]:
    """Dotted key → value; arguments of a choice count as one."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        section = isinstance(value, dict) and value and key not in ("loss", "schedule", "args", "columns", "options")
        found |= flat(value, f"{head}{key}.") if section else {f"{head}{key}": value}
    return found


def test_nothing_in_them_says_where_they_were_made() -> None:
    for path in OLD.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".jsonl", ".yaml"):
            text = path.read_text(encoding="utf-8")
            assert not any(place in text for place in ('"/', ": /", "/home", "/root", "/tmp", "/work")), path


def test_one_of_a_later_version_is_refused_and_nothing_older_taken(old: Path) -> None:
    for path in (old / "runs").glob("*/*/**/MANIFEST.json"):
        content = json.loads(path.read_bytes())
        path.write_bytes(manifest._text({"files": content["files"], "format": 99, "what is new": {}}))
    before = sorted(path for path in old.rglob("*") if "checkpoints" in path.parts)
    for name in expected(old):
        for use in (danlu.load, runs.evaluate, runs.resume):
            if use is runs.resume and not (old / "runs" / name / "checkpoints").is_dir():
                continue
            with pytest.raises(RunError, match="later version of Danlu \\(format 99"):
                use(f"runs/{name}")
    assert sorted(path for path in old.rglob("*") if "checkpoints" in path.parts) == before
    assert {row["status"] for row in runs.find("runs")} == {said["status"] for said in expected(old).values()}
