"""What the net of an image task sees for each way of normalising."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from danlu.recipe import from_dict
from danlu.tasks.image_input import normalisation

STATISTICS = {
    "mean": [100.0, 50.0, 25.0],
    "std": [10.0, 20.0, 5.0],
    "min": [0.0, 0.0, 5.0],
    "max": [200.0, 250.0, 55.0],
}


@pytest.mark.parametrize(
    ("how", "seen"),
    [("standard", [10.0, 7.5, 5.0]), ("minmax", [1.0, 0.8, 0.9]), ("none", [200 / 255, 200 / 255, 50 / 255])],
)
def test_pixels_come_in_a_sane_range(how: str, seen: list[float]) -> None:
    data = cast(Any, SimpleNamespace(statistics={"image": STATISTICS}))
    net = normalisation(from_dict({"data": {"normalize": how}}), data, "image")
    pixels = torch.tensor([200, 200, 50], dtype=torch.uint8).reshape(1, 3, 1, 1).expand(2, 3, 4, 4)
    torch.testing.assert_close(net(pixels)[1, :, 2, 3], torch.tensor(seen))
