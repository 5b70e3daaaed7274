"""What size and how many channels a set of images should have, from a look at some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.images.decode import Header, Size, look
from danlu.data.kinds.base import BadValue

LOOKED_AT = 500
SMALL = 128  # pixels a side: up to this, images all of one size stay as they are; larger ones are brought to it


@dataclass(frozen=True)
class Survey:
    """size: (height, width) to prepare images in; channels: 1 where every image is grey, else 3."""

    size: Size
    channels: int


def survey(raws: Sequence[Any]) -> Survey:
    """Looks at :data:`LOOKED_AT` headers, evenly drawn; files that can't be read are passed over (they are listed when prepared).

    Small images of one size keep it. Others become square: their median shorter side, at most :data:`SMALL`.
    """
    if isinstance(raws, np.ndarray) and raws.dtype != object:
        headers = [_of_shape(raws.shape[1:])] if len(raws) else []
    else:
        places = np.linspace(0, len(raws) - 1, min(len(raws), LOOKED_AT)) if len(raws) else np.empty(0)
        headers = [
            header for row in np.unique(places.astype(np.int64)).tolist() if (header := _header(raws[row])) is not None
        ]
    if not headers:
        return Survey((SMALL, SMALL), 3)
    channels = 1 if all(header.channels == 1 for header in headers) else 3
    sizes = {header.size for header in headers}
    if len(sizes) == 1 and max(next(iter(sizes))) <= SMALL:
        return Survey(next(iter(sizes)), channels)
    shorter = float(np.median([min(header.size) for header in headers]))
    side = min(SMALL, max(8, 4 * round(shorter / 4)))
    return Survey((side, side), channels)


def _header(raw: Any) -> Header | None:
    if isinstance(raw, np.ndarray):
        return _of_shape(raw.shape)
    try:
        return look(Path(raw) if isinstance(raw, str) else raw) if isinstance(raw, (str, Path, bytes)) else None
    except BadValue:
        return None


def _of_shape(shape: tuple[int, ...]) -> Header:
    if len(shape) == 3 and shape[2] not in (1, 2, 3, 4) and shape[0] in (1, 3, 4):
        shape = (shape[1], shape[2], shape[0])
    return Header((shape[0], shape[1]), 1 if len(shape) == 2 or shape[2] in (1, 2) else 3)
