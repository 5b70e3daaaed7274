"""The tokenizer of a run whose weights another one begins with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from danlu.errors import RecipeError
from danlu.messages import say


def of_run(pretrained: str) -> dict[str, Any] | None:
    """Spec of the first column of texts of the run that ``model.pretrained`` names; None where it names none, or one without texts.

    Raises RecipeError where the run's columns can't be read: other words than the weights were learnt with would give nonsense.
    """
    file = Path(pretrained).expanduser() / "data" / "columns.json"
    if not pretrained or not file.is_file():
        return None
    try:
        kinds = json.loads(file.read_text(encoding="utf-8"))["kinds"].values()
        return next((dict(each["spec"]) for each in kinds if "tokenizer" in each.get("spec", {})), None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = say("nn.run-damaged", file=file)
        raise RecipeError.of("model.pretrained", what, say("nn.run-empty.remedy")) from error
