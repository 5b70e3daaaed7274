"""Data workers leave signals to the training process, and end with it whatever they are doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")

# Rows and keys of such a batch are larger than a pipe: a worker whose batches nobody takes waits until somebody reads.
LARGE = 20_000
SCRIPT = f"""
import multiprocessing, sys, time
import numpy as np
from danlu.data.batches.batches import Batches
from danlu.data.dataset import Dataset

class Store:
    instant = False
    def gather(self, column, rows):
        return np.zeros((len(rows), 1), np.float32)

class Kind:
    name = "numbers"
    def collate(self, values):
        import torch
        return torch.from_numpy(np.asarray(values))

count = {LARGE} * 12
data = Dataset(
    store=Store(), kinds={{"a": Kind()}}, inputs=("a",), targets=(), ids=range(count), origins=range(count),
    keys=np.arange(count, dtype=np.uint64), parts={{"train": np.arange(count)}}, statistics={{}}, card={{}},
)
batches = iter(Batches(data, "train", {LARGE}, 0, shuffle=True, workers=2).epoch(0))
next(batches)
print(*(child.pid for child in multiprocessing.active_children()), flush=True)
for line in sys.stdin:
    print(len(next(batches)), flush=True)
"""


def living(pids: list[int]) -> list[int]:
    """Those that run, and are still workers: their names begin so."""
    found = []
    for pid in pids:
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        except OSError:
            continue
        if rest.split()[0] not in "ZX" and "pt_data" in name:
            found.append(pid)
    return found


def start(script: str = SCRIPT) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def test_signals_to_all_leave_the_workers_at_work_and_they_end_with_the_training() -> None:
    process, workers = start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert living(workers) == workers
        for number in (signal.SIGINT, signal.SIGTERM):
            for worker in workers:  # a terminal and a scheduler send it to every process
                os.kill(worker, number)
        for _ in range(8):
            process.stdin.write("next\n")
            process.stdin.flush()
            assert int(process.stdout.readline()) == LARGE
        assert living(workers) == workers
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()  # its workers hold the other end as long as they live
    deadline = time.monotonic() + 60.0
    while living(workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = living(workers)
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert left == []


EARLY = """
import os, signal
from multiprocessing.util import register_after_fork
def struck(_):
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
register_after_fork(signal, struck)
"""


def test_signals_that_come_before_a_worker_stands_apart_do_not_end_it() -> None:
    """As when Ctrl-C is pressed just when workers begin."""
    process, workers = start(EARLY + SCRIPT)
    try:
        time.sleep(0.5)
        assert len(living(workers)) == 2
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{LARGE}\n"
    finally:
        process.kill()
        process.communicate()
