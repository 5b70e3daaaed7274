"""The image kind: geometry of preparation, storage that changes nothing, exact statistics."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from danlu.data.batches.batch import Padded
from danlu.data.images.placement import bounded, fixed
from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.image import Image


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3): smooth, so that resizing barely depends on the filter."""
    rows, columns = np.mgrid[0:height, 0:width]
    shift = seed * 0.7
    waves = [np.sin(rows / height * 5 + k + shift) + np.cos(columns / width * 4 - k) for k in range(3)]
    return ((np.stack(waves, axis=2) + 2) * 63).astype(np.uint8)


def encoded(pixels: np.ndarray, format_: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


# ---- sizes --------------------------------------------------------------------------------------------------


def test_stretch_is_pillows_resize() -> None:
    pixels = photo(40, 60)
    made = Image(16, 20, 3, "stretch").prepare(encoded(pixels))
    expected = np.asarray(Pillow.fromarray(pixels).resize((20, 16), Pillow.Resampling.BILINEAR, reducing_gap=2.0))
    assert np.array_equal(made.value, expected)


@pytest.mark.parametrize("raw", [(40, 60), (60, 40), (33, 97), (16, 16), (8, 90), (500, 31)])
@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_framing_says_where_pixels_went(raw: tuple[int, int], resize: str) -> None:
    """Coordinates painted into the pixels come out where the framing says."""
    rows, columns = np.mgrid[0 : raw[0], 0 : raw[1]]
    painted = [(columns + 0.5) * 255 / raw[1], (rows + 0.5) * 255 / raw[0], rows * 0.0 + 255]
    pixels = np.rint(np.stack(painted, axis=2)).astype(np.uint8)
    made = Image(32, 24, 3, resize).prepare(encoded(pixels))  # type: ignore[arg-type]
    assert made.framing is not None
    assert made.framing.raw == raw
    assert made.framing.size == (32, 24)
    (sx, sy), (tx, ty) = made.framing.scale, made.framing.shift
    if resize != "stretch":
        assert sx == pytest.approx(sy, rel=0.1)
    inside = 0
    for y in range(2, 30):
        for x in range(2, 22):
            if made.value[y, x, 2] < 250:
                continue  # the black around a padded image
            raw_x, raw_y = (x + 0.5 - tx) / sx, (y + 0.5 - ty) / sy
            far_x, far_y = max(1.0, 1.5 / sx), max(1.0, 1.5 / sy)  # nearer to the edge the filter has less to look at
            if far_x < raw_x < raw[1] - far_x:
                inside += 1
                assert made.value[y, x, 0] == pytest.approx(raw_x * 255 / raw[1], abs=3)
            if far_y < raw_y < raw[0] - far_y:
                inside += 1
                assert made.value[y, x, 1] == pytest.approx(raw_y * 255 / raw[0], abs=3)
    assert inside > 20


def test_crop_shows_the_largest_middle_and_pad_the_whole() -> None:
    crop = fixed((100, 200), (50, 50), "crop")
    assert crop.box == (50.0, 0.0, 150.0, 100.0)
    pad = fixed((100, 200), (50, 50), "pad")
    assert pad.inner == (25, 50)
    assert pad.at == (0, 12)
    made = Image(50, 50, 1, "pad").prepare(np.full((100, 200), 200, np.uint8)).value[:, :, 0]
    assert (made[12:37] == 200).all()
    assert (made[:12] == 0).all()
    assert (made[37:] == 0).all()


def test_of_many_sizes_only_shrinks_and_keeps_the_aspect() -> None:
    assert bounded((100, 200), 50).size == (25, 50)
    assert bounded((10, 20), 50).size == (10, 20)
    assert bounded((1, 4000), 100).size == (1, 100)
    assert bounded((123, 45), None).nothing


def test_a_large_jpeg_is_decoded_small_and_right() -> None:
    pixels = photo(803, 1205)
    data = encoded(pixels, "JPEG", quality=95, subsampling=0)
    made = Image(64, 64, 3).prepare(data).value.astype(int)
    exact = Pillow.fromarray(pixels).resize((64, 64), Pillow.Resampling.BILINEAR, box=(201, 0, 1004, 803))
    assert np.abs(made - np.asarray(exact)).mean() < 1.5
    assert np.abs(made - np.asarray(exact)).max() < 8


# ---- storage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(24, 32), (None, None)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_encoded_storage_changes_no_pixel(size: tuple[int | None, int | None], channels: int, format_: str) -> None:
    for raw in (encoded(photo(90, 130), format_), encoded(photo(700, 900, 1), format_), photo(50, 60)):
        plain = Image(*size, channels, longest=80)
        packed = Image(*size, channels, longest=80, stored="encoded")
        stored = packed.prepare(raw)
        assert stored.value.dtype == np.uint8
        assert stored.value.ndim == 1
        assert np.array_equal(packed.decode(stored.value.tobytes()), plain.prepare(raw).value)
        assert stored.framing == plain.prepare(raw).framing


def test_quality_trades_pixels_for_bytes() -> None:
    noisy = np.clip(photo(300, 300).astype(int) + np.random.default_rng(0).integers(-40, 40, (300, 300, 3)), 0, 255)
    raw = encoded(noisy.astype(np.uint8))
    small = Image(128, 128, 3, stored="encoded", quality=80)
    exact = Image(128, 128, 3, stored="encoded")
    assert len(small.prepare(raw).value) < 0.6 * len(exact.prepare(raw).value)
    away = small.decode(small.prepare(raw).value.tobytes()).astype(int) - Image(128, 128, 3).prepare(raw).value
    assert np.abs(away).mean() < 8


def test_spec_makes_an_equal_kind() -> None:
    for kind in (Image(8, 9, 3, "pad"), Image(None, None, 1, longest=7, stored="encoded", quality=90)):
        assert Image(**kind.spec()) == kind
    assert Image(8, 9, 3).storage().shape == (8, 9, 3)
    assert Image(None, None, 1).storage().layout == "ragged"


# ---- arrays as raw values -----------------------------------------------------------------------------------


def test_arrays_of_every_kind_give_the_same_image() -> None:
    pixels = photo(12, 14)
    kind = Image(12, 14, 3)
    same = [
        pixels,
        pixels.transpose(2, 0, 1),
        pixels.astype(np.uint16) * 257,
        (pixels / 255.0).astype(np.float32),
        pixels.astype(np.int64),
        np.concatenate([pixels, np.full((12, 14, 1), 255, np.uint8)], axis=2),
    ]
    for raw in same:
        assert np.array_equal(kind.prepare(raw).value, pixels), raw.dtype
    assert np.array_equal(Image(12, 14, 1).prepare(pixels[:, :, 0] > 100).value[:, :, 0], (pixels[:, :, 0] > 100) * 255)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    block = np.stack([photo(9, 9, seed)[:, :, 0] for seed in range(5)])
    kind = Image(9, 9, 1)
    made = kind.prepare_many(block)
    assert made is not None
    assert np.array_equal(made, np.stack([kind.prepare(value).value for value in block]))
    assert kind.prepare_many(block.astype(np.float32)) is None
    assert Image(8, 9, 1).prepare_many(block) is None


@pytest.mark.parametrize(
    "raw", [np.zeros((5, 4, 5), np.uint8), np.zeros((0, 4)), np.full((4, 4), 300.0), np.zeros((4, 4), complex), 7, [1]]
)
def test_what_is_no_image_is_refused(raw: object) -> None:
    with pytest.raises(BadValue):
        Image(4, 4, 1).prepare(raw)


def test_nothing_is_missing() -> None:
    with pytest.raises(MissingValue):
        Image(4, 4, 1).prepare(None)


# ---- fitting ------------------------------------------------------------------------------------------------


def test_small_images_of_one_size_stay_as_they_are(tmp_path: Path) -> None:
    for number in range(3):
        Pillow.fromarray(photo(20, 30)[:, :, 0]).save(tmp_path / f"{number}.png")
    kind = Image.fit(sorted(tmp_path.iterdir()), {"size": "auto", "channels": "auto"})
    assert (kind.height, kind.width, kind.channels) == (20, 30, 1)


def test_one_colour_image_asks_for_three_channels(tmp_path: Path) -> None:
    raws = [encoded(photo(20, 20)[:, :, 0]), encoded(photo(20, 20))]
    assert Image.fit(raws, {}).channels == 3
    assert Image.fit(raws[:1], {}).channels == 1
    assert Image.fit(raws, {"channels": 1}).channels == 1


def test_images_of_many_sizes_become_square() -> None:
    raws = [encoded(photo(h, w)) for h, w in ((40, 60), (50, 44), (47, 90))]
    kind = Image.fit(raws, {})
    assert (kind.height, kind.width) == (44, 44)
    large = Image.fit([encoded(photo(300, 400))], {})
    assert (large.height, large.width) == (128, 128)
    assert Image.fit([encoded(photo(300, 400))], {"size": 224}).height == 224


def test_ragged_takes_the_longest_side_from_the_recipe_first() -> None:
    raws = [encoded(photo(30, 40))]
    assert Image.fit(raws, {"shape": "ragged", "longest": 640}).longest == 640
    assert Image.fit(raws, {"shape": "ragged", "longest": 640, "size": 256}).longest == 256
    assert Image.fit(raws, {"shape": "ragged"}).longest is None


def test_fitting_survives_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    kind = Image.fit([tmp_path / "a.png", tmp_path / "gone.png", encoded(photo(16, 16))], {})
    assert (kind.height, kind.width) == (16, 16)
    assert Image.fit([], {}).height == 128


# ---- batches ------------------------------------------------------------------------------------------------


def test_fixed_batches_are_channels_last_and_come_back() -> None:
    kind = Image(5, 7, 3)
    values = np.stack([photo(5, 7, seed) for seed in range(4)])
    batch = kind.collate(values)
    assert isinstance(batch, torch.Tensor)
    assert batch.shape == (4, 3, 5, 7)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(np.stack(kind.uncollate(batch)), values)
    packed = Image(5, 7, 3, stored="encoded")
    assert torch.equal(packed.collate(list(values)), batch)  # type: ignore[arg-type]


def test_padded_batches_come_back_without_padding() -> None:
    kind = Image(None, None, 3)
    values = [photo(5, 7), photo(9, 3), photo(1, 1)]
    batch = kind.collate(values)
    assert isinstance(batch, Padded)
    assert batch.values.shape == (3, 3, 9, 7)
    assert batch.sizes.tolist() == [[5, 7], [9, 3], [1, 1]]
    assert int(batch.values.sum()) == sum(int(value.sum()) for value in values)
    for back, value in zip(kind.uncollate(batch), values, strict=True):
        assert np.array_equal(back, value)


def test_mixing_is_linear() -> None:
    kind = Image(5, 7, 3)
    one, other = (kind.collate(np.stack([photo(5, 7, seed), photo(5, 7, seed + 1)])) for seed in (0, 5))
    share = torch.tensor([0.25, 1.0])
    mixed = kind.mix(one, other, share)
    expected = 0.25 * one[0].float() + 0.75 * other[0].float()  # type: ignore[index]
    assert torch.allclose(mixed[0], expected)  # type: ignore[index,arg-type]
    assert torch.equal(mixed[1], one[1].float())  # type: ignore[index,arg-type]


def test_mixing_of_many_sizes_covers_both() -> None:
    kind = Image(None, None, 1)
    white, grey = (np.full((high, wide, 1), value, np.uint8) for high, wide, value in ((2, 6, 200), (5, 3, 100)))
    mixed = kind.mix(kind.collate([white]), kind.collate([grey]), torch.tensor([0.5]))
    assert isinstance(mixed, Padded)
    assert mixed.sizes.tolist() == [[5, 6]]
    assert mixed.values[0, 0, 0, 0] == 150
    assert mixed.values[0, 0, 0, 5] == 100
    assert mixed.values[0, 0, 4, 0] == 50
    assert mixed.values[0, 0, 4, 5] == 0


# ---- for people ---------------------------------------------------------------------------------------------


def test_statistics_are_numpys_however_the_rows_are_blocked() -> None:
    kind = Image(9, 11, 3)
    values = np.random.default_rng(0).integers(0, 256, (30, 9, 11, 3)).astype(np.uint8)
    values[..., 2] = 17
    for blocks in ([values], [values[:7], values[7:]], [list(values)]):
        found = kind.statistics(iter(blocks))
        assert np.allclose(found["mean"], values.mean((0, 1, 2)), rtol=1e-14)
        assert np.allclose(found["std"], values.std((0, 1, 2)), rtol=1e-13)
        assert found["min"] == values.min((0, 1, 2)).tolist()
        assert found["max"] == values.max((0, 1, 2)).tolist()
    assert found["std"][2] == 0.0
    assert kind.statistics(iter([])) == {}


def test_statistics_of_many_sizes_weigh_pixels_alike() -> None:
    values = [photo(5, 7), photo(20, 3)]
    found = Image(None, None, 3).statistics([values])
    flat = np.concatenate([value.reshape(-1, 3) for value in values])
    assert np.allclose(found["mean"], flat.mean(0))
    assert np.allclose(found["std"], flat.std(0))


def test_drawing_is_rgb() -> None:
    grey = photo(4, 5)[:, :, :1]
    shown = Image(4, 5, 1).draw(grey)
    assert shown.shape == (4, 5, 3)
    assert (shown == grey).all()
    assert Image(4, 5, 3).draw(np.full((4, 5, 3), 300.7)).max() == 255


def test_description() -> None:
    assert Image(4, 5, 3).describe([]) == {"size": [4, 5], "channels": 3}
    found = Image(None, None, 3).describe([photo(5, 7), photo(9, 3)])
    assert found["height"] == {"min": 5, "median": 7.0, "max": 9}
