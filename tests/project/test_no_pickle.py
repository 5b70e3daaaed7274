"""No pickle is ever read or written: not in the source, not while a run is trained, not where one is planted."""

from __future__ import annotations

import ast
import io
import os
import pickle
import pickletools
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.data.cached_tables import image_kinds, png_table
from tests.project.unpickling import watched
from tests.runs.forked import forked
from tests.runs.small import archive, recipe

import danlu
from danlu.data import cache
from danlu.errors import DanluError, RecipeError
from danlu.nn.build import build_net
from danlu.runs import evaluate, resume

SOURCE = Path(danlu.__file__).parent
PICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle", "imp"}
SUSPICIOUS = re.compile(  # a file without these words need not be parsed
    r"pickle|dill|joblib|shelve|marshal|\bimp\b|\b(load|save|eval|exec|compile)\(|PackageImporter|__import__|_load|UnsafeLoader|reduce_ex"
)
RUN_TEXT = {"eval", "exec", "compile", "__import__"}


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """(call, its name as written: "torch.load", "eval")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def wrong(tree: ast.AST) -> list[str]:
    """What in a module could unpickle, pickle or run text."""
    found = []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"imports {name}" for name in names if name.partition(".")[0] in PICKLERS]
    for call, name in calls(tree):
        given = {
            word.arg: ast.unparse(word.value) for word in call.keywords if word.arg in ("weights_only", "allow_pickle")
        }
        last = name.rpartition(".")[2]
        if name in RUN_TEXT:
            found.append(f"calls {name}")
        if (
            name in ("torch.load", "torch.jit.load", "torch.package.PackageImporter")
            and given.get("weights_only") != "True"
        ):
            found.append(f"calls {name} without weights_only=True")
        if name in ("torch.save", "torch.jit.save") or last in (
            "read_pickle",
            "to_pickle",
            "load_pickle",
            "__reduce_ex__",
        ):
            found.append(f"calls {name}")
        if name in ("np.load", "numpy.load", "np.save", "numpy.save") and given.get("allow_pickle") != "False":
            found.append(f"calls {name} without allow_pickle=False")
        if given.get("allow_pickle", "False") != "False":
            found.append(f"calls {name} with allow_pickle")
        if name in ("yaml.load", "pyyaml.load") and "Safe" not in ast.unparse(call):
            found.append(f"calls {name} without a safe loader")
        if last in ("unsafe_load", "full_load", "UnsafeLoader"):
            found.append(f"calls {name}")
    return found


def test_nothing_in_the_source_can_unpickle_or_run_text() -> None:
    found = {
        str(path.relative_to(SOURCE)): problems
        for path in SOURCE.rglob("*.py")
        if SUSPICIOUS.search(text := path.read_text(encoding="utf-8")) and (problems := wrong(ast.parse(text)))
    }
    assert found == {}


@pytest.mark.parametrize("code", [
    "import pickle", "from pickle import loads", "import torch\ntorch.load('x')", "torch.load('x', weights_only=False)",
    "np.load('x')", "np.load('x', allow_pickle=True)", "torch.save({}, 'x')", "eval('1')", "exec('1')", "yaml.load(x)",
    "frame.to_pickle('x')", "from joblib import load", "import shelve",
])  # fmt: skip
def test_the_scan_would_find_it(code: str) -> None:
    assert wrong(ast.parse(code))
    assert SUSPICIOUS.search(code)


def test_the_scan_lets_pass_what_takes_tensors_alone() -> None:
    code = "torch.load('x', weights_only=True); np.load('x', allow_pickle=False); net.eval(); re.compile('x')"
    assert wrong(ast.parse(code)) == []


def whole_run(place: Path, log: Path) -> None:
    """Train, resume, judge and ask, without and with data workers."""
    os.chdir(place)
    for workers in (0, 2):
        asked = recipe(place, epochs=1)
        asked["run"]["name"] = f"workers-{workers}"
        asked["data"] |= {"workers": workers, "storage": "stream" if workers else "decoded"}
        asked["watch"] = {"tensorboard": True}
        run = danlu.train(asked, screen=False)
        resume(run.path, screen=False)
        evaluate(run.path)
        danlu.load(run.path).predict([np.zeros((8, 8), np.uint8)])
        with log.open("a") as file:
            file.write(f"used {workers}\n")


def is_pickle(data: bytes) -> bool:
    """Whether these bytes are a pickle of any protocol, or an archive that holds one."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            return any(is_pickle(opened.read(name)) for name in opened.namelist())
    try:
        *_, (_, _, end) = pickletools.genops(data)
    except Exception:  # noqa: BLE001 - whatever it objects to: it is none
        return False
    return end == len(data) - 1


