"""An artifact answers whatever raw input it is given; what was changed, is newer, or wants code to be run is refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

import danlu
from danlu.cli.main import main
from danlu.deploy.artifact import Artifact
from danlu.deploy.engine import Engine, gathered, leaves, usable_cores
from danlu.deploy.wire import external_files
from danlu.errors import ArtifactError, DanluError, DataError
from danlu.runs import predictor
from danlu.training import manifest
from tests.deploy.given import ARTIFACTS, RUNS, artifact, rewritten, sealed, without_torch

PICTURES = [RUNS / "shapes" / name / "3.png" for name in ("circle", "cross", "square")]


@pytest.fixture(scope="module")
def shapes() -> Artifact:
    return Artifact(ARTIFACTS / "shapes", threads=1)


# ---- answers ------------------------------------------------------------------------------------------------


def test_paths_bytes_arrays_and_mappings_are_answered_alike(shapes: Artifact) -> None:
    path = PICTURES[0]
    pixels = np.asarray(Image.open(path))
    kinds: list[Any] = [path, str(path), path.read_bytes(), pixels, {"image": path}]
    answers = shapes.predict(kinds)
    assert answers[0]["input"] == answers[1]["input"] == str(path)
    for answer in answers:
        answer.pop("input", None)
        assert answer == answers[0]
    assert sum(share for _, share in answers[0]["top"]) == pytest.approx(1.0, abs=1e-5)


def test_what_cannot_be_used_is_said_in_its_place(shapes: Artifact, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG nothing")
    inputs: list[Any] = [broken, PICTURES[0], {"picture": PICTURES[0]}, PICTURES[1], tmp_path / "none.png", 17]
    answers = list(shapes.stream(inputs, batch_size=2))
    assert ["error" in answer for answer in answers] == [True, False, True, False, True, True]
    assert "image" in answers[2]["error"]
    good = shapes.predict(PICTURES[:2])
    assert [answers[1]["label"], answers[3]["label"]] == [answer["label"] for answer in good]
    with pytest.raises(DataError, match=r"broken\.png"):
        shapes.predict(inputs)


def test_inputs_are_taken_as_they_are_asked_for(shapes: Artifact) -> None:
    """No more than a batch is held, however many files there are."""
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield PICTURES[taken % 3]

    stream = shapes.stream(endless(), batch_size=4)
    for _ in range(9):
        next(stream)
    assert taken <= 12


def test_large_images_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = Artifact(ARTIFACTS / "boxes", threads=1)
    seen: list[tuple[int, ...]] = []
    outputs = boxes.engine.__call__

    def watched(given: Any) -> Any:
        seen.append(given["image"][0].shape)
        return outputs(given)

    monkeypatch.setattr(boxes, "outputs", watched)
    monkeypatch.setattr(predictor, "_AT_ONCE", 3 * 3 * 40 * 40)
    sides = [(40, 40), (40, 40), (40, 40), (40, 40), (20, 80), (200, 100), (8, 8)]
    inputs = [np.full((high, wide, 3), 90, np.uint8) for high, wide in sides]
    answers = boxes.predict(inputs)
    assert len(answers) == len(inputs)
    assert seen == [(3, 3, 40, 40), (1, 3, 40, 40), (1, 3, 20, 80), (1, 3, 200, 100), (1, 3, 8, 8)]


def test_the_command_answers_without_torch_as_json_and_as_lines(tmp_path: Path) -> None:
    broken = tmp_path / "a.png"
    broken.write_text("no image")
    command = """
