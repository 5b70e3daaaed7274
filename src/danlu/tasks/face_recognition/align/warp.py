"""A face turned, moved and scaled so that its landmarks lie where those of every other face do."""

from __future__ import annotations

import numpy as np
from PIL import Image

PLACES = np.asarray(  # of eyes, nose and corners of the mouth among 112 × 112 pixels (Deng et al. 2019)
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
SIDE = 112


def similarity(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float64 (2, 3): turn, scale and shift that bring (n, 2) ``points`` nearest to ``places``, by least squares (Umeyama 1991).

    Never mirrored. Raises ValueError where all points are one.
    """
    points, places = np.asarray(points, np.float64), np.asarray(places, np.float64)
    middle, aim = points.mean(0), places.mean(0)
    spread = float(np.square(points - middle).sum())
    if spread == 0:
        raise ValueError("all points are one")
    left, size, right = np.linalg.svd((places - aim).T @ (points - middle))
    sign = np.asarray([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    turn = (left * sign) @ right * float((size * sign).sum()) / spread
    return np.column_stack([turn, aim - turn @ middle])


def aligned(picture: np.ndarray, landmarks: np.ndarray, side: int = SIDE) -> np.ndarray:
    """RGB uint8 (side, side, 3); black outside the picture. landmarks: (5, 2) in its pixels."""
    forth = similarity(landmarks + 0.5, (PLACES + 0.5) * side / SIDE)
    back = np.linalg.inv(np.vstack([forth, (0, 0, 1)]))
    image = Image.fromarray(np.ascontiguousarray(picture))
    turned = image.transform(
        (side, side), Image.Transform.AFFINE, tuple(back[:2].reshape(-1)), Image.Resampling.BICUBIC
    )
    return np.asarray(turned)
