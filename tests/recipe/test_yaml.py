"""YAML 1.2: what scalars mean, where values stand, and that nothing unreadable gets through without a line."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.errors import RecipeError
from danlu.recipe import yaml
from danlu.recipe.tree import origins, plain

SCALARS = {
    # floats that PyYAML takes for text
    "1e-4": 1e-4,
    "1E5": 1e5,
    ".5": 0.5,
    "-1.e+3": -1000.0,
    "+.5e1": 5.0,
    "1.": 1.0,
    "3.25": 3.25,
    ".inf": math.inf,
    "-.INF": -math.inf,
    # whole numbers
    "0": 0,
    "-12": -12,
    "+7": 7,
    "007": 7,
    "0o17": 15,
    "0x1F": 31,
    # nothing, true, false
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "False": False,
    # text that YAML 1.1 takes for something else
    "no": "no",
    "on": "on",
    "yes": "yes",
    "Off": "Off",
    "n": "n",
    "0b11": "0b11",
    "1_000": "1_000",
    "190:20:30": "190:20:30",
    "2024-01-31": "2024-01-31",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "0o18": "0o18",
    "1e": "1e",
    "e5": "e5",
    "-": "-",
    "١٢": "١٢",  # digits, but not YAML's
    "nan": "nan",
    "inf": "inf",
    "tRue": "tRue",
    "timm:resnet18": "timm:resnet18",
    "./photos": "./photos",
}


@pytest.mark.parametrize(("text", "meant"), SCALARS.items(), ids=repr)
def test_scalars_mean_what_the_core_schema_says(text: str, meant: object) -> None:
    for found in (yaml.scalar(text), yaml.value(text, "").value):
        assert found == meant
        assert type(found) is type(meant)


@pytest.mark.parametrize("text", [text for text in SCALARS if text not in ("", "-")])
def test_scalars_mean_the_same_in_a_file_and_nothing_in_quotes(text: str) -> None:
    read = plain(yaml.document(f"a: {text}\nb: [{text}]\nc: '{text}'\nd: !!str {text}\ne: {{k: {text}}}", "f"))
    assert read == {"a": SCALARS[text], "b": [SCALARS[text]], "c": text, "d": text, "e": {"k": SCALARS[text]}}


def test_not_a_number() -> None:
    assert math.isnan(yaml.scalar(".nan"))


def test_keys_are_text() -> None:
    assert plain(yaml.document("1: a\ntrue: b\nnull: c\n1e3: d", "f")) == {
        "1": "a",
        "true": "b",
        "null": "c",
        "1e3": "d",
    }


def test_every_value_has_its_line() -> None:
    text = """\
# a comment

task: detection
data:
  augment:
    - flip
    - rotate: 10
    -
      name: crop
      size: [1,
        2]
  split: {val: 0.1,
          test: 0.2}
long: >
  folded
