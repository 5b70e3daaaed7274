"""ruff's and mypy's word on the code, as `make lint` asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tool(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_ruff_finds_nothing() -> None:
    tool("ruff", "check", "--no-cache", ".")


def test_the_code_is_formatted() -> None:
    tool("ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
def test_mypy_finds_nothing(tmp_path: Path) -> None:
    tool("mypy", "--cache-dir", str(tmp_path))
