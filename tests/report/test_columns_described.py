"""What the page says of a column: every figure once, and numbers beside each other do not look like a size."""

from __future__ import annotations

from danlu.data.kinds.number import Number
from danlu.report.sections.data import _described


def test_a_columns_figures_are_said_once() -> None:
    kind, values = Number(written=",€"), [1.0, 2.0, 3.0, 4.0, 5.5]
    column = {"kind": "number", "role": "target", **kind.describe(values), "statistics": kind.statistics([values])}
    text = str(_described(column))
    for name in ("mean", "std", "min", "max", "quartiles", "written"):
        assert text.count(name) == 1, text
    assert "quartiles 2 · 3 · 4" in text
    assert "1.234,5 €" in text
    assert "shape 96×64" in str(_described({"shape": [96, 64]}))
