"""The JSON Schema takes what the recipe takes, and refuses what any recipe refuses."""

from __future__ import annotations

from typing import Any

import pytest

from danlu.errors import RecipeError
from danlu.recipe import complete, dump, from_dict, from_text, json_schema
from danlu.recipe.names import tasks
from danlu.recipe.tree import plain
from danlu.recipe.yaml import document

SCHEMA = json_schema()
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "array": list,
}


def fits(value: Any, schema: Any) -> bool:
    """Whether ``value`` fits, for those keywords that the schema uses (any other is an error of this test)."""
    if schema is True or schema == {}:
        return True
    checks = {
        "$ref": lambda x: fits(value, SCHEMA["$defs"][x.removeprefix("#/$defs/")]),
        "type": lambda x: isinstance(value, TYPES[x]) and (x == "boolean" or not isinstance(value, bool)),
        "enum": lambda x: any(type(item) is type(value) and item == value for item in x),
        "const": lambda x: type(x) is type(value) and x == value,
        "anyOf": lambda x: any(fits(value, each) for each in x),
        "allOf": lambda x: all(fits(value, each) for each in x),
        "if": lambda x: fits(value, schema["then"]) if fits(value, x) else True,
        "minimum": lambda x: not _number(value) or value >= x,
        "maximum": lambda x: not _number(value) or value <= x,
        "exclusiveMinimum": lambda x: not _number(value) or value > x,
        "exclusiveMaximum": lambda x: not _number(value) or value < x,
        "minLength": lambda x: not isinstance(value, str) or len(value) >= x,
        "maxLength": lambda x: not isinstance(value, str) or len(value) <= x,
        "items": lambda x: not isinstance(value, list) or all(fits(item, x) for item in value),
        "required": lambda x: not isinstance(value, dict) or all(key in value for key in x),
        "properties": lambda x: (
            not isinstance(value, dict) or all(fits(value[key], x[key]) for key in value if key in x)
        ),
        "additionalProperties": lambda x: (
            not isinstance(value, dict)
            or all(
                x is not False and fits(item, x)
                for key, item in value.items()
                if key not in schema.get("properties", {})
            )
        ),
    }
    silent = {"then", "title", "description", "default", "$defs", "$schema", "examples"}
    return all(checks[key](item) for key, item in schema.items() if key not in silent)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


GOOD = [
    "seed: 3",
    "model: mlp",
    "model: {name: timm:resnet18, pretrained: true}",
    "model: {activation: gelu, norm: mine:Norm, args: {a: [1]}}",
    "train: {optimizer: sgd}",
    "train: {optimizer: {name: sgd, momentum: 0.9, lr: auto}}",
    "train: {optimizer: {sgd: {lr: 0.1}}}",
    "train: {schedule: cosine, loss: {focal: 2}}",
    "train: {schedule: {cosine: {restarts: 3}}, loss: {name: focal, gamma: 2}}",
    "train: {schedule: {args: {peak: 0.2}}, loss: null, warmup: 10, early_stop: {}}",
    "train: {loss: my.module:Loss, warmup: 0.1, early_stop: null, clip_norm: 1}",
    "data: {augment: [flip, {rotate: 10}, {color-jitter: {hue: 0.1}}, {name: crop, padding: 2}], workers: auto}",
    "data: {columns: {label: x}, image: {size: 32, channels: 3}, split: {stratify: auto}, format: csv}",
    "task: detection\noptions: {overlap: 0.5}",
    "task: my.module:SPEC\noptions: {anything: 1}",
]
BAD = [
    "seeds: 3",
    "seed: -1",
    "train: {epochs: 0}",
    "train: {epochs: '3'}",
    "train: {precision: fp8}",
    "train: {schedule: 3}",
    "train: {early_stop: 3}",
    "train: {optimizer: {name: sgd, lr: fast}}",
    "data: {augment: flip}",
    "data: {augment: [3]}",
    "data: {split: {val: 1.0}}",
    "data: {image: {channels: 2}}",
    "watch: {tensorboard: yes}",
    "model: 3",
    "task: detection\noptions: {overlp: 0.5}",
    "task: detection\noptions: {overlap: 5}",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_recipes_fit(text: str) -> None:
    data = plain(document(text, "f"))
    from_dict(data)
    assert fits(data, SCHEMA)


@pytest.mark.parametrize("text", BAD)
def test_bad_recipes_do_not(text: str) -> None:
    data = plain(document(text, "f"))
    with pytest.raises(RecipeError):
        complete(from_dict(data))
    assert not fits(data, SCHEMA)


@pytest.mark.parametrize("task", list(tasks()))
def test_every_example_and_every_written_recipe_fits(task: str) -> None:
    example = tasks()[task].example or f"task: {task}"
    assert fits(plain(document(example, "f")), SCHEMA)
    assert fits(plain(document(dump(complete(from_text(example))), "f")), SCHEMA)


def test_it_is_a_schema_of_the_draft_it_names() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator
    validator.check_schema(SCHEMA)
    for text in GOOD:
        validator(SCHEMA).validate(plain(document(text, "f")))
    for text in BAD:
        assert not validator(SCHEMA).is_valid(plain(document(text, "f")))


def test_every_key_is_described_and_names_are_offered() -> None:
    def undescribed(part: str, schema: dict[str, Any]) -> list[str]:
        return [f"{part}.{key}" for key, item in schema.get("properties", {}).items() if "description" not in item]

    sections = {"": SCHEMA, **{name: item for name, item in SCHEMA["$defs"].items() if name.endswith("Section")}}
    assert not [key for name, item in sections.items() for key in undescribed(name, item)]
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "cross-entropy" in SCHEMA["$defs"]["choice-of-loss"]["anyOf"][0]["anyOf"][0]["enum"]
    assert "resnet" in SCHEMA["$defs"]["ModelSection"]["properties"]["name"]["anyOf"][0]["enum"]
    assert "image-classification" in SCHEMA["properties"]["task"]["anyOf"][0]["enum"]
