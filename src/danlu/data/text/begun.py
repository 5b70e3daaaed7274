"""The tokenizer of a run whose weights another one begins with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def of_run(pretrained: str) -> dict[str, Any] | None:
    """Spec of the first column of texts of the run that ``model.pretrained`` names; None where it names none, or one without texts."""
    file = Path(pretrained).expanduser() / "data" / "columns.json"
    if not pretrained or not file.is_file():
        return None
    try:
        kinds = json.loads(file.read_text(encoding="utf-8"))["kinds"].values()
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return next((dict(each["spec"]) for each in kinds if "tokenizer" in each.get("spec", {})), None)
