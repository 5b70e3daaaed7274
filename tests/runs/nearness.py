"""When two answers count as the same."""

from __future__ import annotations

import math
from typing import Any


def near(value: Any, wanted: Any) -> bool:
    """Equal, numbers to the four digits that another processor's arithmetic leaves; NaN is NaN."""
    if isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(near(value[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list | tuple):
        return len(value) == len(wanted) and all(map(near, value, wanted))
    if isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-4, abs_tol=1e-5) or (math.isnan(value) and math.isnan(wanted))
    return bool(value == wanted)
