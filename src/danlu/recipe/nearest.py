"""What somebody probably meant."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from danlu.messages import say

# How other programs call what is called otherwise here.
_ELSEWHERE = {
    "learning-rate": "lr",
    "wd": "weight-decay",
    "decay": "weight-decay",
    "l2": "weight-decay",
    "bs": "batch-size",
    "optim": "optimizer",
    "optimiser": "optimizer",
    "scheduler": "schedule",
    "dataset": "data",
    "net": "model",
    "network": "model",
    "arch": "name",
    "criterion": "loss",
    "grad-clip": "clip-norm",
    "gradient-clip": "clip-norm",
    "max-grad-norm": "clip-norm",
    "gradient-accumulation-steps": "accumulate",
    "amp": "precision",
    "num-workers": "workers",
    "validation": "val",
    "path": "source",
    "normalise": "normalize",
    "transforms": "augment",
    "augmentations": "augment",
    "ce": "cross-entropy",
    "crossentropyloss": "cross-entropy",
    "mseloss": "mse",
    "l1loss": "l1",
}


# Letters of other scripts that look like these in every typeface (Unicode's confusables); full-width ones are found by NFKC.
_LOOK_ALIKE = str.maketrans(
    "аеіјорсхуѕһкмтвнԁӏԛԝοαερτικνυγАВЕІЈКМНОРСТХУЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeijopcxyshkmtbhdlqwoaeptikvuyABEIJKMHOPCTXYSABEZHIKMNOPTYX",
)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).translate(_LOOK_ALIKE)
    text = "".join(letter for letter in text if letter.isprintable())  # without what has no width
    return text.lower().replace("_", "-").replace(" ", "-")


def same(name: object, known: Iterable[str]) -> str | None:
    """The known name that ``name`` is but for case, ``_`` and ``-``, or but for how other programs call it."""
    plain = _plain(str(name))
    squeezed = {_plain(item).replace("-", ""): item for item in known}
    other = _ELSEWHERE.get(plain, plain)
    return squeezed.get(plain.replace("-", "")) or squeezed.get(other.replace("-", ""))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name closest to ``name``, or None where none is close."""
    plain = _plain(str(name))
    names = {_plain(item): item for item in known}
    found = same(name, names.values())
    if found is not None:
        return found
    close = difflib.get_close_matches(plain, names, n=1, cutoff=0.6) if len(plain) >= 2 else []  # 1 is not l1
    if not close and len(plain) >= 3:
        close = [key for key in names if key.startswith(plain) or (len(key) >= 3 and plain.startswith(key))][:1]
    return names[close[0]] if close else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """ "Did you mean …?", or nothing."""
    found = nearest(name, known)
    return "" if found is None else meant(name, found)


def meant(name: object, found: str) -> str:
    """ "Did you mean …?", with the letters that only look like those of ``found``."""
    text = str(name)
    foreign = dict.fromkeys(letter for letter in text if not letter.isascii())
    if not foreign or not found.isascii() or _plain(text) != _plain(found):
        return say("recipe.did-you-mean", name=found)
    letters = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in list(foreign)[:4])
    return say("recipe.look-alike", name=found, letters=letters)
