"""Whatever happens to a checkpoint's files is noticed, the file is named, and the checkpoint before is used."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.errors import RunError
from danlu.training import checkpoint, manifest
from danlu.training.checkpoint import State

FILES = ("net.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json")
MASKS = (0x01, 0x02, 0x20, 0x80, 0xFF)


def state(step: int) -> State:
    values = torch.arange(24.0).reshape(4, 6) + step
    return State(
        {
            "net": {"1.weight": values, "1.bias": values[0].to(torch.bfloat16), "seen": torch.tensor(step)},
            "optimizer": {"1.weight/exp_avg": values * 0.1, "none": torch.empty(0, 3)},
        },
        {"progress": {"step": step, "epoch": 0}, "best": None, "meter": [[0.5, 3.0]]},
    )


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder of two sound checkpoints, 000001 and 000002."""
    for step in (1, 2):
        checkpoint.save(tmp_path / f"{step:06d}", state(step))
    return tmp_path


def passed_over(folder: Path, file: str) -> bool:
    """Whether the second checkpoint is passed over for the first with one word that names the file."""
    warnings: list[str] = []
    found = checkpoint.newest(folder, warnings.append)
    assert found is not None
    used, read = found
    return (
        used.name == "000001"
        and read.values["progress"]["step"] == 1
        and len(warnings) == 1
        and "000002" in warnings[0]
        and file in warnings[0]
    )


@pytest.mark.parametrize("name", FILES)
def test_every_byte_of_every_file_is_proven(two: Path, name: str) -> None:
    """Headers, tensors, hashes, file names, white space, the format's number: no byte may change in any of these ways."""
    path = two / "000002" / name
    whole = path.read_bytes()
    for place in range(len(whole)):
        for mask in MASKS[:3] if name == manifest.NAME else (MASKS[place % len(MASKS)],):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
            damage = checkpoint.verify(path.parent)
            assert name in damage, f"byte {place} ^ {mask:#x}: {damage or 'not noticed'}"
        if place % 97 == 0:
            assert passed_over(two, name)
    path.write_bytes(whole)
    assert checkpoint.verify(path.parent) == ""


@pytest.mark.parametrize("name", FILES)
def test_a_shortened_or_lengthened_file_is_noticed(two: Path, name: str) -> None:
    path = two / "000002" / name
    whole = path.read_bytes()
    for data in (
        b"",
        whole[:1],
        whole[:-1],
        whole[: len(whole) // 2],
        whole + b"\0",
        whole + b"\n",
        whole + whole,
        whole[1:],
    ):
        path.write_bytes(data)
        assert passed_over(two, name), data[:20]


@given(data=st.data())
@settings(max_examples=40)
def test_any_other_bytes_are_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    checkpoint.save(folder / "000001", state(1))
    name = data.draw(st.sampled_from(FILES))
    path = folder / "000001" / name
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start, len(whole)))
    other = whole[:start] + data.draw(st.binary(max_size=40)) + whole[stop:]
    path.write_bytes(other)
    assert (name in checkpoint.verify(path.parent)) == (other != whole)
    shutil.rmtree(folder)


def test_files_that_changed_places_are_noticed(two: Path) -> None:
    net, optimizer = (two / "000002" / name for name in FILES[:2])
    aside = net.with_name("aside")
    net.rename(aside), optimizer.rename(net), aside.rename(optimizer)
    assert passed_over(two, "net.safetensors")


def test_a_file_of_the_checkpoint_before_is_noticed(two: Path) -> None:
    for name in FILES:
        kept = (two / "000002" / name).read_bytes()
        shutil.copy(two / "000001" / name, two / "000002" / name)
        changed = (two / "000002" / name).read_bytes() != kept
        assert bool(checkpoint.verify(two / "000002")) == changed
        (two / "000002" / name).write_bytes(kept)
    assert checkpoint.verify(two / "000002") == ""


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_noticed(two: Path, name: str) -> None:
    (two / "000002" / name).unlink()
    assert passed_over(two, f"{name} is missing")


