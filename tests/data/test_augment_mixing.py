"""Mixup and cutmix: shares, partners and targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from danlu.data.augment.beta import beta
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.number import Number
from danlu.errors import RecipeError
from danlu.randomness import Position
from tests.data.augmented import KEYS, apply, augmented, batch_of, build, kinds_of, named, pictures, transforms_of

AT = Position(7, 2)


def pairs(count: int = 60, size: int = 16, seed: int = 0) -> Batch:
    """``count`` samples, then a partner of each: no partner has a pixel or a class in common with its sample."""
    first = pictures(count, 3, size, size, seed=seed) // 2
    second = 128 + pictures(count, 3, size, size, seed=seed + 1) // 2
    image = torch.cat([first, second]).contiguous(memory_format=torch.channels_last)
    label = torch.arange(count) % 4
    return batch_of(partners=1, image=image, label=torch.cat([label, torch.full((count,), 4)]))


def mixed(*choices: Any, batch: Batch) -> Any:
    return augmented(*choices, at=AT, batch=batch)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.4, 1.0, 2.0, 8.0, 200.0])
def test_quantiles_are_scipys(alpha: float) -> None:
    u = np.concatenate([np.linspace(0, 1, 5001)[1:-1], 10.0 ** -np.arange(3, 9)])
    made, low = beta(u, alpha), u < 0.5
    np.testing.assert_allclose(made, stats.beta.ppf(u, alpha, alpha), atol=5e-5)
    np.testing.assert_allclose(stats.beta.cdf(made[low], alpha, alpha), u[low], atol=2e-6)
    np.testing.assert_allclose(made[~low], 1 - beta(1 - u[~low], alpha), atol=1e-12)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_shares_are_beta(name: str, alpha: float) -> None:
    from danlu.data.augment.draws import Draws
    from danlu.data.augment.transforms.cutmix import Cutmix
    from danlu.data.augment.transforms.mixup import Mixup

    part = {"mixup": Mixup, "cutmix": Cutmix}[name](alpha)
    shares = part.shares(Draws(AT, f"augment/0/{name}", KEYS))
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01
    theirs = torch.distributions.Beta(alpha, alpha).sample((4096,)).numpy()
    assert stats.ks_2samp(shares, theirs).pvalue > 0.01


def test_mixup_blends_images_and_targets_by_the_same_share() -> None:
    batch = pairs()
    made = mixed({"mixup": 1.0}, batch=batch)
    assert (len(made), made.partners, len(made.keys), len(made.rows)) == (60, 0, 60, 60)
    assert (made["image"].dtype, made["label"].dtype) == (torch.float32, torch.float32)
    assert made["image"].is_contiguous(memory_format=torch.channels_last)
    share = 1 - made["label"][:, 4]
    assert 0.3 < share.mean() < 0.7
    classes = torch.arange(60) % 4
    torch.testing.assert_close(made["label"].sum(1), torch.ones(60))
    torch.testing.assert_close(made["label"][torch.arange(60), classes], share)
    own, other = batch["image"][:60].float(), batch["image"][60:].float()  # type: ignore[index]
    weight = share.view(-1, 1, 1, 1)
    torch.testing.assert_close(made["image"], weight * own + (1 - weight) * other, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_mixed_sample_depends_on_its_position_alone(name: str) -> None:
    """In a batch of 60 or of 7, in another order: the same bits, also of float images."""
    batch = pairs(size=11)
    rows = np.asarray([8, 3, 59, 20, 21, 0, 41])
    both = torch.from_numpy(np.concatenate([rows, rows + 60]))
    image = batch["image"].float().sqrt()  # type: ignore[union-attr]
    whole = mixed({name: 1.0}, batch=batch.with_columns(image=image))
    few = batch_of(KEYS[both], partners=1, image=image[both], label=batch["label"][both])  # type: ignore[index]
    made = mixed({name: 1.0}, batch=few)
    assert torch.equal(made["image"], whole["image"][rows])
    assert torch.equal(made["label"], whole["label"][rows])


def test_cutmix_targets_have_exactly_the_share_of_pixels() -> None:
    batch = pairs(count=200)
    made = mixed("cutmix", batch=batch)
    assert made["image"].dtype == torch.uint8
    ours = made["image"] == batch["image"][:200]  # type: ignore[index]
    theirs = made["image"] == batch["image"][200:]  # type: ignore[index]
    assert (ours ^ theirs).all()
    assert torch.equal(ours.all(1), ours.any(1))
    share = ours[:, 0].flatten(1).sum(1) / 256
    assert torch.equal(1 - made["label"][:, 4], share)
    assert share.min() < 0.3
    assert share.max() > 0.9
    for image in theirs[:, 0]:  # one rectangle
        rows, columns = image.any(1), image.any(0)
        assert torch.equal(image, rows[:, None] & columns[None, :])
        assert all(int(line.int().diff().abs().sum()) <= 2 for line in (rows, columns))


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_only_a_share_of_samples_is_mixed(name: str) -> None:
    batch = pairs(count=1000, size=8)
    made = mixed({name: {"alpha": 8.0, "p": 0.3}}, batch=batch)
    alone = made["label"].amax(1) == 1
    assert 0.66 < alone.float().mean() < 0.76  # a small cut may hold no pixel
    assert torch.equal(made["image"][alone], batch["image"][:1000][alone].to(made["image"].dtype))  # type: ignore[index]


def test_mixup_and_cutmix_share_the_samples_between_them() -> None:
    batch = pairs(count=1000, size=8)
    made = mixed({"mixup": 8.0}, {"cutmix": 8.0}, batch=batch)
    assert made["image"].dtype == torch.float32
    whole = (made["image"] == batch["image"][:1000]) | (made["image"] == batch["image"][1000:])  # type: ignore[index]
    cut = whole.flatten(1).all(1)
    assert 0.45 < cut.float().mean() < 0.55
    transforms = transforms_of({"mixup": 8.0}, "flip", {"cutmix": 8.0}, image=batch["image"], label=batch["label"])
    assert [str(one) for one in transforms] == ["flip", "mixup|cutmix"]


def test_partners_come_from_the_training_rows_by_key_and_epoch_alone() -> None:
    rows = np.arange(100, 1100, 3)
    (mixup,) = transforms_of("mixup", image=pictures(2, 3, 4, 4), label=torch.zeros(2))
    assert mixup.partners == 1
    chosen = mixup.choose(KEYS, AT, rows)
    assert chosen.shape == (1, len(KEYS))
    assert set(chosen[0]) == set(rows)
    counts = np.bincount(np.searchsorted(rows, chosen[0]), minlength=len(rows))
    assert stats.chisquare(counts).pvalue > 0.01
    order = np.random.default_rng(0).permutation(len(KEYS))
    assert (mixup.choose(KEYS[order], AT, rows)[0] == chosen[0][order]).all()
    assert (mixup.choose(KEYS, Position(7, 2, step=9, micro=1), rows) == chosen).all()
    assert (mixup.choose(KEYS, Position(7, 3), rows) == chosen).mean() < 0.02
    assert (mixup.choose(KEYS, Position(8, 2), rows) == chosen).mean() < 0.02


def test_augmentations_before_the_mix_reach_the_partners_too() -> None:
    """A sample looks the same as a partner and as itself in one epoch."""
    batch = pairs()
    made = mixed({"flip": 0.5}, {"mixup": {"alpha": 1.0}}, batch=batch)
    flipped = augmented("flip", at=AT, batch=batch)
    expected = apply(
        build(named("flip", {"mixup": 1.0}), kinds_of(batch.columns))[1:], flipped, AT, kinds_of(batch.columns)
    )
    assert torch.equal(made["image"], expected["image"])
    assert torch.equal(made["label"], expected["label"])


def test_numbers_are_mixed_without_images() -> None:
    kinds = {"x": Number(), "y": Number()}
    both = torch.cat([torch.zeros(500), torch.ones(500)])
    batch = Batch({"x": both, "y": both.clone()}, ("x",), np.arange(1000), KEYS[:1000], 1)
    made: Any = apply(build(named({"mixup": 1.0}), kinds), batch, AT, kinds)
    assert torch.equal(made["x"], made["y"])
    assert 0.45 < made["x"].mean() < 0.55


def test_what_cannot_be_mixed_is_refused_by_name() -> None:
    sizes = torch.tensor([[4, 4]])
    boxes = Ragged(torch.zeros(0, 7), torch.tensor([0, 0]))
    columns = {"image": Padded(pictures(1, 3, 4, 4), sizes), "boxes": boxes}
    with pytest.raises(RecipeError) as caught:
        build(named("flip", "mixup"), kinds_of(columns), "recipe.yaml:4 (data.augment)")
    texts = [str(problem) for problem in caught.value.problems]
    assert len(texts) == 2
    assert all("recipe.yaml:4" in text and "mixup" in text for text in texts)
    assert "'image'" in texts[0]
    assert "'boxes' (boxes)" in texts[1]


def test_a_batch_without_partners_is_a_defect() -> None:
    with pytest.raises(ValueError, match="partner"):
        mixed("mixup", batch=batch_of(image=pictures(2, 3, 4, 4), label=torch.zeros(2, dtype=torch.int64)))
