"""Question answering on film facts: real facts, templated language, films and templates held out.

    python benchmarks/question_answering.py FILE    # movies.db of the package bokeh-sampledata (CC0)

A context tells facts of one film and of another; no film and no template of the test part, of contexts or of questions, occurs
in training. Settings were chosen on the validation part, which has films and templates of its own. One thread; prints EM and F1 with
intervals, the baseline beside, and CPU time. The file is read where it lies.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

from film_questions import write

import danlu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--films", type=int, default=5000, help="of the training part")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    counts = write(options.file, folder / "films", options.films)
    began = time.process_time()
    run = danlu.train(
        {
            "task": "question-answering",
            "seed": options.seed,
            "run": {"folder": str(folder), "name": f"films-{options.seed}"},
            "data": {
                "source": str(folder / "films"),
                "cache": str(folder / "cache"),
                "text": {"vocabulary": 6000, "min_count": 3, "near": None},
            },
            "model": {"name": "span-reader", "dropout": 0.15, "args": {"width": 64, "layers": 2, "kernel": 7}},
            "train": {
                "epochs": options.epochs,
                "batch_size": 32,
                "optimizer": {"name": "adamw", "lr": 2.5e-3},
                "ema": 0.998,
                "threads": 1,
            },
            "watch": {"captures_every": 0},
            "evaluate": {"report": False},
        },
        screen=False,
    )
    seconds = time.process_time() - began
    beside = run.baselines["best-overlap"]["values"]
    print(f"questions: {counts}; {seconds / 60:.1f} CPU minutes, preparation and judging included")
    print("| | EM | F1 |\n| --- | --- | --- |")
    for part in ("val", "test"):
        values = [run.metrics[f"{part}/{name}"] for name in ("em", "f1")]
        bounds = [run.intervals.get(f"{part}/{name}", (float("nan"),) * 2) for name in ("em", "f1")]
        cells = [f"{value:.3f} ({low:.3f}–{high:.3f})" for value, (low, high) in zip(values, bounds, strict=True)]
        print(f"| net, {part} | {' | '.join(cells)} |")
        print(f"| best-overlap, {part} | {beside[f'{part}/em']:.3f} | {beside[f'{part}/f1']:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