@pytest.mark.parametrize("name", ["more.bin", "net.pt", ".hidden", "ema.safetensors"])
def test_a_file_too_many_is_noticed(two: Path, name: str) -> None:
    (two / "000002" / name).write_bytes(b"x")
    assert passed_over(two, f"{name} is not in the manifest")


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_neither_read_nor_waited_for(two: Path, name: str) -> None:
    path = two / "000002" / name
    kept = path.read_bytes()
    path.unlink()
    path.mkdir()
    assert passed_over(two, f"{name} is not a file")
    path.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        assert passed_over(two, f"{name} is not a file")
        path.unlink()
    elsewhere = two.parent / f"{two.name}-elsewhere"
    elsewhere.write_bytes(kept)  # the very bytes that were written
    path.symlink_to(elsewhere)
    assert passed_over(two, f"{name} is a link")
    path.unlink()
    path.symlink_to(two / "nowhere")
    assert passed_over(two, f"{name} is a link")
    elsewhere.unlink()


def test_a_checkpoint_that_is_no_folder_of_its_own_is_noticed(two: Path) -> None:
    (two / "000003").mkdir()  # as a copy that was stopped leaves it
    (two / "000004").symlink_to(two / "000002", target_is_directory=True)
    (two / "000005").write_text("a file")
    (two / "000006").symlink_to(two / "nowhere")
    (two / ".000007.999999999.part").mkdir()  # half written
    warnings: list[str] = []
    found = checkpoint.newest(two, warnings.append)
    assert found is not None
    assert found[0].name == "000002"
    for warning, words in zip(
        warnings,
        ("000006 is a link", "000005 is not a folder", "000004 is a link", "MANIFEST.json is missing"),
        strict=True,
    ):
        assert words in warning
    checkpoint.save(two / "000004", state(4))
    checkpoint.save(two / "000005", state(5))
    checkpoint.prune(two, 2, 5)
    assert sorted(path.name for path in two.iterdir()) == ["000004", "000005"]


def proven(folder: Path, **files: bytes) -> None:
    """Put files into a checkpoint as somebody would who knows how manifests are made."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest.write(folder, sorted(path.name for path in folder.iterdir() if path.name != manifest.NAME))


def test_a_manifest_that_lies_with_the_right_hash_is_noticed(two: Path) -> None:
    """Its own hash fits, but sizes, names or hashes are not those of the files."""
    path = two / "000002" / manifest.NAME
    content = json.loads(path.read_bytes())
    for change in (
        lambda files: files["net.safetensors"].update(bytes=files["net.safetensors"]["bytes"] + 1),
        lambda files: files["net.safetensors"].update(bytes="1"),
        lambda files: files["net.safetensors"].update(blake2b=None),
        lambda files: files["net.safetensors"].update(blake2b="0" * 32),
        lambda files: files.pop("net.safetensors"),
        lambda files: files.update({"../000001/net.safetensors": files["net.safetensors"]}),
        lambda files: files.update({"/etc/hostname": files["net.safetensors"]}),
        lambda files: files.update({"net.safetensors": []}),
        lambda files: files.clear(),
    ):
        files = json.loads(json.dumps(content["files"]))
        change(files)
        path.write_bytes(manifest._text({"files": files, "format": manifest.FORMAT}))
        assert passed_over(two, ""), files


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"files": 1, "format": 2}', b"[" * 100_000]
)
def test_a_manifest_of_anything_else_is_noticed(two: Path, data: bytes) -> None:
    (two / "000002" / manifest.NAME).write_bytes(data)
    assert passed_over(two, manifest.NAME)


class Bomb:
    """What a pickle can do when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", [pickle.dumps, lambda bomb: pickle.dumps(bomb, 0)], ids=["binary", "text"])
@pytest.mark.parametrize("name", ["net.safetensors", "state.json", "net.pt", "state.pkl", "pickle.safetensors"])
def test_a_pickle_with_a_right_manifest_is_refused_and_not_opened(
    two: Path, name: str, dump: Callable[[Any], bytes]
) -> None:
    crater = two / "crater"
    bomb = dump(Bomb(crater))
    pickle.loads(dump(Bomb(two / "real")))  # noqa: S301 - this once, to see that it would do it
    assert (two / "real").is_dir()
    (two / "real").rmdir()
    proven(two / "000002", **{name: bomb})
    assert passed_over(two, name)
    assert not crater.exists()


