"""The JSON Schema by which an editor completes and checks recipes (``danlu schema``), draft 2020-12.

It takes every spelling that :mod:`danlu.recipe.schema` takes. Known names are offered, others let through: only a run can know them.
"""

from __future__ import annotations

from typing import Any

from danlu.recipe.names import catalogue, tasks
from danlu.recipe.schema import Recipe

Schema = dict[str, Any]
_NAMED = "#/$defs/Named"


def json_schema() -> Schema:
    """The schema of the whole recipe, with the options of every task there is."""
    schema = Recipe.model_json_schema()
    parts: Schema = schema["$defs"]
    parts["Named"] = _choice([])
    data, train, model, optimizer = (
        parts[f"{name}Section"]["properties"] for name in ("Data", "Train", "Model", "Optimizer")
    )
    for key, group, where in (
        ("schedule", "schedule", train),
        ("loss", "loss", train),
        ("unfreeze", "unfreeze", model),
        ("adapter", "adapter", model),
        ("augment", "augmentation", data),
    ):
        parts[f"choice-of-{group}"] = _choice(list(catalogue(group)))
        where[key] = _referring(where[key], _NAMED, f"#/$defs/choice-of-{group}")
    for where, key, names in (
        (schema["properties"], "task", list(tasks())),
        (data, "format", ["auto", *(name for name in catalogue("source") if name != "builtin")]),
        (model, "name", ["auto", *catalogue("net")]),
        (model, "activation", list(catalogue("activation"))),
        (model, "norm", list(catalogue("norm"))),
        (optimizer, "name", list(catalogue("optimizer"))),
    ):
        where[key] = _offering(where[key], names)
    parts["OptimizerSection"]["additionalProperties"] = True  # further keys are arguments
    _also_by_name(schema["properties"]["model"], model["name"])
    _also_by_name(train["optimizer"], optimizer["name"])
    schema["allOf"] = [_options_of(name, parts) for name in tasks()]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _choice(names: list[str]) -> Schema:
    """A name, or a mapping: with ``name`` and arguments, or from the name to its value or arguments."""
    keys: Schema = {"name": _text(names), "value": {}, "args": {"type": "object"}}
    return {
        "anyOf": [
            _text(names),
            {"type": "object", "properties": {**{name: {} for name in names}, **keys}},
        ]
    }


def _text(names: list[str]) -> Schema:
    return {"anyOf": [{"enum": names}, {"type": "string"}]} if names else {"type": "string"}


def _offering(schema: Schema, names: list[str]) -> Schema:
    """The same with ``names`` for the editor to offer."""
    if schema.get("type") == "string":
        return {**{key: item for key, item in schema.items() if key != "type"}, **_text(names)}
    return {**schema, "anyOf": [{"enum": names}, *schema["anyOf"]]}


def _referring(schema: Any, old: str, new: str) -> Any:
    if isinstance(schema, dict):
        return {
            key: new if key == "$ref" and item == old else _referring(item, old, new) for key, item in schema.items()
        }
    return [_referring(item, old, new) for item in schema] if isinstance(schema, list) else schema


def _also_by_name(schema: Schema, name: Schema) -> None:
    """``model: mlp`` beside ``model: {name: mlp}``."""
    schema["anyOf"] = [{"anyOf": name["anyOf"]}, {"$ref": schema.pop("$ref")}]


def _options_of(task: str, parts: Schema) -> Schema:
    """Where this task is chosen, ``options`` are its own; their definitions are added to ``parts``."""
    options = tasks()[task].options.model_json_schema(ref_template=f"#/$defs/{task}-{{model}}")
    options = _referring(options, f"#/$defs/{task}-Named", _NAMED)
    parts.update({f"{task}-{name}": item for name, item in options.pop("$defs", {}).items() if name != "Named"})
    parts[f"{task}-options"] = options
    when = {"properties": {"task": {"const": task}}, "required": ["task"]}
    return {"if": when, "then": {"properties": {"options": {"$ref": f"#/$defs/{task}-options"}}}}
