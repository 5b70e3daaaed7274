"""The same batches however they are stored, fetched and taken up again."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from danlu.data import cache
from danlu.data.augment.base import BatchTransform
from danlu.data.batches import resident
from danlu.data.batches.batch import Batch, Ragged
from danlu.data.batches.batches import Batches
from danlu.data.cache.columns import cpus
from danlu.data.dataset import Dataset
from danlu.data.kinds.asker import Asker
from danlu.data.kinds.base import Kind
from danlu.data.kinds.catalogue import Catalogue
from danlu.data.kinds.category import Category
from danlu.data.kinds.features import Features
from danlu.data.kinds.id import Id
from danlu.data.kinds.image import Image
from danlu.data.kinds.labels import Labels
from danlu.data.kinds.moment import Moment
from danlu.data.kinds.number import Number
from danlu.data.stream import Stream
from danlu.errors import DataError
from danlu.randomness import Position, bits
from danlu.recipe.names import catalogue, load_object
from tests.data.cached_tables import CLASSES, Numbers, dataset, image_kinds, labels, pictures, png_table, same, table

COUNT = 60


class Pairs:
    """Mixes nothing, but asks for two partners of each sample."""

    partners = 2

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        drawn = bits(at.seed, "pairs", at.epoch, keys, 2) % np.uint64(len(rows))
        return rows[drawn.astype(np.int64)].T

    def __call__(self, batch: Batch, at: Position, kinds: Any) -> Batch:
        return batch


@pytest.fixture
def decoded(tmp_path: Path) -> Dataset:
    kinds = image_kinds()
    return dataset(cache.fill(png_table(COUNT), kinds, tmp_path), kinds, COUNT)


@pytest.fixture
def encoded(tmp_path: Path) -> Dataset:
    kinds = image_kinds("encoded")
    return dataset(cache.fill(png_table(COUNT), kinds, tmp_path), kinds, COUNT)


@pytest.fixture
def streamed() -> Dataset:
    kinds = image_kinds()
    return dataset(Stream(png_table(COUNT), kinds), kinds, COUNT)


def feed(data: Dataset, **options: Any) -> Batches:
    transforms: list[BatchTransform] = [Pairs()]
    return Batches(data, "train", 8, 11, **{"shuffle": True, "transforms": transforms, **options})


def test_storage_workers_and_threads_change_nothing(decoded: Dataset, encoded: Dataset, streamed: Dataset) -> None:
    expected = [list(feed(decoded).epoch(epoch)) for epoch in range(2)]
    others = [feed(encoded), feed(streamed), feed(decoded, gather_ahead=True), feed(streamed, gather_ahead=False)]
    others += [feed(data, workers=2) for data in (decoded, encoded, streamed)]
    for other in others:
        for epoch in range(2):
            found = list(other.epoch(epoch))
            assert len(found) == len(other) == 6
            assert all(map(same, found, expected[epoch]))


@pytest.mark.parametrize("options", [{}, {"gather_ahead": True}, {"workers": 1}, {"weights": np.arange(45.0)}])
def test_an_epoch_is_taken_up_anywhere(decoded: Dataset, options: dict[str, Any]) -> None:
    batches = feed(decoded, **options)
    whole = list(batches.epoch(3))
    for start in (1, 4, 6):
        rest = list(feed(decoded, **options).epoch(3, start))
        assert len(rest) == len(whole) - start
        assert all(map(same, rest, whole[start:]))


def test_a_worker_s_epoch_that_is_left_does_not_disturb_the_next(streamed: Dataset) -> None:
    batches = feed(streamed, workers=2)
    left = batches.epoch(0)
    next(left)
    assert all(map(same, batches.epoch(1), feed(streamed).epoch(1)))


def test_columns_are_those_of_the_rows(decoded: Dataset) -> None:
    images, names = pictures(COUNT), labels(COUNT)
    for batch in feed(decoded).epoch(0):
        assert len(batch.rows) == 3 * len(batch)
        assert batch.partners == 2
        for place, row in enumerate(batch.rows):
            assert np.array_equal(batch["image"][place].permute(1, 2, 0).numpy(), images[row])  # type: ignore[union-attr,index]
            assert decoded.kinds["label"].draw(batch["label"][place].numpy()) == names[row]  # type: ignore[union-attr,index]
        assert np.array_equal(batch.keys, decoded.keys[batch.rows])


def test_partners_are_chosen_by_position_whatever_the_batch(decoded: Dataset) -> None:
    def partners(size: int) -> dict[int, tuple[int, ...]]:
        found = {}
        for batch in Batches(decoded, "train", size, 11, shuffle=True, transforms=[Pairs()]).epoch(2):
            own, one, two = batch.rows.reshape(3, -1).tolist()
            found.update(zip(own, zip(one, two, strict=True), strict=True))
        return found

    assert partners(4) == partners(7)
    assert set(sum(partners(4).values(), ())) <= set(decoded.rows("train").tolist())


def test_a_samplers_partners_are_drawn_by_its_weights(decoded: Dataset) -> None:
    """Else a half of each mixed batch would be as unbalanced as the data are."""
    rows = decoded.rows("train")
    weights = np.where(rows < np.median(rows), 0.0, 1.0)
    for batch in Batches(decoded, "train", 6, 11, shuffle=True, transforms=[Pairs()], weights=weights).epoch(1):
        assert set(batch.rows.tolist()) <= set(rows[weights > 0].tolist())


def test_two_mixing_transforms_are_refused(decoded: Dataset) -> None:
    with pytest.raises(ValueError, match="partners"):
        feed(decoded, transforms=[Pairs(), Pairs()])


def test_ranks_together_see_the_epoch(encoded: Dataset) -> None:
    parts = [Batches(encoded, "train", 4, 11, shuffle=True, rank=rank, world=3) for rank in range(3)]
    assert [part.samples for part in parts] == [45] * 3
    whole = Batches(encoded, "train", 12, 11, shuffle=True)
    for together, *shares in zip(whole.epoch(1), *(part.epoch(1) for part in parts), strict=True):
        assert np.array_equal(together.rows, np.concatenate([share.rows for share in shares]))
        pixels = torch.cat([share["image"] for share in shares])  # type: ignore[misc]
        assert torch.equal(together["image"], pixels)  # type: ignore[arg-type]


def test_evaluation_goes_through_the_rows_in_order(decoded: Dataset) -> None:
    rows = [batch.rows for batch in Batches(decoded, "val", 4, 0, shuffle=False).epoch(0)]
    assert np.concatenate(rows).tolist() == decoded.parts["val"].tolist()
    some = np.asarray([5, 2, 9])
    assert next(Batches(decoded, some, 4, 0, shuffle=False).epoch(0)).rows.tolist() == [5, 2, 9]


def test_as_many_workers_as_the_storage_needs(decoded: Dataset, streamed: Dataset) -> None:
    import multiprocessing

    before = set(multiprocessing.active_children())
    expected = list(feed(decoded, workers=None).epoch(0))
    assert set(multiprocessing.active_children()) == before
    batches = feed(streamed, workers=None)
    assert all(map(same, batches.epoch(0), expected))
    assert len(set(multiprocessing.active_children()) - before) == cpus()


def test_a_part_without_rows_says_so(decoded: Dataset) -> None:
    with pytest.raises(DataError, match="'test' has no rows"):
        Batches(decoded, "test", 4, 0, shuffle=False)


@pytest.mark.parametrize("weights", [np.zeros(45), np.ones(44), np.full(45, np.nan), np.full(45, -1.0)])
def test_impossible_weights_are_refused(decoded: Dataset, weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="weights"):
        feed(decoded, weights=weights)


@pytest.mark.parametrize("options", [{"workers": 2}, {"gather_ahead": True}, {"gather_ahead": False}])
def test_a_bad_row_in_a_stream_is_the_same_error_everywhere(options: dict[str, Any]) -> None:
    kinds = {"a": Numbers()}
    raws: list[Any] = [[row] for row in range(COUNT)]
    raws[33] = "broken"
    data = dataset(Stream(table({"a": raws}), kinds), kinds, COUNT)
    with pytest.raises(DataError) as caught:
        list(Batches(data, "train", 8, 11, shuffle=True, **options).epoch(0))
    (problem,) = caught.value.problems
    assert problem.where == "file.csv, row 33 (a)"
    assert "'broken' is no list" in problem.what
    assert problem.remedy


def test_workers_never_touch_the_net_s_randomness(streamed: Dataset) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    list(feed(streamed, workers=1).epoch(0))
    assert torch.equal(before, torch.get_rng_state())


def test_an_iterator_that_is_left_leaves_no_thread(encoded: Dataset) -> None:
    iterator = feed(encoded, gather_ahead=True).epoch(0)
    next(iterator)
    assert any(thread.name.startswith("danlu-batches") for thread in threading.enumerate())
    del iterator
    gc.collect()
    assert not any(thread.name.startswith("danlu-batches") for thread in threading.enumerate())


def test_workers_end_when_closed(streamed: Dataset) -> None:
    import multiprocessing

    before = set(multiprocessing.active_children())
    batches = feed(streamed, workers=2)
    list(batches.epoch(0))
    assert len(set(multiprocessing.active_children()) - before) == 2
    batches.close()
    gc.collect()
    assert not set(multiprocessing.active_children()) - before


class SlowStore:
    """Twenty milliseconds for each batch."""

    instant = False

    def gather(self, column: str, rows: np.ndarray) -> Any:
        time.sleep(0.02)
        return [np.zeros(1, np.int64)] * len(rows)


def test_waiting_is_measured_and_gathering_ahead_hides_it() -> None:
    data = dataset(SlowStore(), {"a": Numbers()}, 32)
    waited = {}
    for ahead in (False, True):
        batches = Batches(data, "train", 4, 0, shuffle=True, gather_ahead=ahead)
        for _ in batches.epoch(0):
            time.sleep(0.03)  # the net at work
        waited[ahead] = batches.waited
    assert waited[False] >= 6 * 0.02
    assert waited[True] < waited[False] / 2


def test_map_reaches_every_tensor() -> None:
    offsets = torch.tensor([0, 1, 3])
    batch = Batch({"x": torch.ones(2, 3), "boxes": Ragged(torch.ones(3, 7), offsets)}, ("x",), np.arange(2))
    doubled = batch.map(lambda tensor: tensor * 2)
    assert [float(tensor.sum()) for tensor in doubled.tensors()] == [12.0, 42.0, 8.0]
    assert isinstance(doubled["boxes"], Ragged)
    assert np.array_equal(doubled.rows, batch.rows)


@pytest.mark.gpu
def test_batches_on_cuda_are_those_on_the_cpu(decoded: Dataset, streamed: Dataset) -> None:
    expected = list(feed(decoded).epoch(0))
    for batches in (feed(decoded, device="cuda"), feed(streamed, device="cuda", workers=2)):
        found = list(batches.epoch(0))
        assert all(tensor.is_cuda for batch in found for tensor in batch.tensors())
        assert all(map(same, (batch.to(torch.device("cpu")) for batch in found), expected))
        image = found[0]["image"]
        assert isinstance(image, torch.Tensor)
        assert image.is_contiguous(memory_format=torch.channels_last)


def with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU in the place of a device with room, sent to in blocks of seven rows."""
    monkeypatch.setattr(resident, "fits", lambda dataset, rows, device: resident.nbytes(dataset, len(rows)) > 0)
    monkeypatch.setattr("danlu.data.batches.batches.fits", lambda *asked: resident.fits(*asked))
    monkeypatch.setattr(resident, "_BLOCK", 7 * 368)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room(monkeypatch)


