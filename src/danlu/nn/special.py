"""The ids with which every vocabulary begins that is learnt here (as :mod:`danlu.data.text.tokenizers` gives them)."""

from __future__ import annotations

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
COUNT = 5
