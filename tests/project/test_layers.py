"""The architecture, held by import-linter and by a look at the names the core uses."""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from pathlib import Path

import danlu

ROOT = Path(__file__).parents[2]
SOURCE = Path(danlu.__file__).parent


def test_a_folder_imports_only_folders_below_it() -> None:
    """The contracts stand in pyproject.toml."""
    command = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


_OF_FILES = {'"segmentation"'}  # a key of COCO's JSON is called as an application is


def test_the_core_names_no_application() -> None:
    """``data``, ``training`` and ``watch`` contain no application's name outside comments and docstrings, nor texts of one."""
    applications = [path.parent.name for path in (SOURCE / "tasks").glob("*/spec.py")]
    assert {"image_classification", "detection"} <= set(applications)
    words = {*applications, *(name.replace("_", "-") for name in applications)}
    found = [
        f"{path.relative_to(SOURCE)}:{token.start[0]}: {token.string}"
        for folder in ("data", "training", "watch", "nn", "metrics")
        for path in sorted((SOURCE / folder).rglob("*.py"))
        for token in _code(path)
        if token.string.strip("'\"").partition(".")[0] in words and token.string not in _OF_FILES
    ]
    assert not found


def _code(path: Path) -> list[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return [token for token in tokens if token.type in (tokenize.NAME, tokenize.STRING)]


def test_nothing_prints_or_pickles() -> None:
    """Open formats only (house rule 6); output goes through the command line and the watchers."""
    ways = (
        "import pickle",
        "from pickle",
        "torch.load(",
        "torch.save(",
        "weights_only=False",
        "joblib.dump",
        "allow_pickle=True",
    )
    found = [
        f"{path.relative_to(SOURCE)}: {way}"
        for path in sorted(SOURCE.rglob("*.py"))
        for way in ways
        if way in path.read_text(encoding="utf-8")
        and not (way == "torch.load(" and "weights_only=True" in path.read_text(encoding="utf-8"))
    ]
    assert not found
