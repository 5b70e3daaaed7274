"""The dictionary is complete: every text in both languages with equal places, none missing, none unused, none beside it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from string import Formatter

import pytest
from tests.project import keys

import danlu
import danlu.messages.texts
import danlu.tasks
from danlu.recipe.editors import json_schema
from danlu.tasks.baselines.base import Baseline

SOURCE = Path(danlu.__file__).parent
PAGE = Path(__file__).parents[2] / "studio-ui" / "src"
AREAS = sorted(module.name for module in pkgutil.iter_modules(danlu.messages.texts.__path__))
HEADS = tuple(f"{area}." for area in AREAS)
TEXTS: dict[str, tuple[str, str]] = {
    key: pair for area in AREAS for key, pair in importlib.import_module(f"danlu.messages.texts.{area}").TEXTS.items()
}


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same(area: str) -> None:
    texts = importlib.import_module(f"danlu.messages.texts.{area}").TEXTS
    assert texts
    for key, pair in texts.items():
        assert key.startswith(f"{area}."), key
        english, chinese = pair
        assert english.strip(), key
        assert chinese.strip(), key
        assert keys.places(english) == keys.places(chinese), key
        assert "" not in keys.places(english), f"{key}: places have names"
        assert not keys.CHINESE.search(english.replace("丹炉", "")), f"{key}: Chinese in the English text"


def test_chinese_texts_are_chinese() -> None:
    """A text with a word of English prose in it (three letters or more outside places) has Chinese characters too."""
    for key, (english, chinese) in TEXTS.items():
        words = "".join(literal for literal, *_ in Formatter().parse(english))
        if (
            any(len(word.strip(".,:;")) > 3 and word.strip(".,:;").isalpha() for word in words.split())
            and english == chinese
        ):
            pytest.fail(f"{key} is not translated: {chinese}")


def test_every_call_names_a_text_and_fills_its_places() -> None:
    wrong = []
    calls = list(keys.said(SOURCE))
    for where, key, given in calls:
        if key not in TEXTS:
            wrong.append(f"{where}: no text {key}")
        elif given is not None and keys.places(TEXTS[key][0]) != given:
            wrong.append(f"{where}: {key} has {sorted(keys.places(TEXTS[key][0]))}, given {sorted(given)}")
    assert len(calls) > 1000
    assert not wrong, "\n".join(wrong)


def test_every_literal_that_looks_like_a_key_is_one() -> None:
    """Keys are also handed on (as a remedy, from a table): then no ``say`` with a literal shows them."""
    found = {text for text in keys.in_source(SOURCE, HEADS).whole if re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", text)}
    named = {text for text in found if text.startswith(HEADS)}
    assert len(named) > 500
    unknown = {text for text in named - TEXTS.keys() if not text.endswith((".yaml", ".html"))}
    assert not {text for text in unknown if not _is_recipe_key(text)}


def _is_recipe_key(dotted: str) -> bool:
    """Areas of texts and sections of a recipe share names (data.source)."""
    schema = json_schema()
    node = schema
    for part in dotted.split("."):
        while "$ref" in node or "anyOf" in node:
            one = node.get("anyOf", [node])[0]
            node = schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        if part not in node.get("properties", {}):
            return False
        node = node["properties"][part]
    return True


def test_every_key_of_the_page_names_a_text_and_fills_its_places() -> None:
    named = keys.in_page(PAGE, set())
    assert len(named.whole) > 50
    assert not sorted(named.whole - TEXTS.keys())
    calls = list(keys.said_by_page(PAGE))
    assert len(calls) > 50
    wrong = [(file, key, given) for file, key, given in calls if given != keys.places(TEXTS[key][0])]
    assert not wrong


@pytest.mark.parametrize("where", ["source", "page"])
def test_every_key_with_places_can_be_a_text(where: str) -> None:
    named = keys.in_source(SOURCE, HEADS) if where == "source" else keys.in_page(PAGE, set())
    assert named.patterns
    empty = {at for pattern, at in named.patterns.items() if not any(re.fullmatch(pattern, key) for key in TEXTS)}
    # What is a key of a recipe there, not of a text: "data.augment" with an index.
    assert not {at for at in empty if not at.startswith("recipe/")}


def test_every_text_is_used() -> None:
    """A key that no string gives, whole or as a string with places whose values stand in the source, is dead."""
    source = keys.in_source(SOURCE, HEADS)
    page = keys.in_page(PAGE, source.words)
    assert not [key for key in TEXTS if not source.uses(key) and not page.uses(key)]


def test_every_baseline_is_called_by_a_name_in_both_languages() -> None:
    """Of one that has none a reader would see the key, "best-overlap" on a Chinese page."""
    for each in pkgutil.walk_packages(danlu.tasks.__path__, "danlu.tasks."):
        importlib.import_module(each.name)
    found, rest = set(), Baseline.__subclasses__()
    while rest:
        one = rest.pop()
        rest += one.__subclasses__()
        if one.__module__.startswith("danlu.") and "name" in vars(one):
            found.add(one.name)
    assert {"majority", "best-overlap"} <= found
    found |= {"popularity", "item-knn", "ease", "tf-idf"}  # of recommenders, named where they are made
    assert not sorted(name for name in found if f"evaluation.baseline.{name}" not in TEXTS)


def test_texts_beside_the_dictionary_are_in_both_languages() -> None:
    """An application keeps its own: pairs (English, Chinese)."""
    found = list(keys.pairs(SOURCE))
    assert found
    for where, english, chinese in found:
        assert english.strip(), where
        assert chinese.strip(), where
        assert keys.places(english) == keys.places(chinese), where
        assert not keys.CHINESE.search(english), f"{where}: English comes first"
        assert keys.CHINESE.search(chinese), where


def test_no_chinese_stands_outside_the_dictionary() -> None:
    """Where it does, both languages stand in one text: before anything of Danlu's can be read, or as its name."""
    allowed = {
        "_compat/torchvision.py",  # raised while the package is imported, in both languages at once
        "watch/choose.py",  # a character that a terminal must be able to show
        # what people's own files say: names of columns and classes, yes and no, dates
        "data/kinds/id.py",
        "data/kinds/mask.py",
        "data/moments.py",
        "data/sources/_mapping.py",
        "data/tabular/cells.py",
        "data/tabular/content.py",
        "data/tabular/forms.py",
        "data/tabular/types.py",
        "data/tabular/writing.py",
        "data/text/scripts.py",
        "tasks/interactions/columns.py",
        *(f"tasks/{name}/spec.py" for name in ("click_prediction", "masked_lm", "question_answering")),
        *(f"tasks/{name}/spec.py" for name in ("text_generation", "translation")),
        "tasks/question_answering/scoring.py",  # punctuation that scores pass over
    }
    found = {where for where, text in keys.alone(SOURCE) if "丹炉" not in text}
    assert {where.partition(":")[0] for where in found} <= allowed


