"""Language codes of published tokenizers (mBART, NLLB, M2M100): which there are, and a tokenizer that puts one of them."""

from __future__ import annotations

import json
import re
from typing import Any

from danlu.data.text.pieces import Pieces
from danlu.data.text.tokenizers import Tokenizer
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

_CODE = re.compile(r"[a-z]{2,3}_[A-Z]{2}|[a-z]{3}_[A-Z][a-z]{3}|__[a-z]{2,3}__")  # en_XX, eng_Latn, __en__


def codes(words: Tokenizer) -> dict[str, int]:
    """Code → id."""
    if not isinstance(words, Pieces) or not words.whole:
        return {}
    added = json.loads(words.model).get("added_tokens", ())
    return {entry["content"]: entry["id"] for entry in added if _CODE.fullmatch(entry["content"])}


def speaking(words: Tokenizer, language: str, where: str) -> Pieces:
    """The tokenizer that puts ``language`` where it puts the code that it knows by itself: behind the end (mBART), or before the text.

    Raises RecipeError with all codes where it is none of them, and where the tokenizer has none.
    """
    known = codes(words)
    if not known or not isinstance(words, Pieces):
        raise RecipeError.of(where, say("text.no-languages"), say("text.no-languages.remedy"))
    code = language if language in known else f"__{language}__"
    if code not in known:
        what = say("text.unknown-language", code=language, codes=", ".join(sorted(known)))
        raise RecipeError.of(where, what, did_you_mean(language, sorted(known)) or "")
    content = json.loads(words.model)
    _, behind = words.around()
    end = words.pieces([words.end])[0]
    last = bool(behind) and behind[-1] in known.values()
    names = ["$A", end, code] if last else [code, "$A", end]
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [_part(name, "A") for name in names],
        "pair": [_part(name, "A") for name in names] + [_part("$B", "B")],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]}
            for name, number in ((end, words.end), (code, known[code]))
        },
    }
    return Pieces(json.dumps(content, ensure_ascii=False), words.whole)


def spoken(words: Tokenizer) -> tuple[int, bool]:
    """(id of the code that the tokenizer puts, whether before a text), (-1, False) where it puts none."""
    known = frozenset(codes(words).values())
    before, behind = words.around()
    found = [(each, True) for each in before if each in known] + [(each, False) for each in behind if each in known]
    return found[0] if found else (-1, False)


def _part(name: str, text: str) -> dict[str, Any]:
    return (
        {"Sequence": {"id": text, "type_id": 0}}
        if name.startswith("$")
        else {"SpecialToken": {"id": name, "type_id": 0}}
    )
