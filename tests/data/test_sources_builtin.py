"""Embedded data, idx files, and what is fetched."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from danlu.data.places import cache_folder
from danlu.data.sources import builtin, idx
from danlu.data.sources._download import fetch
from danlu.errors import DataError
from tests.data.made import labels, prepared, table

CODES = {np.dtype(np.uint8): 0x08, np.dtype(np.int32): 0x0C, np.dtype(np.float32): 0x0D}


def write_idx(path: Path, values: np.ndarray) -> Path:
    head = struct.pack(">HBB", 0, CODES[values.dtype], values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    content = head + values.astype(values.dtype.newbyteorder(">")).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


X = np.random.default_rng(0).integers(0, 256, (9, 4, 5)).astype(np.uint8)
Y = np.arange(9, dtype=np.uint8) % 3


def mnist(root: Path, ending: str = ".gz") -> Path:
    for part, rows in (("train", slice(0, 6)), ("t10k", slice(6, 9))):
        write_idx(root / f"{part}-images-idx3-ubyte{ending}", X[rows])
        write_idx(root / f"{part}-labels-idx1-ubyte{ending}", Y[rows])
    return root


# ---- idx --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_pairs_of_idx_files(tmp_path: Path, ending: str) -> None:
    found = table(mnist(tmp_path, ending))
    order = [6, 7, 8, 0, 1, 2, 3, 4, 5]  # t10k comes before train
    assert np.array_equal(np.stack(list(found.columns["image"])), X[order])
    assert [int(label) for label in found.columns["label"]] == Y[order].tolist()
    assert labels(found)["train/00004"] == 1
    assert list(found.given or ()) == ["test"] * 3 + ["train"] * 6


def test_one_idx_file_and_its_labels(tmp_path: Path) -> None:
    write_idx(tmp_path / "my-images-idx3-ubyte", X)
    with pytest.raises(DataError, match="labels"):
        table(tmp_path / "my-images-idx3-ubyte")
    write_idx(tmp_path / "my-labels-idx1-ubyte.gz", Y)
    found = table(tmp_path / "my-images-idx3-ubyte")
    assert len(found) == 9
    assert found.given is None


def test_idx_types(tmp_path: Path) -> None:
    for values in (X.astype(np.float32) / 7, Y.astype(np.int32) - 5):
        assert np.array_equal(idx.array(write_idx(tmp_path / "a", values)), values)


def test_broken_idx(tmp_path: Path) -> None:
    whole = write_idx(tmp_path / "a", X).read_bytes()
    for content, words in (
        (whole[:-3], "180 bytes"),
        (whole + b"x", "181"),
        (b"\1" + whole[1:], "no idx"),
        (b"", "no idx"),
        (whole[:6], "damaged"),
        (gzip.compress(whole)[:40], "damaged"),
    ):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(DataError, match=words):
            idx.array(tmp_path / "a")
    with pytest.raises(DataError, match="no such file"):
        idx.array(tmp_path / "gone")


# ---- embedded -------------------------------------------------------------------------------------------------------


def test_fashion_is_even_and_quick() -> None:
    began = time.process_time()
    found = table("builtin:fashion")
    assert time.process_time() - began < 1.0
    assert len(found) == 12_000
    given = np.asarray(found.given)
    codes = found.columns["label"].codes  # type: ignore[attr-defined]
    assert np.bincount(codes[given == "train"]).tolist() == [1000] * 10
    assert np.bincount(codes[given == "test"]).tolist() == [200] * 10
    assert found.classes["label"] == builtin.FASHION
    assert len(set(found.ids)) == 12_000
    size = (builtin.ASSETS / "fashion.npz").stat().st_size
    assert size < 5.5 * 2**20
    assert "MIT" in (builtin.ASSETS / "NOTICE.txt").read_text()


def test_fashion_is_taken_from_the_full_set() -> None:
    try:
        full = table("builtin:fashion-full")
    except DataError:
        pytest.skip("the full set is neither installed nor can be downloaded")
    found = table("builtin:fashion")
    place = {name: row for row, name in enumerate(full.ids)}
    rows = np.asarray([place[name] for name in found.ids])
    assert np.array_equal(found.columns["image"], full.columns["image"][rows])  # type: ignore[call-overload]
    assert np.array_equal(found.columns["label"].codes, full.columns["label"].codes[rows])  # type: ignore[attr-defined]
    assert len(full) == 70_000


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    found = table("builtin:digits")
    digits = load_digits()
    assert np.array_equal(np.rint(np.asarray(found.columns["image"]) / 255 * 16), digits.images)
    assert [int(label) for label in found.columns["label"]] == digits.target.tolist()


def test_unknown_names() -> None:
    with pytest.raises(DataError, match="builtin:fashion"):
        table("builtin:fasion")


def test_full_set_from_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANLU_DATA", str(tmp_path))
    mnist(tmp_path / "fashion-mnist")
    with pytest.raises(DataError, match="not those of Fashion-MNIST"):
        table("builtin:fashion-full")


def test_preparing_embedded_data() -> None:
    data = prepared("builtin:digits", limit=60)
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 60, "val": 60, "test": 60}
    assert data.statistics["image"]["max"] == [255.0]


# ---- download ---------------------------------------------------------------------------------------------------------


CONTENT = np.random.default_rng(0).bytes(300_000)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT. cut: answers end after so many bytes, as when a connection breaks. ranges: whether Range is known."""

    cut: int | None = None
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.path != "/file":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    target = fetch([server.url], tmp_path / "x" / "file", CHECKSUM, lambda *step: told.append(step))
    assert target.read_bytes() == CONTENT
    fetch([server.url], target, CHECKSUM)
    assert server.asked == [None]
    assert told[-1] == ("Downloading file", len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir() if path.is_file()] == ["file"]


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.cut = 110_000
    assert fetch([server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=110000-", "bytes=220000-"]


def test_what_is_there_is_kept_until_the_next_time(server: Server, tmp_path: Path) -> None:
    server.cut = 50_000
    with pytest.raises(DataError, match="150000 of 300000"):
        fetch([server.url], tmp_path / "file", CHECKSUM)
    assert (tmp_path / "file.part").stat().st_size == 150_000
    server.cut = None
    assert fetch([server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=150000-"


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    assert fetch([server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT


def test_a_complete_part_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert fetch([server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT


def test_a_wrong_checksum_is_never_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="checksum"):
        fetch([server.url], tmp_path / "file", "md5:" + "0" * 32)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
    (tmp_path / "file.part").write_bytes(b"of another file")
    with pytest.raises(DataError, match="checksum"):
        fetch([server.url], tmp_path / "file", CHECKSUM)
    assert fetch([server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT


def test_the_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    assert fetch([server.url + "-gone", server.url], tmp_path / "file", CHECKSUM).read_bytes() == CONTENT


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as closed:
        url = closed.url
    monkeypatch.setenv("DANLU_CACHE", str(tmp_path))
    monkeypatch.setattr(builtin, "installed", lambda name: [tmp_path / "none"])
    monkeypatch.setattr(builtin, "_URLS", (url,))
    with pytest.raises(DataError, match="by hand") as error:
        table("builtin:fashion-full")
    assert str(cache_folder()) in str(error.value)
    assert "refused" in str(error.value)