def test_the_page_has_no_words_of_its_own() -> None:
    """All its texts come from the server, but for what it says in both languages when the server is silent."""
    found = {}
    for path in sorted(PAGE.rglob("*.svelte")):
        markup = re.sub(r"<(script|style).*?</\1>|<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        depth, outside = 0, ""
        for char in markup:
            depth += {"{": 1, "}": -1}.get(char, 0)
            outside += "" if depth or char == "}" else char
        spoken = re.findall(r"""(?:aria-label|title|alt|placeholder)=["']([^"']+)""", outside)
        words = re.findall(
            r"(?<![\w&])[A-Za-z]{3,}|[\u4e00-\u9fff]+", re.sub(r"<[^>]*>", " ", outside.replace("=>", ""))
        )
        if rest := [*spoken, *(word for word in words if word not in ("tanh", "lr"))]:
            found[path.name] = rest
    assert set(found) <= {"App.svelte"}, found
    assert "服务器没有应答" in found["App.svelte"]


# ---- the instrument itself


def test_what_the_source_names_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        'heads = [say(f"x.{name}") for name in ("a", "b")]\n'
        'say("x.c" if sure else "x.d", count=1)\n'
        'say(f"x.kind.{thing}.remedy")\n'
        'kind = "good"\n'
        'title = ("Cat {n}", "猫 {n}")\n'
        'wrong = "狗"\n',
        encoding="utf-8",
    )
    assert [(key, given) for _, key, given in keys.said(tmp_path)] == [
        ("x.c", {"count"}), ("x.d", {"count"}), ("x.a", set()), ("x.b", set()),
    ]  # fmt: skip
    named = keys.in_source(tmp_path, ("x.",))
    assert named.uses("x.kind.good.remedy")
    assert not named.uses("x.kind.bad.remedy"), "nothing there is called bad"
    assert [pair[1:] for pair in keys.pairs(tmp_path)] == [("Cat {n}", "猫 {n}")]
    assert list(keys.alone(tmp_path)) == [("one.py:6", "狗")]


def test_what_the_page_names_is_found(tmp_path: Path) -> None:
    (tmp_path / "One.svelte").write_text(
        "{t('learn.a')} {t('learn.b', { name, value: f(x, { y: 1 }) })} {t(`learn.c.${kind}`)} kind = 'good'",
        encoding="utf-8",
    )
    assert list(keys.said_by_page(tmp_path)) == [
        ("One.svelte", "learn.a", set()),
        ("One.svelte", "learn.b", {"name", "value"}),
    ]
    named = keys.in_page(tmp_path, {"server"})
    assert named.uses("learn.c.good")
    assert named.uses("learn.c.server")
    assert not named.uses("learn.c.bad")


def test_one_is_not_said_in_the_plural() -> None:
    from danlu.messages import language, say, set_language

    before = language()
    try:
        set_language("en")
        assert say("data.split.few-rows", rows=1, parts=3) == "1 row can't be divided into 3 parts."
        assert say("data.split.few-rows", rows=0, parts=3) == "0 rows can't be divided into 3 parts."
        assert say("data.card.bad", count=1) == "1 row could not be used and was set aside."
        assert say("data.card.missing", count=21) == "21 rows have no value somewhere and were left out."
        assert say("recommendation.shared", count=12345).startswith("12,345 pairs"), "other formats stay"
        set_language("zh")
        assert say("data.split.few-rows", rows=1, parts=3) == "1 行无法分成 3 个部分。"
    finally:
        set_language(before)


def test_words_that_hang_on_a_number_are_two() -> None:
    """{count:row|rows}: neither is forgotten, and Chinese needs none."""
    found = 0
    for key, (english, chinese) in TEXTS.items():
        for _, _, spec, _ in Formatter().parse(english):
            if spec and "|" in spec:
                one, _, several = spec.partition("|")
                found += 1
                assert one, key
                assert several, key
                assert one != several, key
        assert not any(spec and "|" in spec for _, _, spec, _ in Formatter().parse(chinese)), key
    assert found >= 7
