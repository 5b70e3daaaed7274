"""InfoNCE beside torch's cross entropy, and towers beside their formula: what a cold item is made of."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from danlu.data.tabular.content import Content
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.items import Items
from danlu.nn.nets.tf_idf import TfIdf
from danlu.nn.nets.two_tower import TwoTower
from danlu.nn.terms.info_nce import InfoNCE
from danlu.tasks.content_recommendation.decoder import ExplainedItems
from danlu.tasks.content_recommendation.net import ContentRecommender

CONTENT = Content(
    terms=("sea", "war", "love"),
    idf=(1.75, 2.0, 1.8),
    rows=((0, 1), (0, 0, 2), (), (1, 2), (0,)),
    numbers=((0.5,), (-1.0,), (0.0,), (2.0,), (0.1,)),
    number_names=("year",),
)
KNOWN = Interactions(2, 5, np.asarray([0, 0, 1]), np.asarray([0, 1, 3]), np.asarray([0, 0, 0]))


def given(rows: int = 6, seed: int = 0) -> dict[str, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    draw = {"user": (rows, 4), "item": (rows, 4), "bias": (rows,), "log_q": (rows,)}
    found = {name: torch.randn(shape, generator=made, dtype=torch.float64) for name, shape in draw.items()}
    return {**found, "met": torch.arange(rows)}


def test_it_is_cross_entropy_over_the_items_of_the_batch() -> None:
    out = given()
    term = InfoNCE("liked", temperature=0.5)
    every = {"liked": torch.ones(6)}
    logits = ((out["user"] @ out["item"].T + out["bias"]) / 0.5 - out["log_q"]).float()
    torch.testing.assert_close(term(out, every), F.cross_entropy(logits, torch.arange(6), reduction="sum"))
    assert term.count(every).item() == 6
    assert term.coupled


def test_equal_items_do_not_repel_and_rows_that_do_not_count_play_no_role() -> None:
    out = {**given(), "met": torch.tensor([0, 1, 2, 0, 4, 5])}
    liked = {"liked": torch.tensor([1.0, 1, 1, 1, 1, 0])}
    logits = (out["user"] @ out["item"].T + out["bias"] - out["log_q"]).float()
    logits[0, 3] = logits[3, 0] = -torch.inf
    wanted = F.cross_entropy(logits[:5, :5], torch.arange(5), reduction="sum")
    torch.testing.assert_close(InfoNCE("liked")(out, liked), wanted)
    assert InfoNCE("liked").count(liked).item() == 5


def test_in_evaluation_all_items_are_the_others() -> None:
    scores = torch.randn(3, 5)
    scores[:, 4] = -torch.inf
    batch = {"liked": torch.ones(3), "item": torch.tensor([0, 3, 4])}
    wanted = F.cross_entropy(scores[:2], batch["item"][:2], reduction="sum")  # the third's item is no candidate
    torch.testing.assert_close(InfoNCE("liked")({"scores": scores}, batch), wanted)


def test_an_item_is_made_of_its_content_and_a_cold_one_of_nothing_else() -> None:
    torch.manual_seed(0)
    net = TwoTower(2, 5, Items(*CONTENT.arrays()), KNOWN, width=3, ids=True).eval()
    vectors, _ = net.item_vectors(torch.arange(5))
    assert net.ids is not None
    for item in range(5):
        places, weights = CONTENT.weighed(item)
        own = (net.terms.weight[torch.from_numpy(places)] * torch.from_numpy(weights)[:, None]).sum(0)
        own = own + net.numbers(torch.tensor(CONTENT.numbers[item]))
        own = own + (net.ids.weight[item] if item in (0, 1, 3) else 0)
        torch.testing.assert_close(vectors[item], own)
    torch.testing.assert_close(
        net.scores(torch.tensor([1]), None)[0, 2], net.users.weight[1] @ vectors[2] + net._every()[1][2]
    )


def test_tf_idf_is_the_cosine_with_what_was_met() -> None:
    content = Items(*CONTENT.arrays())
    matrix = content.matrix()
    torch.testing.assert_close(matrix.norm(dim=1), torch.tensor([1.0, 1, 0, 1, 1]))
    profile = matrix[0] + matrix[1]
    found = TfIdf(2, 5, content, KNOWN).scores(torch.tensor([0]), None)[0]
    torch.testing.assert_close(found, matrix @ profile / profile.norm())


def test_candidates_of_a_part_are_the_items_that_nobody_met_and_likes_leave_the_item_out() -> None:
    net = ContentRecommender(TfIdf(2, 5, Items(*CONTENT.arrays()), KNOWN), KNOWN, fresh=True).eval()
    asked = net(torch.tensor([0, 1]), torch.tensor([2, 2]))
    assert asked["scores"].isfinite().tolist() == [[False, False, True, False, True]] * 2
    served = net(torch.tensor([0, -1, -2 - 4]))
    assert served["scores"].isfinite().all()
    assert served["seen"][0].tolist()[:2] == [0, 1]
    assert served["seen"][2].tolist()[0] == 4
    decoder = ExplainedItems("abcde", (), 5, 3, vars(CONTENT))
    found = decoder.decode({k: v.numpy() for k, v in served.items()}, {"user": np.asarray([0, -1, -6])})
    assert 4 not in found["items"][2]
    assert not {0, 1} & set(found["items"][0].tolist())
    answer = decoder.answer(found, 0)
    assert answer["items"][0]["because"]
    assert decoder.answer(found, 1)["known"] is False
    assert (
        type(decoder)(**decoder.spec())
        .decode({k: v.numpy() for k, v in served.items()}, {"user": np.asarray([0, -1, -6])})["because"]
        .tolist()
        == found["because"].tolist()
    )


def test_what_most_items_have_is_no_reason() -> None:
    common = Content(**{**vars(CONTENT), "idf": (1.1, 2.0, 1.8)})
    found = ExplainedItems("abcde", (), 5, 3, vars(common)).reasons(np.asarray([0, 1]), np.asarray([4, 3]))
    assert found.tolist()[:3] == [-1, -1, -1]  # the sea alone
    assert 0 not in found.tolist()


def test_reasons_are_the_terms_that_add_most_to_the_cosine() -> None:
    decoder = ExplainedItems("abcde", (), 5, 3, vars(CONTENT))
    matrix = Items(*CONTENT.arrays()).matrix().numpy()
    profile = matrix[0] + matrix[1]
    shares = matrix[3] * profile
    wanted = [place for place in np.argsort(-shares) if shares[place] > 0]
    found = decoder.reasons(np.asarray([0, 1]), np.asarray([3]))
    assert found[found >= 0].tolist() == wanted
