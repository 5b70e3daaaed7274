"""The parts of self-supervision: views by position, rotations, hidden patches, spread, probes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.data.augment import pipeline
from danlu.data.batches.batch import Batch
from danlu.data.kinds.image import Image
from danlu.nn.nets.vit import Vit
from danlu.randomness import Position, keys_of
from danlu.recipe.schema import Named
from danlu.tasks.self_supervised import probe
from danlu.tasks.self_supervised.methods.mae import HiddenPixels, Masked, alone, taken
from danlu.tasks.self_supervised.probe import Labelled
from danlu.tasks.self_supervised.spread import Spread
from danlu.tasks.self_supervised.views import Hidden, Rotations, Views
from danlu.watch.health.collapse import collapse
from danlu.watch.health.recording import Recording

KINDS = {"image": Image(8, 8, 1)}
AUGMENT = [Named(name="random-resized-crop"), Named(name="flip"), Named(name="color-jitter"), Named(name="erase")]


def batch(count: int = 12) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=draw)
    columns = {"image": images, "label": torch.arange(count)}
    return Batch(columns, ("image",), np.arange(count), keys_of(map(str, range(count))))


def take(whole: Batch, rows: list[int]) -> Batch:
    columns = {name: tensor(whole, name)[rows] for name in whole.columns}
    return Batch(columns, whole.inputs, whole.rows[rows], whole.keys[rows])


def tensor(made: Batch, name: str) -> Tensor:
    value = made[name]
    assert isinstance(value, Tensor)
    return value


# ---- views --------------------------------------------------------------------------------------------------------------


def test_views_follow_from_seed_epoch_sample_and_view_alone() -> None:
    views = Views(pipeline.build(AUGMENT, KINDS))
    whole = tensor(views(batch(), Position(3, 5, step=1), KINDS), "views")
    assert whole.shape == (12, 2, 1, 8, 8)
    some = [7, 2, 9]
    torch.testing.assert_close(tensor(views(take(batch(), some), Position(3, 5, step=8), KINDS), "views"), whole[some])
    for other in (Position(4, 5), Position(3, 6)):
        assert not torch.equal(tensor(views(batch(), other, KINDS), "views"), whole)
    assert (whole[:, 0] != whole[:, 1]).flatten(1).any(1).float().mean() > 0.9  # two views of an image differ


def test_a_view_is_what_the_augmentations_make_of_the_image() -> None:
    alone = Views([], 3)(batch(), Position(0), KINDS)
    image, views = tensor(alone, "image"), tensor(alone, "views")
    assert all(torch.equal(views[:, view], image) for view in range(3))


@pytest.mark.parametrize("transform", [Views([]), Rotations(), Hidden(4, 0.5)])
def test_labels_are_not_handed_on(transform: Views | Rotations | Hidden) -> None:
    made = transform(batch(), Position(0), KINDS)
    assert "label" not in made
    assert set(made.inputs) <= set(made.columns)


def test_rotations_are_numpys() -> None:
    made = Rotations()(batch(), Position(0), KINDS)
    image, views, turns = (tensor(made, name) for name in ("image", "views", "rotation"))
    for turn in range(4):
        expected = np.rot90(image.numpy(), turn, (2, 3))
        np.testing.assert_array_equal(views[:, turn].numpy(), expected)
        assert (turns[:, turn] == turn).all()


def test_each_patch_is_either_hidden_or_visible() -> None:
    hide = Hidden(16, 0.75)
    made = hide(batch(400), Position(1, 2), KINDS)
    visible, hidden = tensor(made, "visible"), tensor(made, "hidden")
    assert hidden.shape == (400, 12)
    assert torch.equal(torch.cat([visible, hidden], 1).sort(1).values, torch.arange(16).expand(400, 16))
    shares = torch.bincount(hidden.flatten(), minlength=16) / 400
    assert (shares - 0.75).abs().max() < 0.1  # none is hidden more often than another
    again = hide(take(batch(400), [5, 3]), Position(1, 2, step=9), KINDS)
    assert torch.equal(tensor(again, "hidden"), hidden[[5, 3]])
    assert not torch.equal(tensor(hide(batch(400), Position(1, 3), KINDS), "hidden"), hidden)


def test_some_of_the_hidden_patches_are_painted() -> None:
    everything, some = Hidden(16, 0.75), Hidden(16, 0.75, 0.5)
    assert (str(everything), str(some)) == ("hide 12/16", "hide 12/16, paint 6")
    whole, part = (hide(batch(400), Position(1, 2), KINDS) for hide in (everything, some))
    assert torch.equal(tensor(whole, "visible"), tensor(part, "visible"))
    painted = tensor(part, "hidden")
    assert painted.shape == (400, 6)
    assert (painted[:, :, None] == tensor(whole, "hidden")[:, None]).any(2).all()
    shares = torch.bincount(painted.flatten(), minlength=16) / 400
    assert (shares - 0.375).abs().max() < 0.1  # none is painted more often than another
    assert tensor(Hidden(16, 0.75, 0.01)(batch(), Position(0), KINDS), "hidden").shape == (12, 1)


# ---- masked autoencoding ------------------------------------------------------------------------------------------------


def masked() -> tuple[Masked, Vit]:
    torch.manual_seed(0)
    body = Vit(1, 3, (8, 8), patch=4, width=16, depth=1, heads=2)
    body.head = nn.Identity()  # type: ignore[assignment]
    return Masked(nn.Sequential(nn.Identity(), body), body, 16, 8).double(), body


def test_the_loss_is_of_hidden_patches_alone_and_the_encoder_sees_visible_ones_alone() -> None:
    net, _ = masked()
    image = torch.rand(5, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    visible, hidden = torch.tensor([[0, 3]] * 5), torch.tensor([[1, 2]] * 5)
    outputs = net.train()(image, visible, hidden)
    whole = Batch({"hidden": hidden}, ("hidden",), np.arange(5))
    term = HiddenPixels("hidden", "pixels")
    patches = image.detach().unfold(2, 4, 4).unfold(3, 4, 4).reshape(5, 4, 16)
    expected = F.mse_loss(outputs["pixels"], patches[:, 1:3])
    torch.testing.assert_close(term(outputs, whole) / term.count(whole), expected, rtol=1e-12, atol=1e-14)
    (slope,) = torch.autograd.grad(outputs["pixels"].sum(), image)
    seen = slope.unfold(2, 4, 4).unfold(3, 4, 4).reshape(5, 4, 16).abs().amax((0, 2))
    assert (seen[[1, 2]] == 0).all()
    assert (seen[[0, 3]] > 0).all()


def test_a_patch_alone_has_neither_brightness_nor_contrast() -> None:
    torch.manual_seed(0)
    patches = torch.rand(3, 5, 16, dtype=torch.float64)
    patches[0, 0] = 0.25
    made = alone(patches)
    torch.testing.assert_close(alone(patches * 7 - 3), made, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(made.mean(2), torch.zeros(3, 5, dtype=torch.float64), rtol=0, atol=1e-12)
    assert (made[0, 0] == 0).all()
    assert (made.var(2, unbiased=False).flatten()[1:] - 1).abs().max() < 1e-3
    net, _ = masked()
    image, visible, hidden = (
        torch.rand(2, 1, 8, 8).double(),
        torch.tensor([[0, 3], [1, 2]]),
        torch.tensor([[1], [3]]),
    )
    plain = net(image, visible, hidden)
    net.normalized = True
    outputs = net(image, visible, hidden)
    torch.testing.assert_close(outputs["truth"], alone(plain["truth"]))
    torch.testing.assert_close(outputs["pixels"], plain["pixels"])


def test_all_tokens_in_any_order_give_the_same_features() -> None:
    _, body = masked()
    tokens = body.tokens(torch.rand(2, 1, 8, 8).double())
    order = torch.tensor([[2, 0, 3, 1]] * 2)
    torch.testing.assert_close(body.encode(taken(tokens, order)), taken(body.encode(tokens), order))


# ---- how far embeddings are spread --------------------------------------------------------------------------------------


def spread(values: np.ndarray, *cuts: int) -> dict[str, float]:
    whole = Spread()
    for part in np.split(values, cuts):
        one = Spread()
        one.update({"embedding": part}, {})
        whole.merge(one)
    return whole.compute()


def test_spread_of_known_clouds() -> None:
    draw = np.random.default_rng(0)
    everywhere = spread(draw.standard_normal((20_000, 16)))
    assert everywhere["embedding-std"] == pytest.approx(1.0, abs=0.01)
    assert everywhere["effective-rank"] == pytest.approx(16, rel=0.01)
    assert spread(np.ones((50, 16))) == {"embedding-std": pytest.approx(0.0, abs=1e-6), "effective-rank": 1.0}
    line = np.outer(draw.choice([-1.0, 1.0], 5000), np.arange(1, 9))
    assert spread(line)["effective-rank"] == pytest.approx(1.0)
    flat = np.zeros((5000, 16))
    flat[:, :3] = draw.standard_normal((5000, 3))
    assert spread(flat)["effective-rank"] == pytest.approx(3.0, rel=0.01)
    assert np.isnan(spread(np.ones((1, 4)))["embedding-std"])


def test_spread_is_the_same_in_any_division() -> None:
    values = np.random.default_rng(1).standard_normal((60, 5)) + 1.0
    assert spread(values, 1, 7, 40) == pytest.approx(spread(values), rel=1e-9)


def recording(deviation: float, rank: float) -> Recording:
    steps = np.asarray([10])
    return Recording(
        curves={
            "val/embedding-std": (steps, np.asarray([deviation])),
            "val/effective-rank": (steps, np.asarray([rank])),
        }
    )


def test_collapse_is_noticed() -> None:
    assert collapse(Recording()) is None
    assert collapse(recording(0.36, 13.5)) is None
    point, few = collapse(recording(0.001, 9.0)), collapse(recording(0.3, 1.1))
    assert point is not None
    assert few is not None
    assert (point.severity, few.severity) == ("problem", "warning")
    assert point.evidence[0].values["embedding-std"] == 0.001


# ---- probes -------------------------------------------------------------------------------------------------------------


def clouds(count: int, seed: int) -> Labelled:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, count)
    centres = np.eye(3) * 3
    return Labelled((centres[labels] + draw.standard_normal((count, 3))).astype(np.float32), labels)


def test_probes_equal_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, asked = clouds(300, 0), clouds(200, 1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(train.features, train.labels)
    assert (probe.linear(train, asked.features) == model.predict(asked.features)).mean() > 0.99
    near = KNeighborsClassifier(7, metric="cosine", weights=lambda far: np.exp(-far / 0.07))
    near.fit(train.features, train.labels)
    assert (probe.neighbours(train, asked.features, 7) == near.predict(asked.features)).mean() > 0.99
    assert probe.accuracy(probe.neighbours(train, train.features, 1), train.labels) == 1.0


def test_one_class_and_few_rows_are_no_error() -> None:
    one = Labelled(np.ones((4, 2), np.float32), np.full(4, 2))
    assert (probe.linear(one, np.zeros((3, 2), np.float32)) == 2).all()
    assert (probe.neighbours(one, np.zeros((3, 2), np.float32), 20) == 2).all()
