"""What augmentation costs: Danlu on whole batches beside torchvision sample by sample. Prints a table; CPU ms a
batch, one thread.

    python benchmarks/augmentation.py [--rounds 20] [--shape 64x3x224x224]

Both begin with uint8 pixels and end with uint8 pixels. torchvision runs as in a Dataset, one image at a time, on
tensors (v2); what a DataLoader and its collation cost comes on top there. Danlu's random numbers are counted in. CPU
time of the one thread is measured, best of the rounds, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from danlu._compat.torchvision import ensure
from danlu.data.augment.pipeline import apply, build
from danlu.data.batches.batch import Batch
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.randomness import Position, keys_of
from danlu.recipe.schema import Named

JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}


def lists(size: int) -> dict[str, tuple[list[Named], Callable[[Any], Any] | None]]:
    """Name of a row → Danlu's list, and the same of torchvision (None: nothing comparable by sample)."""
    simple = {"brightness": 0.4, "contrast": 0.4}
    zoom = {"area": 0.35}
    return {
        "flip": ([Named(name="flip")], lambda v2: v2.RandomHorizontalFlip()),
        "crop 4": ([Named(name="crop", value=4)], lambda v2: v2.RandomCrop(size, padding=4)),
        "crop 4, reflect": (
            [Named(name="crop", args={"padding": 4, "fill": "reflect"})],
            lambda v2: v2.RandomCrop(size, padding=4, padding_mode="reflect"),
        ),
        "flip + crop 4": (
            [Named(name="flip"), Named(name="crop", value=4)],
            lambda v2: v2.Compose([v2.RandomHorizontalFlip(), v2.RandomCrop(size, padding=4)]),
        ),
        "rotate 15": (
            [Named(name="rotate", value=15)],
            lambda v2: v2.RandomRotation(15, interpolation=v2.InterpolationMode.BILINEAR),
        ),
        "random-resized-crop": (
            [Named(name="random-resized-crop", args=zoom)],
            lambda v2: v2.RandomResizedCrop(size, scale=(0.35, 1.0), antialias=False),
        ),
        "flip + rotate + crop": (
            [Named(name="flip"), Named(name="rotate", value=15), Named(name="crop", value=4)],
            lambda v2: v2.Compose(
                [
                    v2.RandomHorizontalFlip(),
                    v2.RandomRotation(15, interpolation=v2.InterpolationMode.BILINEAR),
                    v2.RandomCrop(size, padding=4),
                ]
            ),
        ),
        "color-jitter, 2 factors": (
            [Named(name="color-jitter", args={**simple, "saturation": 0.0})],
            lambda v2: v2.ColorJitter(**simple),
        ),
        "color-jitter, all 4": ([Named(name="color-jitter", args=JITTER)], lambda v2: v2.ColorJitter(**JITTER)),
        "erase, mean": ([Named(name="erase")], lambda v2: v2.RandomErasing(p=0.5)),
        "erase, random": (
            [Named(name="erase", args={"fill": "random"})],
            lambda v2: v2.RandomErasing(p=0.5, value="random"),
        ),
        "randaugment": ([Named(name="randaugment", value=9)], lambda v2: v2.RandAugment(2, 9)),
        "mixup": ([Named(name="mixup")], None),
        "cutmix": ([Named(name="cutmix")], None),
    }


def best(work: Callable[[], object], rounds: int) -> float:
    """CPU ms of this thread, the best of ``rounds``, within some seconds."""
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < rounds and (len(taken) < 3 or time.perf_counter() - began < 6):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return min(taken) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--shape", action="append", help="BxCxHxW")
    given = parser.parse_args()
    torch.set_num_threads(1)
    ensure()
    from torchvision.transforms import v2

    for shape in given.shape or ["256x1x28x28", "64x3x224x224"]:
        count, channels, height, width = map(int, shape.split("x"))
        table(count, channels, height, width, given.rounds, v2)


def table(count: int, channels: int, height: int, width: int, rounds: int, v2: Any) -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (2 * count, height, width, channels), dtype=np.uint8)
    both = torch.from_numpy(drawn).permute(0, 3, 1, 2)  # channels last, as from the cache
    kinds = {"image": Image(height, width, channels), "label": Category(tuple("abcdefghij"))}
    labels = torch.arange(2 * count) % 10
    keys = keys_of(map(str, range(2 * count)))
    print(f"\n{count} × {channels} × {height} × {width}, uint8, CPU ms a batch, one thread, torch {torch.__version__}")
    print(f"{'':26}{'Danlu':>10}{'torchvision':>14}{'×':>8}")
    for name, (choices, reference) in lists(height).items():
        transforms = build(choices, kinds)
        samples = count * (1 + max(transform.partners for transform in transforms))
        columns = {"image": both[:samples], "label": labels[:samples]}
        batch = Batch(columns, ("image",), np.arange(samples), keys[:samples], samples // count - 1)
        ours = best(lambda transforms=transforms, batch=batch: apply(transforms, batch, Position(0), kinds), rounds)
        line = f"{name:26}{ours:10.2f}"
        if reference is not None:
            transform = reference(v2)
            images = list(both[:count].contiguous())
            theirs = best(lambda transform=transform, images=images: torch.stack([transform(one) for one in images]), 5)
            line += f"{theirs:14.2f}{theirs / ours:8.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
