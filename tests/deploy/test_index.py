"""The index against brute force, and what lies on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import danlu
from danlu.cli.main import main
from danlu.deploy.index import scan
from danlu.deploy.index.reading import vectors_of
from danlu.errors import ArtifactError, DataError
from danlu.training import aside


def unit(values: np.ndarray) -> np.ndarray:
    made: np.ndarray = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    return made


def some(count: int = 20, dimensions: int = 6, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)))


def filled(folder: Path, vectors: np.ndarray, **more: Any) -> danlu.Index:
    made = danlu.Index.create(folder, vectors.shape[1], **more)
    made.add(vectors, [f"e{row}" for row in range(len(vectors))], [f"l{row % 4}" for row in range(len(vectors))])
    return made


@pytest.mark.parametrize("metric", ["cosine", "inner"])
def test_search_is_what_sorting_all_scores_gives(tmp_path: Path, metric: Any) -> None:
    vectors = 3 * some(40) * np.linspace(0.5, 2, 40)[:, None].astype(np.float32)
    queries = some(7, seed=1) * 5
    index = filled(tmp_path / "x", vectors, metric=metric)
    scores = unit(queries) @ unit(vectors).T if metric == "cosine" else queries @ vectors.T
    for hits, row in zip(index.search(queries, 5), scores, strict=True):
        assert [hit.id for hit in hits] == [f"e{place}" for place in np.argsort(-row)[:5]]
        np.testing.assert_allclose([hit.score for hit in hits], -np.sort(-row)[:5], rtol=1e-4)
        assert [hit.label for hit in hits] == [f"l{int(hit.id[1:]) % 4}" for hit in hits]


def test_it_is_the_same_when_opened_again(tmp_path: Path) -> None:
    index, again = filled(tmp_path / "x", some()), danlu.Index.open(tmp_path / "x")
    assert again.search(some(3, seed=2)) == index.search(some(3, seed=2))
    assert (again.ids, again.labels, again.metric) == (index.ids, index.labels, "cosine")
    assert "e3" in again
    assert len(again) == 20


def _clusters(count: int, dimensions: int, spread: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count // 100, dimensions))
    return unit(centres[np.arange(count) % len(centres)] + spread * rng.normal(size=(count, dimensions)))


@pytest.mark.skipif(scan.kernels() is None, reason="needs the extra index")
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.3, 100.0])
def test_the_rough_pass_misses_nothing(spread: float) -> None:
    """Also where whole clusters are nearer to each other than bytes can tell, and where all vectors of a cluster are equal."""
    vectors = _clusters(6000, 24, spread)
    queries = unit(vectors[:8] + 0.05 * np.random.default_rng(1).normal(size=(8, 24)))
    rough, plain = scan.Scan(vectors), scan.Scan(vectors, rough=False)
    assert rough._kernels is not None
    for query in queries:
        (places, scores), (others, theirs) = rough(query[None], 10), plain(query[None], 10)
        np.testing.assert_allclose(scores, theirs, atol=2e-6)
        if spread > 0:
            assert len(set(places[0]) & set(others[0])) >= 9  # equal scores may change places
        true = vectors[places[0]] @ query
        assert true.min() >= np.sort(vectors @ query)[-10] - 2e-6


@settings(max_examples=30)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 3))
def test_best_gives_the_largest_and_of_equals_the_earlier(k: int, count: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 6, count).astype(np.float32)
    places, values = scan.best(scores, np.arange(0), k)
    wanted = np.argsort(-scores, kind="stable")[:k]
    assert places.tolist() == wanted.tolist()
    assert values.tolist() == scores[wanted].tolist()


def test_what_is_removed_is_on_the_disk_no_longer(tmp_path: Path) -> None:
    vectors = some(12, 16)
    index = filled(tmp_path / "x", vectors)
    mark = vectors[5].tobytes()
    assert mark in b"".join(path.read_bytes() for path in (tmp_path / "x").iterdir())
    assert index.remove(["e5"]) == 1
    left = b"".join(path.read_bytes() for path in (tmp_path / "x").iterdir())
    assert mark not in left
    assert b'"e5"' not in left
    assert vectors[6].tobytes() in left
    assert "e5" not in danlu.Index.open(tmp_path / "x").ids
    assert index.search(vectors[5])[0][0].id != "e5"
    assert index.remove(labels=["l0"]) == 3
    assert "l0" not in danlu.Index.open(tmp_path / "x").labels


def test_a_write_that_fails_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = filled(tmp_path / "x", some())
    whole = aside.write_whole
    calls = []

    def breaks(path: Path, data: bytes) -> None:
        calls.append(path.name)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        whole(path, data)

    monkeypatch.setattr(aside, "write_whole", breaks)
    with pytest.raises(ArtifactError, match="No space left"):
        index.add(some(1, seed=9), ["new"])
    monkeypatch.undo()
    again = danlu.Index.open(tmp_path / "x")
    assert "new" not in again
    assert again.search(some(2, seed=1)) == index.search(some(2, seed=1))
    again.add(some(1, seed=9), ["new"])
    assert len(list((tmp_path / "x").glob("vectors-*"))) == 1  # what was left half done is gone


def test_a_second_reader_sees_what_a_first_wrote_before_it_writes(tmp_path: Path) -> None:
    one = filled(tmp_path / "x", some())
    other = danlu.Index.open(tmp_path / "x")
    one.add(some(1, seed=5), ["mine"])
    other.add(some(1, seed=6), ["yours"])
    assert {"mine", "yours"} <= set(danlu.Index.open(tmp_path / "x").ids)


@pytest.mark.parametrize("file", ["vectors", "entries", "index", "MANIFEST"])
def test_a_changed_byte_is_told(tmp_path: Path, file: str) -> None:
    filled(tmp_path / "x", some())
    path = next((tmp_path / "x").glob(f"{file}*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ArtifactError):
        danlu.Index.open(tmp_path / "x")


def test_what_does_not_fit_is_refused_and_nothing_is_added(tmp_path: Path) -> None:
    index = filled(tmp_path / "x", some())
    for vectors, ids, match in (
        (some(1, 5), ["a"], "Vectors of 6 numbers"),
        (np.full((1, 6), np.nan), ["a"], "no number"),
        (np.zeros((1, 6)), ["a"], "no direction"),
        (some(2), ["a"], "don't belong together"),
        (some(2), ["a", "a"], "twice"),
        (some(1), ["e3"], "there already"),
        (some(1), ["x" * 5000], "characters"),
        (np.asarray([[object()] * 6]), ["a"], "Vectors of 6 numbers"),
    ):
        with pytest.raises(DataError, match=match):
            index.add(vectors, ids)
    assert len(danlu.Index.open(tmp_path / "x")) == 20
    with pytest.raises(DataError, match="no such"):
        index.remove(["e1", "nobody"])
    assert "e1" in index
    index.add(some(1, seed=3), ["e3"], replace=True)
    assert len(index) == 20
    with pytest.raises(ArtifactError, match="Something lies there"):
        danlu.Index.create(tmp_path / "x", 6)
    with pytest.raises(ArtifactError, match="no index here"):
        danlu.Index.open(tmp_path)


def test_strangers_are_told_at_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    """Sixty people calibrate, sixty others judge: about as many impostor comparisons pass as were allowed."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(120, 32))
    people = np.repeat(np.arange(120), 4)
    vectors = unit(centres[people] + 0.6 * rng.normal(size=(480, 32)))
    held, others = people < 60, people >= 60
    index = danlu.Index.create(tmp_path / "x", 32)
    made = index.calibrate(vectors[held], [str(who) for who in people[held]], 0.01)
    assert index.threshold == made.threshold
    assert danlu.Index.open(tmp_path / "x").rejection == made
    scores, same = vectors[others] @ vectors[others].T, people[others][:, None] == people[others]
    assert 0.005 < (scores[~same] >= made.threshold).mean() < 0.02
    index.add(vectors[others][::4], [str(row) for row in range(60)], [str(row) for row in range(60)])
    known, strangers = index.identify(vectors[others][1::4]), index.identify(unit(rng.normal(size=(60, 32))))
    right = [hit is not None and hit.label == str(row) for row, hit in enumerate(known)]
    assert np.mean(right) > 0.9
    assert sum(hit is None for hit in strangers) > 30  # sixty comparisons each at one in a hundred