def grey(tmp_path: Path) -> Dataset:
    """Images whose one channel is last in memory as well as first."""
    kinds = {"image": Image(9, 10, 1), "label": Category(CLASSES)}
    images = [each[:9, :, 0] for each in pictures(COUNT)]
    return dataset(cache.fill(table({"image": images, "label": labels(COUNT)}), kinds, tmp_path / "grey"), kinds, COUNT)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("option", ["", "transforms", "weights"])
def test_columns_that_lie_on_the_device_give_the_same_batches(
    decoded: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str, channels: int
) -> None:
    """Partners and samples drawn twice included; and how they lie in memory, by which torch chooses kernels."""
    data = decoded if channels == 3 else grey(tmp_path)
    weights = np.linspace(0.1, 2, len(data.rows("train")))
    options = {"": {"transforms": []}, "transforms": {}, "weights": {"weights": weights}}[option]
    expected = [list(feed(data, **options).epoch(epoch)) for epoch in (0, 1)]
    with monkeypatch.context() as patch:
        with_room(patch)
        made = feed(data, **options)
        patch.setattr(Dataset, "gather", counted := Counted(Dataset.gather))
        found = [list(made.epoch(epoch)) for epoch in (0, 1)]
    for one, other in zip(found, expected, strict=True):
        assert all(map(same, one, other))
        for batch, known in zip(one, other, strict=True):
            assert [t.stride() for t in batch.tensors()] == [t.stride() for t in known.tensors()]
    rows = len(data.rows("train")) if option != "weights" else len(np.unique(made.rows))
    assert counted.rows == rows + len(
        expected[0][0].rows
    )  # but for the first batch each row is read once, whatever the epochs


