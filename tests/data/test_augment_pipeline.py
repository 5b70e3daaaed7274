"""The list of augmentations as a whole: a function of position, and checked before it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from danlu.data.augment.pipeline import apply, build
from danlu.data.augment.stages import Alone, Warp
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.number import Number
from danlu.errors import RecipeError
from danlu.messages import set_language
from danlu.messages.texts.augment import TEXTS
from danlu.randomness import Position
from danlu.recipe.names import catalogue
from tests.data.augmented import KEYS, batch_of, kinds_of, named, pictures

EVERYTHING: list[Any] = [
    "flip",
    {"rotate": 15},
    {"crop": 2},
    {"random-resized-crop": 0.5},
    {"scale": 1.4},
    {"color-jitter": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.1, "p": 0.7}},
    {"erase": {"fill": "random"}},
    {"randaugment": 12},
]
EACH = [[choice] for choice in EVERYTHING] + [EVERYTHING]


def run(choices: list[Any], batch: Batch, at: Position) -> torch.Tensor:
    kinds = kinds_of(batch.columns)
    made = apply(build(named(*choices), kinds), batch, at, kinds)["image"]
    assert isinstance(made, torch.Tensor)
    return made


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("choices", EACH, ids=str)
def test_a_sample_depends_on_its_position_alone(choices: list[Any], channels: int) -> None:
    """Batches of other sizes and orders, another step and micro-batch: the same bits. uint8 stays, in its memory order."""
    count = 48
    pixels = pictures(count, channels, 20, 24, last=channels > 1)
    before = pixels.clone()
    at = Position(3, 5, step=11, micro=1)
    whole = run(choices, batch_of(image=pixels), at)
    assert (whole.dtype, whole.stride()) == (torch.uint8, pixels.stride())
    assert torch.equal(pixels, before)
    order = np.random.default_rng(0).permutation(count)
    for rows in (order, order[:7], np.asarray([4]), np.asarray([9, 2, 9])):
        batch = batch_of(KEYS[rows], image=pixels[torch.from_numpy(rows)])
        assert torch.equal(run(choices, batch, Position(3, 5)), whole[torch.from_numpy(rows)])


@pytest.mark.parametrize("choices", EACH, ids=str)
def test_an_image_of_its_own_size_does_not_depend_on_the_padding_of_its_batch(choices: list[Any]) -> None:
    """A batch's largest image sets the size of the padded block: the same bits in a larger or smaller one."""
    sizes = torch.from_numpy(np.random.default_rng(4).integers(6, 25, (24, 2)))
    pixels = pictures(24, 3, 40, 50, last=True)
    for image, (high, wide) in zip(pixels, sizes.tolist(), strict=True):
        image[:, high:], image[:, :, wide:] = 0, 0
    kinds = kinds_of({"image": Padded(pixels, sizes)})
    transforms = build(named(*choices), kinds)
    whole: Any = apply(transforms, batch_of(image=Padded(pixels, sizes)), Position(3, 5), kinds)["image"]
    for rows in (np.arange(24), np.asarray([7]), np.asarray([3, 11, 20])):
        high, wide = sizes[rows].amax(0).tolist()
        cut = pixels[torch.from_numpy(rows), :, :high, :wide].contiguous(memory_format=torch.channels_last)
        batch = batch_of(KEYS[rows], image=Padded(cut, sizes[rows]))
        made: Any = apply(transforms, batch, Position(3, 5), kinds)["image"]
        assert torch.equal(made.values, whole.values[rows, :, :high, :wide])


@pytest.mark.parametrize("choices", EACH[:-1], ids=str)
def test_seed_epoch_sample_and_place_in_the_list_each_change_the_draw(choices: list[Any]) -> None:
    """The same picture many times over, so that only the draws differ."""
    pixels = pictures(1, 3, 20, 20).expand(32, 3, 20, 20).contiguous()
    batch = batch_of(image=pixels)
    first = run(choices, batch, Position(3, 5))
    assert len(first.flatten(1).unique(dim=0)) > 1
    other_place = build(named({"erase": {"p": 1e-12}}, *choices), kinds_of(batch.columns))
    others = [
        run(choices, batch, Position(4, 5)),
        run(choices, batch, Position(3, 6)),
        run(choices, batch_of(KEYS[100:132], image=pixels), Position(3, 5)),
        apply(other_place, batch, Position(3, 5), kinds_of(batch.columns))["image"],
    ]
    for other in others:
        assert not torch.equal(other, first)  # type: ignore[arg-type]


def test_the_same_augmentation_twice_draws_twice() -> None:
    pixels = pictures(1000, 1, 3, 4)
    made = run(["flip", "flip"], batch_of(image=pixels), Position(1))
    same = (made == pixels).flatten(1).all(1).float().mean()
    assert 0.45 < same < 0.55


def test_neighbours_are_one_warp_and_one_change() -> None:
    kinds = kinds_of({"image": pictures(1, 3, 8, 8)})
    made = build(named("flip", {"rotate": 5}, {"crop": 2}, "randaugment", "color-jitter", "erase", "flip"), kinds)
    assert [str(one) for one in made] == ["flip+rotate+crop+randaugment", "randaugment+color-jitter", "erase", "flip"]
    other = {"crop": {"padding": 2, "fill": "reflect"}}
    made = build(named("flip", other, "random-resized-crop", {"rotate": 5}), kinds)
    assert [str(one) for one in made] == ["flip+crop+random-resized-crop", "rotate"]
    assert [one.fill for one in made if isinstance(one, Warp)] == ["reflect", "zero"]


