"""What a run begins with is written down, and when it is taken up again it is compared with what is there now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danlu import recipe as recipes
from danlu.errors import RunError
from danlu.messages import say
from danlu.nn.run_weights import proof
from danlu.runs.assembling import Assembled
from danlu.runs.changes import as_data, changes
from danlu.runs.columns import describe
from danlu.runs.environment import differences
from danlu.runs.folder import RunFolder, writing
from danlu.runs.predictions import write_membership
from danlu.runs.takes import own_takes
from danlu.training import checkpoint
from danlu.training.aside import write_whole

Said = list[tuple[str, str]]  # (text, level)


def write_beginnings(folder: RunFolder, assembled: Assembled, now: Mapping[str, Any]) -> None:
    """Recipe, environment and what is known of data and net, proven by a manifest. Raises OSError."""
    write_whole(folder.recipe, recipes.dump(assembled.recipe).encode())
    begun = assembled.recipe.model.pretrained
    taken = proof(begun) if isinstance(begun, str) else {}
    folder.write_json(folder.environment, {**now, **({"pretrained": taken} if taken else {})})
    _write_data(folder, assembled)
    _write_net(folder, assembled)
    folder.prove()


def extra_state(assembled: Assembled, now: Mapping[str, Any]) -> dict[str, Any]:
    """What every checkpoint tells of where it comes from."""
    return {
        "recipe": as_data(assembled.recipe),
        "data": assembled.data.card.get("fingerprint"),
        "environment": dict(now),
    }


def taken_up(folder: RunFolder, assembled: Assembled, now: Mapping[str, Any]) -> Said:
    """What a person should know before the run goes on; what was damaged is written again where that can be done.

    Raises RunError where the data are others, or where it can't be known whether they are.
    """
    before = _origin(folder)
    said = _recipe(folder, assembled, before)
    _same_data(folder, assembled, before)
    damaged = {path: folder.damage(path) for path in (folder.card, folder.columns, folder.membership)}
    for damage in dict.fromkeys(filter(None, damaged.values())):
        said.append((say("runs.data-written-again", damage=damage), "warning"))
    net = folder.damage(folder.net) if own_takes(assembled.recipe) else ""
    if net:
        said.append((say("runs.net-written-again", damage=net), "warning"))
    said += _environment(folder, before, now)
    if any(damaged.values()) or net or folder.damage(folder.environment):
        with writing(folder.path):
            if any(damaged.values()):
                _write_data(folder, assembled)
            if net:
                _write_net(folder, assembled)
            if folder.damage(folder.environment):
                folder.write_json(folder.environment, before.get("environment", now))
            folder.prove()
    return said


def _origin(folder: RunFolder) -> dict[str, Any]:
    """What the newest sound checkpoint says of where it comes from; empty where there is none that does."""
    for path in reversed(checkpoint.listed(folder.checkpoints)):
        if not checkpoint.verify(path):
            return dict(checkpoint.values(path).get("extra", {}))
    return {}


def _write_data(folder: RunFolder, assembled: Assembled) -> None:
    folder.write_json(folder.card, dict(assembled.data.card))
    folder.write_json(folder.columns, describe(assembled.data))
    write_membership(folder.membership, assembled.data)


def _write_net(folder: RunFolder, assembled: Assembled) -> None:
    """Of a net of the user's, what of it a recipe may choose."""
    takes = own_takes(assembled.recipe)
    if takes:
        folder.write_json(folder.net, {"takes": takes})


def _recipe(folder: RunFolder, assembled: Assembled, before: Mapping[str, Any]) -> Said:
    if "recipe" in before:
        found = changes(before["recipe"], assembled.recipe)
        return [(say("runs.recipe-changed", changes="; ".join(found)), "warning")] if found else []
    damage = folder.damage(folder.recipe)
    return [(say("runs.recipe-not-as-written", damage=damage), "warning")] if damage else []


def _same_data(folder: RunFolder, assembled: Assembled, before: Mapping[str, Any]) -> None:
    known = before.get("data")
    if known is None:
        if folder.damage(folder.card) and not checkpoint.listed(folder.checkpoints):
            return  # nothing was learnt from them yet
        known = folder.read_json(folder.card).get("fingerprint")
    if known != assembled.data.card.get("fingerprint"):
        raise RunError.of(str(folder.path), say("runs.data-changed"), say("runs.data-changed.remedy"))


def _environment(folder: RunFolder, before: Mapping[str, Any], now: Mapping[str, Any]) -> Said:
    damage = folder.damage(folder.environment)
    said = [(say("runs.environment-damaged", damage=damage), "warning")] if damage else []
    known = before.get("environment")
    if known is None:
        known = {} if damage else folder.read_json(folder.environment)
    found, changing = differences(known, now)
    if found:
        key = "runs.environment-differs" if changing else "runs.environment-harmless"
        said.append((say(key, differences="; ".join(found)), "warning" if changing else "info"))
    return said
