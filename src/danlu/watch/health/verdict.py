"""What ails a training, as data: told to people in their language, mended by a patch of the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from danlu.messages import say

Severity = Literal["note", "warning", "problem"]


@dataclass(frozen=True)
class Evidence:
    """One observation behind a verdict. text: in the reader's language, figures included.

    layers: dotted names in the net. steps: first and last optimiser step that it was seen at. values: the figures by name.
    """

    text: str
    layers: tuple[str, ...] = ()
    steps: tuple[int, int] | None = None
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """name: "dead-relu", as in the docs. text: what ails the run, in one sentence. remedy: what to do, in one sentence.

    patch: dotted recipe key → new value; empty where only a person can mend it.
    """

    name: str
    severity: Severity
    text: str
    evidence: tuple[Evidence, ...]
    remedy: str
    patch: Mapping[str, Any] = field(default_factory=dict)


def ailment(severity: str, name: str, text: str) -> str:
    """A verdict on one line: "✗ dead-relu: …"."""
    return say(f"health.fix.{severity}", name=name, text=text)
