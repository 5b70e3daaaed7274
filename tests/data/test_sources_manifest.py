"""CSV, JSON lines and Parquet files that name images and labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from danlu import recipe as recipes
from danlu.data.prepare import prepare
from danlu.errors import DataError
from danlu.recipe.names import spec_of
from danlu.recipe.spec import Column
from tests.data.made import IMAGES, folder, image, labels, prepared, table

NUMBERS = {"image": Column("image", "input"), "price": Column("number", "target")}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """0.png … 5.png"""
    return folder(tmp_path, {"": 6})


def csv(root: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    (root / name).write_bytes(text.encode(encoding))
    return root / name


def rows(count: int = 6, separator: str = ",", names: str = "image,label") -> str:
    body = [f"{number}.png{separator}{'ab'[number % 2]}" for number in range(count)]
    return "\n".join([names.replace(",", separator), *body, ""])


# ---- CSV ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings(photos: Path, separator: str, encoding: str) -> None:
    found = table(csv(photos, rows(separator=separator), encoding=encoding))
    assert labels(found) == {f"{number}.png": "ab"[number % 2] for number in range(6)}
    assert found.origins[2] == "labels.csv, line 4 (2.png)"


def test_chinese_in_gb18030_is_noticed(photos: Path) -> None:
    text = "图像,类别\n0.png,猫\n1.png,狗\n2.png,猫\n"
    found = table(csv(photos, text, encoding="gb18030"), columns={"image": "图像", "label": "类别"})
    assert labels(found) == {"0.png": "猫", "1.png": "狗", "2.png": "猫"}
    assert any("GB18030" in note for _, note in found.notes)


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.jsonl"])
def test_a_row_with_a_nul_byte_is_set_aside(photos: Path, name: str) -> None:
    """One byte that went wrong costs its row, not the file; where the header has one it is no text at all."""
    if name.endswith("jsonl"):
        body = "".join(json.dumps({"image": f"{number}.png", "label": "ab"[number % 2]}) + "\n" for number in range(6))
        line = 3
    else:
        body, line = rows(separator="\t" if name.endswith("tsv") else ","), 4
    found = table(csv(photos, body.replace("2.png", "2\0.png"), name))
    assert labels(found) == {f"{number}.png": "ab"[number % 2] for number in range(6) if number != 2}
    ((origin, reason),) = found.problems
    assert origin == f"{name}, line {line}"
    assert "NUL" in reason
    with pytest.raises(DataError, match="NUL"):
        table(csv(photos, "\0".join(body) + "\0", name))


def test_western_letters_are_not_taken_for_chinese(tmp_path: Path) -> None:
    """ "öß" of a Western encoding is a Chinese letter in GB18030, but stands within a word."""
    wanted = {"price": Column("number", "target")}
    body = "größe,price\n" + "".join(f"{row},{row}.5\n" for row in range(20))
    with pytest.raises(DataError, match="iconv -f cp1252"):
        table(csv(tmp_path, body, encoding="latin-1"), wanted)
    found = table(csv(tmp_path, "A股,price\n1,2.5\n2,3.5\n", encoding="gb18030"), wanted)
    assert list(found.columns["price"]) == ["2.5", "3.5"]


def test_a_number_is_proposed_from_columns_of_numbers(tmp_path: Path) -> None:
    """The column of fewest values is what a class is proposed from."""
    body = "grösse;preis;ort\n" + "".join(f"{row % 3};{1000 + row},50;{'AB'[row % 2]}\n" for row in range(20))
    with pytest.raises(DataError, match=r"\{value: preis\}"):
        table(csv(tmp_path, body), {"features": Column("features", "input"), "value": Column("number", "target")})


def test_no_text_at_all(photos: Path) -> None:
    (photos / "labels.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match="UTF-8"):
        table(photos / "labels.csv")


@pytest.mark.parametrize(
    "names",
    ["path,class", "Image_Path,Target", "FILE NAME,category", "filename,y", "img,Labels", "image-file,class name"],
)
def test_columns_are_guessed_by_name(photos: Path, names: str) -> None:
    found = table(csv(photos, rows(names=names)))
    assert labels(found)["1.png"] == "b"
    assert sum("by its name" in note for _, note in found.notes) == 2


def test_an_unclear_column_is_an_error_that_proposes(photos: Path) -> None:
    path = csv(photos, rows(names="scan,diagnosis"))
    with pytest.raises(DataError) as error:
        table(path)
    problem = error.value.problems[0]
    assert "scan, diagnosis" in problem.what
    assert "{image: scan, label: diagnosis}" in problem.remedy
    assert labels(table(path, columns={"image": "scan", "label": "diagnosis"}))["1.png"] == "b"


def test_wrong_mappings_are_told_together(photos: Path) -> None:
    with pytest.raises(DataError) as error:
        table(csv(photos, rows()), columns={"image": "imgae", "lable": "label"})
    told = [(problem.where, problem.remedy) for problem in error.value.problems]
    assert told == [("data.columns.image", "Did you mean 'image'?"), ("data.columns.lable", "Did you mean 'label'?")]


def test_ragged_lines_are_set_aside(photos: Path) -> None:
    found = table(csv(photos, 'image,label\n0.png,a\n1.png\n\n"2.png",b\n3.png,a,b\n4.png,"b\nc"\n5.png,a\n'))
    assert list(found.ids) == ["0.png", "2.png", "4.png", "5.png"]
    assert [origin for origin, _ in found.problems] == ["labels.csv, line 3", "labels.csv, line 6"]
    assert labels(found)["4.png"] == "b\nc"
    assert found.origins[3].startswith("labels.csv, line 9")


def test_headers_are_wanted(photos: Path) -> None:
    with pytest.raises(DataError, match="first line"):
        table(csv(photos, "0.png,a\n1.png,b\n"))
    with pytest.raises(DataError, match=r"same name.*a name of its own"):
        table(csv(photos, "image,label,label\n0.png,a,b\n"))
    for text in ("", "image,label\n"):
        with pytest.raises(DataError, match="no row"):
            table(csv(photos, text))


def test_gaps_are_missing(photos: Path) -> None:
    data = prepared(
        csv(photos, "image,label\n0.png,a\n1.png,\n,b\n2.png,b\n3.png,a\n4.png, b \n5.png,a\n"), split={"test": 0}
    )
    assert data.card["missing"]["columns"] == {"label": 1, "image": 1}
    assert data.kinds["label"].spec() == {"classes": ["a", "b"]}
    assert len(data) == 5


def test_ids_do_not_hang_on_the_order_of_lines(photos: Path) -> None:
    body = ["0.png,a", "1.png,b", "1.png,a", "2.png,b", "0.png,a"]
    one = labels(table(csv(photos, "\n".join(["image,label", *body]))))
    other = labels(table(csv(photos, "\n".join(["image,label", *reversed(body)]))))
    assert one == other
    assert len(one) == 5
    assert "2.png" in one


def test_an_id_is_no_label(tmp_path: Path) -> None:
    folder(tmp_path, {"": 60})
    body = "\n".join(f"{number}.png,{1000 + number}" for number in range(60))
    with pytest.raises(DataError, match="60 different values"):
        prepared(csv(tmp_path, f"image,label\n{body}\n"))


# ---- where the images are -----------------------------------------------------------------------------------------


def test_images_in_their_usual_folders(tmp_path: Path) -> None:
    folder(tmp_path, {"images": 3})
    found = table(csv(tmp_path, rows(3)))
    assert all(path.exists() for path in found.columns["image"])
    assert any("images" in note for _, note in found.notes)


def test_a_missing_ending_is_found(photos: Path) -> None:
    found = table(csv(photos, "id,label\n0,a\n1,b\n"), columns={"image": "id"})
    assert list(found.ids) == ["0.png", "1.png"]
    assert any(".png" in note for _, note in found.notes)


def test_root_and_absolute_names(tmp_path: Path) -> None:
    folder(tmp_path / "pictures", {"": 2})
    (tmp_path / "lists").mkdir()
    path = csv(tmp_path / "lists", f"image,label\n0.png,a\n{tmp_path / 'pictures' / '1.png'},b\n")
    found = table(path, root=str(tmp_path / "pictures"))
    assert [file.exists() for file in found.columns["image"]] == [True, True]
    with pytest.raises(DataError, match=r"data\.root"):
        table(csv(tmp_path / "lists", "image,label\n0.png,a\n"))


def test_names_that_lead_out_are_set_aside(tmp_path: Path) -> None:
    folder(tmp_path / "in", {"": 3})
    image(tmp_path / "secret.png")
    text = "image,label\n0.png,a\n../secret.png,b\nx/../../secret.png,b\nx/../1.png,a\nhttps://a.b/c.png,a\n./2.png,b\n"
    found = table(csv(tmp_path / "in", text))
    assert list(found.ids) == ["0.png", "1.png", "2.png"]
    assert len(found.problems) == 3
    assert "data.root" in found.problems[0][1]
    assert "web address" in found.problems[2][1]


def test_backslashes(tmp_path: Path) -> None:
    folder(tmp_path, {"x": 2})
    found = table(csv(tmp_path, "image,label\nx\\0.png,a\nx\\1.png,b\n"))
    assert all(path.exists() for path in found.columns["image"])


def test_missing_files_are_bad_rows(photos: Path) -> None:
    text = rows() + "".join(f"gone{number}.png,a\n" for number in range(2))
    data = prepared(csv(photos, text), max_bad=0.5, split={"test": 0})
    assert [entry["row"] for entry in data.card["bad"]] == [
        f"labels.csv, line {8 + number} (gone{number}.png)" for number in range(2)
    ]
    assert "no such file" in data.card["bad"][0]["reason"]


def test_the_fingerprint_sees_images_and_labels(photos: Path) -> None:
    path = csv(photos, rows())
    first = table(path).fingerprint
    assert table(path).fingerprint == first
    image(photos / "3.png", seed=77)
    second = table(path).fingerprint
    assert second != first
    csv(photos, rows().replace(",a", ",c"))
    assert table(path).fingerprint not in (first, second)


# ---- split columns --------------------------------------------------------------------------------------------------


def test_a_split_column_by_name_or_by_recipe(photos: Path) -> None:
    text = "image,label,{}\n0.png,a,Train\n1.png,b,training\n2.png,a,VALID\n3.png,b,test\n4.png,a,\n"
    found = table(csv(photos, text.format("split")))
    assert found.given == ["train", "train", "val", "test", None]
    assert any("split" in note for _, note in found.notes)
    assert table(csv(photos, text.format("fold"))).given is None
    assert table(csv(photos, text.format("fold")), split={"column": "fold"}).given == found.given


def test_a_split_column_that_says_something_else(photos: Path) -> None:
    text = "image,label,split\n0.png,a,left\n1.png,b,right\n"
    assert table(csv(photos, text)).given is None
    with pytest.raises(DataError, match="'left'"):
        table(csv(photos, text), split={"column": "split"})
    with pytest.raises(DataError, match="no column 'part'"):
        table(csv(photos, text), split={"column": "part"})


def test_a_split_column_that_is_not_used_is_told_of(photos: Path) -> None:
    """Two parts and a word: the rows were divided anew, and nothing was said."""
    found = table(csv(photos, "image,label,split\n0.png,a,train\n1.png,b,tets\n2.png,b,val\n"))
    assert found.given is None
    (told,) = (text for _, text in found.notes if "is not used" in text)
    assert "'tets'" in told
    other = table(csv(photos, "image,label,split\n0.png,a,left\n1.png,b,right\n"))
    assert not any("is not used" in text for _, text in other.notes)


def test_group_and_time_come_along(photos: Path) -> None:
    found = table(csv(photos, "image,label,who,when\n0.png,a,x,2024\n"), split={"group": "who", "time": "when"})
    assert {name: list(values) for name, values in found.extra.items()} == {"group": ["x"], "time": ["2024"]}


# ---- JSON lines -----------------------------------------------------------------------------------------------------


def jsonl(root: Path, values: Sequence[Any], name: str = "labels.jsonl") -> Path:
    (root / name).write_text("\n".join(value if isinstance(value, str) else json.dumps(value) for value in values))
    return root / name


def test_json_lines_and_lists(photos: Path) -> None:
    values = [{"file_name": f"{number}.png", "label": number % 2} for number in range(4)]
    expected = {f"{number}.png": str(number % 2) for number in range(4)}
    assert labels(table(jsonl(photos, values))) == expected
    (photos / "labels.json").write_text(json.dumps(values))
    assert labels(table(photos / "labels.json")) == expected


def test_lines_that_are_no_objects(photos: Path) -> None:
    found = table(jsonl(photos, [{"image": "0.png", "label": "a"}, "{broken", "", "[1]", {"image": "1.png"}]))
    assert list(found.ids) == ["0.png", "1.png"]
    assert list(found.columns["label"]) == ["a", None]
    assert [origin for origin, _ in found.problems] == ["labels.jsonl, line 2", "labels.jsonl, line 4"]
    with pytest.raises(DataError, match="no JSON object"):
        table(jsonl(photos, ["x", "y"]))


def judged(file: Path, task: str) -> Mapping[str, Any]:
    """The data card."""
    asked = recipes.complete(recipes.from_dict({"task": task, "data": {"source": str(file)}}))
    return prepare(asked, spec_of(task)).card


def test_labels_that_say_there_is_none(tmp_path: Path) -> None:
    """In a table they are missing, as in its other columns; elsewhere they are classes. Both are told, with their counts."""
    labels = ["a", "b"] * 20 + ["NA", "NA", "nan", "null", "None", "?"]
    body = "".join(f"text number {row},{row % 7}.5,{label}\n" for row, label in enumerate(labels))
    file = csv(tmp_path, f"text,size,label\n{body}")
    texts = judged(file, "text-classification")
    assert texts["rows"]["missing"] == 0
    assert list(texts["classes"]["label"]) == ["?", "a", "b", "NA", "nan", "None", "null"]
    (told,) = [warning for warning in texts["warnings"] if "read like missing" in warning]
    assert "? (1), NA (2), nan (1), None (1), null (1)" in told
    found = judged(file, "table-classification")
    assert found["missing"]["columns"] == {"label": 4}
    assert list(found["classes"]["label"]) == ["?", "a", "b", "None"]
    assert any("NA (2), nan (1), null (1)" in note["note"] for note in found["notes"])
    (told,) = [warning for warning in found["warnings"] if "read like missing" in warning]
    assert "? (1), None (1)" in told


TEXTS = {"text": Column("text", "input"), "label": Column("category", "target")}
REVIEWS = [{"id": n, "review": {"words": f"w{n}", "meta": {"stars": n % 2}}, "label": "ab"[n % 2]} for n in range(4)]


def test_what_objects_hold_are_columns(tmp_path: Path) -> None:
    """A gap on the way is a missing value; a key that holds a dot itself is found as it stands."""
    gaps = [*REVIEWS, {"review": None, "label": "a"}, {"review": {"meta": 7}}]
    mapped = {"text": "review.words", "label": "review.meta.stars"}
    found = table(jsonl(tmp_path, gaps), TEXTS, columns=mapped)
    assert list(found.columns["text"]) == ["w0", "w1", "w2", "w3", None, None]
    assert list(found.columns["label"]) == ["0", "1", "0", "1", None, None]
    dotted = [{"review.words": f"top {n}", **row} for n, row in enumerate(REVIEWS)]
    assert list(table(jsonl(tmp_path, dotted), TEXTS, columns={"text": "review.words"}).columns["text"])[:2] == [
        "top 0", "top 1",
    ]  # fmt: skip
    odd = [{"a.b": {"words": "x"}, "label": "a"}, {"a.b": {"words": "y"}, "label": "b"}]
    assert list(table(jsonl(tmp_path, odd), TEXTS, columns={"text": "a.b.words"}).columns["text"]) == ["x", "y"]


def test_columns_in_objects_are_guessed_and_proposed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\{text: review.words, label: label\}"):
        table(jsonl(tmp_path, REVIEWS), TEXTS)
    with pytest.raises(DataError, match=r"Name what is meant in them: review.words, review.meta.stars"):
        table(jsonl(tmp_path, REVIEWS), TEXTS, columns={"text": "review"})
    with pytest.raises(DataError, match=r"Did you mean 'review.words'"):
        table(jsonl(tmp_path, REVIEWS), TEXTS, columns={"text": "review.word"})
    named = [{"review": {"text": row["review"]["words"]}, "label": row["label"]} for row in REVIEWS]
    assert list(table(jsonl(tmp_path, named), TEXTS).columns["text"]) == ["w0", "w1", "w2", "w3"]


def test_a_table_takes_what_objects_hold_and_not_the_objects(tmp_path: Path) -> None:
    wanted = {"features": Column("features", "input"), "label": Column("category", "target")}
    found = table(jsonl(tmp_path, REVIEWS), wanted)
    assert found.columns["features"][1] == {"id": 1, "review.words": "w1", "review.meta.stars": 1}


def test_numbers_stay_numbers(photos: Path) -> None:
    found = table(jsonl(photos, [{"image": "0.png", "price": 2.5}, {"image": "1.png", "price": None}]), NUMBERS)
    assert list(found.columns["price"]) == [2.5, None]


@pytest.mark.parametrize(
    "objects",
    [
        [{"box": [1, 2, 4, 6], "label": "a"}],
        [{"bbox": [1, 2, 3, 4], "category": "a"}],
        {"bbox": [[1, 2, 3, 4]], "categories": ["a"]},
        json.dumps([{"box": [1, 2, 4, 6], "label": "a"}]),
    ],
)
def test_boxes_in_manifests(photos: Path, objects: Any) -> None:
    wanted = {"image": Column("image", "input"), "boxes": Column("boxes", "target")}
    found = table(jsonl(photos, [{"image": "0.png", "objects": objects}]), wanted)
    assert found.columns["boxes"][0] == [{"box": [1, 2, 4, 6], "label": "a", "iscrowd": False}]


# ---- Parquet ----------------------------------------------------------------------------------------------------------


def write(path: Path, columns: dict[str, Any], metadata: dict[str, str] | None = None, rows_each: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns).replace_schema_metadata(metadata), path, row_group_size=rows_each)
    return path


def test_parquet_that_names_images(photos: Path) -> None:
    path = write(
        photos / "a.parquet", {"path": ["0.png", "1.png", "2.png"], "label": pa.array([0, None, 1], pa.int64())}
    )
    found = table(path)
    assert list(found.columns["label"]) == ["0", None, "1"]
    assert found.origins[1] == "a.parquet, row 2 (1.png)"


def test_parquet_that_holds_images_as_hugging_face_does(photos: Path, tmp_path: Path) -> None:
    features = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    content = [(photos / f"{number}.png").read_bytes() for number in range(5)]
    for name, chosen in (("train-00000-of-00001", [0, 1, 2]), ("test-00000-of-00001", [3, 4])):
        images = [{"bytes": content[number], "path": f"{name}/{number}.png"} for number in chosen]
        write(
            tmp_path / "hf" / "data" / f"{name}.parquet", {"image": images, "label": [n % 2 for n in chosen]}, metadata
        )
    found = table(tmp_path / "hf")
    assert list(found.columns["image"]) == [content[number] for number in (3, 4, 0, 1, 2)]
    assert list(found.given or ()) == ["test", "test", "train", "train", "train"]
    assert labels(found)["train-00000-of-00001/1.png"] == "dog"
    assert found.classes["label"] == ("cat", "dog")
    data = prepared(tmp_path / "hf", split={"val": 0})
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 3, "test": 2}


def test_parquet_with_bytes_alone_is_read_group_by_group(photos: Path) -> None:
    content = [(photos / f"{number}.png").read_bytes() for number in range(6)]
    path = write(photos / "a.parquet", {"image": content, "label": list("ababab")})
    column = table(path).columns["image"]
    assert [column[row] for row in (5, 0, 3, 3, 1)] == [content[row] for row in (5, 0, 3, 3, 1)]
    assert column[-1] == content[5]
    assert column[1:3] == content[1:3]


def test_broken_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(DataError, match="Parquet"):
        table(tmp_path / "a.parquet")
    write(tmp_path / "b" / "1.parquet", {"image": ["x"]})
    write(tmp_path / "b" / "2.parquet", {"file": ["x"]})
    with pytest.raises(DataError, match=r"1\.parquet"):
        table(tmp_path / "b")


# ---- npz ------------------------------------------------------------------------------------------------------------------


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


X = np.random.default_rng(0).integers(0, 256, (6, 5, 7)).astype(np.uint8)
Y = np.asarray([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("images", "labels"), ("X", "target"), ("data", "Labels")])
def test_npz_names(tmp_path: Path, x: str, y: str) -> None:
    found = table(npz(tmp_path / "a.npz", **{x: X, y: Y}))
    assert np.array_equal(np.stack(list(found.columns["image"])), X)
    assert list(found.columns["label"]) == Y.tolist()
    assert found.given is None
    assert found.origins[2] == f"a.npz, {x}, row 2"


@pytest.mark.parametrize("pattern", ["{part}_images {part}_labels", "x_{part} y_{part}", "images_{part} labels_{part}"])
def test_npz_parts(tmp_path: Path, pattern: str) -> None:
    arrays: dict[str, np.ndarray] = {}
    for part, rows_ in (("train", slice(0, 3)), ("val", slice(3, 4)), ("test", slice(4, 6))):
        x, y = pattern.format(part=part).split()
        arrays |= {x: X[rows_], y: Y[rows_, None]}
    found = table(npz(tmp_path / "a.npz", **arrays))
    assert sorted(zip(found.given or (), map(int, found.columns["label"]), strict=True)) == sorted(
        zip(["train"] * 3 + ["val"] + ["test"] * 2, Y.tolist(), strict=True)
    )
    assert len(found) == 6


def test_npz_ids_follow_content(tmp_path: Path) -> None:
    one = labels(table(npz(tmp_path / "a.npz", x=X, y=Y)))
    order = np.asarray([3, 1, 5, 0, 2, 4])
    assert labels(table(npz(tmp_path / "b.npz", x=X[order], y=Y[order]))) == one
    twice = table(npz(tmp_path / "c.npz", x=X[[0, 0]], y=Y[[0, 0]]))
    assert len(set(twice.ids)) == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (X / 255.0, X),
        (X.astype(np.float32), X),
        (X.astype(np.int64), X),
        (np.stack([X] * 3, axis=1), np.stack([X] * 3, axis=3)),
        (X[:, :, :5].reshape(6, 25), X[:, :, :5]),
    ],
)
def test_npz_images_of_any_form(tmp_path: Path, values: np.ndarray, expected: np.ndarray) -> None:
    found = table(npz(tmp_path / "a.npz", x=values, y=Y))
    assert np.array_equal(np.stack(list(found.columns["image"])), expected)


def test_npz_dark_floats_are_judged_together(tmp_path: Path) -> None:
    values = X.astype(np.float32)
    values[0] = 1.0  # by itself it would look like white
    assert table(npz(tmp_path / "a.npz", x=values, y=Y)).columns["image"][0].max() == 1


def test_npz_one_hot(tmp_path: Path) -> None:
    assert list(table(npz(tmp_path / "a.npz", x=X, y=np.eye(3)[Y])).columns["label"]) == Y.tolist()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": X, "y": Y[:4]}, "6 images, but 4 labels"),
        ({"x": X - 300.0, "y": Y}, "0–255"),
        ({"x": X.reshape(6, 35), "y": Y}, "square"),
        ({"x": X, "y": np.asarray([[1, 2]] * 6)}, "labels"),
        ({"x": np.asarray([{}, 1] * 3, object), "y": Y}, "never unpickled"),
        ({"a": X, "b": Y}, "a, b"),
        ({"x": X[:0], "y": Y[:0]}, "no row"),
        ({"x": np.float32(1), "y": Y}, "images"),
    ],
)
def test_npz_refusals(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DataError, match=words):
        table(npz(tmp_path / "a.npz", **arrays))


def test_broken_npz(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(npz(tmp_path / "b.npz", x=X, y=Y).read_bytes()[:200])
    with pytest.raises(DataError, match="npz"):
        table(tmp_path / "a.npz")
    np.save(tmp_path / "c.npy", X)
    (tmp_path / "c.npy").rename(tmp_path / "c.npz")
    with pytest.raises(DataError, match="single array"):
        table(tmp_path / "c.npz")


def test_wanted_columns_of_other_kinds(tmp_path: Path) -> None:
    found = table(npz(tmp_path / "a.npz", x=X, price=Y / 2), NUMBERS)
    assert list(found.columns["price"]) == (Y / 2).tolist()
    assert set(IMAGES) == {"image", "label"}


def test_texts_that_become_codes_take_the_room_of_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long column of few different texts is read where Python's own objects would not fit; one of different texts is refused."""
    import pyarrow as pa
    from pyarrow import parquet

    from danlu import recipe as recipes
    from danlu.data import reading, room
    from danlu.errors import DataError
    from danlu.recipe.names import spec_of

    rows = 40_000
    few, many = [f"town {place % 50}" for place in range(rows)], [f"other text {place}" for place in range(rows)]
    parquet.write_table(pa.table({"town": few, "y": list(range(rows))}), tmp_path / "few.parquet")
    parquet.write_table(pa.table({"town": many, "y": list(range(rows))}), tmp_path / "many.parquet")
    monkeypatch.setattr("danlu.data.sources.parquet.FEW", 1000)
    monkeypatch.setattr(room, "memory", lambda: 64.0 * rows)  # half of it is what may be taken
    spec = spec_of("table-regression")
    for name in ("few", "many"):
        text = {
            "task": "table-regression",
            "data": {"source": str(tmp_path / f"{name}.parquet"), "columns": {"value": "y"}},
        }
        recipe = recipes.complete(recipes.from_dict(text))
        if name == "few":
            _, table = reading.read(recipe, spec.columns)
            assert [row["town"] for row in table.columns["features"][:3]] == few[:3]
        else:
            with pytest.raises(DataError, match="memory"):
                reading.read(recipe, spec.columns)
