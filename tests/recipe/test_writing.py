"""What is written is read again as the same recipe, by us and, as far as it goes, by readers of YAML 1.1."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml as pyyaml
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from danlu.recipe import Recipe, dump, from_text
from danlu.recipe.schema import Named, named
from danlu.recipe.shape import alternatives, field_type
from danlu.recipe.tree import plain
from danlu.recipe.writing import flow, short
from danlu.recipe.yaml import document

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    [
        "no",
        "1e-4",
        "~",
        "null",
        "",
        "a: b",
        "# x",
        "- a",
        "0x1F",
        "2024-01-31",
        "timm:x",
        "a\nb",
        "\u2028",
        "'",
        "%",
        "<<",
        "=",
        "🎲",
    ]
)
FLOATS = st.floats(allow_nan=False)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | FLOATS | TEXTS
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
NAMED = st.builds(Named, name=TEXTS, value=DATA, args=st.dictionaries(TEXTS, DATA, max_size=3))


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Everything that a field of the schema may hold."""
    return st.one_of([_values(kind, metadata) for kind, metadata in alternatives(annotation)])


def _values(kind: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    bounds = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else (item,))]
    low = next(
        (bound.ge if isinstance(bound, Ge) else bound.gt for bound in bounds if isinstance(bound, Ge | Gt)), None
    )
    high = next(
        (bound.le if isinstance(bound, Le) else bound.lt for bound in bounds if isinstance(bound, Le | Lt)), None
    )
    origin = get_origin(kind) or kind
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is type(None):
        return st.none()
    if origin is Any:
        return DATA
    if origin is bool:
        return st.booleans()
    if origin is int:
        return st.integers(low, high - 1 if high == 2**63 else high)
    if origin is float:
        ends = {
            "exclude_min": any(isinstance(b, Gt) for b in bounds),
            "exclude_max": any(isinstance(b, Lt) for b in bounds),
        }
        return st.floats(
            low,
            high,
            allow_nan=False,
            allow_infinity=False,
            **{k: v for k, v in ends.items() if (low if k == "exclude_min" else high) is not None},
        )
    if origin is str:
        most = next((bound.max_length for bound in bounds if isinstance(bound, MaxLen)), None) or 12
        return TEXTS.filter(lambda text: 0 < len(text) <= most and "\0" not in text)  # no path can hold it
    if origin is Named:
        return NAMED
    if origin is dict:
        inner = get_args(kind)[1]
        return st.dictionaries(TEXTS, DATA if inner is Any else values(inner), max_size=3)
    if origin is tuple:
        least = next((bound.min_length for bound in bounds if isinstance(bound, MinLen)), 0)
        return st.lists(values(get_args(kind)[0]), min_size=least, max_size=3)
    assert issubclass(origin, BaseModel)
    return sections(origin)


def sections(section: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Sections in which any of the keys are set."""
    keys = {key: values(field_type(field)) for key, field in section.model_fields.items()}
    return st.fixed_dictionaries({}, optional=keys).map(lambda given: section(**given))


@settings(max_examples=150, deadline=None)
@given(sections(Recipe))
def test_any_recipe_is_read_again_as_it_was(recipe: Recipe) -> None:
    text = dump(recipe)
    again = from_text(text)
    assert again == recipe
    assert dump(again) == text
    assert again.model_dump() == recipe.model_dump()


@settings(max_examples=200, deadline=None)
@given(NAMED)
def test_the_short_spelling_of_a_choice_means_the_choice(choice: Named) -> None:
    assert Named.model_validate(named(short(choice))) == choice
    assert Named.model_validate(named(plain(document(f"x: {flow(choice)}", "f"))["x"])) == choice


@settings(max_examples=300, deadline=None)
@given(DATA)
def test_any_data_mean_the_same_by_yaml_1_1_and_1_2(data: Any) -> None:
    """So that other programs can read a run's recipe. (YAML 1.1 has no way to tell 0o17 from text, nor does it need one here.)"""
    text = f"x: {flow(data)}"
    assert same(plain(document(text, "f"))["x"], data)
    assert same(pyyaml.safe_load(text)["x"], data)


def same(one: Any, other: Any) -> bool:
    """Equal, with equal types and equal signs of zero."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and one == other


@settings(max_examples=500, deadline=None)
@given(FLOATS)
def test_floats_are_exact(number: float) -> None:
    assert same(plain(document(f"x: {flow(number)}", "f"))["x"], number)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Named(name="flip"), "flip"),
        (Named(name="rotate", value=10), "{rotate: 10}"),
        (Named(name="focal", args={"gamma": 2}), "{name: focal, gamma: 2}"),
        (Named(name="focal", value=2, args={"alpha": 0.5}), "{name: focal, value: 2, alpha: 0.5}"),
        (Named(name="crop", value=(1, 2)), "{crop: [1, 2]}"),
        (Named(args={"peak": 0.2}), "{args: {peak: 0.2}}"),
        (Named(name="odd", args={"name": "x"}), "{name: odd, args: {name: x}}"),
        (Named(name="value", value=3), "{name: value, value: 3}"),
        (Named(name="no"), '"no"'),
        (Named(name="timm:vit", value={"a": 1}), "{name: timm:vit, value: {a: 1}}"),
    ],
)
def test_choices_are_written_as_people_write_them(choice: Named, text: str) -> None:
    assert flow(choice) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-4, "0.0001"),
        (1e-5, "1.0e-05"),
        (1e22, "1.0e+22"),
        (0.1, "0.1"),
        (5.0, "5.0"),
        (math.inf, ".inf"),
        ("no", '"no"'),
        ("1e-5", '"1e-5"'),
        ("2024-01-31", '"2024-01-31"'),
        ("./my photos/x.csv", "./my photos/x.csv"),
        ("C:\\data", '"C:\\\\data"'),
        ("图像", "图像"),
        ("a: b", '"a: b"'),
        ("", '""'),
        (None, "null"),
        (True, "true"),
    ],
)
def test_values_are_written_plainly_where_that_is_safe(value: object, text: str) -> None:
    assert flow(value) == text


def test_every_key_is_written_in_the_order_of_the_schema() -> None:
    def keys(section: BaseModel) -> list[Any]:
        fields = ((key, getattr(section, key)) for key in type(section).model_fields)
        return [
            (key, keys(value) if isinstance(value, BaseModel) and not isinstance(value, Named) else None)
            for key, value in fields
            if key != "args" or value
        ]

    def written(data: dict[str, Any], section: BaseModel) -> list[Any]:
        found = []
        for key, value in data.items():
            own = getattr(section, key)
            nested = isinstance(own, BaseModel) and not isinstance(own, Named)
            found.append((key, written(value, own) if nested else None))
        return [(key, below) for key, below in found if key != "args" or data[key]]

    recipe = Recipe(train={"early_stop": {}})
    assert written(pyyaml.safe_load(dump(recipe)), recipe) == keys(recipe)


def test_long_lists_take_a_line_for_each_item() -> None:
    recipe = Recipe(data={"augment": [{"name": "color-jitter", "brightness": 0.1, "p": 0.25 + i} for i in range(4)]})
    assert "  augment:\n    - {name: color-jitter, brightness: 0.1, p: 0.25}\n" in dump(recipe)
    assert from_text(dump(recipe)) == recipe
