"""Names of others can do nothing to a page: no markup, no script, no address, no turned or hidden writing, no length."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.messages import LANGUAGES, Language
from danlu.report import write_report
from danlu.report.html import escape, name_of, tag
from tests.report.made import classified, regressed
from tests.report.page import read

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' style='background:url(http://example.com/x)",
    "javascript:alert(1)",
    "<!-- --><![CDATA[ ]]> &lt;b&gt; &#60;i&#62; &amp;",
    "x" * 10_000,
    "猫" * 5_000,
    "مرحبا שלום",
    "\u202egnp.exe",
    "\u2066isolated\u2069 \u200fmark",
    "👩‍👩‍👧‍👦🇨🇳🏳️‍🌈",
    "e\u0301" * 40 + "\u0300" * 200,
    "a\x00b\x1b[31m\x7f",
    "line\nfeed\ttab\r\u2028separator",
    "\ud800 half",
    "}} @import url(//example.com); .x{",
    "`code` {braces} %s %(x)s",
    " ",
    "",
    "#cell-0-0",
)


def answers(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    probability = draw.dirichlet(np.full(classes, 0.3), rows).astype(np.float32)
    return probability, draw.integers(0, classes, rows)


def harmless(markup: str) -> None:
    """Nothing in it acts, loads, or leads out of it."""
    lower = markup.lower()
    assert "<script" not in lower
    body = re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL)
    for name, attributes in read(markup).tags:
        assert name not in ("script", "iframe", "object", "embed", "base", "form", "input", "foreignobject")
        assert name != "link", "nothing is loaded"
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            if key in ("src", "href") and name != "a":
                assert str(value).startswith("data:image/webp;base64,"), value
            if key == "style":
                assert re.fullmatch(r"(--[a-z]+:[0-9.e+-]+;?)+", str(value)), value
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", body)
    style = re.search(r"<style>(.*?)</style>", markup, re.DOTALL)
    assert style is not None
    assert "@import" not in style[1]
    assert all(where.startswith("data:font/woff;base64,") for where in re.findall(r"url\(([^)]*)", style[1]))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_class_names_and_file_names(lang: Language, tmp_path: Path) -> None:
    probability, label = answers(400, len(HOSTILE))
    files = [f"{HOSTILE[row % len(HOSTILE)]}/{row}" for row in range(len(label))]
    files = [name.encode("utf-8", "replace").decode() for name in files]  # what Parquet can keep
    names = [name.encode("utf-8", "replace").decode() for name in HOSTILE]
    counts = {name: {"train": 3, "val": 1, "test": 2} for name in names}
    card = {
        "classes": {"label": counts},
        "source": "<b>photos</b>\u202e",
        "bad": [{"row": names[0], "column": names[1], "reason": names[2]}],
        "bad_reasons": {names[2]: 1},
        "notes": [{"note": names[0], "column": names[1], "count": 3, "examples": names[:3]}],
        "warnings": names,
        "columns": {name: {"kind": "image", "role": "input", "layout": name, "x": name} for name in names},
    }
    run = classified(tmp_path / "run", probability, label, names, ids=files, card=card, said=names)
    page = write_report(run, lang=lang)
    markup = page.read_text(encoding="utf-8")
    harmless(markup)
    found = read(markup)
    assert "<script>alert(1)</script>" in found.text, "as text"
    assert max(map(len, found.texts)) < 2000, "whatever is long is cut"
    assert page.stat().st_size < 1_000_000


def test_the_run_itself(tmp_path: Path) -> None:
    probability, label = answers(20, 2)
    run = tmp_path / "<script>\u202e 'x' `y`" / "<title><b onload=x>"
    recipe = {"data": {"source": "<img src=x onerror=alert(1)>", "columns": {"label": "</code>"}}}
    markup = write_report(classified(run, probability, label, ["a", "b"], recipe=recipe)).read_text(encoding="utf-8")
    harmless(markup)
    assert "<title>&lt;title&gt;&lt;b onload=x&gt; · " in markup


def test_numbers_that_are_none(tmp_path: Path) -> None:
    true = np.linspace(-1e100, 1e100, 60)
    predicted = np.where(np.arange(60) % 7 == 0, np.nan, true)
    predicted[3] = np.inf
    harmless(write_report(regressed(tmp_path / "run", predicted, true)).read_text(encoding="utf-8"))
    same = np.full(30, 5.0)
    harmless(write_report(regressed(tmp_path / "same", same, same)).read_text(encoding="utf-8"))


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_stays_text(text: Any) -> None:
    for made in (tag("p", text), tag("p", name_of(text)), tag("p", title=text), f"<p>{escape(text)}</p>"):
        assert len(re.findall(r"<", made)) == made.count("<p") + made.count("</p") + made.count("bdi")
        assert made.count('"') % 2 == 0