def test_who_tries_one_batch_lays_nothing_on_the_device(
    decoded: Dataset, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "gather", counted := Counted(Dataset.gather))
    made = feed(decoded, transforms=[])
    next(made.epoch(0))
    assert counted.rows == 8
    made.settle()
    assert counted.rows == 8 + 45
    whole = list(made.epoch(3))
    assert counted.rows == 8 + 45
    made.close()
    assert all(map(same, made.epoch(3, 2), whole[2:]))
    assert counted.rows == 8 + 45 + 45


class Elsewhere(Pairs):
    """Asks for partners that are not among the training rows."""

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return 45 + super().choose(keys, at, np.arange(15)) % 14


def test_partners_from_elsewhere_are_met_as_well(decoded: Dataset, settled: None) -> None:
    expected = list(feed(decoded, transforms=[Elsewhere()], gather_ahead=False).epoch(1))
    assert all(map(same, feed(decoded, transforms=[Elsewhere()]).epoch(1), expected))


def test_what_is_changed_in_a_batch_is_not_changed_on_the_device(decoded: Dataset, settled: None) -> None:
    expected = list(feed(decoded, gather_ahead=False).epoch(1))
    made = feed(decoded)
    for batch in (*made.epoch(0), *made.epoch(1)):
        for tensor in batch.tensors():
            tensor.zero_()
    assert all(map(same, made.epoch(1), expected))