def test_an_archive_of_torch_is_refused_and_not_opened(two: Path) -> None:
    crater = two / "crater"
    torch.save({"weight": Bomb(crater)}, two / "000002" / "net.safetensors")
    proven(two / "000002")
    assert passed_over(two, "net.safetensors")
    assert not crater.exists()


def test_deep_json_is_refused(two: Path) -> None:
    proven(two / "000002", **{"state.json": b'{"a":' * 50_000 + b"1" + b"}" * 50_000})
    assert passed_over(two, "state.json")
    proven(two / "000002", **{"state.json": b"[1]"})
    assert passed_over(two, "state.json")


def test_where_all_are_damaged_one_error_names_each(two: Path) -> None:
    (two / "000001" / "state.json").unlink()
    (two / "000002" / "net.safetensors").write_bytes(b"")
    with pytest.raises(RunError) as caught:
        checkpoint.newest(two, lambda text: None)
    (problem,) = caught.value.problems
    assert "000001: state.json is missing" in problem.what
    assert "000002: net.safetensors has 0 bytes" in problem.what
    assert str(two) in problem.remedy


def test_a_file_that_the_disk_can_not_read_is_damage(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = manifest.opened

    class Bad:
        """A file with a bad sector."""

        def __init__(self, path: Path) -> None:
            self.file = opened(path)

        def __enter__(self) -> Bad:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            if name in ("read", "readinto", "getbuffer"):
                raise OSError(5, "Input/output error")
            return getattr(self.file, name)

    monkeypatch.setattr(
        manifest,
        "opened",
        lambda path: Bad(path) if path.parent.name == "000002" and path.suffix != ".json" else opened(path),
    )
    assert passed_over(two, "net.safetensors can't be read (Input/output error)")
    assert "Input/output error" in checkpoint.verify(two / "000002")


def test_a_million_steps_come_after_nine_hundred_thousand(tmp_path: Path) -> None:
    for step in (999_998, 999_999, 1_000_000, 1_000_001):
        checkpoint.save(tmp_path / f"{step:06d}", state(step))
    checkpoint.prune(tmp_path, 2, 1_000_001)
    assert [int(path.name) for path in checkpoint.listed(tmp_path)] == [1_000_000, 1_000_001]
    found = checkpoint.newest(tmp_path, print)
    assert found is not None
    assert found[1].values["progress"]["step"] == 1_000_001


def test_damaged_ones_that_were_passed_over_never_crowd_out_the_new(tmp_path: Path) -> None:
    """Three damaged ones of later steps stay while training goes on before them: what is saved then must not go for them."""
    for step in (3, 4, 5, 6):
        checkpoint.save(tmp_path / f"{step:06d}", state(step))
    for step in (4, 5, 6):
        (tmp_path / f"{step:06d}" / "net.safetensors").write_bytes(b"")
    checkpoint.save(tmp_path / "000002", state(2))  # an interruption saves between the old places
    checkpoint.prune(tmp_path, 3, 2)
    assert [path.name for path in checkpoint.listed(tmp_path)] == ["000002"]
    checkpoint.save(tmp_path / "000004", state(4))
    checkpoint.prune(tmp_path, 3, 4)
    assert [checkpoint.verify(path) for path in checkpoint.listed(tmp_path)] == ["", ""]


def test_formats_of_before_are_read_and_proven(two: Path) -> None:
    """The first format's manifest had no hash of itself: its bytes must be just those that were written then."""
    path = two / "000002" / manifest.NAME
    files = json.loads(path.read_bytes())["files"]
    old = json.dumps({"format": 1, "files": files}, indent=1, sort_keys=True).encode()
    path.write_bytes(old)
    assert checkpoint.load(two / "000002").values["progress"]["step"] == 2
    for place in range(len(old)):
        path.write_bytes(old[:place] + bytes([old[place] ^ MASKS[place % len(MASKS)]]) + old[place + 1 :])
        assert checkpoint.verify(two / "000002"), place
    (two / "000001" / manifest.NAME).write_bytes(manifest._text({"format": 1, "files": files}))
    assert checkpoint.verify(two / "000001")  # no way round the own hash by the older number


def test_others_may_read_what_they_may_enter(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        path = checkpoint.save(tmp_path / "000001", state(1))
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o644}
