"""What answers about texts rest on, for ``danlu explain``: each text's strongest words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danlu.cli._output import Output
from danlu.data.kinds.base import BadValue
from danlu.data.text.tokenizers import GONE
from danlu.errors import DanluError, DataError
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.evaluation.explain.words import Words

METHOD = "integrated-gradients"
_SHOWN = 12  # words of a text, the strongest
_FINE = 0.05  # of what all words add up to: as far as this they may be from it


def takes_texts(path: str) -> bool:
    """Whether a run's one input is a text. Raises RunError where there is no run."""
    return asked_by(path) == "text"


def asked_by(path: str) -> str:
    """What a run is asked with: "file", "text", "name" or "row". Raises RunError where there is no run."""
    from danlu.recipe.names import load_object, resolve
    from danlu.runs.folder import RunFolder

    folder = RunFolder.open(Path(path))
    told: Mapping[str, Any] = folder.read_json(folder.columns)
    kinds = [told["kinds"][name]["kind"] for name in told["inputs"]]
    return str(load_object(resolve("kind", kinds[0])).asked) if len(kinds) == 1 else "row"


def explain_texts(path: str, given: Sequence[str], target: str | None, out: Output) -> None:
    """Of each text that was given (as ``danlu predict`` takes them) the words that the answer rests on, the strongest first.

    target: the class that is explained; None: the one that is answered. Raises DanluError for an unknown class or a net whose words
    can't be told apart, DataError for a text that can't be used.
    """
    from danlu.deploy.asking import raws
    from danlu.evaluation.explain.words import words
    from danlu.runs.predicting import load
    from danlu.tasks.explaining import place_of

    run = load(path)
    classes: Sequence[str] = getattr(run.kinds[run.data.targets[0]], "classes", ()) if run.data.targets else ()
    place = None if target is None else place_of(target, classes)
    told = []
    for name, raw in raws(run, given, out.aside):
        try:
            (found,) = words(run, [raw], place)
        except BadValue as error:
            raise DataError.of(name[:80], str(error)) from error
        except TypeError as error:
            raise DanluError.of(path, say("explain.no-words", reason=error)) from error
        out.line(say("explain.words", input=name, target=found.target))
        out.line(f"  {_strongest(found)}")
        if found.gap > _FINE:
            out.line(f"  {say('explain.words.coarse', gap=f'{100 * found.gap:.2g}')}")
        told.append({"input": name, "method": METHOD} | found.as_dict())
    out.result(told)


def _strongest(found: Words) -> str:
    order = sorted(range(len(found.pieces)), key=lambda at: -abs(float(found.weights[at])))
    return "   ".join(
        f"{found.pieces[at].replace(GONE, '[?]')} {float(found.weights[at]):+.3f}" for at in order[:_SHOWN]
    )
