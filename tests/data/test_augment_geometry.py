"""Warps: exact moves, interpolation, images of many sizes, points and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torch.utils._python_dispatch import TorchDispatchMode

from danlu.data.augment import geometry as g
from danlu.data.augment.boxes import warp_boxes, warp_points
from danlu.data.augment.geometry import Geometry
from danlu.data.augment.indexed import move_indexed
from danlu.data.augment.resample import resample
from danlu.data.augment.warp import warp_images
from danlu.data.batches.batch import Padded, Ragged
from tests.data.augmented import pictures

FILLS: list[Any] = ["zero", "mean", "reflect", "edge", 7.0]
RNG = np.random.default_rng(3)


def coins(count: int) -> np.ndarray:
    return RNG.random(count) < 0.5


def moves(count: int, turns: bool) -> np.ndarray:
    """Random mirrors, whole shifts and (for squares) quarter turns, one after the other."""
    made = g.compose(g.mirror(coins(count), coins(count)), g.shift(*RNG.integers(-4, 5, (2, count))))
    if turns:
        made = g.compose(g.turn(RNG.integers(0, 4, count) * 90.0), made)
    return g.compose(made, g.mirror(coins(count), coins(count)))


def outside(index: int, size: int, fill: str) -> int:
    """Where a position beyond the edge is read, one step at a time."""
    while not 0 <= index < size:
        if fill == "edge" or size == 1:
            return min(max(index, 0), size - 1)
        index = -index if index < 0 else 2 * (size - 1) - index
    return index


def moved(image: np.ndarray, inverse: np.ndarray, fill: Any) -> np.ndarray:
    """(C, H, W) pixel by pixel."""
    _, height, width = image.shape
    matrix = Geometry(inverse[None], (height, width)).matrices(height, width)[0]
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            column, row = np.rint(matrix @ [x, y, 1]).astype(int)
            if 0 <= column < width and 0 <= row < height:
                result[:, y, x] = image[:, row, column]
            elif fill in ("reflect", "edge"):
                result[:, y, x] = image[:, outside(row, height, fill), outside(column, width, fill)]
            elif fill == "mean":
                result[:, y, x] = np.rint(image.mean((1, 2)))
            else:
                result[:, y, x] = 0 if fill == "zero" else fill
    return result


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("shape", [(12, 1, 6, 6), (12, 3, 6, 6), (12, 3, 5, 8), (4, 2, 1, 4)])
def test_moves_are_exact(shape: tuple[int, ...], last: bool, fill: Any) -> None:
    pixels = pictures(*shape, last=last)
    inverse = moves(shape[0], turns=shape[2] == shape[3])
    geometry = Geometry(inverse, shape[2:])
    assert geometry.exact(shape[2] == shape[3]).all()
    expected = [moved(image, own, fill) for image, own in zip(pixels.numpy(), inverse, strict=True)]
    for made in (warp_images(pixels, geometry, fill=fill), move_indexed(pixels, inverse, fill)):
        assert made.stride() == pixels.stride()
        np.testing.assert_array_equal(made.numpy(), np.stack(expected))


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.bool])
@pytest.mark.parametrize("kind", ["mirrored", "down", "across", "turned", "far"])
def test_other_moves_of_other_values_are_exact_too(kind: str, dtype: torch.dtype) -> None:
    """Those of one axis, turns beside nothing else, and shifts that no 32 bits hold."""
    count, some, none = 12, RNG.integers(-4, 5, 12).astype(float), np.zeros(12)
    inverse = {
        "mirrored": g.mirror(coins(count), coins(count)),
        "down": g.shift(none, some),
        "across": g.compose(g.shift(some, none), g.mirror(coins(count), np.zeros(count, bool))),
        "turned": g.compose(g.turn(np.arange(count) * 90.0), g.mirror(np.arange(count) % 8 > 3, np.zeros(count, bool))),
        "far": g.shift(np.where(coins(count), 2.0**33 + 1, 1.0), none),
    }[kind]
    near = np.where(
        np.abs(inverse) > 2**32, np.sign(inverse) * 13, inverse
    )  # as far outside, and as far into a mirrored period of 10
    pixels = pictures(count, 3, 6, 6, last=True)
    pixels = pixels.gt(99) if dtype is torch.bool else pixels.to(dtype)
    for fill in ("zero", "reflect", "edge", 1.0):
        known = warp_images(pixels, Geometry(near, (6, 6)), fill=fill)  # type: ignore[arg-type]
        made = move_indexed(pixels, inverse, fill)  # type: ignore[arg-type]
        assert made.stride() == pixels.stride()
        assert torch.equal(made, known)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The most bytes that an operation wrote anew."""

    most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and not func.is_view:
            self.most = max(self.most, found.untyped_storage().nbytes())
        return found


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_moves_by_an_index_take_no_more_than_the_images(last: bool, turns: bool) -> None:
    pixels = pictures(4, 3, 64, 64, last=last)
    with Largest() as seen:
        move_indexed(pixels, moves(4, turns), "zero")
    assert seen.most == pixels.nbytes


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", [(12, 3, 6, 6), (12, 1, 5, 8)])
def test_images_of_many_sizes_move_within_their_own(shape: tuple[int, ...], fill: Any) -> None:
    """Moves, and both interpolations of the same moves, agree with each image moved alone; padding stays zero."""
    count, _, height, width = shape
    sizes = np.stack([RNG.integers(1, height + 1, count), RNG.integers(1, width + 1, count)], 1)
    pixels = pictures(*shape, last=shape[1] > 1)
    for image, (high, wide) in zip(pixels, sizes, strict=True):
        image[:, high:], image[:, :, wide:] = 0, 0
    inverse = moves(count, turns=False)
    own = torch.from_numpy(sizes)
    several = {
        "moved": warp_images(Padded(pixels, own), Geometry(inverse, own), fill=fill).values,
        "nearest": resample(pixels, own, inverse, fill, "nearest"),
        "bilinear": resample(pixels, own, inverse, fill, "bilinear"),
    }
    for name, made in several.items():
        assert made.stride() == pixels.stride()
        for index, (high, wide) in enumerate(sizes):
            expected = moved(pixels[index, :, :high, :wide].numpy(), inverse[index], fill)
            np.testing.assert_array_equal(made[index, :, :high, :wide].numpy(), expected, err_msg=name)
            assert made[index, :, high:].sum() == 0
            assert made[index, :, :, wide:].sum() == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32, torch.float16])
