"""Brightness, contrast, saturation and hue changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment import adjust
from danlu.data.augment.colour import Adjust, Step
from danlu.data.augment.draws import Draws
from danlu.data.augment.parts import Colouring

Strength = Annotated[float, Field(ge=0)]


class ColorJitter(Colouring):
    """Each changed by its own random factor, in this order, with probability ``p`` for all together.

    brightness, contrast, saturation: the factor is uniform in [max(0, 1 − x), 1 + x]. hue: turned by up to ± that
    share of the colour circle. Formulas and factors are torchvision's ``ColorJitter``; the order is fixed, where
    torchvision shuffles it. Images of one channel have no saturation and hue: those change nothing.
    """

    def __init__(
        self,
        brightness: Strength = 0.2,
        contrast: Strength = 0.2,
        saturation: Strength = 0.2,
        hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0,
        p: Annotated[float, Field(gt=0, le=1)] = 1.0,
    ) -> None:
        self.factors = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        self.hue, self.p = hue, p

    def steps(self, draws: Draws) -> Sequence[Step]:
        which = np.where(draws.chance("p", self.p), 0, -1)
        strengths = [
            (getattr(adjust, name), draws.between(name, max(0.0, 1 - most), 1 + most))
            for name, most in self.factors.items()
            if most
        ]
        if self.hue:
            strengths.append((adjust.hue, draws.between("hue", -self.hue, self.hue)))
        return [Adjust([change], which, strength) for change, strength in strengths]
