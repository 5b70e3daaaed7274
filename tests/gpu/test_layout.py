"""Memory with the channels last: the same answers, gradients and courses; augmentations: the CPU's pixels."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

import danlu
from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.recipe.names import catalogue
from tests.data.augmented import augmented, batch_of, pictures
from tests.endtoend.pairs import Ground, Story
from tests.gpu.conftest import Note
from tests.gpu.test_gradients import NETS, far, images, leaves
from tests.gpu.test_training import COURSE, FIRST, asked, off

pytestmark = pytest.mark.gpu

CONVOLUTIONAL = [name for name, (_, inputs) in NETS.items() if inputs is images and name != "mlp"]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_answers_and_gradients(accelerator: torch.device, name: str) -> None:
    torch.manual_seed(3)
    net = NETS[name][0]().to(accelerator)
    (pixels,) = images(torch.Generator().manual_seed(5))
    found: list[tuple[list[Tensor], Tensor]] = []
    for layout in (torch.contiguous_format, torch.channels_last):
        some = copy.deepcopy(net).to(memory_format=layout)  # type: ignore[call-overload]
        outputs = leaves(some(pixels.to(accelerator).contiguous(memory_format=layout)))
        torch.stack(
            [(out * torch.linspace(-1, 1, out.numel()).to(out).view(out.shape)).sum() for out in outputs]
        ).sum().backward()
        slope = torch.cat([p.grad.flatten() for p in some.parameters() if p.grad is not None])
        found.append(([out.detach() for out in outputs], slope))
    (plain, first), (last, second) = found
    for one, other in zip(plain, last, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4)
    assert far(second, first) < 2e-4


def test_courses(accelerator: torch.device, ground: Ground, tmp_path: Path, note: Note) -> None:
    curves = [
        Story.of(danlu.train(asked(ground, accelerator, tmp_path, str(last), channels_last=last), screen=False)).curves
        for last in (False, True)
    ]
    found = off(curves[1]["train/loss"], curves[0]["train/loss"])
    note("most", max(found))
    assert found[0] <= FIRST
    assert max(found) <= COURSE


CHOICES = {"rotate": 20, "crop": 3, "mixup": 0.4, "color-jitter": {"brightness": 0.3, "contrast": 0.3, "hue": 0.1}}


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels-last"])
@pytest.mark.parametrize("name", catalogue("augmentation"))
def test_augmentations_are_the_cpus(accelerator: torch.device, note: Note, name: str, last: bool) -> None:
    """The same draws; a pixel may be rounded the other way, by one level of 255."""
    choice = {name: CHOICES[name]} if name in CHOICES else name
    mixing = name in ("mixup", "cutmix")
    labels = torch.arange(48 if mixing else 24) % 5
    batch = batch_of(partners=int(mixing), image=pictures(len(labels), 3, 17, 20, last=last), label=labels)
    at = Position(7, 2)
    here: Batch = augmented(choice, at=at, batch=batch)
    there: Batch = augmented(choice, at=at, batch=batch.to(accelerator))
    assert {tensor.device.type for tensor in there.tensors()} == {accelerator.type}
    one, other = here["image"], there["image"]
    assert isinstance(one, Tensor)
    assert isinstance(other, Tensor)
    assert one.dtype is other.dtype
    assert one.stride() == other.stride()
    differ = (one.double() - other.cpu().double()).abs()
    note("pixels rounded otherwise", float((differ > 0).double().mean()))
    assert float(differ.max()) <= 1
    assert float((differ > 0).double().mean()) < 0.01
    torch.testing.assert_close(there["label"].cpu(), here["label"], rtol=1e-6, atol=1e-6)  # type: ignore[union-attr]
