"""Process start to first answer of an artifact: seconds of a whole process, Danlu's artifact beside the run in torch.

    python benchmarks/first_answer.py RUN INPUT [runs]

RUN has been exported (``danlu export RUN``); INPUT is a file that it can answer. Prints the smallest and the middle of alternating
runs: wall time, and CPU time of the process, which other work on the machine changes less.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ASK = "import sys, danlu; print(danlu.load(sys.argv[1]).predict([sys.argv[2]])); assert ('torch' in sys.modules) == {torch}"


def measure(model: Path, input_: str, torch: bool) -> tuple[float, float]:
    """(wall, CPU) seconds from before the process begins until after it ends."""
    began, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", ASK.format(torch=torch), str(model), input_]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, cpu


def main(run: str, input_: str, runs: str = "7") -> None:
    models = {"artifact": (Path(run, "artifact"), False), "run": (Path(run), True)}
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for number in range(int(runs) + 1):
        for name, (path, torch) in models.items():
            row = measure(path, input_, torch)
            if number:  # the first of each warms the disk's caches
                rows[name].append(row)
    print(f"{'':<10}{'wall min':>10}{'wall median':>13}{'CPU min':>10}{'CPU median':>12}")
    for name, found in rows.items():
        wall, cpu = zip(*found, strict=True)
        print(
            f"{name:<10}{min(wall):>10.2f}{statistics.median(wall):>13.2f}{min(cpu):>10.2f}{statistics.median(cpu):>12.2f}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
