"""Test-time augmentation: the average over views, in training nothing, in a run and its artifact everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runs import small
from torch import Tensor, nn

import danlu
from danlu.errors import RecipeError
from danlu.nn.views import Viewed, shifted


class Last(nn.Module):
    """A function of place: the image weighted by numbers, so that every view gives another output."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 1, 5, 6, generator=torch.Generator().manual_seed(1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bchw,kchw->bk", x.float(), self.weight)


def padded(x: Tensor, y: int, down: int) -> Tensor:
    """What a reflected border of one pixel and a window give, as airbench says it."""
    border = nn.functional.pad(x.float(), (1, 1, 1, 1), mode="reflect")
    return border[:, :, y : y + x.shape[2], down : down + x.shape[3]]


def test_a_shift_is_a_window_of_the_reflected_image() -> None:
    x = torch.randint(0, 256, (3, 1, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert shifted(x, 1).dtype == torch.uint8
    assert torch.equal(shifted(x, 1).float(), padded(x, 2, 2))
    assert torch.equal(shifted(x, -1).float(), padded(x, 0, 0))


def test_outputs_are_averaged_with_the_weights_that_are_said() -> None:
    x = torch.randint(0, 256, (3, 1, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    layer = Last()
    plain, mirror = layer(x), layer(x.flip(3))
    moved = [padded(x, 2, 2), padded(x, 0, 0)]
    far = sum((layer(one) for one in moved), torch.zeros(())) / 2
    far_mirror = sum((layer(padded(x.flip(3), *at)) for at in ((2, 2), (0, 0))), torch.zeros(())) / 2
    mirrored_far = sum((layer(one.flip(3)) for one in moved), torch.zeros(())) / 2
    assert not torch.allclose(far_mirror, mirrored_far)  # the order counts: first moved, then mirrored
    wanted = {
        "none": plain,
        "flip": (plain + mirror) / 2,
        "shift": (plain + far) / 2,
        "flip-shift": (plain + mirror + far + mirrored_far) / 4,
    }
    for views, value in wanted.items():
        net = Viewed(layer, views=views)  # type: ignore[arg-type]
        torch.testing.assert_close(net.eval()(x), value, rtol=1e-5, atol=1e-2)
        assert torch.equal(net.train()(x), plain)
        assert list(net.state_dict()) == ["0.weight"]


def test_a_run_is_judged_and_answers_with_its_views(tmp_path: Path) -> None:
    recipe = small.recipe(tmp_path)
    plain = danlu.train({**recipe, "run": {**recipe["run"], "name": "plain"}})
    recipe["evaluate"] |= {"weights": "last", "views": "flip"}
    run = danlu.train(recipe)
    weights = [small.last(one).tensors["net"] for one in (plain, run)]
    assert all(
        torch.equal(weights[0][name], weights[1][name]) for name in weights[0]
    )  # training knows nothing of views
    images = np.load(tmp_path / "data.npz")["images"][:7]
    mirrored = [image[:, ::-1].copy() for image in images]
    one, other = run.predict(list(images)), run.predict(mirrored)
    for a, b in zip(one, other, strict=True):
        assert a["probability"] == pytest.approx(b["probability"], abs=1e-6)
    assert any(
        a["probability"] != pytest.approx(b["probability"], abs=1e-3)
        for a, b in zip(plain.predict(list(images)), plain.predict(mirrored), strict=True)
    )


def test_images_that_cannot_be_moved_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "lines.npz", images=np.arange(240, dtype=np.uint8).reshape(30, 1, 8), labels=np.arange(30) % 3)
    asked = {"data": {"source": str(tmp_path / "lines.npz")}, "model": "mlp", "run": {"folder": str(tmp_path / "runs")}}
    with pytest.raises(RecipeError, match="1×8"):
        danlu.check({**asked, "evaluate": {"views": "shift"}})
    danlu.check({**asked, "evaluate": {"views": "flip"}})


@pytest.mark.slow
def test_the_artifact_answers_with_them_too(tmp_path: Path) -> None:
    recipe = small.recipe(tmp_path)
    recipe["evaluate"] |= {"weights": "last", "views": "flip-shift"}
    run = danlu.train(recipe)
    artifact = danlu.load(danlu.export(run.path))
    images = np.load(tmp_path / "data.npz")["images"][:7]
    for a, b in zip(run.predict(list(images)), artifact.predict(list(images)), strict=True):
        assert a["probability"] == pytest.approx(b["probability"], abs=1e-5)
