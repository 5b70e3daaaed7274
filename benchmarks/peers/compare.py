"""Danlu beside its peers: every contestant a process of its own, in alternation, one thread, CPU time.

    PYTHON benchmarks/peers/compare.py images            # and: mlp, quality; README.md tells how PYTHON is set up
    PYTHON benchmarks/peers/compare.py images --rounds 3 --epochs 2 --samples 3200 --net resnet9
    PYTHON benchmarks/peers/compare.py mlp --only torch/mlp-lean,danlu/mlp
    PYTHON benchmarks/peers/compare.py quality --rounds 5 --epochs 6

images, mlp: CPU time of a step of training, as contest.py counts it; ratios are taken within a round, and the median over rounds is
told with the least and the greatest. Above 1: faster than the base (the tutorial loop for images, the lean loop for the MLP).
quality: the same training by Danlu and by the tutorial loop, a round for each seed, and the difference of their validation
accuracies with its 95 % interval. Prints a table in Markdown and writes JSON beside the exported data.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FIELDS = {
    "images": (
        "torch/images",
        "torch/images-tuned",
        "lightning/images",
        "lightning/images-tuned",
        "transformers/images",
        "transformers/images-tuned",
        "fastai/images",
        "fastai/images-tuned",
        "keras/images",
        "keras/images-tuned",
        "ignite/images",
        "ignite/images-tuned",
        "skorch/images",
        "skorch/images-tuned",
        "danlu/images",
        "danlu/images-bare",
    ),
    "mlp": (
        "torch/mlp-lean",
        "torch/mlp",
        "lightning/mlp",
        "lightning/mlp-tuned",
        "transformers/mlp",
        "fastai/mlp",
        "keras/mlp",
        "ignite/mlp",
        "skorch/mlp",
        "danlu/mlp",
        "danlu/mlp-blind",
        "danlu/mlp-bare",
    ),
    "quality": ("torch/images", "danlu/images"),
}
DEFAULTS = {  # samples, epochs, rounds
    "images": (3_200, 2, 3),
    "mlp": (64_000, 5, 3),
    "quality": (10_000, 6, 5),
}
Found = dict[str, Any]


def measure(name: str, given: argparse.Namespace, seed: int) -> Found | None:
    """What one process printed; None where it failed, which is said."""
    peer, contestant = name.split("/")
    command = [given.python, str(HERE / f"with_{peer}.py"), contestant, "--seed", str(seed), "--net", given.net]
    command += ["--samples", str(given.samples), "--epochs", str(given.epochs), "--data", str(given.data)]
    began = time.perf_counter()
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=HERE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode or not lines:
        print(f"{name} failed: {ended.stderr[-1000:]}", file=sys.stderr)
        return None
    found: Found = json.loads(lines[-1]) | {"name": name, "seed": seed, "seconds": time.perf_counter() - began}
    load = os.getloadavg()[0]
    print(f"{name:<26}{found['us_a_step']:>12.0f} µs a step   load {load:.1f}", file=sys.stderr, flush=True)
    return found | {"load": load}


def table(rounds: list[dict[str, Found]], names: list[str], base: str) -> list[str]:
    lines = ["| | version | µs a step | × | range | accuracy |", "| --- | --- | --- | --- | --- | --- |"]
    for name in names:
        both = [each for each in rounds if name in each and base in each]
        if not both:
            continue
        ratios = sorted(each[base]["us_a_step"] / each[name]["us_a_step"] for each in both)
        typical = statistics.median(each[name]["us_a_step"] for each in both)
        reached = [each[name]["accuracy"] for each in both if each[name]["accuracy"] is not None]
        right = f"{statistics.mean(reached):.3f}" if reached else "–"
        spread = f"{ratios[0]:.2f}–{ratios[-1]:.2f}"
        version = both[0][name]["version"]
        lines.append(f"| {name} | {version} | {typical:.0f} | {statistics.median(ratios):.2f} | {spread} | {right} |")
    return lines


def compared(rounds: list[dict[str, Found]], names: list[str]) -> list[str]:
    """Mean accuracies, and the difference with Welch's interval."""
    from scipy import stats

    values = {name: [each[name]["accuracy"] for each in rounds if name in each] for name in names}
    lines = ["| | seeds | validation accuracy | each |", "| --- | --- | --- | --- |"]
    for name, found in values.items():
        each = ", ".join(f"{value:.4f}" for value in found)
        lines.append(f"| {name} | {len(found)} | {statistics.mean(found):.4f} | {each} |")
    first, second = (values[name] for name in names)
    interval = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    difference = 100 * (statistics.mean(second) - statistics.mean(first))
    where = f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}"
    return [*lines, "", f"{names[1]} − {names[0]}: {difference:+.2f} points ({where})"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(FIELDS))
    parser.add_argument("--only", help="peer/contestant, with commas between")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--net", default="resnet", choices=["resnet", "resnet9"])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--data", type=Path, default=Path(".benchmarks/peers"))
    given = parser.parse_args()
    given.data = given.data.resolve()
    samples, epochs, number = DEFAULTS[given.what]
    given.samples, given.epochs = given.samples or samples, given.epochs or epochs
    names = given.only.split(",") if given.only else list(FIELDS[given.what])
    base = FIELDS[given.what][0] if FIELDS[given.what][0] in names else names[0]
    rounds: list[dict[str, Found]] = []
    given.data.mkdir(parents=True, exist_ok=True)
    out = given.data / f"{given.what}-{given.net}.json"
    for round_ in range(given.rounds or number):
        order = names if round_ % 2 == 0 else names[::-1]
        found = {name: one for name in order if (one := measure(name, given, round_)) is not None}
        rounds.append(found)
        setting = {key: str(value) for key, value in vars(given).items()}
        out.write_text(json.dumps({"setting": setting, "machine": platform.platform(), "rounds": rounds}, indent=1))
    print("\n".join(compared(rounds, names) if given.what == "quality" else table(rounds, names, base)))


if __name__ == "__main__":
    main()
