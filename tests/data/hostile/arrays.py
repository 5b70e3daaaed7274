"""NumPy archives and idx files."""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.data.hostile.case import LARGE, Maker, case

# ---- npz


def npy(shape: str, dtype: str = "'|u1'", data: bytes = b"") -> bytes:
    head = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + data


X, Y = npy("(4, 2, 2)", data=bytes(range(16))), npy("(4,)", data=b"\0\1\0\1")


def archive(**members: bytes) -> Maker:
    return archive_of({f"{name}.npy": data for name, data in members.items()})


def archive_of(
    members: Mapping[str, bytes], change: Callable[[bytes], bytes] = lambda data: data, method: int = 8
) -> Maker:
    def make(root: Path) -> dict[str, Any]:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as file:
            for name, data in members.items():
                file.writestr(name, data)
        (root / "a.npz").write_bytes(change(buffer.getvalue()))
        return {"source": str(root / "a.npz")}

    return make


def with_size(data: bytes) -> bytes:
    """The archive's index and its members' heads claim 2³¹ bytes beside the head for each member."""
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.find(sign)
        while place >= 0:
            data = data[: place + at] + struct.pack("<I", 2**31 + 128) + data[place + at + 4 :]
            place = data.find(sign, place + 4)
    return data


def with_word(sign: bytes, at: int, word: int) -> Callable[[bytes], bytes]:
    """16 bits changed in the first entry of the archive's index, or of its members."""

    def change(data: bytes) -> bytes:
        place = data.find(sign) + at
        return data[:place] + struct.pack("<H", word) + data[place + 2 :]

    return change


def encrypted(data: bytes) -> bytes:
    return with_word(b"PK\x01\x02", 8, 1)(with_word(b"PK\x03\x04", 6, 1)(data))


case("an npz of 300 MB of zeros", LARGE, says="unpacks")(
    archive(x=npy("(300000, 32, 32)", data=bytes(300_000 * 1024)), y=Y)
)
case("an npz that claims 10¹² images", says="readable npz")(archive(x=npy("(1000000000000, 28, 28)"), y=Y))
case("an npz that claims 2 GB and the bytes", says="unpacks")(
    archive_of({"x.npy": npy("(2097152, 32, 32)"), "y.npy": Y}, with_size)
)
case("an npz of 2⁶⁴ images", says="readable npz")(archive(x=npy("(18446744073709551616, 28, 28)"), y=Y))
case("an npz of -1 images", says="readable npz")(archive(x=npy("(-1, 2, 2)", data=bytes(16)), y=Y))
case("an npz of -1 × -1 images", says="readable npz")(archive(x=npy("(-2, -2, 2, 2)", data=bytes(16)), y=Y))
case("an npz with a head that nests", says="readable npz")(archive(x=npy("(" * 3000 + ")" * 3000), y=Y))
case("an npz with code in its head", says="readable npz")(archive(x=npy("__import__('os').system('true')"), y=Y))
case("an npz of objects", says="unpickled")(archive(x=X, y=npy("(4,)", "'|O'", b"\x80\x04cposix\nsystem\n")))
case("an npz of records", says="neither images nor labels")(archive(x=X, y=npy("(4,)", "[('a', '|u1')]", bytes(4))))
case("an npz of complex labels", says="neither images nor labels")(archive(x=X, y=npy("(4,)", "'<c8'", bytes(32))))
case("an npz with an array of no array", says="readable npz")(archive(x=b"PK\x03\x04 no array at all", y=Y))
case("an npz with a truncated array", says="readable npz")(archive(x=npy("(4, 2, 2)", data=bytes(15)), y=Y))
case("an npz with a password", says="password")(archive_of({"x.npy": X, "y.npy": Y}, encrypted))
case("an npz packed in a way of its own", says="readable npz")(
    archive_of(
        {"x.npy": X, "y.npy": Y}, lambda data: with_word(b"PK\x01\x02", 10, 99)(with_word(b"PK\x03\x04", 8, 99)(data))
    )
)
case("an npz whose contents were changed", says="readable npz")(
    archive_of({"x.npy": X, "y.npy": Y}, lambda data: data.replace(bytes(range(16)), bytes(range(1, 17))), method=0)
)
case("an npz cut off", says="readable npz")(archive_of({"x.npy": X, "y.npy": Y}, lambda data: data[:-30]))
case("a pickle called npz", says="readable npz")(
    lambda root: (
        (root / "a.npz").write_bytes(b"\x80\x04cposix\nsystem\n(S'true'\ntR.") and {"source": str(root / "a.npz")}
    )
)
case("an npz whose names climb out", says="'image'")(
    archive_of({"../../../escaped.npy": X, "/absolute.npy": Y, "a\x1b[2J.npy": Y})
)
case("an npz with a name twice", says="twice")(lambda root: _twice(root))


def _twice(root: Path) -> dict[str, Any]:

    with warnings.catch_warnings(), zipfile.ZipFile(root / "a.npz", "w") as file:
        warnings.simplefilter("ignore")
        for name, data in (("x.npy", X), ("y.npy", Y), ("y.npy", npy("(4,)", data=bytes(4)))):
            file.writestr(name, data)
    return {"source": str(root / "a.npz")}


# ---- idx


def idx(images: bytes, name: str = "train-images-idx3-ubyte", labels: bytes = b"\0\0\x08\1\0\0\0\4\0\1\0\1") -> Maker:
    def make(root: Path) -> dict[str, Any]:
        (root / name).write_bytes(images)
        (root / "train-labels-idx1-ubyte").write_bytes(labels)
        return {"source": str(root)}

    return make


def many(*sizes: int) -> bytes:
    return b"\0\0\x08" + bytes([len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes)


case("idx files of 2⁹⁶ pixels", says="bytes, but holds")(idx(many(2**32 - 1, 2**32 - 1, 2**32 - 1)))
case("idx files of 2⁶⁴ pixels, which is none", says="bytes, but holds")(idx(many(2**32 - 1, 2**31, 2**31) + bytes(64)))
case("idx files of 255 dimensions", says="")(idx(many(*[1] * 255) + b"\0"))
case("idx of no dimension", says="")(idx(many() + b"\0"))
case("idx of no image", says="no row")(idx(many(0, 28, 28), labels=many(0)))
case("a gzip bomb of 2 GB", says="bytes, but holds")(
    idx(
        gzip.compress(many(10, 28, 28) + bytes(7840 - 4)) + gzip.compress(bytes(1 << 20)) * 2000,
        "train-images-idx3-ubyte.gz",
    )
)
case("a gzip bomb that says so", says="unpacks")(
    idx(gzip.compress(many(2_000_000, 28, 28)) + gzip.compress(bytes(1 << 20)) * 1496, "train-images-idx3-ubyte.gz")
)
case("idx that is gzip cut off", says="damaged")(
    idx(gzip.compress(many(4, 2, 2) + bytes(16))[:-9], "train-images-idx3-ubyte.gz")
)
