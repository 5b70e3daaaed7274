"""What the run was computed with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from danlu.messages import say
from danlu.report.html import Child, cut, join, name_of, tag
from danlu.report.sections.base import Page, Section, folded, pairs

_MOST = 120
_TOLD = {
    "Danlu": "packages.danlu",
    "Python": "python",
    "PyTorch": "packages.torch",
    "GPU": "gpu",
    "CPU": "cpu.model",
    "device": "device",
    "threads": "threads",
    "seed": "seed",
}


def section(page: Page) -> Section | None:
    found = page.facts.environment
    if not found:
        return None
    rows: list[tuple[Child, Child]] = []
    rows += [(cut(key, 60), name_of(str(value), 120)) for key, value in islice(_leaves(found, ""), _MOST)]
    title = say("report.environment.all")
    body = join([tag("p", _summary(found)), folded(title, pairs(rows, title))])
    return Section("environment", say("report.environment"), body)


def _summary(found: Mapping[str, Any]) -> str:
    """What most decides how results come out, in a line."""
    leaves = dict(_leaves(found, ""))
    told = [(name, leaves.get(key)) for name, key in _TOLD.items()]
    return " · ".join(f"{name} {cut(str(value), 60)}".strip() for name, value in told if value is not None) or "–"


def _leaves(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, f"{prefix}{key}.")
        elif item is not None:
            yield f"{prefix}{key}", item