def test_a_pickle_is_told_from_what_is_none(tmp_path: Path) -> None:
    assert all(is_pickle(pickle.dumps({"a": [1, 2]}, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    torch.save({"a": torch.ones(2)}, tmp_path / "net.pt")
    assert is_pickle((tmp_path / "net.pt").read_bytes())
    np.savez(tmp_path / "a.npz", a=np.ones(3))
    assert not any(is_pickle(data) for data in (b"{}", b"[1]", b"", b"a: 1\n", (tmp_path / "a.npz").read_bytes()))


def proven(place: Path, log: Path) -> None:
    lines = log.read_text().splitlines()
    assert lines[0] == "used 0", lines[:20]  # without workers not even in memory
    assert lines[-1] == "used 2"
    assert len(lines) > 3  # the hook does see what workers send
    assert [line for line in lines if line.startswith("OUTSIDE")] == []
    written = [path for part in ("runs", "cache") for path in (place / part).rglob("*") if path.is_file()]
    assert len(written) > 30
    assert {path.suffix for path in written} >= {".safetensors", ".json", ".jsonl", ".yaml", ".parquet", ".png", ".bin"}
    assert [path for path in written if is_pickle(path.read_bytes())] == []


def test_a_whole_run_unpickles_nothing_from_outside_and_leaves_no_pickle(tmp_path: Path) -> None:
    """Data workers hand over batches in memory; nothing else may come."""
    archive(tmp_path / "data.npz")

    def work() -> None:
        watched(tmp_path / "log")
        whole_run(tmp_path, tmp_path / "log")

    forked(work)
    proven(tmp_path, tmp_path / "log")


@pytest.mark.slow
def test_nor_does_a_process_that_begins_with_it(tmp_path: Path) -> None:
    """The same from the first import on."""
    archive(tmp_path / "data.npz")
    code = """
import sys
from pathlib import Path
root, place = map(Path, sys.argv[1:])
sys.path.insert(0, str(root))
from tests.project.unpickling import watched
watched(place / "log")
from tests.project.test_no_pickle import whole_run
whole_run(place, place / "log")
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", code, str(Path(__file__).parents[2]), str(tmp_path)]
    done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    proven(tmp_path, tmp_path / "log")


def test_the_hook_would_see_it(tmp_path: Path) -> None:
    def work() -> None:
        watched(tmp_path / "log")
        pickle.loads(pickle.dumps(Path("x")))  # noqa: S301

    forked(work)
    assert (tmp_path / "log").read_text().startswith("OUTSIDE pathlib ")


@pytest.mark.parametrize(("name", "ending"), [
    *(("resnet", ending) for ending in (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pkl")),
    ("torchvision:mobilenet_v3_small", ".safetensors"), ("timm:resnet10t", ".safetensors"),
    ("torchvision:mobilenet_v3_small", ".pth"), ("timm:resnet10t", ".pt"),
])  # fmt: skip
def test_weights_to_begin_with_that_are_pickles_of_other_things_are_refused_and_do_not_run(
    tmp_path: Path, name: str, ending: str
) -> None:
    crater = tmp_path / "crater"
    plain, zipped = tmp_path / f"plain{ending}", tmp_path / f"zipped{ending}"
    plain.write_bytes(pickle.dumps({"state_dict": Bomb(crater)}))
    torch.save({"state_dict": Bomb(crater)}, zipped)
    for file in (plain, zipped):
        with pytest.raises(RecipeError, match="more than tensors") as caught:
            build_net(name, in_channels=3, classes=2, image_size=(32, 32), pretrained=str(file))
        (problem,) = caught.value.problems
        assert "safetensors" in problem.remedy
    assert not crater.exists()


def test_a_net_that_loads_by_itself_gets_tensors_alone(tmp_path: Path) -> None:
    """timm's own way to a file, behind the recipe's arguments."""
    crater = tmp_path / "crater"
    torch.save({"state_dict": Bomb(crater)}, tmp_path / "net.pth")
    with pytest.raises(DanluError):
        build_net(
            "timm:resnet10t",
            in_channels=3,
            classes=2,
            image_size=(32, 32),
            args={"checkpoint_path": str(tmp_path / "net.pth")},
        )
    assert not crater.exists()


def test_nor_can_a_net_ask_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a library calls torch.load while it makes a net: tensors alone."""
    import timm

    crater = tmp_path / "crater"
    torch.save({"state_dict": Bomb(crater)}, tmp_path / "net.pth")
    monkeypatch.setattr(
        timm, "create_model", lambda name, **given: torch.load(tmp_path / "net.pth", weights_only=False)
    )
    with pytest.raises((DanluError, pickle.UnpicklingError)):
        build_net("timm:resnet10t", in_channels=3, classes=2, image_size=(32, 32))
    assert not crater.exists()


def test_arrays_of_objects_and_pickles_as_data_are_refused_and_not_opened(tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    objects = np.empty(12, dtype=object)
    objects[:] = [Bomb(crater)] * 12
    labels = np.arange(12) % 2
    np.savez(tmp_path / "images.npz", images=objects, labels=labels)
    np.savez(tmp_path / "labels.npz", images=np.zeros((12, 8, 8), np.uint8), labels=objects)
    (tmp_path / "whole.npz").write_bytes(pickle.dumps(Bomb(crater)))
    np.save(tmp_path / "one.npz", objects, allow_pickle=True)
    (tmp_path / "one.npz.npy").rename(tmp_path / "one.npz")
    for name in ("images", "labels", "whole", "one"):
        asked = recipe(tmp_path)
        asked["data"]["source"] = str(tmp_path / f"{name}.npz")
        with pytest.raises(DanluError) as caught:
            danlu.train(asked, screen=False)
        assert f"{name}.npz" in str(caught.value)
    assert not crater.exists()


def test_pickles_in_a_cache_are_damage_and_not_opened(tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    table, kinds = png_table(12), image_kinds()
    folder = cache.fill(table, kinds, tmp_path / "cache").folder
    for path in sorted(folder.iterdir()):
        path.write_bytes(pickle.dumps(Bomb(crater)))
        with pytest.warns(UserWarning, match="damaged"):
            store = cache.fill(table, kinds, tmp_path / "cache")
        assert len(store) == 12
    assert not crater.exists()