def test_a_mirror_twice_is_nothing(dtype: torch.dtype) -> None:
    pixels = pictures(8, 3, 7, 9).to(dtype)
    geometry = Geometry(g.mirror(coins(8), coins(8)), (7, 9))
    twice = warp_images(warp_images(pixels, geometry), geometry)
    assert twice.dtype == dtype
    assert torch.equal(twice, pixels)
    assert geometry.then(geometry).still()


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_quarter_turns_are_rot90(quarters: int) -> None:
    pixels = pictures(3, 3, 8, 8, last=True)
    made = warp_images(pixels, Geometry(g.turn(np.full(3, 90.0 * quarters)), (8, 8)))
    assert torch.equal(made, torch.rot90(pixels, quarters, (2, 3)))


def test_half_a_turn_of_an_oblong_is_exact_and_a_quarter_is_interpolated() -> None:
    pixels = pictures(2, 1, 6, 9)
    half = Geometry(g.turn(np.asarray([180.0, 90.0])), (6, 9))
    assert half.exact(square=False).tolist() == [True, False]
    made = warp_images(pixels, half)
    assert torch.equal(made[0], pixels[0].flip((1, 2)))
    # The quarter turn keeps the oblong's size: its middle, 5 rows and columns about the centre, is turned.
    turned = resample(pixels[1:], None, half.inverse[1:], "zero", "bilinear")
    assert torch.equal(made[1:], turned)


@pytest.mark.parametrize("fill", ["zero", "reflect", "edge"])
def test_interpolation_is_affine_grid_and_grid_sample(fill: str) -> None:
    count, height, width = 6, 9, 12
    pixels = pictures(count, 2, height, width)
    inverse = g.compose(g.turn(RNG.uniform(-40, 40, count)), g.window(*RNG.uniform(0.5, 0.9, (2, count)), 0.05, 0.1))
    inverse = g.compose(inverse, g.shift_by_share(*RNG.uniform(-0.2, 0.2, (2, count))))
    made = warp_images(pixels.double().float(), Geometry(inverse, (height, width), fill))  # type: ignore[arg-type]
    # torch's own: theta maps normalised output to normalised input coordinates, −1 and 1 at the outer edges
    half = np.asarray([width, height]) / 2
    offset = inverse[:, :, 2] + inverse[:, :, 3:] @ np.asarray([width, height])
    theta = np.concatenate([inverse[:, :, :2] * half / half[:, None], (offset / half)[:, :, None]], 2)
    if fill == "reflect":
        half = (np.asarray([width, height]) - 1) / 2
        theta = np.concatenate([inverse[:, :, :2] * half / half[:, None], (offset / half)[:, :, None]], 2)
    aligned = fill == "reflect"
    grid = affine_grid(torch.from_numpy(theta), [count, 2, height, width], align_corners=aligned)
    mode = {"zero": "zeros", "reflect": "reflection", "edge": "border"}[fill]
    expected = grid_sample(pixels.double(), grid, padding_mode=mode, align_corners=aligned)
    torch.testing.assert_close(made.double(), expected, atol=2e-3, rtol=0)


