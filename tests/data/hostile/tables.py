"""Parquet, JSON lines and CSV."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.data.hostile.case import LARGE, Maker, case, csv, jsonl, lines, rows
from tests.data.hostile.images import jpeg

# ---- Parquet


def parquet(
    columns: Callable[[list[tuple[str, str]]], Mapping[str, Any]],
    change: Callable[[bytes], bytes] = lambda b: b,
    **how: Any,
) -> Maker:
    def make(root: Path) -> dict[str, Any]:
        import pyarrow as pa
        from pyarrow import parquet as file

        made = columns(rows(root))
        file.write_table(pa.table(list(made.values()), names=list(made)), root / "a.parquet", **how)
        path = root / "a.parquet"
        path.write_bytes(change(path.read_bytes()))
        return {"source": str(path), "max_bad": 0.5}

    return make


def plain(made: list[tuple[str, str]]) -> dict[str, Any]:
    import pyarrow as pa

    return {"image": pa.array([name for name, _ in made]), "label": pa.array([label for _, label in made])}


def nulls(made: list[tuple[str, str]]) -> dict[str, Any]:
    """400 million rows in some KB."""
    import pyarrow as pa

    return {"image": pa.nulls(400_000_000), "label": pa.nulls(400_000_000)}


def nested(made: list[tuple[str, str]]) -> dict[str, Any]:
    import pyarrow as pa

    deep: Any = pa.array([label for _, label in made])
    for _ in range(60):
        deep = pa.StructArray.from_arrays([deep], ["a"])
    return {**plain(made), "label": deep}


def footer(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        (size,) = struct.unpack("<I", data[-8:-4])
        head, foot = data[: -8 - size], change(data[-8 - size : -8])
        return head + foot + struct.pack("<I", len(foot)) + b"PAR1"

    return changed


case("Parquet of 400 million rows in some KB", LARGE, says="memory")(parquet(nulls, compression="zstd"))
case("Parquet, encrypted", says="readable Parquet")(parquet(plain, lambda data: data[:-4] + b"PARE"))
case("Parquet with a footer of 4 GB", says="readable Parquet")(
    parquet(plain, lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1")
)
case("Parquet with a broken footer", says="readable Parquet")(
    parquet(plain, footer(lambda foot: foot[:40] + b"\xff" * 40 + foot[80:]))
)
case("Parquet with broken pages", says="readable Parquet")(
    parquet(plain, lambda data: data[:4] + b"\xff" * 60 + data[64:])
)
case("Parquet with labels nested in structs", says="no category")(parquet(nested))
case("Parquet with a column name twice", says="same name")(lambda root: _twice_in_parquet(root))
case("Parquet of 5,000 columns", LARGE, says="label")(
    parquet(
        lambda made: {"image": plain(made)["image"], **{f"c{number}": plain(made)["label"] for number in range(5000)}}
    )
)


def _twice_in_parquet(root: Path) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import parquet as file

    made = plain(rows(root))
    file.write_table(
        pa.table([made["image"], made["label"], made["image"]], names=["image", "label", "label"]), root / "a.parquet"
    )
    return {"source": str(root / "a.parquet")}


# ---- JSON lines


case("a JSON line of 20 MB", says="16 MB")(lambda root: jsonl(root, '{"image": "' + "x" * 20_000_000 + '"}'))
case("a JSON line of 200 MB", LARGE, says="MB")(lambda root: jsonl(root, '{"image": "' + "x" * 200_000_000 + '"}'))
case("a JSON line that nests 100,000 deep", listed={"line 13": "JSON"})(lambda root: jsonl(root, "[" * 100_000))
case("objects that nest 100,000 deep", listed={"line 13": "JSON"})(lambda root: jsonl(root, '{"a":' * 100_000))
case("a JSON list that nests 100,000 deep", says="valid JSON")(
    lambda root: (root / "a.json").write_text("[" * 100_000) and {"source": str(root / "a.json")}
)
case("a JSON key twice in a line", listed={"line 13": "twice"})(
    lambda root: jsonl(root, '{"image": "0.png", "label": "a", "label": "b"}')
)
case("a number of 10,000 digits", listed={"line 13": "JSON"})(
    lambda root: jsonl(root, '{"image": "0.png", "label": ' + "9" * 10_000 + "}")
)
case("a label of 10,000 digits", used=14)(
    lambda root: jsonl(root, {"image": "0.png", "label": "9" * 10_000}, {"image": "1.png", "label": "9" * 10_000})
)
case("infinity and NaN as labels", used=13)(
    lambda root: jsonl(root, '{"image": "0.png", "label": Infinity}', '{"image": "1.png", "label": NaN}')
)
case("lists and mappings as labels", listed={"line 13": "category", "line 14": "category"})(
    lambda root: jsonl(root, {"image": "0.png", "label": ["a"]}, {"image": "1.png", "label": {"a": "b"}})
)
case(
    "anything as an image",
    listed={"line 13": "no image", "line 14": "no image", "line 15": "no image", "line 16": "no image"},
)(lambda root: jsonl(root, *({"image": value, "label": "a"} for value in (7, ["0.png"], {"a": 1}, True))))
case("anything as an image, after 200 names", listed={"line 201": "no image", "line 202": "no image"})(
    lambda root: jsonl(root, {"image": 7, "label": "a"}, {"image": ["0.png"], "label": "a"}, count=200)
)
case("halves of characters in a name and a label", listed={"line 13": "name", "line 14": "text"})(
    lambda root: jsonl(root, '{"image": "\\ud800.png", "label": "a"}', '{"image": "0.png", "label": "\\udfff"}')
)
case("halves of characters in a key", used=12)(
    lambda root: jsonl(root, '{"\\ud800": 1}')["source"] and {"source": str(root / "rows.jsonl"), "max_bad": 0.5}
)
case("a NUL in a name", listed={"line 13": "name"})(lambda root: jsonl(root, {"image": "0.png\0.png", "label": "a"}))
case("a line of 10,000 keys", used=12)(lambda root: jsonl(root, {f"k{number}": number for number in range(10_000)}))
case("JSON lines with a NUL", listed={"line 13": "NUL"})(lambda root: jsonl(root, "\0\0\0\0"))
case("a list of no objects", says="no JSON object")(
    lambda root: (root / "a.json").write_text("[1, 2, null]") and {"source": str(root / "a.json")}
)


# ---- CSV


def wide(header: list[str], root: Path, cells: int) -> dict[str, Any]:
    body = [f"{name},{label}" + ",0" * cells for name, label in rows(root)]
    return csv(root, "\n".join([",".join(header), *body]))


case("10⁵ columns", used=12)(
    lambda root: wide(["image", "label", *(f"c{number}" for number in range(100_000))], root, 100_000)
)
case("10⁵ columns, none of them a label", LARGE, says="'label'")(
    lambda root: wide(["image", *(f"c{number}" for number in range(100_001))], root, 100_000)
)
case("10⁵ columns of one name", says="same name")(
    lambda root: wide(["image", "label", *["c"] * 100_000], root, 100_000)
)
case("10⁵ columns and a recipe that misspells one", LARGE, says="no column")(
    lambda root: (
        wide(["image", *(f"c{number}" for number in range(100_001))], root, 100_000) | {"columns": {"label": "c_77777"}}
    )
)
case("a cell of 20 MB", says="16 MB")(lambda root: csv(root, lines(root, f"0.png,{'x' * 20_000_000}")))
case("a cell of 100 MB", LARGE, says="MB")(lambda root: csv(root, lines(root, f"0.png,{'x' * 100_000_000}")))
case("a cell of 20 MB in many lines", LARGE, says="quotation mark")(
    lambda root: csv(root, lines(root, '0.png,"' + "x\n" * 10_000_000))
)
case("a label of 1 MB", used=13)(lambda root: csv(root, lines(root, f"0.png,{'x' * 1_000_000}")))
case("a quotation mark that swallows the rest", says="quotation mark")(
    lambda root: csv(root, lines(root, '0.png,"a', *["1.png,b"] * 500))
)
case("a quotation mark in the header", says="quotation mark")(lambda root: csv(root, '"image,label\n' + lines(root)))
case("a quotation mark that swallows 200 lines", says="quotation mark")(
    lambda root: csv(root, lines(root, '0.png,"a', *["1.png,b"] * 200, '1.png,"b"'))
)
case("a quotation mark within a text", used=13)(lambda root: csv(root, lines(root, '0.png,5" disk')))
case("a NUL byte in a CSV", listed={"line 14": "NUL"}, used=12)(lambda root: csv(root, lines(root, "0.png,a\0b")))
case("a CSV whose end was never written", listed={"line 14": "NUL"}, used=12)(
    lambda root: csv(root, lines(root) + "\0" * 4096)
)
case("UTF-16 with a mark", used=12)(lambda root: csv(root, lines(root).encode("utf-16")))
case("UTF-16 without a mark", says="UTF-8")(lambda root: csv(root, lines(root).encode("utf-16-le")))
case("UTF-16 without a mark, big end first", says="UTF-8")(lambda root: csv(root, lines(root).encode("utf-16-be")))
case("Chinese UTF-16 without a mark", says="UTF-8")(
    lambda root: csv(root, "图像名称,类别名称\n猫猫猫猫,狗狗狗狗\n".encode("utf-16-le"))
)
case("UTF-16 cut in half", says="UTF-8")(lambda root: csv(root, lines(root).encode("utf-16")[:-1]))
case("GB18030", used=13)(lambda root: csv(root, lines(root, "0.png,猫").encode("gb18030")))
case("Latin-1", says="UTF-8")(lambda root: csv(root, lines(root, "0.png,caf\xe9").encode("latin-1")))
case("Latin-1 that GB18030 could be", says="UTF-8")(
    lambda root: csv(root, lines(root, "0.png,caf\xe9teria", "1.png,\xfcber").encode("latin-1"))
)
case("Big5", says="UTF-8")(lambda root: csv(root, lines(root, "0.png,貓的類別與圖像", "1.png,狗在這裡").encode("big5")))
case("two encodings in one file", says="UTF-8")(
    lambda root: csv(root, lines(root, "0.png,猫和狗的图像").encode() + "1.png,狗的图像\n".encode("gb18030"))
)
case("lines that end as on Windows", used=12)(lambda root: csv(root, lines(root, separator="\r\n")))
case("lines that end as on old Macs", used=12)(lambda root: csv(root, lines(root, separator="\r")))
case("a header of names twice", says="same name")(
    lambda root: csv(root, lines(root).replace("image,label", "label,label"))
)
case("a header of nothing", says="Which column")(lambda root: csv(root, lines(root).replace("image,label", ",")))
case("a header alone", says="no row")(lambda root: csv(root, "image,label\n"))
case("nothing but commas", says="")(lambda root: csv(root, ",\n,\n,\n"))
case("one row", says="")(lambda root: csv(root, lines(root, count=1)))
case("rows of other lengths", listed={"line 14": "1 cells", "line 15": "3 cells"})(
    lambda root: csv(root, lines(root, "0.png", "1.png,a,b"))
)
case("formulas and commands as labels", used=14)(
    lambda root: csv(root, lines(root, "0.png,=cmd|'/C calc'!A0", "1.png,\"@SUM(1+1)*cmd|' /C calc'!A0\""))
)
case("a CSV that is a JPEG", says="UTF-8")(lambda root: csv(root, jpeg(8, 8)))
