"""Makes src/danlu/data/assets/fashion.npz from Fashion-MNIST's four idx files: ``python tools/make_fashion.py FOLDER``.

The first 1,000 images of each class of the train part and the first 200 of each of the test part, in their order there.
The same input gives the same bytes.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from danlu.data.sources.builtin import ASSETS
from danlu.data.sources.idx import array


def first(labels: np.ndarray, each: int) -> np.ndarray:
    """The rows of the first ``each`` of every class, sorted."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:each] for label in range(10)]))


def main(folder: Path) -> None:
    images, labels, rows = [], [], []
    for part, each in (("train", 1000), ("t10k", 200)):
        found = array(folder / f"{part}-labels-idx1-ubyte.gz")
        chosen = first(found, each)
        images.append(array(folder / f"{part}-images-idx3-ubyte.gz")[chosen])
        labels.append(found[chosen])
        rows.append(chosen.astype(np.int32))
    arrays = {"images": np.concatenate(images), "labels": np.concatenate(labels), "rows": np.concatenate(rows)}
    with zipfile.ZipFile(ASSETS / "fashion.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, values in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