def test_searches_by_strangers_find_somebody_at_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    """A rate of comparisons lets most strangers in where there are many entries; one of searches holds, whoever has entries."""
    rng = np.random.default_rng(1)
    known, held = rng.normal(size=(100, 32)), rng.normal(size=(400, 32))
    people = np.repeat(np.arange(100), 3)
    entries = unit(known[people] + 0.3 * rng.normal(size=(300, 32)))
    index = danlu.Index.create(tmp_path / "x", 32)
    with pytest.raises(DataError, match="no entry yet"):
        index.calibrate_searches(unit(held), [""] * 400, 0.05)
    index.add(entries, [str(row) for row in range(300)], [str(who) for who in people])
    strangers = unit(rng.normal(size=(2000, 32)))

    def taken() -> float:
        return float(np.mean([hit is not None for hit in index.identify(strangers)]))

    index.calibrate(unit(known[people] + 0.3 * rng.normal(size=(300, 32))), [str(who) for who in people], 0.05)
    assert taken() > 0.9
    made = index.calibrate_searches(unit(held), [""] * 400, 0.05)
    assert (made.of, made.impostors, made.far) == ("searches", 400, 0.05)
    assert 0.02 < taken() < 0.1
    assert danlu.Index.open(tmp_path / "x").rejection == made
    again = unit(known[people] + 0.3 * rng.normal(size=(300, 32)))  # of people who have entries: these are left out
    index.calibrate_searches(again, [str(who) for who in people], 0.05)
    assert 0.02 < taken() < 0.1
    right = [hit is not None and hit.label == str(who) for hit, who in zip(index.identify(again), people, strict=True)]
    assert np.mean(right) > 0.95
    with pytest.raises(DataError, match=r"from 400 searches by strangers; the least is 0\.025"):
        index.calibrate_searches(unit(held), [""] * 400, 0.01)


