"""Parts of segmentation: tiles without seams, answers in the image's own pixels, nets of any size, labels, baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from danlu import recipe as recipes
from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Framing
from danlu.data.kinds.image import Image
from danlu.data.kinds.mask import IGNORED, Mask
from danlu.errors import RecipeError
from danlu.nn.normalise import Normalise
from danlu.randomness import Position
from danlu.tasks.baselines.base import Sample
from danlu.tasks.segmentation.baselines import MostFrequent, PixelColour
from danlu.tasks.segmentation.decoder import MaskDecoder, mask_of
from danlu.tasks.segmentation.net import Dense, UNet
from danlu.tasks.segmentation.pixels import LabelPixels
from danlu.tasks.segmentation.tiles import Tiles

CLASSES = ("background", "cat", "dog")


@pytest.mark.parametrize("size", [(100, 70), (33, 90), (32, 33), (64, 64), (20, 50)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
def test_tiles_cover_every_pixel_and_a_net_of_points_has_no_seams(size: tuple[int, int], overlap: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    tiles = Tiles(Image(32, 32, 3), 32, overlap)
    values = {"image": image}
    assert tiles.wanted(values) == (max(size) > 32)
    cut = tiles.cut(values)
    assert all(piece["image"].shape == (32, 32, 3) for piece in cut)
    logits = [piece["image"].transpose(2, 0, 1).astype(np.float32) for piece in cut]  # each pixel's are its colours
    np.testing.assert_allclose(tiles.join(logits, values), image.transpose(2, 0, 1), atol=1e-3)


def test_neighbours_are_blended_by_the_distance_from_their_edges() -> None:
    tiles = Tiles(Image(8, 8, 1), 8, 0.5)
    values = {"image": np.zeros((8, 12, 1), np.uint8)}
    assert len(tiles.cut(values)) == 2
    joined = tiles.join([np.zeros((1, 8, 8)), np.ones((1, 8, 8))], values)[0]
    assert (joined[:, :4] == 0).all()
    assert (joined[:, 8:] == 1).all()
    across = joined[4, 3:9]
    assert (np.diff(across) > 0).all()  # no seam: it passes from one to the other
    np.testing.assert_allclose(across + across[::-1], 1, atol=1e-6)


def test_an_answer_is_in_pixels_of_the_image_that_was_given() -> None:
    decoder = MaskDecoder(CLASSES)
    prepared = np.zeros((20, 20), np.uint8)
    prepared[5:10, 10:20] = 2
    framing = Framing((40, 80), (20, 20), (0.5, 0.5), (-10.0, 0.0))  # the middle of a wide image
    answer = decoder.answer({"mask": [prepared]}, 0, framing)
    mask = mask_of(answer)
    assert mask.shape == (40, 80) == tuple(answer["size"])
    assert (mask[:, :20] == IGNORED).all()
    assert (mask[:, 60:] == IGNORED).all()
    assert (mask[10:20, 40:60] == 2).all()
    assert answer["classes"]["dog"] == {"pixels": 200, "share": 0.125}
    assert answer["classes"]["background"]["pixels"] == 40 * 40 - 200
    assert "cat" not in answer["classes"]
    assert MaskDecoder(**decoder.spec()).spec() == decoder.spec()


def test_padding_is_cut_from_predictions() -> None:
    logits = np.zeros((2, 3, 6, 8), np.float32)
    logits[:, 1] = 1
    given = {"image": (np.zeros((2, 3, 6, 8), np.uint8), np.asarray([[6, 5], [4, 8]]))}
    found = MaskDecoder(CLASSES).decode(logits, given)["mask"]
    assert [each.shape for each in found] == [(6, 5), (4, 8)]
    assert all((each == 1).all() for each in found)


@pytest.mark.parametrize("size", [(32, 32), (17, 45), (3, 50), (64, 31)])
def test_the_net_takes_images_of_any_size(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    net = Dense(Normalise(0.0, 255.0), UNet(3, 3, width=8, blocks=(1, 1, 1))).eval()
    image = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    with torch.inference_mode():
        logits = net(image)
        padded = net(Padded(image, torch.tensor([size, size])))
    assert logits.shape == (2, 3, *size)
    torch.testing.assert_close(padded, logits)


def test_other_nets_outputs_are_brought_to_the_images_size() -> None:
    class Half(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            assert x.shape[2] % 16 == 0
            assert x.shape[3] % 16 == 0
            return {"out": torch.nn.functional.avg_pool2d(x, 4)[:, :2]}

    net = Dense(Normalise(0.0, 1.0), Half(), multiple=16)
    constant = torch.full((1, 3, 21, 37), 7, dtype=torch.uint8)
    logits = net(constant)
    assert logits.shape == (1, 2, 21, 37)
    torch.testing.assert_close(logits[:, :, :12, :28], torch.full((1, 2, 12, 28), 7.0))


def test_labels_of_pixels_are_the_same_for_all_forms() -> None:
    masks = [np.asarray([[0, 1], [255, 2]], np.uint8), np.asarray([[1, 1, 1]], np.uint8)]
    batch = Batch({"mask": Mask(CLASSES).collate(masks)}, (), np.arange(2))
    found = LabelPixels()(batch, Position(0), {})["pixels"]
    assert found.tolist() == [[[0, 1, -1], [-1, 2, -1]], [[1, 1, 1], [-1, -1, -1]]]  # type: ignore[union-attr]
    assert found.dtype == torch.int64  # type: ignore[union-attr]


def test_baselines_learn_what_they_can() -> None:
    random = np.random.default_rng(0)
    masks = random.integers(0, 2, (30, 16, 16)).astype(np.uint8)
    masks[:, :2] = 1
    masks[0, 0] = IGNORED
    images = np.where((masks == 1)[..., None], [200, 30, 30], [30, 30, 200]) + random.integers(0, 30, (30, 16, 16, 3))
    sizes = np.full((30, 2), 16)
    kinds = {"image": Image(16, 16, 3), "mask": Mask(CLASSES)}
    sample = Sample({"image": images.astype(np.uint8)}, {"image": sizes}, {"mask": list(masks)}, kinds, np.arange(30))
    most, colour = MostFrequent(3), PixelColour(3)
    for baseline in (most, colour):
        baseline.fit(sample, sample, 30, lambda done, total: None)
    assert all((mask == 1).all() for mask in most.predict(sample, lambda done, total: None)["mask"])
    found = np.stack(colour.predict(sample, lambda done, total: None)["mask"])
    assert (found == masks)[masks != IGNORED].all()


@pytest.mark.parametrize(
    "mask",
    [
        {"classes": {"sky": "red"}},
        {"classes": {"sky": 0, "road": "#ff0000"}},
        {"classes": {"sky": 0, "road": 0}},
        {"classes": ["sky", "sky"]},
        {"classes": "sky"},
        {"ignore": ["black"]},
    ],
)
def test_wrong_names_of_classes_are_told_with_their_key(mask: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=f"options.mask.{next(iter(mask))}"):
        recipes.complete(recipes.from_dict({"task": "segmentation", "options": {"mask": mask}}))
