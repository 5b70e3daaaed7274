"""Images a second on a GPU: ``danlu.train`` beside loops written by hand.

Run: ``python benchmarks/gpu/throughput.py [--batch 1024] [--steps 300] [--width 64] [--rounds 3] [--compiled]``. Contestants
take turns; the table has the median of the rounds, and their range. Images are drawn at random, 50,000 of 32 × 32 × 3: no download.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from contestants import CONTESTANTS, Setting, drawn


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--width", type=int, default=64, help="channels of the net's first stage")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--warm-up", type=int, default=40)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compiled", action="store_true", help="torch.compile as a further contestant: a minute more")
    given = parser.parse_args()
    device = accelerator()
    names = [name for name in CONTESTANTS if given.compiled or "compiled" not in name]
    found: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        images, labels = drawn(given.images, given.side)
        archive = Path(folder) / "drawn.npz"
        np.savez(archive, images=images, labels=labels)
        pixels, classes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)
        setting = Setting(pixels, classes, archive, 10, given.width, given.batch, given.warm_up, given.steps, device)
        for _ in range(given.rounds):
            for name in names:
                found[name].append(CONTESTANTS[name](setting))
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU (a trial of the script)"
    print(
        f"{card}, torch {torch.__version__}, {setting.half}, batch {given.batch}, {given.steps} steps, {given.rounds} rounds\n"
    )
    print("| | images/s | range | to the best by hand |\n| --- | --- | --- | --- |")
    best = max(statistics.median(each) for name, each in found.items() if name != "danlu.train")
    for name, each in found.items():
        middle = statistics.median(each)
        print(f"| {name} | {middle:,.0f} | {min(each):,.0f}–{max(each):,.0f} | {middle / best:.2f} |")


def accelerator() -> torch.device:
    """The GPU. Without one the process ends here, unless DANLU_GPU_TESTS_ON=cpu asks for a trial of the script itself."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if os.environ.get("DANLU_GPU_TESTS_ON") == "cpu":
        return torch.device("cpu")
    sys.exit("This benchmark needs a CUDA device, and torch sees none here.")


if __name__ == "__main__":
    main()
