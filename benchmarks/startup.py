"""Start to second training step: CPU seconds of a whole process, Danlu beside a tutorial script on the same data and net size.

Run: ``python benchmarks/startup.py [runs]``. Prints the median of alternating runs and the ratio; Danlu's checks before step one (a
forward and backward pass, one validation batch, a checkpoint round trip) are listed apart, since the tutorial script has none.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile

TUTORIAL = """
import json, time
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from importlib.util import find_spec
from pathlib import Path

class Images(Dataset):
    def __init__(self):
        digits = np.loadtxt(Path(find_spec("sklearn").origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
        self.x = digits[:, :-1].reshape(-1, 8, 8).astype(np.float32)
        self.y = digits[:, -1].astype(np.int64)
    def __len__(self):
        return len(self.x)
    def __getitem__(self, i):
        return (torch.from_numpy(self.x[i])[None] - 4.9) / 6.0, self.y[i]

def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())

net = nn.Sequential(block(1, 16), block(16, 16), nn.MaxPool2d(2), block(16, 32), block(32, 32), nn.MaxPool2d(2),
                    block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=100)
criterion = nn.CrossEntropyLoss()
for step, (x, y) in enumerate(DataLoader(Images(), batch_size=64, shuffle=True)):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    schedule.step()
    print(f"step {step} loss {loss.item():.4f}")
    if step == 1:
        break
print(json.dumps({"second_step": time.process_time(), "checks": 0.0}))
"""

DANLU = """
import json, sys, time
import danlu
import danlu.runs.training as training

spent = 0.0
examine = training.examine
def timed(*args):
    global spent
    began = time.process_time()
    found = examine(*args)
    spent = time.process_time() - began
    return found
training.examine = timed

class Clock:
    wants_snapshots = False
    at = None
    def on(self, event):
        if type(event).__name__ == "StepsDone" and event.step >= 2 and self.at is None:
            self.at = time.process_time()
    def progress(self, *_): pass
    def close(self): pass

clock = Clock()
recipe = {"data": {"source": "builtin:digits"}, "train": {"max_steps": 2, "batch_size": 64},
          "run": {"folder": sys.argv[1]}}
danlu.train(recipe, screen=clock)
print(json.dumps({"second_step": clock.at, "checks": spent}))
"""


def measure(script: str, folder: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main(runs: int = 7) -> None:
    rows: dict[str, list[dict[str, float]]] = {"tutorial": [], "danlu": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs + 1):
            pair = {"tutorial": measure(TUTORIAL, folder), "danlu": measure(DANLU, folder)}
            if number:  # the first of each warms the disk's and the data's caches
                for name, row in pair.items():
                    rows[name].append(row)
    middle = {
        name: statistics.median(row["second_step"] - row["checks"] for row in found) for name, found in rows.items()
    }
    checks = statistics.median(row["checks"] for row in rows["danlu"])
    ratio = statistics.median(
        (ours["second_step"] - ours["checks"]) / theirs["second_step"]
        for ours, theirs in zip(rows["danlu"], rows["tutorial"], strict=True)
    )
    print(f"{'':<12}{'CPU s to second step':>24}")
    for name, value in middle.items():
        print(f"{name:<12}{value:>24.2f}")
    print(f"ratio {ratio:.2f}; checks before step one, apart: {checks:.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
