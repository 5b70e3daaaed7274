"""What a person gives on the command line: a text, files of texts, tables of rows, pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from danlu.data.kinds.base import Kind
from danlu.data.kinds.image import Image
from danlu.data.kinds.number import Number
from danlu.data.kinds.text import Text
from danlu.deploy import asking
from danlu.errors import DataError
from danlu.recipe.names import tasks


class Echo:
    """Answers with what it was asked."""

    def __init__(self, **kinds: type[Kind]) -> None:
        self.kinds: Mapping[str, Any] = {name: object.__new__(kind) for name, kind in kinds.items()}
        self.inputs = tuple(kinds)
        self.called: Mapping[str, str] = {}

    def stream(self, inputs: Iterable[Any]) -> Iterator[dict[str, Any]]:
        for raw in inputs:
            yield {"input": str(raw), "asked": raw} if isinstance(raw, (str, Path)) else {"asked": raw}


def asked(given: list[str], **kinds: type[Kind]) -> list[tuple[str, Any]]:
    return [(found["input"], found["asked"]) for found in asking.answers(Echo(**kinds), given)]  # type: ignore[arg-type]


def test_a_text_is_asked_as_it_stands() -> None:
    for text in ("a lovely lake", "很好", "what about that.txt file", "x" * 5000, "nul\0"):
        assert asked([text], text=Text) == [(text, {"text": text})]


def test_files_of_texts_are_read_in_their_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("房间很大", encoding="gb18030")
    (tmp_path / "b.txt").write_text("\ufeffa lake", encoding="utf-8")
    expected = [
        (str(tmp_path / "a.txt"), {"text": "房间很大"}),
        (str(tmp_path / "b.txt"), {"text": "a lake"}),
    ]
    assert asked([str(tmp_path)], text=Text) == expected
    assert asked([str(tmp_path / "a.txt"), "both"], text=Text) == [expected[0], ("both", {"text": "both"})]


def test_a_table_of_texts_has_an_answer_for_each_row(tmp_path: Path) -> None:
    table = tmp_path / "reviews.csv"
    table.write_text("review,stars\na lake,5\nrain,1\n")
    found = asked([str(table)], text=Text)
    assert [raw for _, raw in found] == [{"text": "a lake"}, {"text": "rain"}]
    assert [where for where, _ in found] == ["reviews.csv, line 2", "reviews.csv, line 3"]


def test_a_file_that_is_not_there_is_no_text(tmp_path: Path) -> None:
    for name in ("reviews.csv", "letter.txt"):
        with pytest.raises(DataError, match="There is nothing at"):
            asked([str(tmp_path / name)], text=Text)


@pytest.mark.parametrize("name", ["reviews/", "../out/of/here/"])
def test_a_folder_that_is_not_there_is_no_text(name: str) -> None:
    with pytest.raises(DataError, match="There is nothing at"):
        asked([name], text=Text)


def test_what_training_passes_over_in_a_folder_of_texts_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a lake")
    (tmp_path / "README.md").write_text("about")
    assert asked([str(tmp_path)], text=Text) == [(str(tmp_path / "a.txt"), {"text": "a lake"})]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match=r"no \.txt file"):
        asked([str(tmp_path)], text=Text)


def test_lines_of_standard_input_are_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one keeps its place, as in a table."""
    content = "\ufeffa lake\r\n\n很好 😀\nno end".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))
    assert asked(["-"], text=Text) == [
        (f"stdin, line {number}", {"text": text}) for number, text in enumerate(["a lake", "", "很好 😀", "no end"], 1)
    ]


