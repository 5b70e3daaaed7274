"""A geometric transform of a batch of images: one affine map for each sample, which keeps every image's size.

Coordinates are centred: a pixel's (or a point's) offset from the middle of its image, x to the right, y down, in
pixels. In them a mirror, a turn or a zoom about the middle is the same map for every size, so a geometry is computed
without looking at sizes (which may lie on another device) and serves images, masks and boxes alike: pixel ``i`` of
``n`` has the centred coordinate ``i − (n − 1)/2``, a continuous coordinate ``x`` (pixel ``i`` covers ``[i, i + 1)``)
has ``x − n/2``; both agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from danlu.data.augment.sending import sent

if TYPE_CHECKING:
    from torch import Tensor

Fill = Literal["zero", "mean", "reflect", "edge"]
"""What stands where the source lies outside the image: 0; the image's own mean of each channel; the image mirrored
about its outermost pixels' centres (numpy's and torch's "reflect"); the outermost pixel repeated."""


@dataclass(frozen=True)
class Geometry:
    """Where each output pixel comes from: ``p = A·q + t + F·s``.

    q, p: centred coordinates (x, y) in the output and in the input. s = (width, height) of the image.
    inverse: float64 (B, 2, 5), columns ``[A | t | F]``: A (2, 2), t (2,) in pixels, F (2, 2) in shares of the size.
    sizes: (height, width) of all images, or int64 (B, 2) where images are of many sizes (on any device).
    fill: see :data:`Fill`.
    """

    inverse: np.ndarray
    sizes: tuple[int, int] | Tensor
    fill: Fill = "zero"

    def __len__(self) -> int:
        return len(self.inverse)

    def then(self, later: Geometry) -> Geometry:
        """This transform followed by ``later``, as one; ``later`` gives the fill."""
        return replace(later, inverse=compose(self.inverse, later.inverse))

    def part(self, rows: np.ndarray) -> Geometry:
        """The geometry of some samples: int64 ``rows`` (b,)."""
        sizes = self.sizes
        if not isinstance(sizes, tuple):
            sizes = sizes[sent(rows, sizes.device)]
        return replace(self, inverse=self.inverse[rows], sizes=sizes)

    def forward(self) -> np.ndarray:
        """float64 (B, 2, 5): the same columns for the map from input to output, for points and boxes."""
        a = np.linalg.inv(self.inverse[:, :, :2])
        return np.concatenate([a, -a @ self.inverse[:, :, 2:]], axis=2)

    def matrices(self, height: int, width: int) -> np.ndarray:
        """float64 (B, 2, 3): output pixel (x, y, 1) → input pixel, both counted from 0, for images of one size."""
        a, t, f = self.inverse[:, :, :2], self.inverse[:, :, 2], self.inverse[:, :, 3:]
        size = np.asarray([width, height], dtype=np.float64)
        centre = (size - 1) / 2
        return np.concatenate([a, (t + f @ size + centre - a @ centre)[:, :, None]], axis=2)

    def exact(self, square: bool) -> np.ndarray:
        """bool (B,): samples whose pixels only change places (mirrors, quarter turns, whole shifts).

        A quarter turn is exact only where all images are of one ``square`` size, so that the grid turns into itself.
        """
        a, t, f = self.inverse[:, :, :2], self.inverse[:, :, 2], self.inverse[:, :, 3:]
        fits = (np.abs(a) == np.eye(2)).all((1, 2))
        if square:
            fits |= (np.abs(a) == np.eye(2)[::-1]).all((1, 2))
        result: np.ndarray = fits & (t == np.rint(t)).all(1) & (f == 0).all((1, 2))
        return result

    def still(self) -> bool:
        """Whether nothing moves at all."""
        return bool((self.inverse == _IDENTITY).all())

    def mirrors(self) -> bool:
        """Whether nothing leaves any image: only mirrors, or nothing at all."""
        return bool((np.abs(self.inverse) == _IDENTITY).all())


_IDENTITY = np.concatenate([np.eye(2), np.zeros((2, 3))], axis=1)


def identity(count: int) -> np.ndarray:
    """float64 (count, 2, 5): the map that changes nothing."""
    return np.repeat(_IDENTITY[None], count, axis=0)


def compose(first: np.ndarray, later: np.ndarray) -> np.ndarray:
    """The inverse map of ``first`` followed by ``later``; all (B, 2, 5)."""
    # first's A times all of later, written out: numpy's matmul is slow on many small matrices
    result: np.ndarray = first[:, :, 0:1] * later[:, 0:1] + first[:, :, 1:2] * later[:, 1:2]
    result[:, :, 2:] += first[:, :, 2:]
    return result


def mirror(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Left and right swapped where bool ``x`` (B,), top and bottom where bool ``y`` (B,)."""
    inverse = identity(len(x))
    inverse[:, 0, 0] = np.where(x, -1.0, 1.0)
    inverse[:, 1, 1] = np.where(y, -1.0, 1.0)
    return inverse


def turn(degrees: np.ndarray) -> np.ndarray:
    """Turned anticlockwise (as seen) about the middle by ``degrees`` (B,); multiples of 90 are exact."""
    inverse = identity(len(degrees))
    quarters = np.mod(degrees, 360.0) / 90.0
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    whole = quarters == np.rint(quarters)
    cos, sin = np.where(whole, np.rint(cos), cos), np.where(whole, np.rint(sin), sin)
    inverse[:, 0, 0], inverse[:, 0, 1] = cos, -sin
    inverse[:, 1, 0], inverse[:, 1, 1] = sin, cos
    return inverse


def shift(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Content moved right by ``x`` (B,) and down by ``y`` (B,) pixels."""
    inverse = identity(len(x))
    inverse[:, 0, 2], inverse[:, 1, 2] = -x, -y
    return inverse


def shift_by_share(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Content moved right by ``x`` (B,) of the image's width and down by ``y`` (B,) of its height."""
    inverse = identity(len(x))
    inverse[:, 0, 3], inverse[:, 1, 4] = -x, -y
    return inverse


def shear(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rows moved by ``x``·row, columns by ``y``·column, about the middle: input = (q.x + x·q.y, q.y + y·q.x)."""
    inverse = identity(len(x))
    inverse[:, 0, 1], inverse[:, 1, 0] = x, y
    return inverse


def window(width: np.ndarray, height: np.ndarray, left: np.ndarray, top: np.ndarray) -> np.ndarray:
    """A window of the image stretched to the whole; all (B,) in shares of the image's width and height."""
    inverse = identity(len(width))
    inverse[:, 0, 0], inverse[:, 1, 1] = width, height
    inverse[:, 0, 3], inverse[:, 1, 4] = left + width / 2 - 0.5, top + height / 2 - 0.5
    return inverse