@pytest.mark.parametrize("late", [False, True])
def test_a_device_that_is_full_at_last_gives_the_same_batches(
    decoded: Dataset, settled: None, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    expected = list(feed(decoded, gather_ahead=False).epoch(1))
    made = feed(decoded)
    if late:

        def full(*_: Any) -> None:
            raise torch.OutOfMemoryError("no room")

        monkeypatch.setattr(resident._Laid, "put", full)
    else:
        monkeypatch.setattr(resident, "fits", lambda *_: False)
    assert not made.crowded
    for _ in range(2):
        assert all(map(same, made.epoch(1), expected))
    assert made.crowded


def test_only_kinds_whose_samples_are_the_same_in_every_batch_lie_on_the_device(tmp_path: Path) -> None:
    """An own kind of fixed storage that gives batches something else than a tensor; an own way to collate a known kind."""

    class Trimmed(Category):
        def collate(self, values: Any) -> Any:
            return super().collate(values)[:, None]

    class Told(Category):
        by_sample = True

    values = [[row, 2 * row, 3] for row in range(COUNT)]
    kinds: dict[str, Kind] = {"image": Numbers(3), "label": Category(CLASSES)}
    data = dataset(cache.fill(table({"image": values, "label": labels(COUNT)}), kinds, tmp_path), kinds, COUNT)
    assert isinstance(data.gather(np.arange(3))["image"], Ragged)
    assert resident.nbytes(data, 1) == 0
    for kind, taken in ((Category, 8), (Trimmed, 0), (Told, 8)):
        only = replace(data, kinds={"label": kind(CLASSES)}, inputs=())
        assert resident.nbytes(only, 1) == taken


SETTLING: dict[str, Kind] = {
    "asker": Asker(("ann", "bob")),
    "catalogue": Catalogue(("ann", "bob")),
    "category": Category(CLASSES),
    "features": Features.fit([{"a": each % 7 / 3, "b": "xyz"[each % 3]} for each in range(40)], {}),
    "id": Id(("ann", "bob")),
    "image": Image(6, 5, 3),
    "labels": Labels(CLASSES),
    "moment": Moment(),
    "number": Number(),
}


def test_every_own_kind_that_says_so_gives_each_sample_the_same_in_every_batch() -> None:
    own = {name: load_object(path) for name, path in catalogue("kind").items()}
    assert {name for name, kind in own.items() if kind.by_sample} == set(SETTLING)
    for name, kind in SETTLING.items():
        storage = kind.storage()
        values = np.random.default_rng(0).integers(0, 2, (9, *storage.shape)).astype(storage.dtype)
        whole = kind.collate(values)
        assert isinstance(whole, torch.Tensor), name
        assert whole.nbytes == values.nbytes
        for row in range(9):
            alone = kind.collate(values[row : row + 1])
            assert torch.equal(alone, whole[row : row + 1])  # type: ignore[arg-type]
            assert alone.stride() == whole.stride()  # type: ignore[union-attr]


class Counted:
    """Dataset.gather, and how many rows were asked of it."""

    def __init__(self, gather: Any) -> None:
        self.gather, self.rows = gather, 0

    def __get__(self, dataset: Dataset, kind: type) -> Any:
        def gather(rows: np.ndarray, **options: Any) -> Batch:
            self.rows += len(rows)
            return self.gather(dataset, rows, **options)

        return gather


def test_only_a_device_with_room_takes_whole_columns(
    decoded: Dataset, streamed: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda, rows = torch.device("cuda"), decoded.rows("train")
    asked = resident.nbytes(decoded, len(rows))
    assert asked == sum(tensor.nbytes for tensor in decoded.gather(rows).tensors())
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (64 * asked, 16 * asked))
    assert resident.fits(decoded, rows, cuda)
    assert not resident.fits(decoded, rows, torch.device("cpu"))
    assert not resident.fits(streamed, rows, cuda)
    assert not resident.crowded(decoded, rows, cuda)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (64 * asked - 64, 16 * asked))
    assert not resident.fits(decoded, rows, cuda)
    assert not resident.crowded(decoded, rows, cuda)  # an empty one of that size would have no room either
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (64 * asked - 64, 64 * asked))
    assert not resident.fits(decoded, rows, cuda)
    assert resident.crowded(decoded, rows, cuda)
    assert not resident.crowded(streamed, rows, cuda)
    assert not resident.crowded(decoded, rows, torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (64 * asked, 16 * asked - 16))
    assert not resident.fits(decoded, rows, cuda)


class Dying(Numbers):
    """Kills the process that prepares a certain value, as the system does for want of memory."""

    def prepare(self, raw: Any, framing: Any = None) -> Any:
        if raw == [33]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().prepare(raw, framing)


def test_a_worker_that_is_killed_is_said() -> None:
    kinds = {"a": Dying()}
    data = dataset(Stream(table({"a": [[row] for row in range(COUNT)]}), kinds), kinds, COUNT)
    with pytest.raises(DataError, match="killed by the system"):
        list(Batches(data, "train", 8, 11, shuffle=True, workers=1).epoch(0))


@pytest.mark.parametrize(
    "told",
    ["DataLoader worker (pid(s) 7) exited unexpectedly", "DataLoader worker (pid 7) is killed by signal: Killed. "],
)
def test_however_torch_learns_of_it(streamed: Dataset, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """The signal of a worker's end may come while torch waits for a batch, or between."""

    def loader(*_: Any, **__: Any) -> Any:
        def gone() -> Any:
            raise RuntimeError(told)
            yield

        return gone()

    monkeypatch.setattr("danlu.data.batches.workers.DataLoader", loader)
    with pytest.raises(DataError, match="killed by the system"):
        list(feed(streamed, workers=1).epoch(0))
