"""``danlu list``: names without loading anything large, descriptions and ranges from the code itself."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from pydantic import Field

from danlu.cli._descriptions import about, arguments, as_yaml
from danlu.cli.list import GROUPS, _entry
from danlu.cli.main import main
from danlu.messages.texts.names import TEXTS
from danlu.recipe import names


class Thing:
    """Turns x into y (Somebody et al. 2020), as `torch` does. Second sentence.

    More.
    """

    def __init__(
        self, params: list[int], rate: Annotated[float, Field(gt=0, le=1)] = 0.5, nested: bool = False
    ) -> None:
        pass


def test_the_first_sentence_is_the_description() -> None:
    assert about(Thing) == "Turns x into y (Somebody et al. 2020), as torch does."


def test_arguments_come_from_the_signature() -> None:
    rows = arguments(Thing, {"params"})
    assert [(row["name"], as_yaml(row), row["allowed"]) for row in rows] == [
        ("rate", "0.5", "a number > 0 and ≤ 1"),
        ("nested", "false", "true or false"),
    ]
    assert as_yaml(arguments(Thing, ())[0]) == "…"


def test_without_a_group_every_name_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert set(known) == set(GROUPS)
    assert "cross-entropy" in known["losses"]
    assert "image-classification" in known["tasks"]


@pytest.mark.parametrize("group", list(GROUPS))
def test_every_group_lists_every_name(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", group, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted(row["name"] for row in rows) == sorted(names.catalogue(GROUPS[group]))
    assert all(row["about"] for row in rows)
    assert main(["list", group, "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert all(row["name"] in shown for row in rows)


def test_what_comes_with_danlu_is_described_in_both_languages() -> None:
    """Else add a line to ``danlu/messages/texts/names.py``."""
    groups = [group for group in GROUPS.values() if group != "task"]  # these have a title of their own
    assert {f"names.{group}.{name}" for group in groups for name in names.catalogue(group)} == TEXTS.keys()


def test_a_thing_of_ones_own_is_described_by_its_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "load_object", lambda target: Thing)
    assert _entry("loss", "thing", "package.module:Thing")["about"].startswith("Turns x into y")
