"""``make``'s set-up, with a Python that only pretends to install: done once, done anew where it was interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PRETENDER = """#!/bin/bash
echo "$*" >> "$CALLS"
case "$*" in
  --version) echo Python 3.11.0 ;;
  "-c "*) exit ${TOO_OLD:-0} ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip --version") ;;
  "-m pip install"*) echo "Collecting torch>=2 (from somewhere)"; [[ -z ${BROKEN:-} ]] || { echo "no network" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bin").mkdir()
    pretender = tmp_path / "bin" / "python3.11"
    pretender.write_text(PRETENDER)
    pretender.chmod(0o755)
    for name in ("python3.12", "python3.13", "python3.14", "python3", "python"):
        shutil.copy(pretender, tmp_path / "bin" / name)
    return tmp_path


def make(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    known = {**clean, "PATH": path, "CALLS": str(project / "calls"), **environment}
    return subprocess.run(["make", "venv"], cwd=project, capture_output=True, text=True, check=False, env=known)


def calls(project: Path) -> str:
    return (project / "calls").read_text() if (project / "calls").exists() else ""


def test_it_happens_once_and_torch_comes_first(project: Path) -> None:
    first = make(project)
    assert first.returncode == 0, first.stderr
    assert "torch" in first.stdout
    assert "(from" not in first.stdout
    installs = [line for line in calls(project).splitlines() if "pip install" in line]
    assert "torch==" in installs[0]
    assert all("--constraint constraints.txt" in line for line in installs)
    (project / "calls").unlink()
    assert make(project).returncode == 0
    assert not calls(project), "the second time nothing is run"


def test_what_is_needed_changed(project: Path) -> None:
    assert make(project).returncode == 0
    later = (project / ".venv/.ready").stat().st_mtime + 10
    os.utime(project / "constraints.txt", (later, later))
    (project / "calls").unlink()
    assert "up to date" in make(project).stdout
    assert "-m venv" not in calls(project), "the folder is kept"


def test_an_interrupted_set_up_is_begun_anew(project: Path) -> None:
    broken = make(project, BROKEN="1")
    assert broken.returncode != 0
    assert "no network" in broken.stderr
    (project / ".venv" / "half").touch()
    again = make(project)
    assert again.returncode == 0
    assert "interrupted" in again.stdout
    assert not (project / ".venv" / "half").exists()


def test_without_a_python_it_says_what_to_do(project: Path) -> None:
    done = make(project, TOO_OLD="1")
    assert done.returncode != 0
    assert "3.11" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (project / ".venv").exists()
