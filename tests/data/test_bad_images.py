"""Broken and unusual image files are mended or set aside, and listed: nothing is dropped silently, nothing stops the rest."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danlu import recipe as recipes
from danlu.data.images import decode, refuse
from danlu.data.kinds.base import BadValue
from danlu.data.kinds.image import Image as ImageKind
from danlu.data.prepare import prepare
from danlu.data.sources._listing import readable
from danlu.errors import DataError
from danlu.recipe.names import spec_of
from tests.data.bad_images import MENDED, REFUSED, pixels, write


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of ten good images; the odd ones lie among the first."""
    root = tmp_path_factory.mktemp("photos")
    for place, label in enumerate(("cat", "dog")):
        (root / label).mkdir()
        for number in range(10):
            Image.fromarray(np.roll(pixels(), number + 10 * place, axis=0)).save(root / label / f"good_{number}.png")
    write(root / "cat")
    return root


def recipe(root: Path, **data: object) -> recipes.Recipe:
    settings = {"source": str(root), "image": {"size": 24}, "max_bad": 0.9, **data}
    return recipes.complete(recipes.from_dict({"data": settings}))


@pytest.mark.parametrize("storage", ["decoded", "encoded", "stream"])
def test_each_is_survived_and_listed(photos: Path, tmp_path: Path, storage: str) -> None:
    asked = recipe(photos, storage=storage, cache=str(tmp_path))
    data = prepare(asked, spec_of(asked.task))
    assert len(MENDED) + len(REFUSED) >= 50
    listed = {entry["row"]: entry["reason"] for entry in data.card["bad"]}
    assert set(listed) == {f"cat/{readable(name)}" for name in REFUSED}
    for name, (_, why) in REFUSED.items():
        reason = listed[f"cat/{readable(name)}"]
        assert why in reason, (name, reason)
        assert reason
        assert "\n" not in reason
    assert len(data) == 20 + len(MENDED)
    used = set(data.ids)
    noted = {(example, note["note"]) for note in data.card["notes"] for example in note["examples"]}
    counted = sum(note["count"] for note in data.card["notes"])
    assert counted >= len(MENDED)
    for name, (_, what) in MENDED.items():
        assert f"cat/{name}" in used
        examples = [note for example, note in noted if example == f"cat/{name}"]
        assert not examples or any(what in note for note in examples), (name, examples)
    assert data.card["rows"]["found"] == 20 + len(MENDED) + len(REFUSED)
    assert data.card["rows"]["bad"] == len(REFUSED)
    batch = data.gather(np.arange(len(data)))
    assert tuple(batch["image"].shape) == (len(data), 3, 24, 24)


@pytest.mark.parametrize("name", MENDED)
def test_each_mending_is_noted(photos: Path, name: str) -> None:
    made = ImageKind(24, 24, 3).prepare(photos / "cat" / name)
    assert any(MENDED[name][1] in note for note in made.notes), made.notes
    assert made.value.shape == (24, 24, 3)
    assert made.value.dtype == np.uint8


def test_too_many_bad_files_are_an_error_that_shows_the_first(photos: Path, tmp_path: Path) -> None:
    asked = recipe(photos, max_bad=0.05, cache=str(tmp_path))
    with pytest.raises(DataError) as error:
        prepare(asked, spec_of(asked.task))
    head, *first = error.value.problems
    assert str(len(REFUSED)) in head.what
    assert "5.0%" in head.what
    assert len(first) >= 5
    assert all(problem.where.startswith("cat/") and problem.what for problem in first)


# ---- values, not only survival -----------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_pillows(photos: Path, tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    from tests.data.bad_images import data as encoded
    from tests.data.bad_images import exif

    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG", exif=exif(orientation)))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    made = ImageKind(None, None, 3).prepare(path)
    assert np.array_equal(made.value, expected)
    assert made.framing is not None
    assert made.framing.orientation == orientation
    assert made.framing.raw == expected.shape[:2]


