"""Content of items: words, tags and numbers of a table beside scikit-learn's TF-IDF; learnt from items met in training alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from danlu.data.kinds.asker import Asker
from danlu.data.kinds.base import BadValue
from danlu.data.kinds.catalogue import Catalogue
from danlu.data.tabular.content import content_of, read, words
from danlu.errors import DataError
from danlu.nn.embedding.items import Items

PLOTS = [
    "a ship in a storm at sea",
    "two detectives and a storm of lies",
    "the sea, the ship and the captain",
    "love in the time of detectives",
    "a captain falls in love at sea",
]
IDS = [f"m{place}" for place in range(5)]


def test_words_are_weighed_as_scikit_learn_does() -> None:
    content = content_of(IDS, [True] * 5, IDS, {"plot": PLOTS})
    vector = TfidfVectorizer(token_pattern=r"(?u)\b\w\w+\b", min_df=2).fit(PLOTS)
    assert set(content.terms) == set(vector.vocabulary_)
    order = [vector.vocabulary_[term] for term in content.terms]
    np.testing.assert_allclose(
        Items(*content.arrays()).matrix().numpy(), vector.transform(PLOTS).toarray()[:, order], atol=1e-6
    )


def test_terms_and_scales_are_those_of_items_met_in_training() -> None:
    learnt = [True, True, True, False, False]
    columns = {"plot": PLOTS, "votes": ["10", "20", "30", "1000000", ""]}
    one = content_of(IDS, learnt, IDS, columns)
    other = content_of(
        IDS, learnt, IDS, {"plot": [*PLOTS[:3], "ship ship", "nothing"], "votes": ["10", "20", "30", "7", "8"]}
    )
    assert (one.terms, one.idf, one.rows[:3], one.numbers[:3]) == (
        other.terms,
        other.idf,
        other.rows[:3],
        other.numbers[:3],
    )
    assert "love" not in one.terms  # of items that nobody met
    assert {other.terms[place] for place in other.rows[3]} == {"ship"}
    assert one.numbers[4] == (0.0,)
    assert one.numbers[3] == (5.0,)  # however far it is


def test_tags_and_categories_are_terms_of_their_column(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(
        "id,title,genres,country\n"
        'a,Red Sea,"Drama, War",France\nb,The Red House,"War, Comedy",Japan\nc,House by the Sea,Drama,France\nd,Sea,Comedy,Japan\n'
    )
    ids, columns = read(tmp_path / "items.csv")
    content = content_of(ids, [True] * 4, ids, columns)
    named = [{content.terms[place] for place in row} for row in content.rows]
    assert named[0] == {"red", "sea", "genres: drama", "genres: war", "country: france"}
    assert "genres: comedy" in named[1] & named[3]


def test_scripts_without_spaces_are_pairs_of_characters() -> None:
    assert list(words("流浪地球 2019 ab地球")) == ["流浪", "浪地", "地球", "2019", "地球", "ab"]


def test_the_kinds_travel_as_data_and_know_items_that_nobody_met(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(
        "id,title,plot\n"
        + "".join(f"{i},Film {i},{p}\n".replace(", the", " the") for i, p in zip(IDS, PLOTS, strict=True))
    )
    options = {"titles": str(tmp_path / "items.csv"), "together": [["u1", "u2"], ["m0", "m9"]]}
    item = Catalogue.fit(["m0", "m1", "m9"], options)
    assert item.names == ("m0", "m1", "m2", "m3", "m4", "m9")
    assert item.titles[3] == "Film m3"
    assert Catalogue(**item.spec()).known == item.known
    assert item.known.rows[5] == ()
    asker = Asker(**Asker.fit(["u2", "u1"], options).spec())
    codes = [int(asker.prepare(raw).value) for raw in ("u1", "u2", "u3", "like:m0", "like:m9", "like: m2")]
    assert codes == [0, 1, -1, -2, -7, -4]
    assert asker.prepare_many(["u1", "like:m0"]) is None
    with pytest.raises(BadValue, match="m77"):
        asker.prepare("like:m77")
    with pytest.raises(DataError, match="nowhere"):
        read(tmp_path / "nowhere.csv")


def test_a_broken_line_and_a_word_among_numbers_are_told(tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text("item,plot,year\nm0,a ship,1999\n\nm1,a storm\n", encoding="utf-8")
    with pytest.raises(DataError) as told:
        read(table)
    assert "items.csv, line 4" in str(told.value)
    assert "2 cells" in str(told.value)
    table.write_text("item,plot\nm0,a ship\nm1,a storm\nm0,a sea\n", encoding="utf-8")
    with pytest.raises(DataError, match="m0"):
        read(table)
    ids = [f"m{place}" for place in range(40)]
    years = ["2000", "2001"] * 20
    years[7] = "abc"
    with pytest.raises(DataError) as told:
        content_of(ids, [True] * 40, ids, {"year": years})
    assert "item m7, column year" in str(told.value)
    years[7] = ""
    assert content_of(ids, [True] * 40, ids, {"year": years}).numbers[7] == (0.0,)


def test_prices_are_numbers_as_they_are_written_and_two_tags_are_no_number() -> None:
    ids = [f"i{place}" for place in range(40)]
    price = [f"${1000 + 37 * place:,}" for place in range(40)]
    tags = [f"{place % 3},{3 + place % 4}" for place in range(40)]
    made = content_of(ids, [True] * 40, ids, {"price": price, "tags": tags})
    assert made.number_names == ("price",)
    values = np.asarray(made.numbers)[:, 0]
    assert np.allclose(values, (np.arange(40) - 19.5) / np.arange(40).std())
    assert any(term.startswith("tags: ") for term in made.terms)
