"""Makes tests/fixtures/artifacts/VERSION: ``python tools/make_old_artifacts.py FOLDER``, run with the Danlu of that version.

Artifacts of the runs in tests/fixtures/runs/VERSION, and what they answered (``expected.json``). Later versions must go on
reading them: tests/deploy/test_old_artifacts.py. They are made once, before a version is released, and never again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"

import danlu

RUNS = Path(__file__).parents[1] / "tests" / "fixtures" / "runs"
NAMES = ("shapes", "boxes")


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    with TemporaryDirectory() as place:
        copy = shutil.copytree(RUNS / folder.name, Path(place) / "copy")
        wanted = json.loads((copy / "expected.json").read_text(encoding="utf-8"))["runs"]
        os.chdir(copy)
        for name in NAMES:
            danlu.export(f"runs/{name}", folder / name)
            inputs = wanted[name]["inputs"]
            expected[name] = {"inputs": inputs, "answers": danlu.load(folder / name).predict(inputs)}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
