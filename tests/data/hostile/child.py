"""Reads hostile files, each in a process of its own with little time and memory, and tells what became of it, as JSON.

``python -m tests.data.hostile.child FOLDER [NAME …]``
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from danlu import recipe as recipes
from danlu.cli._faults import guarded
from danlu.cli._output import Output
from danlu.data.prepare import prepare
from danlu.recipe.names import spec_of
from tests.data.hostile import CASES, LARGE, Case
from tests.data.hostile.boxes import coco
from tests.data.hostile.tables import csv, lines

MEMORY = (600 << 20, 2000 << 20)  # bytes beyond what Python with torch holds: for a small case, for a large one
SECONDS = (20, 200)  # of CPU


def examined(case: Case, folder: Path) -> dict[str, Any]:
    """What a person is told, and the card's part that matters."""
    card: dict[str, Any] = {}
    data = case.make(folder)
    before = set(folder.parent.iterdir())

    def work() -> int:
        told = {"task": case.task, "data": {"cache": str(folder / ".cache"), **data}}
        asked = recipes.complete(recipes.from_dict(told))
        made = prepare(asked, spec_of(asked.task))
        card.update({key: made.card[key] for key in ("bad", "notes", "rows", "warnings")}, ids=list(made.ids))
        return 0

    told, began = io.StringIO(), time.process_time()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        code = guarded(work, Output())
    seconds, escaped = time.process_time() - began, [str(path) for path in set(folder.parent.iterdir()) - before]
    return {"code": code, "told": told.getvalue(), "card": card, "seconds": seconds, "escaped": escaped}


def in_process(case: Case, folder: Path, memory: int, seconds: int) -> dict[str, Any]:
    folder.mkdir(parents=True)
    result = folder.parent / "result.json"
    if pid := os.fork():
        _, status, used = os.wait4(pid, 0)
        found = json.loads(result.read_text()) if result.exists() else {"code": None, "told": "killed", "card": {}}
        return {**found, "status": status, "megabytes": used.ru_maxrss >> 10}
    try:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        signal.alarm(5 * seconds)  # one that waits for ever uses no CPU
        result.write_text(json.dumps(examined(case, folder)))
    except BaseException:  # noqa: BLE001 - told to the tests
        result.write_text(json.dumps({"code": None, "told": traceback.format_exc(), "card": {}}))
    finally:
        os._exit(0)


def main(root: str, *names: str) -> None:
    folder, found = Path(root), {}
    good = (Case(lambda at: csv(at, lines(at))), Case(coco(lambda content: None), task="detection"))
    for number, each in enumerate(good):  # loads what all need, before the processes are divided
        (folder / f"good{number}" / "data").mkdir(parents=True)
        warm = examined(each, folder / f"good{number}" / "data")
        assert warm["code"] == 0, warm
    for number, (name, each) in enumerate({**CASES, **LARGE}.items()):
        if not names or name in names:
            size = int(name in LARGE)
            found[name] = in_process(each, folder / f"{number:03d}" / "data", MEMORY[size], SECONDS[size])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
