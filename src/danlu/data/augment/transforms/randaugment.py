"""RandAugment: a few random changes of one magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment import adjust
from danlu.data.augment.colour import Adjust, Step
from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill, compose, identity, shear, shift_by_share, turn
from danlu.data.augment.parts import Colouring, Geometric

_LARGEST = 30.0
_USUAL = 9.0
_COLOURS = (
    adjust.brightness,
    adjust.contrast,
    adjust.saturation,
    adjust.sharpness,
    adjust.posterize,
    adjust.solarize,
    adjust.autocontrast,
    adjust.equalize,
)
_SHEAR_X, _SHEAR_Y, _SHIFT_X, _SHIFT_Y, _TURN = range(len(_COLOURS), len(_COLOURS) + 5)
_CHOICES = len(_COLOURS) + 6  # the last one leaves the image as it is


class RandAugment(Geometric, Colouring):
    """``operations`` changes for each image out of 14, all of one ``magnitude`` (Cubuk et al. 2019, "RandAugment").

    Identity; shear in x and in y (up to 0.3), shift in x and in y (up to 150/331 of the side), turn (up to 30°);
    brightness, contrast, saturation, sharpness (factor 1 ± up to 0.9), posterize (up to 4 bits taken away), solarize
    (threshold from 256 down to 0), autocontrast and equalize. Strengths grow linearly with the magnitude, 0 to 30, as
    in torchvision; signs are random.

    Two differences: at magnitude 0 nothing changes at all (autocontrast and equalize are blended in, fully from 9 on),
    and an image's geometric operations come first, as a single warp, then those of colour.
    """

    def __init__(
        self,
        magnitude: Annotated[float, Field(ge=0, le=_LARGEST)] = _USUAL,
        operations: Annotated[int, Field(ge=1, le=16)] = 2,
        fill: Fill = "zero",
    ) -> None:
        self.magnitude, self.operations = magnitude, operations
        self.fill = fill

    def inverse(self, draws: Draws) -> np.ndarray:
        chosen, sign = self._chosen(draws)
        share = self.magnitude / _LARGEST
        result = identity(len(draws))
        for layer in range(self.operations):
            which, way = chosen[:, layer], sign[:, layer] * share
            amount = [np.where(which == name, way, 0.0) for name in (_SHEAR_X, _SHEAR_Y, _SHIFT_X, _SHIFT_Y, _TURN)]
            # At most one of them is not 0, so their order says nothing.
            result = compose(result, shear(0.3 * amount[0], 0.3 * amount[1]))
            result = compose(result, shift_by_share(150 / 331 * amount[2], 150 / 331 * amount[3]))
            result = compose(result, turn(30.0 * amount[4]))
        return result

    def steps(self, draws: Draws) -> Sequence[Step]:
        if not self.magnitude:
            return ()
        chosen, sign = self._chosen(draws)
        share = self.magnitude / _LARGEST
        fixed = {
            adjust.posterize: 2.0 ** round(4 * share),
            adjust.solarize: 256 * (1 - share),
            adjust.autocontrast: min(1.0, self.magnitude / _USUAL),
            adjust.equalize: min(1.0, self.magnitude / _USUAL),
        }
        steps = []
        for layer in range(self.operations):
            which = np.where(chosen[:, layer] < len(_COLOURS), chosen[:, layer], -1)
            strength = 1 + 0.9 * share * sign[:, layer]
            for index, change in enumerate(_COLOURS):
                if change in fixed:
                    strength = np.where(which == index, fixed[change], strength)
            steps.append(Adjust(_COLOURS, which, strength))
        return steps

    def _chosen(self, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        """int64 and float64 (B, operations): which changes, and −1 or 1."""
        which = (draws.uniform("which", self.operations) * _CHOICES).astype(np.int64)
        return which, np.where(draws.uniform("sign", self.operations) < 0.5, -1.0, 1.0)
