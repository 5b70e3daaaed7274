"""Flip, crop, rotate, random-resized-crop and erase: what they draw, and what they do with it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from danlu.data.augment.draws import Draws
from danlu.data.augment.moves import move
from danlu.data.augment.transforms.crop import Crop
from danlu.data.augment.transforms.random_resized_crop import RandomResizedCrop
from danlu.data.batches.batch import Padded, Ragged
from danlu.randomness import Position
from tests.data.augmented import KEYS, augmented, batch_of, pictures


def image(*choices: Any, pixels: Tensor, epoch: int = 0, seed: int = 7) -> Tensor:
    made = augmented(*choices, at=Position(seed, epoch), batch=batch_of(image=pixels))["image"]
    assert isinstance(made, Tensor)
    return made


def mirrored(made: Tensor, before: Tensor, axis: int = -1) -> Tensor:
    """bool (B,); every image must be as it was, or mirrored, to the bit."""
    same, other = ((made == one).flatten(1).all(1) for one in (before, before.flip(axis)))
    assert (same ^ other).all()
    return other


def test_half_of_the_images_are_flipped() -> None:
    pixels = pictures(4000, 1, 2, 5)
    share = mirrored(image("flip", pixels=pixels), pixels).float().mean()
    assert 0.47 < share < 0.53
    share = mirrored(image({"flip": 0.2}, pixels=pixels), pixels).float().mean()
    assert 0.18 < share < 0.22
    assert mirrored(image({"flip": {"p": 1.0, "direction": "vertical"}}, pixels=pixels), pixels, -2).all()


def test_both_directions_are_independent() -> None:
    pixels = pictures(4000, 1, 3, 5)
    made = image({"flip": {"direction": "both"}}, pixels=pixels)
    views = [pixels, pixels.flip(-1), pixels.flip(-2), pixels.flip((-1, -2))]
    shares = [(made == view).flatten(1).all(1).float().mean() for view in views]
    assert sum(shares) == pytest.approx(1)
    assert all(0.22 < share < 0.28 for share in shares)


def test_alternating_flip_shows_both_sides_in_every_two_epochs() -> None:
    pixels = pictures(2000, 3, 4, 5, last=True)
    epochs = [
        mirrored(image({"flip": {"alternating": True}}, pixels=pixels, epoch=epoch), pixels) for epoch in range(5)
    ]
    assert 0.46 < epochs[0].float().mean() < 0.54
    for before, after in pairwise(epochs):
        assert torch.equal(after, ~before)


def test_an_ordinary_flip_is_drawn_anew_in_every_epoch() -> None:
    pixels = pictures(2000, 1, 4, 5)
    first, second = (mirrored(image("flip", pixels=pixels, epoch=epoch), pixels) for epoch in (0, 1))
    assert 0.45 < (first == second).float().mean() < 0.55


@pytest.mark.parametrize("fill", ["zero", "reflect", "edge"])
@pytest.mark.parametrize("shape", [(64, 1, 10, 12), (64, 3, 10, 12)])
def test_crop_is_a_window_of_the_padded_image(shape: tuple[int, ...], fill: str) -> None:
    pixels = pictures(*shape, last=shape[1] > 1)
    made = image({"crop": {"padding": 3, "fill": fill}}, pixels=pixels)
    inverse = Crop(3).inverse(Draws(Position(7), "augment/0/crop", KEYS[: shape[0]]))
    mode = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}[fill]
    padded = pad(pixels.float(), (3, 3, 3, 3), mode=mode).to(torch.uint8)
    for index, (x, y) in enumerate(inverse[:, :, 2].astype(int) + 3):
        assert torch.equal(made[index], padded[index, :, y : y + 10, x : x + 12])


@pytest.mark.parametrize("width", [1, 2, 7])
def test_a_reflected_image_comes_round_however_far_it_is_moved(width: int) -> None:
    """And it takes the room of a few images: at a shift of a billion a margin of that width would be terabytes."""
    pixels = pictures(6, 2, 5, width)
    shifts = np.asarray([0, 3, -3, 10**9 + 1, -(10**9), 12])
    inverse = np.zeros((6, 2, 5))
    inverse[:, 0, 0] = inverse[:, 1, 1] = 1
    inverse[1::2, 0, 0] = -1  # mirrored as well
    inverse[:, 0, 2] = shifts
    period = max(1, 2 * (width - 1))
    for fill in ("reflect", "edge", "zero"):
        made = move(pixels, inverse, fill)
        for index, shift in enumerate(shifts.tolist()):
            mirror = inverse[index, 0, 0] < 0
            for x in range(width):
                at = (width - 1 - x if mirror else x) + shift
                inside = 0 <= at < width
                if fill == "reflect":
                    at = min(at % period, period - at % period) if width > 1 else 0
                elif fill == "edge":
                    at = min(max(at, 0), width - 1)
                expected = pixels[index, :, :, at] if inside or fill != "zero" else torch.zeros(2, 5, dtype=torch.uint8)
                assert torch.equal(made[index, :, :, x], expected), (fill, shift, x)


def test_every_shift_is_equally_likely() -> None:
    shifts = Crop(2).inverse(Draws(Position(7), "augment/0/crop", KEYS))[:, :, 2]
    places, counts = np.unique(shifts, axis=0, return_counts=True)
    assert len(places) == 25
    assert np.abs(places).max() == 2
    expected = len(KEYS) / 25
    assert ((counts - expected) ** 2 / expected).sum() < 43  # chi-square with 24 degrees of freedom, 1 %


def test_a_crop_after_a_flip_is_one_exact_warp() -> None:
    pixels = pictures(64, 3, 10, 10, last=True)
    together = image("flip", {"crop": 2}, pixels=pixels)
    flipped = image("flip", pixels=pixels)
    inverse = Crop(2).inverse(Draws(Position(7), "augment/1/crop", KEYS[:64]))
    padded = pad(flipped, (2, 2, 2, 2))
    for index, (x, y) in enumerate(inverse[:, :, 2].astype(int) + 2):
        assert torch.equal(together[index], padded[index, :, y : y + 10, x : x + 10])


def test_rotation_stays_within_its_degrees() -> None:
    """A line to the right of the middle shows the angle: anticlockwise and clockwise alike, none larger."""
    pixels = torch.zeros(1000, 1, 65, 65)
    pixels[:, :, 31:34, 40:] = 255
    made = image({"rotate": 20}, pixels=pixels)[:, 0]
    y, x = torch.meshgrid(torch.arange(65) - 32.0, torch.arange(65) - 32.0, indexing="ij")
    weight = made.flatten(1).sum(1)
    angle = torch.rad2deg(torch.atan2(-(made * y).flatten(1).sum(1) / weight, (made * x).flatten(1).sum(1) / weight))
    assert 19 < angle.max() < 20.5
    assert -20.5 < angle.min() < -19
    assert abs(angle.mean()) < 1.5


def test_random_resized_crop_is_a_resize_of_a_window_inside() -> None:
    """A ramp stays a ramp: its slope is the window's share, its values tell the place."""
    size = 64
    ramp = torch.arange(size).float().expand(500, 1, size, size)
    both = torch.cat([ramp, ramp.transpose(2, 3)], 1)
    made = image({"random-resized-crop": {"area": 0.25, "ratio": 1.5}}, pixels=both)
    inner = slice(8, -8)
    width = (made[:, 0, 32, inner].diff(dim=1)).mean(1)
    height = (made[:, 1, inner, 32].diff(dim=1)).mean(1)
    area, aspect = (width * height).numpy(), (width / height).numpy()
    assert 0.25 - 1e-3 <= area.min() < 0.3
    assert 0.85 < area.max() <= 1 + 1e-3
    assert 1 / 1.5 - 1e-3 <= aspect.min() < 0.75
    assert 1.33 < aspect.max() <= 1.5 + 1e-3
    assert made.min() >= 0  # nothing but the image itself
    assert made.max() <= size - 1
    inverse = RandomResizedCrop(0.25, 1.5).inverse(Draws(Position(7), "augment/0/random-resized-crop", KEYS[:500]))
    left = (inverse[:, 0, 3] - inverse[:, 0, 0] / 2 + 0.5) * size
    expected = left + width.numpy() * (32 + 0.5) - 0.5
    np.testing.assert_allclose(made[:, 0, 32, 32].numpy(), expected, atol=1e-2)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("fill", ["zero", "mean", "random"])
