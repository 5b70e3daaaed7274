"""What a run ran on is recorded, and what differs when it is taken up again is said, with what it can change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

import danlu
from danlu.messages import set_language
from danlu.runs import environment as module
from danlu.runs import resume
from danlu.runs import training as running
from danlu.runs.environment import differences, environment
from danlu.training import checkpoint
from tests.runs.small import last, same
from tests.runs.test_damage import said

CPU = torch.device("cpu")


@pytest.fixture
def run(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> danlu.Run:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained.path, tmp_path / "run")
    return danlu.Run(tmp_path / "run")


def test_everything_that_bits_depend_on_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = environment(3, CPU)
    assert found == json.loads(json.dumps(found))
    assert found["packages"]["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["cpu"]["capability"] == torch.backends.cpu.get_cpu_capability()
    assert found["cudnn"]["deterministic"] is torch.backends.cudnn.deterministic
    assert {
        "python",
        "libc",
        "device",
        "gpu",
        "cuda",
        "switches",
        "variables",
        "git",
        "seed",
        "platform",
    } < found.keys()
    assert differences(found, environment(3, CPU)) == ([], False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"packages": {"torch": "2.12.0"}}, "packages.torch 2.12.0 → 2.13.0 (may change bits)"),
        ({"packages": {"timm": None}}, "packages.timm – → 1.0 (may change bits)"),
        ({"packages": {"safetensors": "0.1"}}, "packages.safetensors 0.1 → 0.8 (changes no bit)"),
        ({"threads": 8}, "threads 8 → 1 (may change bits)"),
        ({"cpu": {"capability": "AVX512"}}, "cpu.capability AVX512 → AVX2 (may change bits)"),
        ({"cpu": {"cores": 64}}, "cpu.cores 64 → 2 (changes no bit)"),
        ({"device": "cuda", "gpu": "H200"}, "gpu H200 → – (may change bits)"),
        ({"cudnn": {"benchmark": True}}, "cudnn.benchmark True → False (may change bits)"),
        ({"switches": {"float32_matmul": "high"}}, "switches.float32_matmul high → highest (may change bits)"),
        ({"variables": {"MKL_CBWR": "AVX2"}}, "variables.MKL_CBWR AVX2 → – (may change bits)"),
        ({"libc": "glibc 2.31"}, "libc glibc 2.31 → glibc 2.36 (may change bits)"),
        ({"python": "3.12.1"}, "python 3.12.1 → 3.11.7 (may change bits)"),
        ({"platform": "Linux-5"}, "platform Linux-5 → Linux-6 (changes no bit)"),
        (
            {"git": "0123456789ab"},
            "git 0123456789ab → ba9876543210+11223344 (changes bits only through code of your own)",
        ),
        ({"seed": 9}, ""),
    ],
)
def test_each_difference_is_told_from_old_to_new_with_what_it_can_change(change: dict[str, Any], words: str) -> None:
    now = {
        "python": "3.11.7", "platform": "Linux-6", "libc": "glibc 2.36", "threads": 1, "device": "cpu", "gpu": None, "seed": 3,
        "packages": {"torch": "2.13.0", "safetensors": "0.8", "timm": "1.0"}, "cpu": {"capability": "AVX2", "cores": 2},
        "cudnn": {"benchmark": False}, "switches": {"float32_matmul": "highest"}, "variables": {},
        "git": "ba9876543210+11223344",
    }  # fmt: skip
    before = {
        key: {**value, **change.get(key, {})} if isinstance(value, dict) else change.get(key, value)
        for key, value in now.items()
    }
    texts, changing = differences(before, now)
    assert (words in texts) if words else texts == []
    assert changing == ("(may" in words or "own" in words)
    set_language("zh")
    assert not words or "→" in differences(before, now)[0][-1]


def test_what_an_earlier_version_did_not_record_is_no_difference() -> None:
    assert differences({"threads": 1}, {"threads": 1, "libc": "glibc 2.36", "switches": {"a": 1}}) == ([], False)


def pretend(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """As if the process ran in another environment."""
    real = module.environment

    def other(seed: int, device: torch.device) -> dict[str, Any]:
        return {**real(seed, device), **changed}

    monkeypatch.setattr(running, "environment", other)


def test_on_resume_the_environment_of_the_checkpoint_counts(
    trained: Any, run: danlu.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts in three environments: each is compared with the one that wrote the checkpoint it goes on from."""
    for step in range(3, 9):
        shutil.rmtree(run.folder.checkpoints / f"{step:06d}")
    pretend(monkeypatch, threads=4, platform="elsewhere")
    resumed = resume(run.path, screen=False)
    assert "threads 1 → 4 (may change bits)" in said(resumed)
    assert "platform" in said(resumed)
    assert last(resumed).values["extra"]["environment"]["threads"] == 4
    monkeypatch.undo()
    monkeypatch.chdir(run.path.parent)
    shutil.rmtree(run.folder.checkpoints / "000008")
    resumed = resume(run.path, screen=False)
    assert "threads 4 → 1 (may change bits)" in said(resumed)
    assert json.loads(run.folder.environment.read_text())["threads"] == 1  # of the first attempt
    assert resume(run.path, screen=False).status == "finished"
    assert said(run) == ""
    assert same(last(run), last(trained))


def test_differences_that_change_no_bit_are_no_warning(run: danlu.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, platform="elsewhere")
    resumed = resume(run.path, screen=False)
    assert said(resumed) == ""
    assert "change no bit" in said(resumed, "info")


def test_runs_of_before_are_compared_with_their_file(run: danlu.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in checkpoint.listed(run.folder.checkpoints):
        state = checkpoint.load(path)
        checkpoint.save(path, checkpoint.State(state.tensors, {**state.values, "extra": {}}))
    pretend(monkeypatch, threads=4)
    assert "threads 1 → 4" in said(resume(run.path, screen=False))


def test_the_threads_of_the_first_attempt_are_those_of_all(run: danlu.Run) -> None:
    """They are a choice written into the recipe: the process's own number doesn't count."""
    torch.set_num_threads(2)
    try:
        assert said(resume(run.path, screen=False)) == ""
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(1)


def test_git_tells_the_commit_and_what_is_not_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert module._git() is None

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    assert module._git() is None  # no commit yet
    code = tmp_path / "net.py"
    code.write_text("x = 1\n")
    git("add", "."), git("commit", "-qm", "one")
    clean = module._git()
    assert clean == git("rev-parse", "--short=12", "HEAD").strip()
    git("tag", "-a", "v1", "-m", "v1")
    (tmp_path / "runs").mkdir()  # what a training writes is no change of code
    (tmp_path / "runs" / "x").write_text("x")
    assert module._git() == clean
    code.write_text("x = 2\n")
    first = module._git()
    code.write_text("x = 3\n")
    second = module._git()
    assert first is not None
    assert second is not None
    assert first != second
    assert first.startswith(f"{clean}+")
    assert second.startswith(f"{clean}+")
    code.write_text("x = 1\n")
    assert module._git() == clean
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module._git() is None  # no git installed
