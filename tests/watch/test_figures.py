from __future__ import annotations

import math
import mmap

import numpy as np
import pytest

from danlu.messages import set_language
from danlu.watch import memory
from danlu.watch.figures import brief, duration, figure, share, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.87214, "0.8721"), (12.346, "12.35"), (123.44, "123.4"), (1234.4, "1,234"), (-0.5, "-0.5000"), (0, "0"),
        (0.00042, "4.2e-4"), (1.5e7, "1.5e7"), (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "-∞"),
    ],
)  # fmt: skip
def test_figures_have_about_four_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (3e-4, "3e-4"),
        (0.00091, "9.1e-4"),
        (0.0123456, "0.0123"),
        (1e-10, "1e-10"),
        (2.0, "2"),
        (1.5e9, "1.5e9"),
    ],
)
def test_rates_are_brief(value: float, text: str) -> None:
    assert brief(value) == text
    assert float(text) == pytest.approx(value, rel=0.01)


def test_only_all_is_a_hundred_per_cent() -> None:
    assert [share(value) for value in (0, 0.004, 0.29, 0.999, 1.0)] == ["0 %", "0 %", "29 %", "99 %", "100 %"]
    assert share(math.nan) == "–"


def test_sizes() -> None:
    assert [size(value) for value in (512, 1500, 999_600, 812e6, 1.23e9, 5e12)] == [
        "512 B",
        "1.5 kB",
        "1.0 MB",
        "812 MB",
        "1.2 GB",
        "5.0 TB",
    ]


def test_durations_in_both_languages() -> None:
    times = (0.4, 59.6, 130, 3599.7, 3900, 86_399, 277_200)
    assert [duration(time) for time in times] == ["0s", "1m00s", "2m10s", "1h00m", "1h05m", "1d00h", "3d05h"]
    set_language("zh")
    assert [duration(time) for time in times] == [
        "0秒",
        "1分00秒",
        "2分10秒",
        "1时00分",
        "1时05分",
        "1天00时",
        "3天05时",
    ]


def test_memory_follows_what_is_held() -> None:
    before, all_there_is = memory.resident(), memory.available()
    assert before is not None
    assert all_there_is is not None
    held = mmap.mmap(-1, 200_000_000)  # the allocator may still hold what earlier tests let go
    np.frombuffer(held, np.uint8)[:] = 1
    after = memory.resident()
    assert after is not None
    assert 150_000_000 < after - before < 300_000_000
    assert before < len(held) + before < all_there_is


@pytest.mark.gpu
def test_memory_of_the_device_is_what_torch_reserved() -> None:
    import torch

    held = torch.empty(100_000_000, dtype=torch.uint8, device="cuda")
    found = memory.cuda()
    assert found is not None
    assert held.numel() <= found[0] == torch.cuda.memory_reserved() < found[1]
