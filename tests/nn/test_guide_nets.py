"""The guide's three nets are the guide's code, and the text one is right where the guide's is not."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.image_classifier import ImageClassifier
from danlu.nn.nets.text_classifier import TextClassifier

# ---- as the guide has them, word for word ---------------------------------------------------------------------------


class GuideImageClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Linear(128 * 6 * 6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = x.view(x.size(0), -1)
        return self.classifier(x)


class GuideTextClassifier(nn.Module):
    def __init__(self, vocab_size: int, embed_dim: int, hidden_dim: int, num_classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)
        lstm_out, _ = self.lstm(x)
        return self.fc(lstm_out[:, -1, :])


class GuideCollaborativeFiltering(nn.Module):
    def __init__(self, num_users: int, num_items: int, embedding_dim: int) -> None:
        super().__init__()
        self.user_embeddings = nn.Embedding(num_users, embedding_dim)
        self.item_embeddings = nn.Embedding(num_items, embedding_dim)

    def forward(self, user_ids: Tensor, item_ids: Tensor) -> Tensor:
        user_embeds = self.user_embeddings(user_ids)
        item_embeds = self.item_embeddings(item_ids)
        return torch.sum(user_embeds * item_embeds, dim=1)


# ---- images ---------------------------------------------------------------------------------------------------------


def test_image_classifier_is_the_guides_with_its_defaults() -> None:
    torch.manual_seed(0)
    guide = GuideImageClassifier()
    torch.manual_seed(0)
    ours = ImageClassifier(3, 10, (32, 32))
    assert ours.classifier.in_features == 128 * 6 * 6
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in guide.state_dict().items()}
    assert all(torch.equal(v, guide.state_dict()[k]) for k, v in ours.state_dict().items())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(ours(x), guide(x))


@pytest.mark.parametrize("size", [(10, 10), (11, 30), (28, 28), (224, 160)])
def test_image_classifier_fits_any_size(size: tuple[int, int]) -> None:
    assert ImageClassifier(1, 4, size, widths=(2, 3))(torch.zeros(2, 1, *size)).shape == (2, 4)


def test_image_classifier_refuses_what_leaves_nothing() -> None:
    with pytest.raises(RecipeError, match="9×20"):
        ImageClassifier(1, 4, (9, 20))


# ---- texts ----------------------------------------------------------------------------------------------------------


class Padded(NamedTuple):
    values: Tensor
    sizes: Tensor


TEXTS = [[5, 2, 9, 4, 7, 3], [8, 6], [1], [3, 3, 4, 1]]


def padded(texts: list[list[int]], extra: int = 0) -> Padded:
    longest = max(map(len, texts)) + extra
    values = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
    return Padded(values, torch.tensor([[len(text)] for text in texts]))


def guide_and_ours() -> tuple[GuideTextClassifier, TextClassifier]:
    torch.manual_seed(0)
    guide, ours = GuideTextClassifier(12, 6, 8, 3).eval(), TextClassifier(12, 3, embedding=6, hidden=8).eval()
    ours.embedding.load_state_dict(guide.embedding.state_dict())
    ours.forwards[0].load_state_dict(guide.lstm.state_dict())
    ours.fc.load_state_dict(guide.fc.state_dict())
    return guide, ours


def test_text_classifier_equals_the_guide_on_a_text_without_padding() -> None:
    guide, ours = guide_and_ours()
    for text in TEXTS:
        x = torch.tensor([text])
        torch.testing.assert_close(ours(x), guide(x))


def test_the_guide_reads_padding_and_ours_does_not() -> None:
    """A short text in a batch: the guide's answer depends on the longest text beside it, ours is that of the text
    alone."""
    guide, ours = guide_and_ours()
    batch = padded(TEXTS)
    alone = torch.cat([guide(torch.tensor([text])) for text in TEXTS])
    torch.testing.assert_close(ours(batch), alone)
    wrong = (guide(batch.values) - alone).abs().amax(1)
    assert wrong[0] < 1e-6  # the longest has no padding
    assert (wrong[1:] > 1e-3).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_text_is_read_the_same_alone_and_in_any_batch(cell: str, bidirectional: bool, layers: int) -> None:
    torch.manual_seed(1)
    net = TextClassifier(
        12, 3, embedding=5, hidden=4, cell=cell, bidirectional=bidirectional, layers=layers, norm="layer", dropout=0.3
    ).eval()  # type: ignore[arg-type]
    alone = torch.cat([net(torch.tensor([text])) for text in TEXTS])
    for extra in (0, 7):
        batch = padded(TEXTS, extra)
        torch.testing.assert_close(net(batch), alone)
        torch.testing.assert_close(net(batch.values, batch.sizes[:, 0]), alone)
        torch.testing.assert_close(net(batch.values), alone)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_both_directions_equal_torchs_own_on_the_unpadded_text(cell: str) -> None:
    torch.manual_seed(2)
    ours = TextClassifier(12, 3, embedding=5, hidden=4, cell=cell, bidirectional=True, layers=2).eval()  # type: ignore[arg-type]
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](5, 4, 2, batch_first=True, bidirectional=True)
    state = {}
    for layer in range(2):
        for suffix, cells in (("", ours.forwards), ("_reverse", ours.backwards)):
            for name, value in cells[layer].state_dict().items():
                state[name.replace("_l0", f"_l{layer}{suffix}")] = value
    theirs.load_state_dict(state)
    for text in TEXTS:
        _, final = theirs(ours.embedding(torch.tensor([text])))
        final = final[0] if isinstance(final, tuple) else final
        expected = ours.fc(torch.cat([final[-2], final[-1]], 1))
        torch.testing.assert_close(ours(padded([text], 3)), expected)


def test_padding_has_no_gradient_and_an_empty_text_an_answer() -> None:
    net = TextClassifier(12, 3, embedding=5, hidden=4, bidirectional=True)
    net(padded([[5, 2], [7]], 2)).sum().backward()
    assert net.embedding.weight.grad is not None
    assert not net.embedding.weight.grad[0].any()
    assert torch.isfinite(net(torch.zeros(2, 3, dtype=torch.int64))).all()


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group", "instance"])
def test_text_classifier_learns_which_word_came_first(norm: str) -> None:
    torch.manual_seed(3)
    net = TextClassifier(6, 2, embedding=8, hidden=16, cell="gru", norm=norm, activation="gelu")
    batch = padded([[1, 3, 4], [2, 3], [1, 4], [2, 4, 3, 3, 4]])
    y = torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        loss = nn.functional.cross_entropy(net(batch), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


# ---- recommendations ------------------------------------------------------------------------------------------------


def test_collaborative_filtering_is_the_guides() -> None:
    torch.manual_seed(0)
    guide = GuideCollaborativeFiltering(5, 7, 4)
    torch.manual_seed(0)
    ours = CollaborativeFiltering(5, 7, embedding=4)
    users, items = torch.tensor([0, 4, 2]), torch.tensor([6, 1, 1])
    assert ours(users, items).shape == (3,)
    torch.testing.assert_close(ours(users, items), guide(users, items))  # a kernel adds in another order
    assert ours.state_dict().keys() == guide.state_dict().keys()


def test_biases_add_up() -> None:
    net = CollaborativeFiltering(5, 7, embedding=4, biases=True, scale=0.1)
    users, items = torch.tensor([0, 4]), torch.tensor([6, 1])
    before = net(users, items)
    assert before.abs().max() < 1
    with torch.no_grad():
        net.offset.fill_(3.0)
        net.user_biases.weight[4] = 0.5
        net.item_biases.weight[6] = -0.25
    torch.testing.assert_close(net(users, items), before + torch.tensor([2.75, 3.5]))
