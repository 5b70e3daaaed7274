"""What an augmentation can do. A class in ``transforms/`` is one or more of these; the pipeline puts them together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor

from danlu.data.augment.colour import Step
from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill


class Geometric(ABC):
    """Moves pixels. Neighbours in the recipe's list become one warp, so that images are interpolated once.

    fill: what stands outside the image; None where nothing from outside can come in. Neighbours with other fills are
    warped apart. copies: whether pixels only change places, in whatever it draws.
    """

    fill: Fill | None = None
    copies: ClassVar[bool] = False

    @abstractmethod
    def inverse(self, draws: Draws) -> np.ndarray:
        """float64 (B, 2, 5), see :class:`danlu.data.augment.geometry.Geometry`."""


class Colouring(ABC):
    """Changes pixel values, not places."""

    @abstractmethod
    def steps(self, draws: Draws) -> Sequence[Step]:
        """What is done to the pixels, in order."""


class Covering(ABC):
    """Paints over a part of the images."""

    @abstractmethod
    def cover(self, pixels: Tensor, sizes: Tensor | None, draws: Draws) -> Tensor:
        """pixels: (B, C, H, W), uint8 or float in 0–255; sizes: int64 (B, 2) where images are of many sizes."""


class Mixing(ABC):
    """Mixes each sample with a partner, targets too."""

    pixelwise: ClassVar[bool]  # True: blends all columns alike. False: pastes a part of the image, and needs one.

    @abstractmethod
    def shares(self, draws: Draws) -> np.ndarray:
        """float64 (B,) in [0, 1]: how much of the sample itself should remain; 1 leaves it as it is."""

    @abstractmethod
    def mix(self, pixels: Tensor, partner: Tensor, shares: np.ndarray, draws: Draws) -> tuple[Tensor, Tensor]:
        """Mixed images (B, C, H, W), and float32 (B,), the share of the sample itself that did remain."""
