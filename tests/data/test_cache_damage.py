"""Damage is noticed, said, and mended."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from danlu.data import cache
from danlu.data.cache import files, proof
from danlu.data.table import Table
from tests.data.cached_tables import Numbers, image_kinds, labels, pictures, table

IMAGES = np.stack(pictures(30))


def some() -> Table:
    return table({"image": IMAGES, "label": labels(30), "a": [[i] * (i % 3) for i in range(30)]})


KINDS = {**image_kinds(), "a": Numbers()}


def names() -> list[str]:
    stems = {"0-image": ("values",), "1-label": ("values",), "2-a": ("values", "offsets", "shapes")}
    arrays = [f"{stem}.{part}.bin" for stem, parts in stems.items() for part in parts]
    return ["meta.json", "problems.json", "rows.bin", "hashes.bin", *arrays]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def test_the_list_of_files_is_whole(tmp_path: Path) -> None:
    store = cache.fill(some(), KINDS, tmp_path)
    assert sorted(path.name for path in store.folder.iterdir()) == sorted(names())


@pytest.mark.parametrize("damage", ["flipped", "truncated", "longer", "gone"])
@pytest.mark.parametrize("name", names())
def test_a_damaged_file_is_noticed_and_the_cache_filled_again(tmp_path: Path, name: str, damage: str) -> None:
    path = cache.fill(some(), KINDS, tmp_path).folder / name
    if damage == "flipped":
        flip(path, path.stat().st_size // 2)
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "longer":
        path.write_bytes(path.read_bytes() + b"7")
    else:
        path.unlink()
    with pytest.warns(UserWarning, match=r"damaged.*filled again"):
        store = cache.fill(some(), KINDS, tmp_path)
    assert np.array_equal(store.gather("image", np.arange(30)), IMAGES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".locks", store.folder.name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.fill(some(), KINDS, tmp_path)


def test_a_cache_in_use_stays_whole_while_another_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danlu.data.cache.columns._IN_MEMORY", 0)
    store = cache.fill(some(), KINDS, tmp_path)
    (store.folder / "rows.bin").unlink()
    with pytest.warns(UserWarning, match="damaged"):
        cache.fill(some(), KINDS, tmp_path)
    assert np.array_equal(store.gather("image", np.arange(30)), IMAGES)


def test_large_files_are_checked_at_their_edges_and_whole_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_WHOLE", 1000)
    monkeypatch.setattr(files, "PIECE", 200)
    monkeypatch.setattr(proof, "PIECE", 200)
    path = cache.fill(some(), KINDS, tmp_path).folder / "0-image.values.bin"
    middle = path.stat().st_size // 2
    flip(path, middle)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.fill(some(), KINDS, tmp_path)  # what a cheap check can't see, and the first use does
    with pytest.warns(UserWarning, match=r"damaged.*0-image\.values\.bin"):
        cache.fill(some(), KINDS, tmp_path, verify=True)
    for place in (0, 199, -1, -200):
        flip(path, place)
        with pytest.warns(UserWarning, match="damaged"):
            cache.fill(some(), KINDS, tmp_path)
