"""Two processes that fill at once, and one that is killed while it fills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from danlu.data import cache
from danlu.data.cache.lock import ASIDE, locked
from tests.data.cached_tables import Numbers, table

SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from tests.data.cached_tables import Numbers, table
from danlu.data import cache

folder, log, stages, gate = map(Path, sys.argv[1:])
plain = Numbers.prepare
def prepare(self, raw, framing=None):
    with log.open("a") as stream:
        stream.write("prepared\\n")
    while len(log.read_text().splitlines()) >= 10 and not gate.exists():
        time.sleep(0.01)
    return plain(self, raw, framing)
Numbers.prepare = prepare
def told(stage, done, total):
    with stages.open("a") as stream:
        stream.write(stage + "\\n")
store = cache.fill(table({"a": [[row] * (row % 5) for row in range(40)]}), {"a": Numbers()}, folder, told, workers=1)
print(sum(int(value.sum()) for value in store.gather("a", np.arange(40))))
"""
TOTAL = str(sum(row * (row % 5) for row in range(40)))


class Filling:
    """A process that fills a cache of 40 rows, and stops at the tenth until the gate is opened."""

    def __init__(self, folder: Path, number: int) -> None:
        self.log, self.stages = folder / "log", folder / f"stages{number}"
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "DANLU_LANG": "en"}
        paths = [folder / "cache", self.log, self.stages, folder / "gate"]
        command = [sys.executable, "-c", SCRIPT, *map(str, paths)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def until(self, path: Path, text: str, count: int = 1) -> None:
        deadline = time.monotonic() + 120
        while not path.exists() or path.read_text().count(text) < count:
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def total(self) -> str:
        told = self.process.communicate(timeout=120)[0].strip()
        assert self.process.returncode == 0
        return told


def test_two_processes_at_once_fill_once(tmp_path: Path) -> None:
    one = Filling(tmp_path, 1)
    one.until(one.log, "prepared", 10)
    other = Filling(tmp_path, 2)
    other.until(other.stages, "Waiting for another process")
    (tmp_path / "gate").touch()
    assert one.total() == other.total() == TOTAL
    assert one.log.read_text().count("prepared") == 40  # each row once, by one of them
    assert "Waiting" not in one.stages.read_text()


def test_killed_while_filling_then_filled_again(tmp_path: Path) -> None:
    one = Filling(tmp_path, 1)
    one.until(one.log, "prepared", 10)
    one.process.send_signal(signal.SIGKILL)
    one.process.communicate(timeout=60)
    assert len(list((tmp_path / "cache").glob(f"*{ASIDE}*"))) == 1  # what it left
    (tmp_path / "gate").touch()
    assert Filling(tmp_path, 2).total() == TOTAL
    assert not list((tmp_path / "cache").glob(f"*{ASIDE}*"))
    assert len([path for path in (tmp_path / "cache").iterdir() if path.name != ".locks"]) == 1


def test_leftovers_of_other_caches_go_too_but_not_those_of_the_living(tmp_path: Path) -> None:
    left = tmp_path / f"other{ASIDE}1-abc"
    left.mkdir()
    (left / "rows.bin").write_bytes(b"1234")
    with locked(tmp_path, "other", waiting=lambda: None):
        cache.fill(table({"a": [[1]]}), {"a": Numbers()}, tmp_path)
        assert left.exists()
    cache.fill(table({"a": [[2]]}), {"a": Numbers()}, tmp_path)
    assert not left.exists()


def test_a_reader_needs_no_right_to_write(tmp_path: Path) -> None:
    store = cache.fill(table({"a": [[1]]}), {"a": Numbers()}, tmp_path)
    (tmp_path / ".locks" / store.folder.name).unlink()
    (tmp_path / ".locks").rmdir()
    cache.fill(table({"a": [[1]]}), {"a": Numbers()}, tmp_path)
    assert not (tmp_path / ".locks").exists()  # a hit writes nothing, not even a lock
    assert np.array_equal(store.gather("a", np.asarray([0]))[0], [1])
