"""What is left beside its place goes when nobody can want it any more, and not before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from danlu.data.cache.lock import machine
from danlu.training import aside, lock

DEAD = 999_999_999


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def left(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "file").write_text("x")


def test_what_the_dead_left_goes_and_what_the_living_and_others_write_stays(tmp_path: Path) -> None:
    alive = f".a.{machine()}-{os.getppid()}.part"
    others = f".a.far_away-{DEAD}.old"
    left(
        tmp_path,
        alive,
        others,
        f".a.{machine()}-{DEAD}.part",
        f".b.{machine()}-{DEAD}.old",
        f".a.{DEAD}.part",
        ".hidden",
        "a",
    )
    (tmp_path / f".c.{machine()}-{DEAD}.part").write_text("a file")
    aside.clear(tmp_path, "a")
    assert names(tmp_path) == sorted(
        [alive, others, f".b.{machine()}-{DEAD}.old", f".c.{machine()}-{DEAD}.part", ".hidden", "a"]
    )
    aside.clear(tmp_path)
    assert names(tmp_path) == sorted([alive, others, ".hidden", "a"])
    aside.clear(tmp_path, elsewhere=True)
    assert names(tmp_path) == sorted([alive, ".hidden", "a"])


def test_what_this_process_left_goes_where_it_writes_nothing_there_just_now(tmp_path: Path) -> None:
    mine = aside.beside(tmp_path / "a")
    mine.mkdir()
    aside.clear(tmp_path, own=False)
    assert mine.exists()
    aside.clear(tmp_path)
    assert not mine.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="locks of POSIX")
def test_what_is_held_stays_whatever_its_name_says(tmp_path: Path) -> None:
    """Another container may have this machine's name and other numbers of processes; the kernel knows all the same."""
    begun = tmp_path / f".run-0badcafe.{machine()}-{DEAD}.part"
    begun.mkdir()
    held = lock.hold(begun)
    aside.clear(tmp_path)
    assert begun.exists()
    lock.release(held)
    aside.clear(tmp_path)
    assert not begun.exists()


def test_a_file_is_whole_or_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    aside.write_whole(path, b"one")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        aside.write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["file"]