def test_mean_fill_leaves_a_flat_image_flat() -> None:
    pixels = torch.full((4, 3, 8, 8), 90, dtype=torch.uint8)
    made = warp_images(pixels, Geometry(g.turn(np.asarray([10.0, 45.0, 77.0, 90.0])), (8, 8), "mean"))
    assert torch.equal(made, pixels)


def test_composition_is_one_after_the_other() -> None:
    """Matrices multiply; images agree where two interpolations do no harm (a smooth picture, away from the border)."""
    count, size = 5, 41
    first, second = g.turn(RNG.uniform(-20, 20, count)), g.window(*RNG.uniform(0.7, 0.9, (2, count)), 0.1, 0.05)
    both = Geometry(first, (size, size)).then(Geometry(second, (size, size)))
    one, two = (Geometry(part, (size, size)).matrices(size, size) for part in (first, second))
    last_row = np.tile([[[0.0, 0.0, 1.0]]], (count, 1, 1))
    np.testing.assert_allclose(both.matrices(size, size), one @ np.concatenate([two, last_row], 1), atol=1e-12)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    smooth = (100 + 60 * torch.sin(x / 9) + 50 * torch.cos(y / 7)).expand(count, 1, size, size)
    stepwise = warp_images(warp_images(smooth, Geometry(first, (size, size))), Geometry(second, (size, size)))
    together = warp_images(smooth, both)
    inner = slice(10, -10)
    torch.testing.assert_close(stepwise[..., inner, inner], together[..., inner, inner], atol=0.5, rtol=0)


def test_a_sample_does_not_depend_on_its_batch() -> None:
    """Exact and interpolated samples mixed, alone, in another order: the same bits, uint8 and float."""
    count = 24
    inverse = np.where(coins(count)[:, None, None], moves(count, turns=True), g.turn(RNG.uniform(-30, 30, count)))
    for pixels in (pictures(count, 3, 17, 17, last=True), pictures(count, 1, 17, 17).float().sqrt()):
        geometry = Geometry(inverse, (17, 17), "mean")
        whole = warp_images(pixels, geometry)
        order = RNG.permutation(count)
        again = warp_images(pixels[torch.from_numpy(order)], geometry.part(order))
        assert torch.equal(again, whole[torch.from_numpy(order)])
        for index in range(count):
            alone = warp_images(pixels[index : index + 1], geometry.part(np.asarray([index])))
            assert torch.equal(alone[0], whole[index])


def test_masks_keep_their_classes() -> None:
    masks = torch.from_numpy(RNG.choice([0, 3, 21, 255], (4, 1, 16, 16)))
    made = warp_images(
        masks, Geometry(g.turn(np.asarray([12.0, 33, 90, 0])), (16, 16)), interpolation="nearest", fill=255
    )
    assert made.dtype == torch.int64
    assert set(made.unique().tolist()) <= {0, 3, 21, 255}
    assert (made[0, 0, 0, 0], made[1, 0, 0, 0]) == (255, 255)
    assert torch.equal(made[3], masks[3])


# ---- boxes -----------------------------------------------------------------------------------------------------------


def drawn(boxes: np.ndarray, sizes: np.ndarray, height: int, width: int) -> Tensor:
    """uint8 (B, 1, H, W): white where box i of image i is, 0-based, half open."""
    pixels = torch.zeros(len(boxes), 1, height, width, dtype=torch.uint8)
    for image, (x1, y1, x2, y2) in zip(pixels, boxes.astype(int), strict=True):
        image[:, y1:y2, x1:x2] = 255
    return pixels


def extent(image: Tensor) -> list[float]:
    """x1, y1, x2, y2 of what is at least half white."""
    rows, columns = (image >= 128).nonzero().unbind(1)
    return [columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1]


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("kind", ["mirror", "shift", "turn", "window", "all"])
def test_boxes_follow_the_pixels(kind: str, ragged: bool) -> None:
    """A white rectangle's extent after the warp is the warped box, within a pixel; a turned one lies within its hull."""
    count, height, width = 16, 60, 80
    sizes = np.tile([height, width], (count, 1))
    if ragged:
        sizes = np.stack([RNG.integers(40, height + 1, count), RNG.integers(40, width + 1, count)], 1)
    middle = sizes[:, ::-1] / 2
    low = np.floor(middle - RNG.uniform(6, 12, (count, 2)))
    boxes = np.concatenate([low, low + RNG.integers(8, 18, (count, 2))], 1)
    parts = {
        "mirror": g.mirror(coins(count), coins(count)),
        "shift": g.shift(*RNG.integers(-8, 9, (2, count))),
        "turn": g.turn(RNG.uniform(-25, 25, count)),
        "window": g.window(*RNG.uniform(0.6, 1.0, (2, count)), 0.1, 0.15),
    }
    inverse = parts.get(kind, g.identity(count))
    if kind == "all":
        for part in parts.values():
            inverse = g.compose(inverse, part)
    own = torch.from_numpy(sizes.copy())
    geometry = Geometry(inverse, own if ragged else (height, width))
    pixels = drawn(boxes, sizes, height, width)
    image = warp_images(Padded(pixels, own) if ragged else pixels, geometry)
    image = image.values if ragged else image
    rows = np.concatenate([boxes, np.tile([2, 0, 100], (count, 1))], 1).astype(np.float32)
    made = warp_boxes(Ragged(torch.from_numpy(rows), torch.arange(count + 1)), geometry, visible=0.0)
    assert len(made.values) == count
    turned = kind in ("turn", "all")
    for index, box in enumerate(made.values[:, :4].tolist()):
        seen = extent(image[index, 0])
        if turned:  # corners of a turned rectangle are thinner than half a pixel
            assert np.abs(np.subtract(seen, box)).max() <= 1.6
        else:
            assert np.abs(np.subtract(seen, box)).max() <= 0.5 + 1e-3