def test_an_augmentation_of_images_of_many_sizes_is_each_image_s_own() -> None:
    """The whole list on a padded block equals the list on each image alone, within a level of rounding."""
    count = 24
    sizes = np.random.default_rng(4).integers(8, 25, (count, 2))
    pixels = pictures(count, 3, 24, 24, last=True)
    for image, (high, wide) in zip(pixels, sizes, strict=True):
        image[:, high:], image[:, :, wide:] = 0, 0
    choices = ["flip", {"rotate": 15}, {"random-resized-crop": 0.5}, {"color-jitter": {"contrast": 0.4, "hue": 0.1}}]
    batch = batch_of(image=Padded(pixels, torch.from_numpy(sizes)))
    kinds = kinds_of(batch.columns)
    made: Any = apply(build(named(*choices), kinds), batch, Position(1), kinds)["image"]
    for index, (high, wide) in enumerate(sizes):
        alone = batch_of(KEYS[index : index + 1], image=pixels[index : index + 1, :, :high, :wide].contiguous())
        expected = run(choices, alone, Position(1))[0]
        difference = (made.values[index, :, :high, :wide].int() - expected.int()).abs()
        assert difference.float().mean() < 0.02
        assert difference.max() <= 2
        assert made.values[index, :, high:].sum() == 0


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("choices", [*EACH, [{"crop": 40}], [{"crop": {"padding": 40, "fill": "reflect"}}]], ids=str)
def test_empty_and_single_batches_and_shifts_beyond_the_image(choices: list[Any], count: int) -> None:
    """A rank's share of the last batch may be empty."""
    pixels = pictures(count, 3, 8, 8, last=True)
    assert run(choices, batch_of(image=pixels), Position(1)).shape == pixels.shape
    boxes = Ragged(torch.zeros(0, 7), torch.zeros(count + 1, dtype=torch.int64))
    batch = batch_of(image=Padded(pixels, torch.full((count, 2), 8)), boxes=boxes)
    kinds = kinds_of(batch.columns)
    made: Any = apply(build(named(*choices), kinds), batch, Position(1), kinds)
    assert made["image"].values.shape == pixels.shape
    assert made["boxes"].offsets.tolist() == [0] * (count + 1)


def test_every_entry_of_the_catalogue_is_tried_here() -> None:
    tried = {choice.name for choice in named(*EVERYTHING)} | {"mixup", "cutmix", "mosaic", "copy-paste"}
    assert set(catalogue("augmentation")) == tried


def test_mistakes_are_told_all_at_once_with_their_place() -> None:
    kinds = kinds_of({"image": pictures(1, 3, 8, 8)})
    wrong = named("flop", {"rotate": -3}, {"flip": {"alternating": True, "p": 0.3}}, {"erase": {"smallest": 0.5}})
    with pytest.raises(RecipeError) as caught:
        build(wrong, kinds, "r.yaml:7 (data.augment)")
    problems = caught.value.problems
    assert len(problems) == 4
    assert [f"data.augment.{index}" in problem.where for index, problem in enumerate(problems)] == [True] * 4
    assert "flip" in problems[0].remedy


def test_images_are_needed() -> None:
    for name in ("flip", "color-jitter", "erase", "randaugment", "cutmix"):
        with pytest.raises(RecipeError, match="no image column"):
            build(named(name), {"x": Number(), "y": Number()})


class Darker(Alone):
    """A batch transform of the user's own."""

    def __call__(self, batch: Batch, at: Position, kinds: Any) -> Batch:
        return batch.with_columns(image=batch["image"] // 2)  # type: ignore[operator]


class Hungry(Darker):
    """It wants partners of its own."""

    partners = 3


def test_own_transforms_join_the_list() -> None:
    pixels = pictures(4, 3, 8, 8)
    made = run(["flip", f"{__name__}:Darker", "flip"], batch_of(image=pixels), Position(1))
    assert torch.equal(made, run(["flip", f"{__name__}:Darker", "flip"], batch_of(image=pixels // 2 * 2), Position(1)))
    assert made.max() < 128


def test_only_one_transform_may_ask_for_partners() -> None:
    kinds = kinds_of({"image": pictures(1, 3, 8, 8), "label": torch.zeros(1)})
    with pytest.raises(RecipeError, match="partners of its own"):
        build(named("mixup", f"{__name__}:Hungry"), kinds)
    with pytest.raises(RecipeError, match="not an augmentation"):
        build(named("builtins:dict"), kinds)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_in_both_languages(language: Any) -> None:
    from danlu.messages import say

    values = dict.fromkeys(("name", "other", "column", "kind", "p", "smallest", "largest"), "x")
    set_language(language)
    try:
        for key, pair in TEXTS.items():
            assert all(pair)
            chinese = any("\u4e00" <= letter <= "\u9fff" for letter in say(key, **values))
            assert chinese == (language == "zh")
    finally:
        set_language("en")
