"""Nets become graphs that take batches and images of any size; one that can't says which layer, which line and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded
from danlu.data.kinds.base import Framing, Kind, Prepared, Storage
from danlu.data.kinds.image import Image
from danlu.deploy.engine import Engine
from danlu.deploy.graph import varying, write_graph
from danlu.errors import ArtifactError
from danlu.nn.normalise import Normalise
from danlu.tasks.detection.net import Fcos
from tests.deploy import broken_nets


class Four(Kind):
    """Four numbers."""

    name = "four"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Any) -> Kind:
        return cls()

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        return Prepared(np.asarray(raw, np.float32))

    def storage(self) -> Storage:
        return Storage("fixed", "float32", (4,))

    def spec(self) -> dict[str, Any]:
        return {}

    def collate(self, values: Any) -> Any:
        return torch.from_numpy(np.stack(values))


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "layer", "words"),
    [
        ("ByValue", "ByValue", "depends on values"),
        ("Inner", "block.1 (ByValue)", "depends on values"),
        ("Numpy", "Numpy", "depends on values"),
        ("FixedBatch", "FixedBatch", "one batch size"),
        ("Loop", "", "one batch size"),
        pytest.param("NoOperation", "tail.1 (Odd)", "bessel_j0", marks=pytest.mark.slow),
        ("Word", "", "a str, no tensor"),
        ("Choosy", "Choosy", "only real tensors, please"),
    ],
)
def test_a_net_that_cannot_be_exported_says_why(
    name: str, layer: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    net: nn.Module = getattr(broken_nets, name)().eval()
    with pytest.raises(ArtifactError, match=re.escape(words)) as caught:
        write_graph(net, {"x": Four()}, {"x": rows(2)}, tmp_path / "model.onnx")
    (problem,) = caught.value.problems
    assert problem.where.endswith(layer)
    assert problem.remedy
    own = {"Inner": "ByValue", "NoOperation": "Odd"}.get(name, name)
    lines = Path(broken_nets.__file__).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"class {own}"))
    marked = [number for number, line in enumerate(lines, 1) if number > start and "# here" in line]
    if layer:
        assert f"broken_nets.py:{marked[0]}" in problem.where
    assert not list(tmp_path.iterdir())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert "def forward" not in capfd.readouterr().err


class Many(broken_nets.Linear):
    """Outputs in a structure, one of which is called as the input, one given twice, one missing."""

    def forward(self, x: Tensor) -> dict[str, Any]:
        y = self.layer(x)
        return {"x": x * 2, "rest": [y, (y, None)]}


@pytest.mark.slow
def test_structures_of_outputs_come_back_and_nothing_of_the_machine(tmp_path: Path) -> None:
    net = Many().eval()
    path = tmp_path / "model.onnx"
    structure = write_graph(net, {"x": Four()}, {"x": rows(2)}, path)
    engine = Engine(tmp_path, path, structure, threads=1)
    for count in (1, 2, 7):
        found = engine({"x": rows(count, seed=count)})
        wanted = net(torch.from_numpy(rows(count, seed=count)))
        assert np.allclose(found["x"], wanted["x"].numpy())
        assert np.allclose(found["rest"][0], wanted["rest"][0].detach().numpy(), atol=1e-6)
        assert np.array_equal(found["rest"][0], found["rest"][1][0])
        assert found["rest"][1][1] is None
    assert b".py" not in path.read_bytes()
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    dims = [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", 4]
    assert {each.domain: each.version for each in model.opset_import}[""] == 20


class Pooled(nn.Module):
    """A net for images of any size, blind to their padding: the mean colour inside, and the size."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise([10.0, 20.0, 30.0], [2.0, 3.0, 4.0])

    def forward(self, image: Padded) -> Tensor:
        seen = self.normalise(image)
        area = seen.sizes.prod(1, keepdim=True)
        return torch.cat([seen.values.sum((2, 3)) / area, seen.sizes.float()], 1)


@pytest.mark.slow
def test_images_of_any_size_in_batches_of_any_size(tmp_path: Path) -> None:
    kind = Image(height=None, width=None, channels=3)
    assert varying(kind) == [2, 3]
    assert varying(Image(28, 28, 1)) == []
    random = np.random.default_rng(0)

    def batch(*sizes: tuple[int, int]) -> Any:
        return kind.stack([random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in sizes])

    path = tmp_path / "model.onnx"
    net = Pooled().eval()
    structure = write_graph(net, {"image": kind}, {"image": batch((20, 20), (20, 20))}, path)
    engine = Engine(tmp_path, path, structure, threads=1)
    for sizes in [((1, 1),), ((9, 4), (3, 70)), ((33, 33),) * 5, ((20, 20), (2, 2))]:
        values, real = given = batch(*sizes)
        wanted = net(Padded(torch.from_numpy(values), torch.from_numpy(real))).numpy()
        assert np.allclose(engine({"image": given}), wanted, atol=1e-4, rtol=1e-5), sizes


@pytest.mark.slow
def test_a_detector_sees_every_size(tmp_path: Path) -> None:
    """Sizes that are no multiple of a stride, smaller than one, and far larger than what it was captured with."""
    torch.manual_seed(0)
    net = nn.Sequential(Normalise([10.0, 20.0, 30.0], [50.0, 60.0, 70.0]), Fcos(3, 3, width=8, features=16, tower=1))
    kind = Image(height=None, width=None, channels=3)
    random = np.random.default_rng(0)

    def batch(*sizes: tuple[int, int]) -> Any:
        return kind.stack([random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in sizes])

    path = tmp_path / "model.onnx"
    structure = write_graph(net.eval(), {"image": kind}, {"image": batch((64, 64), (50, 64))}, path)
    engine = Engine(tmp_path, path, structure, threads=1)
    for sizes in [((1, 1),), ((31, 33),), ((32, 32), (64, 96)), ((97, 161), (5, 200), (200, 5)), ((257, 300),)]:
        values, real = given = batch(*sizes)
        with torch.inference_mode():
            wanted = net(Padded(torch.from_numpy(values), torch.from_numpy(real)))
        found = engine({"image": given})
        for name, tensor in wanted.items():
            assert np.abs(found[name] - tensor.numpy()).max() < 1e-4, (name, sizes)