def test_labels_of_a_runs_predictions_are_its_names(tmp_path: Path) -> None:
    """They were numbers of classes, so that nobody met himself again."""
    table = pa.table({"id": ["a/1", "b/1"], "true/who": [0, 1], "embedding": [[1.0, 0.0], [0.0, 1.0]]})
    for name in ("predictions/val.parquet", "predictions/other.parquet", "val.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / name)
    (tmp_path / "data").mkdir()
    kinds = {"who": {"kind": "category", "spec": {"classes": ["人 a", "人 b"]}}}
    (tmp_path / "data" / "columns.json").write_text(json.dumps({"kinds": kinds}), encoding="utf-8")
    assert vectors_of(tmp_path / "predictions" / "val.parquet").labels == ["人 a", "人 b"]
    for name in ("predictions/other.parquet", "val.parquet"):
        assert vectors_of(tmp_path / name).labels == ["0", "1"]


def test_no_rate_is_promised_that_so_few_comparisons_cannot_tell(tmp_path: Path) -> None:
    index = danlu.Index.create(tmp_path / "x", 6)
    with pytest.raises(DataError, match="can't be told from 150 comparisons"):
        index.calibrate(some(20), [f"l{row % 4}" for row in range(20)], 0.01)
    with pytest.raises(DataError, match="no threshold yet"):
        index.identify(some(1))
    assert index.identify(some(1), threshold=-1.0) == [None]  # nobody is known


def test_vectors_of_other_programs_are_read(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    vectors = some(5)
    np.save(tmp_path / "v.npy", vectors)
    save_file({"emb": vectors, "other": np.zeros(3, np.float32)}, tmp_path / "v.safetensors")
    table = {"id": list("abcde"), "embedding": vectors.tolist(), "true/who": [0, 0, 1, 1, 2], "more": vectors.tolist()}
    pq.write_table(pa.table(table), tmp_path / "v.parquet")
    for name in ("v.npy", "v.safetensors", "v.parquet"):
        np.testing.assert_allclose(vectors_of(tmp_path / name).vectors, vectors, rtol=1e-6)
    read = vectors_of(tmp_path / "v.parquet")
    assert (read.ids, read.labels) == (list("abcde"), ["0", "0", "1", "1", "2"])
    np.save(tmp_path / "bad.npy", np.asarray([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(DataError, match="No vectors can be read"):
        vectors_of(tmp_path / "bad.npy")
    with pytest.raises(DataError, match="nothing"):
        vectors_of(tmp_path / "v.parquet", "nothing")


def test_the_command_line_from_creation_to_removal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = some(8)
    np.save(tmp_path / "v.npy", vectors)
    np.save(tmp_path / "q.npy", vectors[2:3])
    folder = str(tmp_path / "x")

    def told(*words: str, code: int = 0) -> Any:
        assert main(["index", *words, "--json"]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    assert told("create", folder, str(tmp_path / "v.npy"), "--label", "things") == {
        "added": 8,
        "total": 8,
        "failed": [],
    }
    found = told("search", folder, str(tmp_path / "q.npy"), "-k", "2")
    assert found["hits"][0] == {"id": "v-2", "label": "things", "score": pytest.approx(1.0)}
    assert found["known"] is None
    assert told("remove", folder, "v-2") == {"removed": 1, "total": 7}
    assert told("show", folder)["count"] == 7
    assert main(["index", "search", folder, str(tmp_path / "nowhere.png")]) == 2
    assert "no model" in capsys.readouterr().err
    assert main(["index", "serch", folder]) == 2
    assert "search" in capsys.readouterr().err


def test_it_needs_no_torch(tmp_path: Path) -> None:
    filled(tmp_path / "x", some())
    code = f"import sys, danlu; danlu.Index.open({str(tmp_path / 'x')!r}).search([[1.0] * 6]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