def test_sixteen_bits_keep_their_high_byte_in_grey_and_in_colour(photos: Path) -> None:
    grey = ImageKind(None, None, 1).prepare(photos / "cat" / "grey16.png").value[:, :, 0]
    with Image.open(photos / "cat" / "grey16.png") as image:
        assert np.array_equal(grey, np.asarray(image) >> 8)
    colour = ImageKind(None, None, 3).prepare(photos / "cat" / "colour16.png").value
    assert np.array_equal(colour[0].reshape(-1), np.arange(0, 192, 2))  # big-endian: every first byte
    assert np.array_equal(grey, ImageKind(None, None, 1).prepare(photos / "cat" / "grey16.tif").value[:, :, 0])


def test_transparency_is_shown_on_white(tmp_path: Path) -> None:
    values = np.zeros((2, 2, 4), np.uint8)
    values[0, 0] = (200, 100, 0, 255)
    values[0, 1] = (200, 100, 0, 0)
    values[1, 0] = (200, 100, 0, 51)  # a fifth
    Image.fromarray(values).save(tmp_path / "a.png")
    made = ImageKind(None, None, 3).prepare(tmp_path / "a.png").value
    assert made[0, 0].tolist() == [200, 100, 0]
    assert made[0, 1].tolist() == [255, 255, 255]
    assert np.abs(made[1, 0].astype(int) - [244, 224, 204]).max() <= 1


def test_opaque_alpha_is_no_mending(tmp_path: Path) -> None:
    Image.fromarray(pixels(channels=4)).save(tmp_path / "a.png")
    made = ImageKind(None, None, 3).prepare(tmp_path / "a.png")
    assert made.notes == ()
    assert np.array_equal(made.value, pixels())


def test_floats_and_bits_reach_the_whole_range(photos: Path) -> None:
    for name in ("float_01.tif", "float_255.tif", "float_beyond.tif", "one_bit.png", "huge_integers.tif"):
        value = ImageKind(None, None, 1).prepare(photos / "cat" / name).value
        assert value.min() <= 1, name
        assert value.max() >= 250, name


def test_the_first_frame_is_taken(photos: Path) -> None:
    made = ImageKind(None, None, 3).prepare(photos / "cat" / "animated.png").value
    assert np.array_equal(made, pixels())


def test_forbidden_and_failing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(pixels()).save(path)
    for number, words in ((errno.EACCES, "permission"), (errno.EIO, "can't be read"), (errno.ENAMETOOLONG, "name")):

        def fail(*_: object, number: int = number) -> None:
            raise OSError(number, "broken")

        with monkeypatch.context() as patch:
            patch.setattr(refuse.os, "stat", fail)
            with pytest.raises(BadValue, match=words):
                refuse.read(path)
    with pytest.raises(BadValue, match="name"):
        refuse.read(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(BadValue, match="name"):
        refuse.read(Path("a\0b.png"))


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bytes(1000))
    monkeypatch.setattr(refuse, "LARGEST_FILE", 999)
    with pytest.raises(BadValue, match="GiB"):
        refuse.read(path)


@pytest.mark.filterwarnings("ignore::Warning:PIL")
def test_every_flipped_byte_is_either_decoded_or_refused(tmp_path: Path) -> None:
    """No byte of damage may bring any other exception."""
    from tests.data.bad_images import data as encoded

    kinds = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
    random = np.random.default_rng(1)
    for format_ in kinds:
        content = encoded(format_)
        for at in random.integers(0, min(len(content), 400), 60):
            damaged = bytearray(content)
            damaged[at] = random.integers(256)
            try:
                decode.decode(bytes(damaged), 3)
                decode.look(bytes(damaged))
            except BadValue:
                continue


def test_a_look_at_a_file_says_what_its_bytes_say(photos: Path) -> None:
    for name in MENDED:
        path = photos / "cat" / name
        assert decode.look(path) == decode.look(path.read_bytes()), name
        made = ImageKind(None, None, 3).prepare(path)
        if name != "exif.png":  # its EXIF may come after the pixels
            assert decode.look(path).size == made.value.shape[:2], name
    for name in REFUSED:
        with pytest.raises(BadValue):
            ImageKind(None, None, 3).prepare(photos / "cat" / name)
