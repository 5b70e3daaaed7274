"""Makes tests/golden, the first losses of every shipped recipe, and says what changed: ``python tools/golden.py [NAME…]``.

Run it where a change of results is meant, look at what it says, and commit the files with the reason. ``--spread`` also measures
anew how far results lie apart on this machine between one and two threads and between sets of instructions, which decides how far
those of another machine may be from them: small sums in another order grow with the steps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

VARIATIONS: dict[str, dict[str, str]] = {
    "two threads": {"OMP_NUM_THREADS": "2"},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "no vector instructions": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}
LEAST, TIMES = (
    1e-5,
    10,
)  # a tolerance is so many times the spread, and never less than what a sum in another order gives


def made(name: str, changes: dict[str, str]) -> dict[str, Any]:
    """A recipe's results from a process of its own."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "work"
        place.mkdir()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "DANLU_CACHE": f"{folder}/cache", **changes}
        threads = environment["OMP_NUM_THREADS"]
        words = [sys.executable, __file__, "--one", name, str(place), threads]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(name: str, place: str, threads: str) -> None:
    from tests.endtoend import golden

    sys.stdout.write(json.dumps(golden.made(name, Path(place), int(threads)) | {"made": golden.machine()}) + "\n")


def changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    from tests.endtoend.golden import apart

    if before["data"] != now["data"]:
        return "other data"
    if len(before["losses"]) != len(now["losses"]) or before["validation"].keys() != now["validation"].keys():
        return "other steps or metrics"
    first = next(
        (step for step, pair in enumerate(zip(before["losses"], now["losses"], strict=True), 1) if len(set(pair)) > 1),
        0,
    )
    if first:
        return f"losses differ from step {first} on, at most {max(apart(before, now)):.1e}"
    return "the same to the last bit" if before["validation"] == now["validation"] else "another validation"


def main(names: list[str], anew: bool) -> None:
    from tests.endtoend import golden

    golden.GOLDEN.mkdir(exist_ok=True)
    for name in names or golden.SHIPPED:
        file = golden.GOLDEN / f"{name}.json"
        before = golden.kept(name) if file.is_file() else None
        now = made(name, {})
        if anew or before is None:
            apart = {how: golden.apart(now, made(name, changes)) for how, changes in VARIATIONS.items()}
            most = np.maximum.accumulate(np.max(list(apart.values()), axis=0))
            spread = {how: float(f"{max(values):.1e}") for how, values in apart.items()}
            tolerance = [float(f"{max(LEAST, TIMES * value):.1e}") for value in most]
        else:
            spread, tolerance = before["spread"], before["tolerance"]
        content = {**now, "spread": spread, "tolerance": tolerance}
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        what = "new" if before is None else changed(before, now)
        sys.stdout.write(
            f"{name}: {what}; spread: {', '.join(f'{how} {value:.0e}' for how, value in spread.items())}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:5])
    else:
        main([word for word in sys.argv[1:] if word != "--spread"], "--spread" in sys.argv)