def test_erase_paints_one_rectangle(fill: str, last: bool) -> None:
    count, height, width = 300, 24, 32
    pixels = pictures(count, 3, height, width, last=last).clamp(min=1)
    made = image({"erase": {"fill": fill, "smallest": 0.1, "largest": 0.3}}, pixels=pixels)
    changed = (made != pixels).any(1)
    erased = changed.flatten(1).any(1)
    assert 0.42 < erased.float().mean() < 0.58
    shares = []
    for index in erased.nonzero()[:, 0].tolist():
        rows, columns = changed[index].nonzero().unbind(1)
        block = made[index, :, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].float()
        shares.append(block.shape[1] * block.shape[2] / (height * width))
        if fill == "zero":
            assert block.max() == 0
        elif fill == "mean":
            expected = pixels[index].float().mean((1, 2), keepdim=True)
            assert (block - expected).abs().max() <= 0.5 + 1e-3
        else:
            assert 100 < block.mean() < 155
            assert block.std() > 50
    assert 0.07 < min(shares) < 0.13  # sides are rounded to pixels
    assert 0.26 < max(shares) < 0.34


def test_erase_is_as_large_as_drawn_and_anywhere_inside() -> None:
    pixels = torch.full((500, 1, 16, 16), 9, dtype=torch.uint8)
    choice = {"erase": {"p": 1.0, "fill": "zero", "smallest": 0.25, "largest": 0.25, "ratio": 1.0}}
    erased = image(choice, pixels=pixels)[:, 0] == 0
    assert (erased.flatten(1).sum(1) == 64).all()
    first = torch.stack([one.nonzero().amin(0) for one in erased])
    assert first.amin(0).tolist() == [0, 0]
    assert first.amax(0).tolist() == [8, 8]


