"""Memory with the channels last: the same answers, gradients and courses; augmentations: the CPU's pixels."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

import danlu
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.randomness import Position
from danlu.recipe.names import catalogue
from tests.data.augmented import KEYS, augmented, batch_of, pictures, transforms_of
from tests.endtoend.pairs import Ground, Story
from tests.gpu.conftest import Note
from tests.gpu.nets import NETS, images
from tests.gpu.test_gradients import far, leaves
from tests.gpu.test_training import COURSE, FIRST, asked, off

CONVOLUTIONAL = [name for name, case in NETS.items() if case.given is images and name != "mlp"]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_answers_and_gradients(device: torch.device, name: str) -> None:
    net = NETS[name].net().to(device)
    (pixels,) = NETS[name].inputs()
    found: list[tuple[list[Tensor], Tensor]] = []
    for layout in (torch.contiguous_format, torch.channels_last):
        some = copy.deepcopy(net).to(memory_format=layout)  # type: ignore[call-overload]
        outputs = leaves(some(pixels.to(device).contiguous(memory_format=layout)))
        torch.stack(
            [(out * torch.linspace(-1, 1, out.numel()).to(out).view(out.shape)).sum() for out in outputs]
        ).sum().backward()
        slope = torch.cat([p.grad.flatten() for p in some.parameters() if p.grad is not None])
        found.append(([out.detach() for out in outputs], slope))
    (plain, first), (last, second) = found
    for one, other in zip(plain, last, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4)
    assert far(second, first) < 2e-4


@pytest.mark.gpu
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
BOXED = ("mosaic", "copy-paste")  # take pictures with boxes alone
COUNT = 24


def labelled(both: int, last: bool) -> Batch:
    """Pictures of one size with labels; ``both`` for each sample, itself and its partners."""
    labels = torch.arange(COUNT * both) % 5
    return batch_of(partners=both - 1, image=pictures(len(labels), 3, 17, 20, last=last), label=labels)


def boxed(both: int, last: bool) -> Batch:
    """Pictures of many sizes, with two boxes each."""
    count = COUNT * both
    draw = torch.Generator().manual_seed(1)
    sizes = torch.stack([torch.randint(most - 6, most + 1, (count,), generator=draw) for most in (17, 20)], 1)
    corner = torch.randint(0, 5, (count, 2, 2), generator=draw)
    extent = torch.randint(2, 7, (count, 2, 2), generator=draw)
    classes = torch.randint(0, 5, (count, 2, 1), generator=draw)
    rows = torch.cat([corner, corner + extent, classes, 0 * classes, extent.prod(2, keepdim=True)], 2)
    image = Padded(pictures(count, 3, 17, 20, last=last), sizes)
    boxes = Ragged(rows.flatten(0, 1).float(), torch.arange(count + 1) * 2)
    return batch_of(KEYS[:count], both - 1, image=image, boxes=boxes)


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels-last"])
@pytest.mark.parametrize("name", catalogue("augmentation"))
def test_augmentations_are_the_cpus(device: torch.device, note: Note, name: str, last: bool) -> None:
    """The same draws; a pixel may be rounded the other way, by one level of 255."""
    choice = {name: CHOICES[name]} if name in CHOICES else name
    made = boxed if name in BOXED else labelled
    both = 1 + max(transform.partners for transform in transforms_of(choice, **made(1, last).columns))
    batch, at = made(both, last), Position(7, 2)
    here: Batch = augmented(choice, at=at, batch=batch)
    there: Batch = augmented(choice, at=at, batch=batch.to(device))
    assert {tensor.device.type for tensor in there.tensors()} == {device.type}
    first = next(iter(batch.tensors()))[:COUNT]
    assert not torch.equal(next(iter(here.tensors())), first)  # something has been done
    for one, other in zip(here.tensors(), there.tensors(), strict=True):
        assert one.dtype is other.dtype
        assert one.stride() == other.stride()
        if one.ndim == 4:
            differ = (one.double() - other.cpu().double()).abs()
            note("pixels rounded otherwise", float((differ > 0).double().mean()))
            assert float(differ.max()) <= 1
            assert float((differ > 0).double().mean()) < 0.01
        else:
            torch.testing.assert_close(other.cpu(), one, rtol=1e-6, atol=1e-5)
