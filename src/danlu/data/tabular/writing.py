"""How people write a column's numbers: 1,234.5 or 1.234,5, with a currency or a percent sign."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

UNITS = (
    *(
        "$",
        "€",
        "£",
        "¥",
        "￥",
        "₹",
        "₽",
        "₩",
        "元",
        "%",
        "％",
        "usd",
        "eur",
        "gbp",
        "cny",
        "rmb",
        "chf",
        "jpy",
        "inr",
        "us$",
        "hk$",
    ),
)
_SPACES = "\\s\u00a0\u202f"
_GROUPS = {".": f",'’{_SPACES}", ",": f".'’{_SPACES}"}  # what stands between thousands, beside this decimal mark
_ENOUGH = 0.95
_LOOKED = 200  # different texts among which a unit is looked for
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_AROUND = re.compile(
    rf"[+\-−]?\s*(?P<before>{_UNIT})?\s*[+\-−]?[\d.,'’{_SPACES}]*\d[.,]?\s*(?P<after>{_UNIT})?", re.IGNORECASE
)


@dataclass(frozen=True)
class Writing:
    """mark: "." or ",", before the decimals. unit: what may stand before or behind, one of :data:`UNITS`, or "".

    Thousands may be told apart by the other mark, an apostrophe or a space. A percentage stays the number that is written: 12 of 12 %.
    """

    mark: str = "."
    unit: str = ""

    @classmethod
    def of(cls, text: str) -> Writing:
        """The inverse of ``str``."""
        return cls(text[:1], text[1:])

    def __str__(self) -> str:
        return self.mark + self.unit

    @property
    def example(self) -> str:
        """As 1234.5 is written."""
        plain = "1,234.5" if self.mark == "." else "1.234,5"
        return f"{plain} {self.unit}".strip()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        groups, mark = _GROUPS[self.mark], re.escape(self.mark)
        unit = f"(?:{re.escape(self.unit)}\\s*)?" if self.unit else ""
        whole = rf"[1-9]\d{{0,2}}(?:(?P<apart>[{groups}])\d{{3}}(?:(?P=apart)\d{{3}})*)|\d+"
        body = rf"(?P<body>(?:{whole})(?:{mark}\d*)?|{mark}\d+)(?P<power>e[+\-]?\d+)?"
        behind = f"(?:\\s*{re.escape(self.unit)})?" if self.unit else ""
        return re.compile(rf"(?P<sign>[+\-−]?)\s*{unit}(?P<inner>[+\-−]?){body}{behind}", re.IGNORECASE)

    def read(self, text: str) -> float | None:
        """None for what is no number written so; nor is one that is said to be less twice (-$-5)."""
        found = self._pattern.fullmatch(text.strip())
        if found is None or (found["sign"] and found["inner"]):
            return None
        digits = re.sub(f"[{_GROUPS[self.mark]}]", "", found["body"]).replace(self.mark, ".")
        value = float(digits + (found["power"] or ""))
        return -value if (found["sign"] or found["inner"]) in ("-", "−") else value


def plain(text: str) -> float | None:
    """A number as Python reads it; None for none."""
    try:
        return float(text)
    except ValueError:
        return None


def writing_of(counts: Mapping[str, int]) -> Writing | None:
    """How the numbers of a column are written that Python does not read; None where it reads them, or fewer than 19 in 20 are numbers.

    counts: how often each text occurs that is not missing. Of two ways the one by which more can be read, where each number that Python
    reads means the same by it: 1.234 among 0.5 and 2.25 is no 1234. Of 12,345 alone nobody can know: it is taken for 12345, and said.
    """
    read = {text: plain(text) for text in counts}
    everything = sum(counts.values())
    known = sum(counts[text] for text, value in read.items() if value is not None)
    if not everything or known == everything:
        return None
    best: tuple[int, Writing | None] = (known, None)
    for unit in _units([text for text, value in read.items() if value is None][:_LOOKED]):
        for mark in ".,":
            way = Writing(mark, unit)
            some, spaced, surely = 0, False, bool(unit)
            for text, value in read.items():
                found = way.read(text)
                if found is None:
                    continue
                if value is not None and value != found:
                    break
                some += counts[text]
                spaced, surely = spaced or " " in text.strip(), surely or mark in text
            else:
                if some > best[0] and (surely or not spaced):  # 555 123 456 alone is no number but one that is called
                    best = some, way
    return best[1] if best[0] >= _ENOUGH * everything else None


def _units(texts: list[str]) -> list[str]:
    """None, and the one that stands at most of them."""
    found = Counter[str]()
    for text in texts:
        if match := _AROUND.fullmatch(text.strip()):
            unit = match["before"] or match["after"]
            if unit and not (match["before"] and match["after"]):
                found[unit] += 1
    return ["", *(unit for unit, _ in found.most_common(1))]
