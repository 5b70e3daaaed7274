"""Ids, moments, and files of interactions."""

from pathlib import Path

import numpy as np
import pytest

from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.id import UNKNOWN, Id, read_titles
from danlu.data.kinds.moment import Moment
from danlu.data.sources import inter
from danlu.errors import DataError
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

WANTED = {
    "user": Column("id", "input", also=("userid",)),
    "item": Column("id", "target", also=("itemid",)),
    "time": Column("moment", "aside", also=("timestamp",)),
}


def test_ids_are_in_order_and_what_was_not_learnt_is_unknown() -> None:
    kind = Id.fit(["10", "9", "b", "a", 9, " b "], {})
    assert kind.names == ("9", "10", "a", "b")
    assert [int(kind.prepare(raw).value) for raw in ("9", 9, 9.0, Path("a"), "z")] == [0, 0, 0, 2, UNKNOWN]
    assert kind.prepare_many(["b", "zz", "10"]).tolist() == [3, -1, 1]  # type: ignore[union-attr]
    assert kind.prepare_many(np.asarray([9, 11])).tolist() == [0, -1]  # type: ignore[union-attr]
    assert kind.prepare_many(["b", ""]) is None
    assert Id(**kind.spec()) == kind
    with pytest.raises(MissingValue):
        kind.prepare(" ")


def test_titles_come_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "m.item"
    path.write_text(
        "item_id:token\tyear:float\tmovie_title:token_seq\n1\t1995\tToy Story\n2\t1995\tGoldenEye\n", "utf-8"
    )
    assert read_titles(path) == {"1": "Toy Story", "2": "GoldenEye"}
    kind = Id.fit(["1", "3"], {"titles": str(path), "titled": True})
    assert kind.titles == ("Toy Story", "3")
    assert kind.draw(np.asarray(0)) == "Toy Story"
    assert Id.fit(["1"], {"titles": str(path)}).titles == ()
    with pytest.raises(DataError):
        read_titles(tmp_path / "none.csv")


def test_moments_are_seconds() -> None:
    kind = Moment()
    assert kind.prepare("881250949").value == 881250949
    assert kind.prepare("1970-01-02").value == 86400
    assert kind.prepare_many(["1", "2.5"]).tolist() == [1, 2.5]  # type: ignore[union-attr]
    assert kind.prepare_many(["20240317"]) is None  # a date, looked at one by one
    assert kind.prepare("20240317").value == 1710633600
    for raw, error in (("soon", BadValue), ("", MissingValue), (None, MissingValue)):
        with pytest.raises(error):
            kind.prepare(raw)


def test_recboles_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "ml.inter"
    file.write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\nbad line\n186\t302\t3\t9\n"
    )
    for path in (file, tmp_path):
        assert inter.recognises(path)
        table = inter.read(path, DataSection(source=str(path)), WANTED)
        assert list(table.columns["user"]) == ["196", "186"]
        assert list(table.columns["time"]) == ["881250949", "9"]
        assert len(table.problems) == 1
        assert "3" in table.problems[0][0]
    (tmp_path / "other.inter").write_text("user_id:token\n1\n")
    assert not inter.recognises(tmp_path)
