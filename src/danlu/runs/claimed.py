"""What duplicates would have let one claim: a baseline judged once more, with all rows divided at random.

Texts that are copied many times are learnt by heart where some copies are in training and others in the test. The same baseline, on a
naive split of the same rows with duplicates and near duplicates left in place, tells by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.progress import Progress
from danlu.data.table import Part
from danlu.messages import say
from danlu.randomness import order
from danlu.runs.assembling import Bench
from danlu.runs.folder import RunFolder
from danlu.runs.verdict import Entries
from danlu.tasks.baselines import drawing
from danlu.watch.verdict import baseline_name

LEAST = 0.01  # share of rows with a twin, from which it is worth the work
_ROWS = 60_000

Say = Callable[[str], None]


def claim(
    made: Bench,
    folder: RunFolder,
    entries: Entries,
    parts: Sequence[Part],
    progress: Progress | None = None,
    tell: Say | None = None,
) -> dict[str, Any] | None:
    """Written to ``claimed.json``; None where there are hardly any duplicates, they are kept, or nothing remembers.

    {"baseline", "part", "metric", "naive": with rows divided at random, "honest": as the run divides them, "rows", "twins", "near"}.
    entries: the baselines as they were judged on ``parts``.
    """
    duplicates = made.data.card.get("duplicates", {})
    twins, near = int(duplicates.get("rows", 0)), duplicates.get("near")
    alike = max(twins, int(near["rows"]) if isinstance(near, Mapping) else 0)
    chosen = next((one for one in made.task.baselines() if one.remembers and one.name in entries), None)
    part = "test" if "test" in parts else parts[-1] if parts else None
    if chosen is None or part is None or duplicates.get("policy") == "keep" or alike < LEAST * len(made.data):
        return None
    names = [name for name in entries[chosen.name].get("values", {}) if name.startswith(f"{part}/")]
    if not names:
        return None
    data, seed = made.data, made.recipe.seed
    rows = order(seed, "claimed", 0, data.keys)[:_ROWS]
    shares = [len(data.parts[each]) for each in data.parts]
    asked = max(1, round(len(rows) * len(data.parts[part]) / max(1, sum(shares))))
    stage = say("runs.baselines.reading")
    train = drawing.gather(data, np.sort(rows[asked:]), progress, stage)
    test = drawing.gather(data, np.sort(rows[:asked]), progress, stage)

    def quiet(done: int, total: int) -> None:
        return None

    chosen.fit(train, train.take(np.empty(0, np.int64)), asked, quiet)
    predictions = chosen.predict(test, quiet)
    values: dict[str, float] = {}
    for metric in made.task.metrics():
        metric.update(predictions, test.targets)
        values |= {f"{part}/{name}": value for name, value in metric.compute().items()}
    metric_name = next(
        (name for name in values if name == f"{part}/{made.spec.monitor[0].rpartition('/')[2]}"), names[0]
    )
    honest = float(entries[chosen.name]["values"][metric_name])
    found = {
        "baseline": chosen.name,
        "part": part,
        "metric": metric_name,
        "naive": values[metric_name],
        "honest": honest,
        "values": values,
        "rows": len(data),
        "twins": twins,
        "near": None if near is None else int(near["rows"]),
    }
    folder.write_json(folder.claimed, found)
    if tell is not None:
        tell(text_of(found))
    return found


def text_of(found: Mapping[str, Any]) -> str:
    """What was found, for a person."""
    return say(
        "text.claimed",
        twins=f"{found['near'] if found['near'] is not None else found['twins']:,}",
        rows=f"{found['rows']:,}",
        baseline=baseline_name(str(found["baseline"])),
        metric=str(found["metric"]),
        naive=f"{found['naive']:.4f}",
        honest=f"{found['honest']:.4f}",
    )
