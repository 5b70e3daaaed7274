"""Artifacts that earlier versions wrote go on answering, without torch; they are made by ``tools/make_old_artifacts.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import danlu
from tests.deploy.given import FIXTURES, RUNS, without_torch
from tests.runs.nearness import near

VERSIONS = sorted(path.name for path in (FIXTURES / "artifacts").iterdir())
ANSWER = """
import json
import danlu

folder, *inputs = sys.argv[1:]
print(json.dumps(danlu.load(folder).predict(inputs)))
"""


def expected(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / "artifacts" / version / "expected.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_they_answer_as_they_did_without_torch(version: str) -> None:
    for name, wanted in expected(version).items():
        folder = FIXTURES / "artifacts" / version / name
        answers = json.loads(without_torch(ANSWER, str(folder), *wanted["inputs"], cwd=RUNS))
        assert near(answers, wanted["answers"]), name


def test_they_answer_as_their_runs_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way above the net is shared; the net is proven by the gate, and here once more."""
    monkeypatch.chdir(RUNS)
    for name, files in (("shapes", "shapes/*/*.png"), ("boxes", "boxes/images/*.png")):
        inputs = sorted(Path().glob(files))
        run, artifact = danlu.load(f"runs/{name}"), danlu.load(FIXTURES / "artifacts" / "0.1" / name)
        assert near(artifact.predict(inputs), run.predict(inputs)), name
