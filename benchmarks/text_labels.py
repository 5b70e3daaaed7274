"""Films to genres: texts with several labels, beside TF-IDF and a logistic regression for each label, on the same films.

    python benchmarks/text_labels.py MOVIES.DB [--rows 8000] [--seeds 1] [--name bag]

The settings are the application's own; --name: another net, by its defaults.

MOVIES.DB: bokeh-sampledata's _data/movies.db (CC0), read where it lies. It has no plots: a text is the title, year, director, writer,
cast, country and language of a film. Films of one director stay in one part. Prints micro and macro F1 and mAP on the test part, with
thresholds tuned on the validation part for both, and the difference of mAP with its interval (paired bootstrap over films).
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import danlu

TOLD = ("Title", "Year", "Director", "Writer", "Cast", "Country", "Language")


def films(source: Path, target: Path, rows: int) -> None:
    """JSON lines of text, labels and director."""
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as base:
        names = ", ".join(f'"{name}"' for name in TOLD)
        found = base.execute(f"select Genre, {names} from omdb where Genre != '' order by ID").fetchall()
    chosen = np.random.default_rng(0).permutation(len(found))[:rows]
    with target.open("w", encoding="utf-8") as file:
        for genre, *told in (found[place] for place in chosen.tolist()):
            text = ". ".join(str(each) for each in told if each)
            labels = [each.strip() for each in genre.split(",")]
            row = {"text": text, "labels": labels, "director": told[2] or told[0]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--name", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "films.jsonl"
        films(asked.source, source, asked.rows)
        for seed in range(asked.seeds):
            began = time.process_time()
            made: dict[str, Any] = {
                "task": "text-multi-label",
                "seed": seed,
                "run": {"folder": f"{place}/runs", "name": f"seed-{seed}"},
                "evaluate": {"report": False},
                "watch": {"captures_every": 0},
                "train": {"threads": 1},
                "data": {
                    "source": str(source),
                    "cache": f"{place}/cache",
                    "text": {"near": None},
                    "split": {"val": 0.15, "test": 0.25, "group": "director"},
                },
            }
            if asked.name:
                made["model"] = {"name": asked.name}
            run = danlu.train(made, screen=False)
            seconds = time.process_time() - began
            names = ("micro-f1", "macro-f1", "map")
            for who, values in (
                ("net", run.metrics),
                *((each, run.baselines[each]["values"]) for each in run.baselines),
            ):
                print(f"seed {seed}, {who}: " + ", ".join(f"{name} {values[f'test/{name}']:.4f}" for name in names))
            told = run.baselines["tfidf"]["differences"]
            for key in sorted(told):
                print(f"  {key}: net - TF-IDF {told[key]['difference']:+.4f}, interval {told[key]['interval']}")
            print(f"  {seconds:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