after: &x {k: 1}
again: *x
"""
    assert origins(yaml.document(text, "r.yaml")) == {
        "task": "r.yaml:3",
        "data": "r.yaml:4",
        "data.augment": "r.yaml:5",
        "data.augment.0": "r.yaml:6",
        "data.augment.1": "r.yaml:7",
        "data.augment.1.rotate": "r.yaml:7",
        "data.augment.2": "r.yaml:9",
        "data.augment.2.name": "r.yaml:9",
        "data.augment.2.size": "r.yaml:10",
        "data.augment.2.size.0": "r.yaml:10",
        "data.augment.2.size.1": "r.yaml:11",
        "data.split": "r.yaml:12",
        "data.split.val": "r.yaml:12",
        "data.split.test": "r.yaml:13",
        "long": "r.yaml:14",
        "after": "r.yaml:16",
        "after.k": "r.yaml:16",
        "again": "r.yaml:17",
        "again.k": "r.yaml:16",
    }


UNREADABLE = {
    "tab as indentation": ("a:\n\tb: 1", 2, "tab"),
    "tab in a flow": ("a: {\n\tb: 1}", 2, "tab"),
    "colon twice": ("a: b: c", 1, "colon"),
    "missing space": ("train:\n  epochs:10\n  lr: 1", 3, "colon"),
    "plain text under keys": ("a: 1\nb\nc: 2", 3, "colon is missing"),
    "bad indentation": ("a:\n  b: 1\n c: 2", 3, "indented"),
    "open bracket": ("a: 1\nb: [1,\n 2\n", 2, "bracket"),
    "open brace": ("a: {b: 1", 1, "bracket"),
    "open quote": ("a: 1\nb: 'x\nc: 2", 2, "quotation mark"),
    "escape": ('a: "C:\\new\\q"', 1, "backslash"),
    "at sign": ("a: @x", 1, "'@'"),
    "control character": ("a: 1\nb: \x01", 2, "U+0001"),
    "a list at the top": ("# list\n- a\n- b", 2, "mapping"),
    "a value at the top": ("just text", 1, "mapping"),
    "duplicate key": ("a: 1\nb:\n  c: 1\n  c: 2", 4, "second time (first in line 3)"),
    "duplicate in a flow": ("a: {b: 1, 'b': 2}", 1, "second time"),
    "tag": ("a: !!python/object:os.system {}", 1, "!!python/object"),
    "own tag": ("a: 1\nb: !x [1]", 2, "tag !x"),
    "number tag": ("a: !!int '3'", 1, "tag !!int"),
    "merge key": ("a: &a {b: 1}\nc:\n  <<: *a", 3, "merge"),
    "mapping as key": ("? {a: 1}\n: 2", 1, "key must be plain"),
    "unknown alias": ("a: 1\nb: *x", 2, "no anchor &x"),
    "endless alias": ("a: &x\n  b: [1, *x]", 2, "inside what it means"),
    "second document": ("a: 1\n---\nb: 2", 2, "second document"),
}


@pytest.mark.parametrize(("text", "line", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_recipe_is_refused_with_its_line(text: str, line: int, says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError) as caught:
        yaml.read(path)
    (problem,) = caught.value.problems
    assert problem.where == f"{path}:{line}"
    assert says in problem.what
    assert problem.remedy
    assert "\n" not in str(problem)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_an_empty_file_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match="empty"):
        yaml.read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_files_are_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes("task: 图像\r\nemoji: 🎲".encode(encoding))
    assert plain(yaml.read(path)) == {"task": "图像", "emoji": "🎲"}


def test_other_encodings_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9")
    with pytest.raises(RecipeError, match=r"r\.yaml:2: .*UTF-8"):
        yaml.read(path)


def test_aliases_are_copies() -> None:
    root = yaml.document("a: &x {k: [1]}\nb: *x\nc: *x", "f")
    root.value["b"].value["k"].value[0].value = 2
    assert plain(root) == {"a": {"k": [1]}, "b": {"k": [2]}, "c": {"k": [1]}}


def bomb(levels: int = 30) -> str:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (bomb(), "more than"),
        ("a: " + "[" * 5000, "levels deep"),
        ("a: " + "{b: " * 5000, "levels deep"),
        ("\n".join(" " * n + "a:" for n in range(500)), "levels deep"),
        ("a: [" + "1," * 50_000 + "]", "more than"),
    ],
    ids=["laughs", "lists", "mappings", "blocks", "values"],
)
def test_recipes_can_not_be_used_to_exhaust_the_machine(text: str, says: str) -> None:
    began = time.process_time()
    with pytest.raises(RecipeError, match=says):
        yaml.document(text, "r.yaml")
    assert time.process_time() - began < 5.0


def test_large_files_are_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"#" * (yaml.MAX_BYTES + 1))
    with pytest.raises(RecipeError, match="bytes"):
        yaml.read(path)


def test_numbers_too_long_to_be_numbers_are_text() -> None:
    for text in ("9" * 5000, "0x" + "f" * 5000):
        assert yaml.scalar(text) == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1: -\n\t[]{},'\"&*!#|>%?~\\é\x00.e<", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(RecipeError):
        yaml.document(text, "f")
