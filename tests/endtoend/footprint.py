"""How much memory another process takes of its own, seen from outside: pages of mapped files, which are the system's, don't count."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_OWN = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


def own(process: int | str = "self") -> float:
    """MB of a process's own memory, heap and stacks. 0 once it has ended."""
    try:
        found = _OWN.search(Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1000 if found else 0.0


@contextmanager
def phase(name: str) -> Iterator[None]:
    """In the process that is watched: what its own memory grows by in here is measured. What lies free is given back before."""
    give_back()
    tell("begin", name, own())
    yield
    tell("end", name, own())


def tell(word: str, name: str, memory: float) -> None:
    """To whoever watches."""
    sys.stdout.write(f"{word} {name} {memory}\n")
    sys.stdout.flush()


def grown(*words: str, folder: Path) -> dict[str, float]:
    """Phase → MB by which it grew at most, of ``python -m words`` in ``folder``."""
    found: dict[str, float] = {}
    name, base = "", 0.0
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    command = [sys.executable, "-m", *words]
    with (
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as child,
        selectors.DefaultSelector() as ready,
    ):
        assert child.stdout is not None
        ready.register(child.stdout, selectors.EVENT_READ)
        while True:
            if ready.select(0.002):
                line = child.stdout.readline()
                if not line:
                    break
                match line.split():
                    case ["begin", name, at]:
                        base = float(at)
                        found[name] = 0.0
                    case ["end", _, at]:
                        found[name] = max(found[name], float(at) - base)
                        name = ""
            if name:
                found[name] = max(found[name], own(child.pid) - base)
    assert child.returncode == 0
    return found


def give_back() -> None:
    """What is garbage, and what the C library keeps free for later, goes back to the system."""
    import ctypes
    import gc

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)
