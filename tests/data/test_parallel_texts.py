"""Two texts side by side, translation memories, plain texts and their passages."""

from __future__ import annotations

from pathlib import Path

import pytest

from danlu import recipe as recipes
from danlu.data import reading
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.recipe.names import spec_of
from danlu.tasks.text_generation.passages import cut, pieces

HEAD = '<?xml version="1.0"?>\n{doctype}<tmx version="1.4"><header/><body>{units}</body></tmx>'
UNIT = '<tu><tuv xml:lang="en-US"><seg>{en}</seg></tuv><tuv xml:lang="fr"><seg>{fr}</seg></tuv></tu>'


def _read(path: Path, task: str = "translation", **data: object) -> tuple[str, Table]:
    recipe = recipes.complete(recipes.from_dict({"task": task, "data": {"source": str(path), **data}}))
    return reading.read(recipe, spec_of(task).columns)


def _rows(table: Table) -> list[tuple[str, str]]:
    return list(zip(table.columns["source"], table.columns["target"], strict=True))


def test_lines_of_two_files_belong_together(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "train.zh").write_text("一\n二\n", encoding="gb18030")
    (tmp_path / "test.en").write_text("three", encoding="utf-8")
    (tmp_path / "test.zh").write_text("三", encoding="utf-8")
    name, table = _read(tmp_path)
    assert name == "parallel"
    assert sorted(zip(_rows(table), table.given or (), strict=True)) == [
        (("one", "一"), "train"),
        (("three", "三"), "test"),
        (("two", "二"), "train"),
    ]
    assert "GB18030" in table.notes[0][1]
    _, other = _read(tmp_path, columns={"source": "zh"})
    assert ("一", "one") in _rows(other)


def test_files_of_different_lengths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "a.fr").write_text("un\n", encoding="utf-8")
    with pytest.raises(DataError, match="2"):
        _read(tmp_path)


def test_translation_memories_are_read(tmp_path: Path) -> None:
    """Regions, marks inside of segments, units without a language; the recipe turns the languages about."""
    file = tmp_path / "memory.tmx"
    units = UNIT.format(en="a &amp; b", fr="a et b") + UNIT.format(
        en='<bpt i="1">{b}</bpt>bold<ept i="1">{/b}</ept> one', fr="gras"
    )
    units += '<tu><tuv xml:lang="en"><seg>alone</seg></tuv></tu>'
    file.write_text(HEAD.format(doctype='<!DOCTYPE tmx SYSTEM "tmx14.dtd">', units=units), encoding="utf-8")
    name, table = _read(file)
    assert (name, _rows(table)) == ("tmx", [("a & b", "a et b"), ("bold one", "gras")])
    assert len(table.problems) == 1
    _, other = _read(file, columns={"source": "fr", "target": "en"})
    assert _rows(other)[0] == ("a et b", "a & b")
    with pytest.raises(DataError, match="ja"):
        _read(file, columns={"target": "ja"})


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE tmx [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>',
        '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE tmx [<!ENTITY % p SYSTEM "http://example.org/p.dtd"> %p;]>',
    ],
)
def test_entities_are_refused(tmp_path: Path, doctype: str) -> None:
    file = tmp_path / "evil.tmx"
    file.write_text(HEAD.format(doctype=doctype, units=UNIT.format(en="a", fr="b")), encoding="utf-8")
    with pytest.raises(DataError):
        _read(file)


def test_a_plain_text_is_paragraphs_or_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(f"one {n}\ntwo" for n in range(12)), encoding="utf-8")
    _, table = _read(tmp_path / "a.txt", "text-generation")
    assert len(table) == 12
    assert table.columns["text"][3] == "one 3\ntwo"
    (tmp_path / "b.txt").write_text("x\ny\n\nz\n", encoding="utf-8")
    _, lines = _read(tmp_path / "b.txt", "text-generation")
    assert list(lines.columns["text"]) == ["x", "y", "z"]


def test_a_line_with_a_nul_byte_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x\ny\0y\nz\n")
    _, table = _read(tmp_path / "a.txt", "text-generation")
    assert list(table.columns["text"]) == ["x", "z"]
    assert list(table.ids) == ["line 1", "line 3"]
    assert [origin for origin, _ in table.problems] == ["a.txt, line 2"]
    (tmp_path / "a.txt").write_bytes(b"x\0\ny\0\n")
    with pytest.raises(DataError, match="NUL"):
        _read(tmp_path / "a.txt", "text-generation")


def test_passages_lose_no_letter_and_end_at_ends() -> None:
    text = "One sentence here. Another one follows!\nA line. " * 9 + "x" * 130 + "中文的句子很长。" * 20
    found = list(pieces(text, 60))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(each) <= 60 for each in found)
    assert found[0].endswith("A line.") or found[0].endswith("!")
    assert sum(each.endswith(("。", ".", "!", "line.")) for each in found) > len(found) / 2


def test_passages_of_a_text_stay_together() -> None:
    texts = [f"{name} says a word. " * 8 for name in "abcdefghijkl"]
    names = list("abcdefghijkl")
    recipe = recipes.complete(recipes.from_dict({"task": "text-generation", "options": {"passage": 40}}))
    table = cut(recipe, Table({"text": texts}, names, names, "x"))
    assert len(table) > 24
    assert all(text[0] == group for text, group in zip(table.columns["text"], table.extra["group"], strict=True))
    assert len(set(table.ids)) == len(table)
