"""A rectangle of each image taken from a partner."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor

from danlu.data.augment.beta import beta
from danlu.data.augment.draws import Draws
from danlu.data.augment.parts import Mixing
from danlu.data.augment.rectangles import overlay, spans
from danlu.data.augment.sending import sent


class Cutmix(Mixing):
    """CutMix (Yun et al. 2019): a rectangle of 1 − λ of the image's area, λ from Beta(``alpha``, ``alpha``) by sample.

    Its middle is anywhere in the image and it is clipped there; targets are mixed by the share of pixels that really
    remain. The partner is another training sample, by hash; ``p`` of the samples are mixed at all.
    """

    pixelwise = False

    def __init__(
        self, alpha: Annotated[float, Field(gt=0, le=1000)] = 1.0, p: Annotated[float, Field(gt=0, le=1)] = 1.0
    ) -> None:
        self.alpha, self.p = alpha, p

    def shares(self, draws: Draws) -> np.ndarray:
        return np.where(draws.chance("p", self.p), beta(draws.uniform("share")[:, 0], self.alpha), 1.0)

    def mix(self, pixels: Tensor, partner: Tensor, shares: np.ndarray, draws: Draws) -> tuple[Tensor, Tensor]:
        size = np.asarray(pixels.shape[2:])
        length = np.floor(size * np.sqrt(1 - shares)[:, None]).astype(np.int64)
        middle = np.floor(size * draws.uniform("place", 2)).astype(np.int64)
        start = np.clip(middle - length // 2, 0, size)
        length = np.clip(middle - length // 2 + length, 0, size) - start
        given = sent(np.concatenate([start, length], axis=1), pixels.device)
        top, left, height, width = given.unbind(1)
        rows, columns = spans(top, height, pixels.shape[2]), spans(left, width, pixels.shape[3])
        area = pixels.shape[2] * pixels.shape[3]
        return overlay(pixels, partner.to(pixels.dtype), rows, columns), (area - height * width).float() / area
