"""Changes of pixel values beside torchvision's and Pillow's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from danlu._compat.torchvision import ensure
from danlu.data.augment import adjust
from danlu.data.augment.colour import Adjust, Change
from danlu.data.batches.batch import Padded
from danlu.randomness import Position
from tests.data.augmented import augmented, batch_of, kinds_of, pictures

ensure()
functional = pytest.importorskip("torchvision.transforms.v2.functional")

Reference = Callable[[Tensor, float], Tensor]

# torchvision on float images in 0–1 does not round between steps; ours are in 0–255
CONTINUOUS: list[tuple[str, adjust.Adjustment, Reference, list[float]]] = [
    ("brightness", adjust.brightness, functional.adjust_brightness, [0.0, 0.4, 1.0, 1.7]),
    ("contrast", adjust.contrast, functional.adjust_contrast, [0.0, 0.4, 1.0, 1.7]),
    ("saturation", adjust.saturation, functional.adjust_saturation, [0.0, 0.4, 1.0, 1.7]),
    ("hue", adjust.hue, functional.adjust_hue, [-0.5, -0.2, 0.0, 0.07, 0.31, 0.5]),
    ("sharpness", adjust.sharpness, functional.adjust_sharpness, [0.0, 0.4, 1.0, 1.9]),
]


def shades(count: int, channels: int) -> Tensor:
    """uint8 pictures, among them grey, black, white and saturated pixels."""
    made = pictures(count, channels, 15, 13, seed=5)
    made[:, :, :2] = made[:, :1, :2]
    made[:, :, 2, :4], made[:, :, 2, 4:8] = 0, 255
    made[:, 0, 3], made[:, -1, 4] = 255, 0
    return made


def by(change: adjust.Adjustment, pixels: Tensor, strengths: Any, sizes: Tensor | None = None) -> Tensor:
    strengths = np.broadcast_to(np.asarray(strengths, dtype=np.float64), len(pixels))
    return Change([Adjust([change], np.zeros(len(pixels), dtype=np.int64), strengths)], sizes)(pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("change", "reference", "strengths"), [row[1:] for row in CONTINUOUS], ids=[r[0] for r in CONTINUOUS]
)
def test_formulas_are_torchvisions(
    change: adjust.Adjustment, reference: Reference, strengths: list[float], channels: int
) -> None:
    """On floats to a hundredth of a level; on uint8, which torchvision rounds otherwise, within one level."""
    pixels = shades(len(strengths), channels)
    made, whole = by(change, pixels.float(), strengths), by(change, pixels, strengths)
    assert whole.dtype == torch.uint8
    for index, strength in enumerate(strengths):
        expected = reference(pixels[index].float() / 255, strength) * 255
        torch.testing.assert_close(made[index], expected, atol=0.01, rtol=0)
        torch.testing.assert_close(whole[index].float(), expected, atol=0.51, rtol=0)
        theirs = reference(pixels[index], strength)
        assert (whole[index].int() - theirs.int()).abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_equalize_posterize_solarize_autocontrast_are_torchvisions(channels: int) -> None:
    pixels = shades(4, channels) // 2 + 20
    pixels[1, 0], pixels[2] = 77, pictures(1, channels, 15, 13, seed=9) // 64 * 50
    pairs: list[tuple[adjust.Adjustment, float, Tensor]] = [
        (adjust.equalize, 1.0, functional.equalize(pixels)),
        (adjust.posterize, 2.0**4, functional.posterize(pixels, 4)),
        (adjust.posterize, 2.0**1, functional.posterize(pixels, 7)),
        (adjust.solarize, 100.0, functional.solarize(pixels, 100)),
    ]
    for change, strength, expected in pairs:
        assert torch.equal(by(change, pixels, strength), expected)
    stretched = functional.autocontrast(pixels.float() / 255) * 255
    torch.testing.assert_close(by(adjust.autocontrast, pixels.float(), 1.0), stretched, atol=0.01, rtol=0)


def test_equalize_is_pillows() -> None:
    from PIL import Image, ImageOps

    pixels = (pictures(4, 1, 40, 40, seed=2).float().pow(2) / 255).to(torch.uint8)
    pixels[2, :, 4:] = 250  # one level holds nearly all
    pixels[3] = pixels[3] // 128 * 100
    made = by(adjust.equalize, pixels, 1.0)
    for image, own in zip(pixels, made, strict=True):
        expected = np.asarray(ImageOps.equalize(Image.fromarray(image[0].numpy())))
        np.testing.assert_array_equal(own[0].numpy(), expected)


ALL = [getattr(adjust, name) for name in (
    "brightness", "contrast", "saturation", "hue", "sharpness", "posterize", "solarize", "autocontrast", "equalize"
)]  # fmt: skip


@pytest.mark.parametrize("change", ALL, ids=lambda change: change.__name__)
def test_images_of_many_sizes_are_changed_as_if_alone(change: adjust.Adjustment) -> None:
    """The padding enters no mean, histogram or border, and stays zero."""
    count = 9
    sizes = np.random.default_rng(1).integers(1, 12, (count, 2))
    sizes[0] = 11, 11
    pixels = pictures(count, 3, 11, 11, last=True)
    for image, (high, wide) in zip(pixels, sizes, strict=True):
        image[:, high:], image[:, :, wide:] = 0, 0
    strength = {"posterize": 8.0, "solarize": 0.0, "hue": 0.2}.get(change.__name__, 0.6)
    made = by(change, pixels, strength, torch.from_numpy(sizes))
    for index, (high, wide) in enumerate(sizes):
        alone = by(change, pixels[index : index + 1, :, :high, :wide].contiguous(), strength)[0]
        torch.testing.assert_close(made[index, :, :high, :wide].int(), alone.int(), atol=1, rtol=0)
        assert made[index, :, high:].sum() == 0
        assert made[index, :, :, wide:].sum() == 0


def test_each_sample_gets_its_own_choice_and_the_rest_stays() -> None:
    pixels = pictures(40, 3, 9, 9, last=True)
    which = np.random.default_rng(0).integers(-1, len(ALL), 40)
    strength = np.where(np.isin(which, [5]), 16.0, 0.5)
    made = Change([Adjust(ALL, which, strength)])(pixels)
    assert made.stride() == pixels.stride()
    for index in range(40):
        if which[index] < 0:
            assert torch.equal(made[index], pixels[index])
        else:
            alone = by(ALL[which[index]], pixels[index : index + 1].clone(), strength[index])
            assert torch.equal(made[index], alone[0])
    assert torch.equal(pixels, pictures(40, 3, 9, 9, last=True))  # nothing is done in place to the batch


def test_color_jitter_draws_each_factor_from_torchvisions_range() -> None:
    """White × brightness tells the factor: uniform in [0.4, 1.6] and never below 0."""
    white = torch.full((2000, 1, 2, 2), 100.0)
    args = {"brightness": 0.6, "contrast": 0.0, "saturation": 0.0}
    factors = augmented({"color-jitter": args}, batch=batch_of(image=white))["image"][:, 0, 0, 0].double() / 100  # type: ignore[index]
    assert 0.4 <= factors.min() < 0.41
    assert 1.59 < factors.max() <= 1.6
    assert abs(factors.mean() - 1) < 0.03
    args["brightness"] = 1.8
    factors = augmented({"color-jitter": args}, batch=batch_of(image=white))["image"][:, 0, 0, 0].double() / 100  # type: ignore[index]
    assert 0 <= factors.min() < 0.01
    assert (factors < 0.01).double().mean() < 0.02
    assert 2.5 < factors.max() <= 2.55  # 2.8 by the factor, cut off at 255


def test_color_jitter_is_torchvisions_steps_in_order() -> None:
    """The four changes with the factors that were drawn, by torchvision on floats: within one level."""
    from danlu.data.augment.draws import Draws
    from danlu.data.augment.transforms.color_jitter import ColorJitter

    batch = batch_of(image=shades(12, 3))
    args = {"brightness": 0.4, "contrast": 0.5, "saturation": 0.6, "hue": 0.1}
    made: Any = augmented({"color-jitter": args}, batch=batch)["image"]
    assert made.dtype == torch.uint8
    steps: Any = ColorJitter(**args).steps(Draws(Position(7), "augment/0/color-jitter", batch.keys))
    order = [
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
        functional.adjust_hue,
    ]
    for index in range(12):
        expected = batch["image"][index].float() / 255  # type: ignore[index]
        for step, reference in zip(steps, order, strict=True):
            expected = reference(expected, step.strength[index])
        assert (made[index].float() - expected * 255).abs().max() <= 1


def test_a_share_of_images_is_jittered() -> None:
    pixels = torch.full((2000, 1, 2, 2), 100, dtype=torch.uint8)
    made: Any = augmented({"color-jitter": {"brightness": 0.9, "p": 0.3}}, batch=batch_of(image=pixels))["image"]
    changed = (made != 100).flatten(1).any(1).float().mean()
    assert 0.26 < changed < 0.33


def test_magnitude_0_of_randaugment_is_nothing() -> None:
    pixels = pictures(64, 3, 12, 12, last=True)
    made = augmented({"randaugment": {"magnitude": 0, "operations": 6}}, batch=batch_of(image=pixels))
    assert torch.equal(made["image"], pixels)  # type: ignore[arg-type]


def test_a_small_magnitude_is_a_small_change() -> None:
    pixels = pictures(256, 3, 12, 12, last=True)
    made: Any = augmented({"randaugment": {"magnitude": 1e-3, "operations": 6}}, batch=batch_of(image=pixels))["image"]
    assert (made.int() - pixels.int()).abs().max() <= 1


def test_randaugment_uses_all_its_operations_and_grows_with_magnitude() -> None:
    batch = batch_of(image=pictures(512, 3, 16, 16, last=True))
    small: Any = augmented({"randaugment": {"magnitude": 1, "operations": 1}}, batch=batch)["image"]
    large: Any = augmented({"randaugment": {"magnitude": 15, "operations": 1}}, batch=batch)["image"]
    assert large.dtype == torch.uint8
    before: Any = batch["image"]
    changes = [(made.float() - before.float()).abs().mean() for made in (small, large)]
    assert changes[1] > 2 * changes[0] > 0
    # One operation of fourteen each: 2 of them (identity; saturation of a grey image) leave something as it is.
    untouched = (large == before).flatten(1).all(1).float().mean()
    assert 0.03 < untouched < 0.13


def test_randaugment_of_images_of_many_sizes_keeps_the_padding() -> None:
    sizes = torch.from_numpy(np.random.default_rng(1).integers(5, 17, (64, 2)))
    pixels = pictures(64, 3, 16, 16, last=True)
    for image, (high, wide) in zip(pixels, sizes.tolist(), strict=True):
        image[:, high:], image[:, :, wide:] = 0, 0
    batch = batch_of(image=Padded(pixels, sizes))
    assert kinds_of(batch.columns)["image"].name == "image"
    made: Any = augmented({"randaugment": {"magnitude": 20, "operations": 3}}, batch=batch)["image"]
    assert not torch.equal(made.values, pixels)
    for image, (high, wide) in zip(made.values, sizes.tolist(), strict=True):
        assert image[:, high:].sum() == 0
        assert image[:, :, wide:].sum() == 0
