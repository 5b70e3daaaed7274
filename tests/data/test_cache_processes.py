"""Two processes that fill at once, and one that is killed while it fills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tests.data.cached_tables import Numbers, table

from danlu.data import cache
from danlu.data.cache.lock import ASIDE, locked

SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from tests.data.cached_tables import Numbers, table
from danlu.data import cache

folder, log, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
plain = Numbers.prepare
def prepare(self, raw, framing=None):
    with log.open("a") as stream:
        stream.write("prepared\\n")
    time.sleep(pause)
    return plain(self, raw, framing)
Numbers.prepare = prepare
told = set()
store = cache.fill(
    table({"a": [[row] * (row % 5) for row in range(40)]}), {"a": Numbers()}, folder,
    lambda stage, done, total: told.add(stage), workers=1,
)
total = sum(int(value.sum()) for value in store.gather("a", np.arange(40)))
print(total, *sorted(told), sep="|")
"""
TOTAL = sum(row * (row % 5) for row in range(40))


def start(folder: Path, log: Path, pause: float) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "DANLU_LANG": "en", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(folder), str(log), str(pause)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def until_prepared(log: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while lines(log) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_at_once_fill_once(tmp_path: Path) -> None:
    folder, log = tmp_path / "cache", tmp_path / "log"
    processes = [start(folder, log, 0.1) for _ in range(2)]
    told = [process.communicate(timeout=120)[0].strip().split("|") for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [line[0] for line in told] == [str(TOTAL)] * 2
    assert lines(log) == 40  # each row once, by one of them
    assert sum("Waiting for another process" in text for line in told for text in line) == 1


def test_killed_while_filling_then_filled_again(tmp_path: Path) -> None:
    folder, log = tmp_path / "cache", tmp_path / "log"
    process = start(folder, log, 0.05)
    until_prepared(log, 10)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert len(list(folder.glob(f"*{ASIDE}*"))) == 1  # what it left
    assert lines(log) < 40
    told = start(folder, log, 0.0).communicate(timeout=60)[0]
    assert told.startswith(str(TOTAL))
    assert not list(folder.glob(f"*{ASIDE}*"))
    assert len([path for path in folder.iterdir() if path.name != ".locks"]) == 1


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
