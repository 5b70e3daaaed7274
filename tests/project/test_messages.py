"""Every text is there in both languages with equal places, and every ``say`` names a text and fills its places."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from string import Formatter

import pytest

import danlu
import danlu.messages.texts

SOURCE = Path(danlu.__file__).parent
PAGE = Path(__file__).parents[2] / "studio-ui" / "src"
AREAS = sorted(module.name for module in pkgutil.iter_modules(danlu.messages.texts.__path__))
TEXTS: dict[str, tuple[str, str]] = {
    key: pair for area in AREAS for key, pair in importlib.import_module(f"danlu.messages.texts.{area}").TEXTS.items()
}


def places(text: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same(area: str) -> None:
    texts = importlib.import_module(f"danlu.messages.texts.{area}").TEXTS
    assert texts
    for key, pair in texts.items():
        assert key.startswith(f"{area}."), key
        english, chinese = pair
        assert english.strip(), key
        assert chinese.strip(), key
        assert places(english) == places(chinese), key
        assert "" not in places(english), f"{key}: places have names"
        assert not any("\u4e00" <= char <= "\u9fff" for char in english.replace("丹炉", "")), (
            f"{key}: Chinese in the English text"
        )


def test_chinese_texts_are_chinese() -> None:
    """A text with a word of English prose in it (three letters or more outside places) has Chinese characters too."""
    for key, (english, chinese) in TEXTS.items():
        words = "".join(literal for literal, *_ in Formatter().parse(english))
        if (
            any(len(word.strip(".,:;")) > 3 and word.strip(".,:;").isalpha() for word in words.split())
            and english == chinese
        ):
            pytest.fail(f"{key} is not translated: {chinese}")


def calls() -> list[tuple[str, str, set[str] | None]]:
    """(where, key, keywords) of every ``say("literal", …)`` in the source; keywords None where ``**`` is used."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args
            ):
                continue
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names = [keyword.arg for keyword in node.keywords]
                given = None if None in names else {name for name in names if name is not None}
                found.append((f"{path.relative_to(SOURCE)}:{node.lineno}", key.value, given))
    return found


def test_every_call_names_a_text_and_fills_its_places() -> None:
    wrong = []
    for where, key, given in calls():
        if key not in TEXTS:
            wrong.append(f"{where}: no text {key}")
        elif given is not None and places(TEXTS[key][0]) != given:
            wrong.append(f"{where}: {key} has {sorted(places(TEXTS[key][0]))}, given {sorted(given)}")
    assert len(calls()) > 50
    assert not wrong, "\n".join(wrong)


def page_keys() -> tuple[set[str], set[str]]:
    """Keys that the page's sources name, whole ('learn.x') and as patterns (`learn.x.${name}`)."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(PAGE.rglob("*.*")))
    whole = set(re.findall(r"""['"](learn\.[a-z0-9.-]+)['"]""", text))
    places = (re.split(r"\$\{[^}]*\}", each) for each in re.findall(r"`(learn\.[^`]*)`", text))
    return whole, {".+".join(map(re.escape, pieces)) for pieces in places}


def test_every_key_of_the_page_names_a_text() -> None:
    whole, patterns = page_keys()
    assert len(whole) > 50
    assert not sorted(whole - TEXTS.keys())
    assert not [pattern for pattern in patterns if not any(re.fullmatch(pattern, key) for key in TEXTS)]


def test_every_text_is_used() -> None:
    """A key that no string of the source gives, whole or as a string with places, is dead."""
    whole, patterns = page_keys()
    for path in sorted(SOURCE.rglob("*.py")):
        if path.parent.name == "texts":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                pieces = [
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in node.values
                ]
                if pieces[0] != ".+":
                    patterns.add("".join(pieces))
    dynamic = re.compile("|".join(patterns))
    dead = [key for key in TEXTS if key not in whole and not dynamic.fullmatch(key)]
    assert not dead
