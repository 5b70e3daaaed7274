"""Ids in COCO's JSON as tools write them: 7, 7.0 from a table of floats, or "7"; annotations often in another way than the lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LISTS = (("images", "image_id"), ("categories", "category_id"))


def one_way(content: Mapping[str, Any]) -> int:
    """Makes whole floats whole numbers, and what annotations point at by text where the list has a number (or the other way round)
    the list's own id. How many annotations were changed in that second way. content: checked to have lists of objects; changed.
    """
    changed: set[int] = set()
    for name, pointer in _LISTS:
        for item in content[name]:
            item["id"] = whole(item["id"])
        known = {item["id"] for item in content[name]}
        spelled = {str(one): one for one in known}
        told_apart = len(spelled) == len(known)  # 7 beside "7": then they are two
        for place, item in enumerate(content["annotations"]):
            if pointer not in item:
                continue
            said = item[pointer] = whole(item[pointer])
            if type(said) in (int, str) and said not in known and told_apart and str(said) in spelled:
                item[pointer] = spelled[str(said)]
                changed.add(place)
    return len(changed)


def whole(value: Any) -> Any:
    """7.0 as 7; anything else as it is."""
    return int(value) if type(value) is float and value.is_integer() else value
