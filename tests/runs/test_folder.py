"""One process holds a run; looking at it disturbs nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from danlu.errors import RunError
from danlu.recipe import from_dict
from danlu.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(from_dict({"run": {"folder": str(tmp_path), "name": "first"}}))
    made.recipe.write_text("task: image-classification\n")
    return made


def test_a_second_holder_is_refused_until_the_first_lets_go(folder: RunFolder) -> None:
    other = RunFolder.open(folder.path)
    assert other.in_use()
    with pytest.raises(RunError):
        other.lock()
    folder.release()
    assert not other.in_use()
    other.lock()
    other.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_does_not_hold_the_run_on(folder: RunFolder) -> None:
    (read, write), (began, begin) = os.pipe(), os.pipe()
    worker = os.fork()
    if not worker:  # as a data worker that outlives a killed training process
        os.close(write)
        os.write(begin, b"!")
        os.read(read, 1)
        os._exit(0)
    os.read(began, 1)
    folder.release()
    try:
        assert not folder.in_use()
        folder.lock()
    finally:
        for end in (write, read, began, begin):
            os.close(end)
        os.waitpid(worker, 0)
        folder.release()


def test_looking_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert not RunFolder(tmp_path / "old").in_use()
    assert list((tmp_path / "old").iterdir()) == []


def test_a_taken_name_is_refused_at_once(folder: RunFolder, tmp_path: Path) -> None:
    folder.release()
    with pytest.raises(RunError, match="already there"):
        RunFolder.refuse_taken(from_dict({"run": {"folder": str(tmp_path), "name": "first"}}))
    RunFolder.refuse_taken(from_dict({"run": {"folder": str(tmp_path)}}))
    RunFolder.refuse_taken(from_dict({"run": {"folder": str(tmp_path), "name": "second"}}))