def test_boxes_mirror_to_the_bit_and_back() -> None:
    rows = torch.tensor([[10.0, 20, 30, 50, 1, 0, 600], [0, 0, 5, 5, 2, 1, 25], [7, 8, 64, 48, 3, 0, 9]])
    boxes = Ragged(rows, torch.tensor([0, 2, 2, 3]))
    geometry = Geometry(g.mirror(np.asarray([True, True, False]), np.asarray([False, True, False])), (48, 64))
    made = warp_boxes(boxes, geometry)
    assert torch.equal(made.values[0], torch.tensor([34.0, 20, 54, 50, 1, 0, 600]))
    assert torch.equal(made.values[1], torch.tensor([59.0, 0, 64, 5, 2, 1, 25]))
    assert torch.equal(made.values[2], rows[2])
    assert torch.equal(warp_boxes(made, geometry).values, rows)


def test_boxes_out_of_sight_are_dropped_and_others_clipped() -> None:
    rows = torch.tensor([[0.0, 0, 10, 10, 1, 0, 100], [20, 0, 30, 10, 2, 0, 50], [1, 1, 3, 3, 4, 0, 4]])
    boxes = Ragged(rows, torch.tensor([0, 2, 3]))
    left = Geometry(g.shift(np.asarray([-8.0, -2.0]), np.zeros(2)), (40, 40))
    made = warp_boxes(boxes, left, visible=0.1)
    assert made.offsets.tolist() == [0, 2, 3]
    assert made.values.tolist() == [[0, 0, 2, 10, 1, 0, 20], [12, 0, 22, 10, 2, 0, 50], [0, 1, 1, 3, 4, 0, 2]]
    made = warp_boxes(boxes, left, visible=0.3)
    assert made.offsets.tolist() == [0, 1, 2]
    assert made.values[:, 4].tolist() == [2, 4]
    far = Geometry(g.shift(np.asarray([90.0, 90.0]), np.zeros(2)), (40, 40))
    assert warp_boxes(boxes, far, visible=0.0).offsets.tolist() == [0, 0, 0]


def test_areas_grow_with_the_image_and_empty_images_stay_empty() -> None:
    boxes = Ragged(torch.tensor([[10.0, 10, 20, 20, 1, 0, 80]]), torch.tensor([0, 0, 1, 1]))
    zoom = Geometry(g.window(*np.full((4, 3), 0.5)[:2], np.full(3, 0.0), np.full(3, 0.0)), (48, 64))
    made = warp_boxes(boxes, zoom)
    assert made.offsets.tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(made.values, torch.tensor([[20.0, 20, 40, 40, 1, 0, 320]]))
    none = warp_boxes(Ragged(torch.empty(0, 7), torch.tensor([0, 0])), zoom.part(np.asarray([0])))
    assert none.values.shape == (0, 7)


def test_points_go_where_matrices_say() -> None:
    height, width, count = 30, 50, 6
    inverse = g.compose(g.turn(RNG.uniform(-90, 90, count)), g.shift_by_share(*RNG.uniform(-0.3, 0.3, (2, count))))
    geometry = Geometry(inverse, (height, width))
    sample = torch.arange(count).repeat_interleave(3)
    points = torch.from_numpy(RNG.uniform(0, 30, (3 * count, 2)).astype(np.float32))
    made = warp_points(points, sample, geometry)
    back = geometry.matrices(height, width)[sample]
    ones = np.ones((len(points), 1))
    found = (back @ np.concatenate([made.numpy() - 0.5, ones], 1)[:, :, None])[:, :, 0] + 0.5
    np.testing.assert_allclose(found, points.numpy(), atol=1e-4)