def test_another_column_is_taken_aloud_or_not_at_all(tmp_path: Path) -> None:
    """A file that lacks the column that was learnt from could be answered by any other."""
    one, many, same = tmp_path / "one.csv", tmp_path / "many.csv", tmp_path / "same.csv"
    one.write_text("id,review\n1,a lake\n")
    many.write_text("title,comment,body\nA,b,a lake\n")
    same.write_text("body,TEXT,comment\nb,a lake,c\n")
    answering, told = Echo(text=Text), list[str]()
    assert [one["asked"]["text"] for one in asking.answers(answering, [str(same)], told.append)] == ["a lake"]  # type: ignore[arg-type]
    assert not told
    assert [one["asked"]["text"] for one in asking.answers(answering, [str(one)], told.append)] == ["a lake"]  # type: ignore[arg-type]
    assert len(told) == 1
    assert "'review' is taken for it" in told[0]
    with pytest.raises(DataError, match="comment, title, body"):
        list(asking.answers(answering, [str(many)]))  # type: ignore[arg-type]
    answering.called = {"text": "body"}
    assert [one["asked"]["text"] for one in asking.answers(answering, [str(many)], told.append)] == ["a lake"]  # type: ignore[arg-type]
    assert len(told) == 1


def test_rows_of_several_columns_come_from_tables(tmp_path: Path) -> None:
    table = tmp_path / "houses.jsonl"
    table.write_text("".join(json.dumps({"area": area, "rooms": 2, "more": 0}) + "\n" for area in (50, 60)))
    found = asked([str(table)], area=Number, rooms=Number)
    assert [{name: float(value) for name, value in raw.items()} for _, raw in found] == [
        {"area": 50.0, "rooms": 2.0},
        {"area": 60.0, "rooms": 2.0},
    ]


def test_a_table_that_is_wrong_both_ways_is_told_by_the_names_it_was_learnt_by(tmp_path: Path) -> None:
    table = tmp_path / "houses.csv"
    table.write_text("flaeche,other\n50,1\n")
    answering = Echo(area=Number, rooms=Number)
    answering.called = {"area": "flaeche", "rooms": "zimmer"}
    with pytest.raises(DataError, match="zimmer"):
        list(asking.answers(answering, [str(table)]))  # type: ignore[arg-type]


def test_pictures_are_files(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden"):
        (tmp_path / name).touch()
    assert [Path(where).name for where, _ in asked([str(tmp_path)], image=Image)] == ["a.png", "b.png"]


TEXT = '"some text"'
NAMED = {"image": "PHOTO.png", "text": TEXT, "tokens": TEXT, "gapped": TEXT, "id": "NAME", "asker": "NAME"}


@pytest.mark.parametrize("task", sorted(tasks()))
def test_every_application_says_what_it_is_asked(task: str) -> None:
    columns = [column.kind for column in tasks()[task].columns.values() if column.role == "input"]
    assert asking.example(task) == NAMED.get("".join(columns), "ROWS.csv")


def test_a_folder_of_pictures_is_asked_as_training_reads_it(tmp_path: Path) -> None:
    """What training lists with a reason is asked, so that it is told of; what training passes over is not."""
    folder, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for place in (folder / "__MACOSX", folder / ".thumbnails", folder / "b 猫", elsewhere):
        place.mkdir(parents=True)
    kept = ("a.png", "b 猫/1 2.jpg", "notes")
    for name in (*kept, "__MACOSX/._a.png", ".thumbnails/a.png", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    (elsewhere / "far.png").write_bytes(b"x")
    (folder / "c").symlink_to(elsewhere)
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "round").symlink_to(folder)
    (folder / "self.png").symlink_to("self.png")
    expected = sorted([*kept, "c/far.png", "gone.jpg", "self.png"])
    assert [where for where, _ in asked([str(folder)], image=Image)] == [str(folder / name) for name in expected]


@pytest.mark.parametrize("kind", [Text, Image, Number])
def test_nothing_is_not_the_folder_that_one_stands_in(
    kind: type[Kind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unset variable of a shell gives an empty word."""
    (tmp_path / "a.txt").write_text("a lake")
    monkeypatch.chdir(tmp_path)
    for nothing in ("", "  "):
        with pytest.raises(DataError, match=r"^input 2.*nothing in it"):
            asked(["a.txt", nothing], text=kind)
