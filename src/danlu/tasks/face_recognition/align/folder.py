"""A folder of pictures → the same folder of aligned faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from danlu.errors import DanluError
from danlu.messages import choose
from danlu.tasks.face_recognition.align import texts
from danlu.tasks.face_recognition.align.detect import Detector
from danlu.tasks.face_recognition.align.warp import SIDE, aligned

_LONGEST = 1024  # pixels that a picture is made before a face is looked for


def align(
    source: str | Path, target: str | Path, side: int = SIDE, weights: Path | None = None
) -> Iterator[tuple[str, str]]:
    """(name, "" or why there is no face) of each picture, while they are written: target/PERSON/NAME.png.

    The largest face counts where there are several, of equals the nearer to the middle. Raises DanluError where ``target`` isn't empty.
    """
    folder, made = Path(source), Path(target)
    if made.exists() and (not made.is_dir() or any(made.iterdir())):
        raise DanluError.of(str(made), choose(texts.TAKEN), choose(texts.TAKEN_REMEDY))
    detector = Detector(weights=weights)
    for path in _pictures(folder):
        name = path.relative_to(folder)
        try:
            face = upright(read(path), detector, side)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
            yield name.as_posix(), str(error)
            continue
        if face is None:
            yield name.as_posix(), choose(texts.NO_FACE)
            continue
        out = made / name.with_suffix(".png")
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(out)
        yield name.as_posix(), ""


def _pictures(folder: Path) -> list[Path]:
    """Every file below it in alphabetical order, hidden ones left out. Raises DanluError for none."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not found:
        raise DanluError.of(str(folder), choose(texts.NOTHING))
    return found


def read(path: Path) -> np.ndarray:
    """RGB uint8 (H, W, 3), upright, at most 1024 pixels long."""
    with Image.open(path) as image:
        image.draft("RGB", (_LONGEST, _LONGEST))
        turned = ImageOps.exif_transpose(image).convert("RGB")
        turned.thumbnail((_LONGEST, _LONGEST))
        return np.asarray(turned)


def upright(picture: np.ndarray, detector: Detector, side: int = SIDE) -> np.ndarray | None:
    """The largest face of a picture, RGB uint8 (side, side, 3); None where there is none."""
    boxes, landmarks = detector(picture)
    if not len(boxes):
        return None
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    middle = np.asarray(picture.shape[1::-1]) / 2
    away = np.linalg.norm((boxes[:, :2] + boxes[:, 2:4]) / 2 - middle, axis=1)
    return aligned(picture, landmarks[np.lexsort((away, -area))[0]], side)
