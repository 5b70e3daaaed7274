"""Artifacts and the runs they came from, as earlier versions wrote them: what most tests of this folder begin with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from danlu.deploy import layout
from danlu.training import manifest

FIXTURES = Path(__file__).parents[1] / "fixtures"
ARTIFACTS = FIXTURES / "artifacts" / "0.1"
RUNS = FIXTURES / "runs" / "0.1"

NEEDLESS = (
    "torch",
    "torchvision",
    "timm",
    "onnx",
    "onnxscript",
    "pydantic",
    "pyarrow",
    "sklearn",
    "yaml",
    "rich",
    "safetensors",
)
FORBIDDING = f"""
import sys

class Forbidding:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NEEDLESS}:
            raise ImportError(name + " was imported")

sys.meta_path.insert(0, Forbidding())
"""


def artifact(folder: Path, name: str = "shapes") -> Path:
    """A copy of an artifact, to be spoilt."""
    return Path(shutil.copytree(ARTIFACTS / name, folder / name))


def rewritten(folder: Path, changes: dict[str, Any]) -> Path:
    """With other values in artifact.json, and a manifest that is right about them: as somebody else could have made it."""
    path = folder / layout.DESCRIPTION
    layout.write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)
    sealed(folder)
    return folder


def sealed(folder: Path) -> None:
    (folder / manifest.NAME).unlink()
    layout.seal(folder)


def without_torch(code: str, *words: str, cwd: Path) -> str:
    """What ``code`` prints in a process that must not import torch, nor anything else that an artifact can do without."""
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDING + code, *words], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