def test_random_paint_differs_by_sample_and_epoch() -> None:
    pixels = torch.zeros(3, 1, 16, 16, dtype=torch.uint8)
    choice = {"erase": {"p": 1.0, "fill": "random", "smallest": 0.5, "largest": 0.6, "ratio": 1.0}}
    first, later = (image(choice, pixels=pixels, epoch=epoch) for epoch in (0, 1))
    for one, other in ((first[0], first[1]), (first[0], later[0])):
        both = (one > 0) & (other > 0)
        assert both.sum() > 10
        assert (one[both] == other[both]).float().mean() < 0.1


def test_erase_stays_within_an_image_of_its_own_size() -> None:
    sizes = torch.from_numpy(np.random.default_rng(2).integers(4, 21, (200, 2)))
    pixels = torch.zeros(200, 1, 20, 20, dtype=torch.uint8)
    choice = {"erase": {"p": 1.0, "fill": "random"}}
    made: Any = augmented(choice, batch=batch_of(image=Padded(pixels, sizes)))["image"]
    for block, (high, wide) in zip(made.values, sizes.tolist(), strict=True):
        assert block[:, :high, :wide].sum() > 0
        assert block[:, high:].sum() == 0
        assert block[:, :, wide:].sum() == 0


def test_boxes_and_images_of_many_sizes_flip_together() -> None:
    """What a box shows is the same pixels before and after, mirrored."""
    sizes = torch.tensor([[10, 20], [16, 12], [16, 20], [9, 9]])
    pixels = pictures(4, 3, 16, 20, last=True)
    rows = torch.tensor(
        [[2.0, 3, 9, 8, 0, 0, 35], [1, 1, 12, 4, 1, 0, 33], [0, 0, 20, 16, 2, 0, 320], [4, 2, 8, 9, 3, 1, 28]]
    )
    batch = batch_of(image=Padded(pixels, sizes), boxes=Ragged(rows, torch.arange(5)))
    made: Any = augmented({"flip": {"p": 1.0, "direction": "both"}}, batch=batch)
    for index in range(4):
        before, after = rows[index, :4].int().tolist(), made["boxes"].values[index, :4].int().tolist()
        cut = [
            source[index, :, y1:y2, x1:x2]
            for source, (x1, y1, x2, y2) in ((pixels, before), (made["image"].values, after))
        ]
        assert torch.equal(cut[0].flip((1, 2)), cut[1])
    assert torch.equal(made["boxes"].values[:, 4:], rows[:, 4:])
