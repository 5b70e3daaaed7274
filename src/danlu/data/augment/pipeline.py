"""From the recipe's list of augmentations to batch transforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.parts import Colouring, Covering, Geometric, Mixing
from danlu.data.augment.stages import Cover, Mix, Place, Recolour, Warp
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.randomness import Position
from danlu.recipe.arguments import Where
from danlu.recipe.arguments import place as below
from danlu.recipe.names import build as built
from danlu.recipe.schema import Named


def build(choices: Sequence[Named], kinds: Mapping[str, Kind], where: Where = "data.augment") -> list[BatchTransform]:
    """The transforms of a list of augmentations, in its order.

    choices: names with arguments. kinds: column → kind, of the dataset. where: of the list in the recipe.
    Neighbours that move pixels become one warp, so that images are interpolated once; neighbours that change colours
    become one change, rounded once. All that mix samples become one transform, at the place of the last of them. An
    own class may also be a whole :class:`BatchTransform`. Raises RecipeError with all problems: names, arguments,
    columns that can't be mixed, no images.
    """
    made: list[tuple[Place, Any]] = []
    problems: list[Problem] = []
    for index, choice in enumerate(choices):
        spot = below(where, str(index))
        try:
            part = built("augmentation", choice, spot)
        except RecipeError as error:
            problems += error.problems
            continue
        problems += _problems(choice.name, part, kinds, spot)
        made.append((Place(index, choice.name), part))
    own = [place.name for place, part in made if getattr(part, "partners", 0)]
    mixers = [(place, part) for place, part in made if isinstance(part, Mixing)]
    asking = [*own, *(place.name for place, _ in mixers[:1])]
    if len(asking) > 1:
        what = say("augment.two-mixers", name=asking[0], other=asking[1])
        problems.append(Problem(below(where, ""), what, say("augment.two-mixers.remedy")))
    if problems:
        raise RecipeError(problems)
    return _stages(made, mixers)


def apply(transforms: Sequence[BatchTransform], batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
    """The batch after all transforms, in order."""
    for transform in transforms:
        batch = transform(batch, at, kinds)
    return batch


def _stages(made: Sequence[tuple[Place, Any]], mixers: Sequence[tuple[Place, Mixing]]) -> list[BatchTransform]:
    stages: list[BatchTransform] = []
    for place, part in made:
        if isinstance(part, Geometric):  # a class that is both (RandAugment) moves pixels first
            last = stages[-1] if stages else None
            if isinstance(last, Warp) and last.takes(part):
                stages[-1] = Warp([*last.parts, (place, part)])
            else:
                stages.append(Warp([(place, part)]))
        if isinstance(part, Colouring):
            last = stages[-1] if stages else None
            if isinstance(last, Recolour):
                stages[-1] = Recolour([*last.parts, (place, part)])
            else:
                stages.append(Recolour([(place, part)]))
        if isinstance(part, Covering):
            stages.append(Cover(place, part))
        if isinstance(part, Mixing) and place == mixers[-1][0]:
            stages.append(Mix(mixers))
        if not isinstance(part, _PARTS):
            stages.append(part)
    return stages


def _problems(name: str, part: Any, kinds: Mapping[str, Kind], where: str) -> Iterator[Problem]:
    """What speaks against ``part`` with these columns."""
    if not isinstance(part, _PARTS):
        if not (callable(part) and hasattr(part, "partners") and hasattr(part, "choose")):
            remedy = say("augment.not-an-augmentation.remedy")
            yield Problem(where, say("augment.not-an-augmentation", name=name), remedy)
        return
    images = [kind for kind in kinds.values() if kind.name == "image"]
    if not images and not (isinstance(part, Mixing) and part.pixelwise):
        yield Problem(where, say("augment.no-image", name=name), say("augment.no-image.remedy", name=name))
    if not isinstance(part, Mixing):
        return
    for column, kind in kinds.items():
        if not kind.can_mix:
            what = say("augment.cannot-mix", name=name, column=column, kind=kind.name)
            yield Problem(where, what, say("augment.cannot-mix.remedy", name=name))
        elif kind.name == "image" and -1 in kind.storage().shape:
            what = say("augment.many-sizes", name=name, column=column)
            yield Problem(where, what, say("augment.many-sizes.remedy", name=name))


_PARTS = (Geometric, Colouring, Covering, Mixing)