from danlu.cli.main import main
code = main(sys.argv[1:])
assert code == 1, code
"""
    words = ["predict", str(ARTIFACTS / "shapes"), str(broken), *map(str, PICTURES)]
    lines = without_torch(command, *words, "--json", "--threads", "1", cwd=tmp_path).splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["input"] for answer in answers] == words[2:]
    assert "error" in answers[0]
    plain = without_torch(command, *words, cwd=tmp_path).splitlines()
    assert [line.split("\t")[1] for line in plain] == [answer["label"] for answer in answers[1:]]


def test_options_of_the_command_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", str(ARTIFACTS / "shapes"), str(PICTURES[0])]
    assert main([*words, "--threads", "0"]) == 2
    assert main([*words, "--device", "tpu"]) == 2
    assert "tpu" in capsys.readouterr().err
    assert main([*words, "--device", "cuda"]) in (0, 2)  # 2 where there is none
    assert main(["predict", str(tmp_path), str(PICTURES[0])]) == 2
    assert "neither a run nor an artifact" in capsys.readouterr().err


def test_threads_are_what_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert usable_cores() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert usable_cores() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert usable_cores() == 3


def test_outputs_keep_the_nets_structure() -> None:
    structure = {"a": "one", "b": ["two", None, {"c": "three"}]}
    assert leaves(structure) == ["one", "two", "three"]
    arrays = {name: np.zeros(1) + place for place, name in enumerate(leaves(structure))}
    assert gathered(structure, arrays) == {"a": arrays["one"], "b": [arrays["two"], None, {"c": arrays["three"]}]}


# ---- proof --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.onnx", "artifact.json", "profile.json", "card.md", "MANIFEST.json"])
def test_one_flipped_byte_is_refused(name: str, tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    whole = (folder / name).read_bytes()
    for place in np.linspace(0, len(whole) - 1, 7).astype(int).tolist():
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << place % 8
        (folder / name).write_bytes(spoilt)
        with pytest.raises(ArtifactError, match="MANIFEST" if name.startswith("M") else name.replace(".", r"\.")):
            Artifact(folder)
    (folder / name).write_bytes(whole)
    Artifact(folder)


def test_what_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    for name in ("model.onnx", "profile.json", "card.md", "MANIFEST.json"):
        folder = artifact(tmp_path / name)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1])
        with pytest.raises(ArtifactError):
            danlu.load(folder)
        (folder / name).unlink()
        with pytest.raises(ArtifactError):
            danlu.load(folder)


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    (folder / "model.onnx").rename(tmp_path / "elsewhere")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError):
        danlu.load(folder)


def test_other_files_beside_it_are_left_alone(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    (folder / "notes.txt").write_text("mine")
    assert danlu.load(folder).predict(PICTURES[:1])


def test_names_in_the_manifest_stay_in_the_folder(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    shutil.copy(folder / "card.md", tmp_path / "card.md")
    (folder / manifest.NAME).unlink()
    names = sorted(path.name for path in folder.iterdir())
    manifest.write(folder, [*names, "../card.md"])
    with pytest.raises(ArtifactError, match="no file in the folder"):
        danlu.load(folder)


def test_a_later_format_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="newer Danlu"):
        danlu.load(rewritten(artifact(tmp_path), {"format": 2}))


def test_another_way_of_preparing_is_refused(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    (image,) = json.loads((folder / "artifact.json").read_text())["inputs"]
    with pytest.raises(ArtifactError, match="answers could differ"):
        danlu.load(rewritten(folder, {"inputs": [image | {"version": image["version"] + 1}]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": []},
        {"inputs": 3},
        {"inputs": [{"kind": "image"}]},
        {"inputs": [{"name": "image", "kind": 3}]},
        {"inputs": [{"name": "image", "kind": "base", "version": 1, "spec": {}}]},
        {"inputs": [{"name": "image", "kind": "../image", "version": 1, "spec": {}}]},
        {"inputs": [{"name": "image", "kind": "image", "version": 1, "spec": {"colour": 3}}]},
        {"inputs": [{"name": "image", "kind": "image", "version": 1, "spec": {"height": "x", "width": 2, "channels": 3}}]},
        {"inputs": [{"name": "image", "kind": "image", "version": 1, "spec": {"height": 2**40, "width": 2**40, "channels": 3}}]},
        {"inputs": [{"name": "area", "kind": "number", "version": 1, "spec": {}}]},
        {"outputs": "nothing"},
        {"decoder": {}},
        {"decoder": {"class": "danlu.tasks.image_classification.decoder:LabelDecoder", "spec": {"labels": []}}},
        {"decoder": {"class": "danlu.tasks.detection.decoder:Framing", "spec": {}}},
        {"decoder": {"class": "danlu.tasks.detection.decoder:Missing", "spec": {}}},
        {"decoder": {"class": "danlu.tasks.detection.decoder", "spec": {}}},
    ],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        danlu.load(rewritten(artifact(tmp_path), changes))


def test_nothing_that_comes_along_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code is imported for an artifact only if it is Danlu's, an installed application's, or allowed."""
    (tmp_path / "stranger.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\n"
        "from danlu.tasks.image_classification.decoder import LabelDecoder\nclass Mine(LabelDecoder): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    folder = artifact(tmp_path)
    spec = json.loads((folder / "artifact.json").read_text())["decoder"]["spec"]
    for target in ("stranger:Mine", "os:system", "danlu.cli.main:main", "danlu.tasks.stranger.decoder:Mine"):
        rewritten(folder, {"decoder": {"class": target, "spec": spec}})
        with pytest.raises(ArtifactError, match="neither Danlu's nor that of an installed application"):
            danlu.load(folder)
    assert not (tmp_path / "ran").exists()
    rewritten(folder, {"decoder": {"class": "stranger:Mine", "spec": spec}})
    try:
        assert danlu.load(folder, allow_code=True).predict(PICTURES[:1])
        assert main(["predict", str(folder), str(PICTURES[0]), "--allow-code"]) == 0
    finally:
        sys.modules.pop("stranger", None)
    rewritten(folder, {"decoder": {"class": "pathlib:Path", "spec": {}}})
    with pytest.raises(ArtifactError, match="no Decoder"):
        danlu.load(folder, allow_code=True)


def test_the_decoder_of_an_installed_application_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that its spec names, and nothing else of its package."""
    package = tmp_path / "site" / "installed_app"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "spec.py").write_text("class SPEC:\n    decoder = 'installed_app.decoder:Mine'\n")
    decoder = "from danlu.tasks.image_classification.decoder import LabelDecoder\nclass Mine(LabelDecoder): ...\n"
    (package / "decoder.py").write_text(decoder)
    (package / "other.py").write_text(f"raise SystemExit('run')\n{decoder}")
    monkeypatch.syspath_prepend(tmp_path / "site")
    installed = EntryPoint("installed-app", "installed_app.spec:SPEC", "danlu.tasks")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [installed] if group == "danlu.tasks" else [])
    folder = artifact(tmp_path)
    spec = json.loads((folder / "artifact.json").read_text())["decoder"]["spec"]
    try:
        rewritten(folder, {"decoder": {"class": "installed_app.decoder:Mine", "spec": spec}})
        assert danlu.load(folder).predict(PICTURES[:1])
        rewritten(folder, {"decoder": {"class": "installed_app.other:Mine", "spec": spec}})
        with pytest.raises(ArtifactError, match="installed application"):
            danlu.load(folder)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "installed_app"]:
            del sys.modules[name]


# ---- the graph ----------------------------------------------------------------------------------------------


def with_external(folder: Path, location: str) -> Path:
    """The artifact with one of its weights in a file beside it."""
    model = onnx.load(folder / "model.onnx")
    weight = next(each for each in model.graph.initializer if len(each.raw_data) > 100)
    (folder / "weights.bin").write_bytes(weight.raw_data)
    length = len(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        weight.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    sealed(folder)
    return folder


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "sub/../weights.bin", "", "*/_ORT_MEM_ADDR_/*"])
def test_weights_outside_of_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    folder = with_external(artifact(tmp_path), location)
    shutil.copy(folder / "weights.bin", tmp_path)
    with pytest.raises(ArtifactError, match="not one of the artifact's files"):
        danlu.load(folder)


def test_weights_in_a_file_beside_it_are_read_and_proven(tmp_path: Path) -> None:
    folder = with_external(artifact(tmp_path), "weights.bin")
    assert danlu.load(folder).predict(PICTURES) == danlu.load(ARTIFACTS / "shapes").predict(PICTURES)
    spoilt = bytearray((folder / "weights.bin").read_bytes())
    spoilt[5] ^= 4
    (folder / "weights.bin").write_bytes(spoilt)
    with pytest.raises(ArtifactError, match=r"weights\.bin"):
        danlu.load(folder)


def tensor(location: str) -> onnx.TensorProto:
    made = onnx.TensorProto(name=location, dims=[1], data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    made.external_data.add(key="offset", value="0")
    made.external_data.add(key="location", value=location)
    return made


def test_no_place_in_a_graph_hides_a_file() -> None:
    """Tensors of initializers, attributes, inner graphs, functions, sparse ones and training graphs."""
    inner = onnx.GraphProto(name="inner", initializer=[tensor("in-branch")])
    sparse = onnx.SparseTensorProto(values=tensor("sparse-values"), indices=tensor("sparse-indices"))
    inner.node.add(op_type="Constant").attribute.add(name="value", t=tensor("constant"), type=4)
    node = onnx.NodeProto(op_type="If")
    node.attribute.add(name="then_branch", g=inner, type=5)
    node.attribute.add(name="many", tensors=[tensor("list-1"), tensor("list-2")], type=9)
    node.attribute.add(name="graphs", graphs=[onnx.GraphProto(initializer=[tensor("graph-in-list")])], type=10)
    node.attribute.add(name="sparse", sparse_tensor=sparse, type=11)
    graph = onnx.GraphProto(node=[node], initializer=[tensor("initializer")])
    graph.sparse_initializer.add(values=tensor("sparse-initializer"), indices=tensor("i"))
    function = onnx.FunctionProto(name="f")
    function.node.add(op_type="Constant").attribute.add(name="value", t=tensor("function"), type=4)
    function.attribute_proto.add(name="default", t=tensor("function-default"), type=4)
    model = onnx.ModelProto(ir_version=9, graph=graph, functions=[function])
    model.training_info.add(initialization=onnx.GraphProto(initializer=[tensor("training")]))
    assert external_files(model.SerializeToString()) == {
        "in-branch", "constant", "list-1", "list-2", "graph-in-list", "sparse-values", "sparse-indices", "initializer",
        "sparse-initializer", "i", "function", "function-default", "training",
    }  # fmt: skip
    nameless = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    assert external_files(onnx.ModelProto(graph=onnx.GraphProto(initializer=[nameless])).SerializeToString()) == {""}
    plain = onnx.ModelProto(graph=onnx.GraphProto(initializer=[onnx.TensorProto(raw_data=b"location")]))
    assert external_files(plain.SerializeToString()) == set()


def wrapped(number: int, message: bytes) -> bytes:
    """A message as one field of another, in protobuf's wire format."""
    size, rest = b"", len(message)
    while rest > 0x7F:
        size, rest = size + bytes([rest & 0x7F | 0x80]), rest >> 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + message


def test_deep_graphs_are_walked_and_what_is_no_model_is_refused() -> None:
    graph = onnx.GraphProto(initializer=[tensor("deep")]).SerializeToString()
    for _ in range(3000):  # deeper than Python's own stack
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    assert external_files(wrapped(7, graph)) == {"deep"}
    whole = (ARTIFACTS / "shapes" / "model.onnx").read_bytes()
    assert external_files(whole) == set()
    for wrong in (whole[:-1], b"\xff" * 40, b"\x3a\xff\xff\xff\xff\x0f", b"\x0b"):
        with pytest.raises(ValueError, match=r".+"):
            external_files(wrong)


def test_a_graph_that_is_none_or_fails_is_an_error_for_people(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    (folder / "model.onnx").write_bytes(b"")
    sealed(folder)
    with pytest.raises(ArtifactError, match="ONNX Runtime refuses"):
        danlu.load(folder)
    engine = Engine(ARTIFACTS / "shapes", ARTIFACTS / "shapes" / "model.onnx", "output", threads=1)
    with pytest.raises(DanluError, match="fails on these inputs"):
        engine({"image": np.zeros((2, 3, 5, 5), np.uint8)})
