"""Filters computed from training images, and a net that begins with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.runs import small

import danlu
from danlu.errors import RecipeError
from danlu.nn.nets.whitened import Whitened
from danlu.nn.whitening import Whitening
from danlu.training import checkpoint


def smooth(count: int, channels: int) -> torch.Tensor:
    """Images whose neighbours are alike, as in pictures."""
    draw = torch.Generator().manual_seed(0)
    return F.avg_pool2d(torch.randn(count, channels, 14, 14, generator=draw), 3, 1) * 4


@pytest.mark.parametrize(("channels", "kernel"), [(1, 3), (3, 2)])
def test_patches_come_out_white_and_with_both_signs(channels: int, kernel: int) -> None:
    images = smooth(400, channels)
    layer = Whitening(channels, kernel)
    layer.fit(images, eps=0.0)
    out = layer(images)
    half = channels * kernel * kernel
    assert out.shape == (400, 2 * half, 13 - kernel, 13 - kernel)
    flat = out.detach().transpose(0, 1).flatten(1).double()
    torch.testing.assert_close(flat[:half], -flat[half:])
    second = flat[:half] @ flat[:half].T / flat.shape[1]
    torch.testing.assert_close(second, torch.eye(half).double(), rtol=0, atol=1e-3)
    layer.fit(images)
    powers = layer(images).detach().transpose(0, 1).flatten(1).square().mean(1)
    assert (powers[:half] <= 1 + 1e-4).all()  # what is hardly there is not blown up
    assert [name for name, _ in layer.named_parameters()] == ["bias"]


def test_the_signs_do_not_depend_on_the_library() -> None:
    layer = Whitening(1, 3)
    layer.fit(smooth(50, 1))
    filters = layer.weight[:9].flatten(1)
    assert (filters.gather(1, filters.abs().argmax(1, keepdim=True)) > 0).all()


def test_convolutions_begin_as_the_identity() -> None:
    net = Whitened(1, 3, (12, 12), widths=(20, 24), patch=3, activation="identity", norm="none")
    x = torch.randn(2, 18, 10, 10, generator=torch.Generator().manual_seed(0))
    first = net.body[1]
    with torch.no_grad():
        torch.testing.assert_close(first(x)[:, :18], x)
        later = net.body[5]
        torch.testing.assert_close(later(F.pad(x, (0, 0, 0, 0, 0, 2))), F.pad(x, (0, 0, 0, 0, 0, 2)))


def test_pooling_comes_before_the_first_convolution_or_after_it() -> None:
    kinds = [
        [
            type(layer).__name__
            for layer in Whitened(1, 3, (12, 12), widths=(20, 24), pool_first=first).body
            if "2d" in type(layer).__name__
        ]
        for first in (True, False)
    ]
    assert kinds[0][:3] == ["MaxPool2d", "Conv2d", "BatchNorm2d"]
    assert kinds[1][:3] == ["Conv2d", "MaxPool2d", "BatchNorm2d"]
    assert kinds[0][3:] == kinds[1][3:]
    x = torch.randn(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    assert Whitened(1, 3, (12, 12), widths=(20, 24))(x).shape == (2, 3)


def test_images_too_small_for_its_halvings_are_refused() -> None:
    with pytest.raises(RecipeError, match="halved 3 times"):
        Whitened(1, 3, (8, 8), widths=(8, 8, 8))


def test_a_run_computes_them_from_its_training_rows_and_keeps_them(tmp_path: Path) -> None:
    recipe = small.recipe(tmp_path)
    recipe["model"] = {"name": "whitened", "args": {"widths": [8, 8]}}
    run = danlu.train(recipe)
    data = run.data
    assert data is not None
    images = data.gather(data.rows("train"))["image"]
    assert isinstance(images, torch.Tensor)
    seen = (images.float() - float(np.ravel(data.statistics["image"]["mean"])[0])) / float(
        np.ravel(data.statistics["image"]["std"])[0]
    )
    wanted = Whitening(1, 2)
    wanted.fit(seen)
    states = [checkpoint.load(path) for path in checkpoint.listed(run.folder.checkpoints)]
    for state in states:
        torch.testing.assert_close(state.tensors["net"]["1.whitening.weight"], wanted.weight, rtol=1e-4, atol=1e-4)
    assert torch.equal(states[0].tensors["net"]["1.whitening.weight"], states[-1].tensors["net"]["1.whitening.weight"])
