"""SASRec: what is seen at which place, windows against whole sequences, and that order is learnt where popularity says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from danlu.nn.embedding.interactions import Interactions
from danlu.nn.nets.sasrec import SASRec

ITEMS = 11


def walks(users: int = 60, steps: int = 9, seed: int = 0) -> Interactions:
    """Each user goes round: the next item is the one after, now and then another. The last is val, the rest train."""
    draw = np.random.default_rng(seed)
    user, item, when, part = [], [], [], []
    for one in range(users):
        at, met = int(draw.integers(ITEMS)), set()
        for step in range(steps):
            if at in met:
                break
            met.add(at)
            user.append(one)
            item.append(at)
            when.append(float(step))
            part.append(1 if step == steps - 1 else 0)
            at = (at + 1) % ITEMS if draw.random() < 0.95 else int(draw.integers(ITEMS))
    order = draw.permutation(len(user))  # rows come in any order
    columns = (np.asarray(each)[order] for each in (user, item, part, when))
    return Interactions(users, ITEMS, *columns)


def small(known: Interactions, **changes: int) -> SASRec:
    torch.manual_seed(0)
    return SASRec(known.users, ITEMS, known, **{"width": 16, "layers": 2, "heads": 2, "length": 6, **changes}).eval()


def test_a_users_items_are_in_the_order_of_their_times() -> None:
    known = Interactions(
        1, 9, np.zeros(4, int), np.asarray([7, 1, 5, 3]), np.asarray([0, 0, 1, 0]), np.asarray([3.0, 1.0, 0.5, 2.0])
    )
    user = torch.tensor([0])
    assert known.of(user).tolist() == [[1, 3, 7, 5]]  # parts first: what is asked about was met later
    assert known.place(user, torch.tensor([7])).tolist() == [2]
    assert known.between(user, torch.tensor([-2]), torch.tensor([2]), 5).tolist() == [[-1, -1, 1, 3, -1]]
    assert known.many(user, torch.tensor([1])).tolist() == [3]


def test_no_number_is_read_from_the_device() -> None:
    """On a GPU the host would wait for it in each step; that windows are counted is the one wait there is."""

    class Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.count += str(func) == "aten._local_scalar_dense.default"
            return func(*args, **(kwargs or {}))

    known = walks()
    net = small(known).train()
    users = torch.arange(8)
    with Reads() as reads:  # type: ignore[no-untyped-call]
        net(users, known.of(users)[:, :1]).sum().backward()
    assert reads.count == 0


def test_no_place_sees_a_later_one() -> None:
    net = small(walks())
    sequence = torch.randint(0, ITEMS, (4, 6))
    states = net.states(sequence)
    for place in range(6):
        other = sequence.clone()
        other[:, place] = (other[:, place] + 3) % ITEMS
        changed = (net.states(other) - states).abs().amax((0, 2)) > 1e-6
        assert not changed[:place].any()
        assert changed[place:].all()


def test_the_item_that_is_asked_for_and_all_later_ones_are_not_looked_at() -> None:
    """The score of the t-th item is that of a user who has met the t before it alone, in windows of the whole length."""
    known = walks()
    net = small(known, length=24)
    sequence = known.of(torch.tensor([5]), torch.tensor([1]))[0]
    sequence = sequence[sequence >= 0]
    for place in range(len(sequence)):
        asked = torch.tensor([[int(sequence[place]), 2, 3]])
        found = net(torch.tensor([5]), asked)
        before = sequence[:place]
        gone = torch.full((12,), -1)  # half of the window lies before the first item
        state = net.states(torch.cat([gone, before, gone[place:]])[None])[0, 11 + place]
        torch.testing.assert_close(found[0], net.vectors(asked[0]) @ state, atol=1e-5, rtol=1e-5)


def test_a_part_is_asked_about_with_what_came_before_it() -> None:
    known = walks()
    net = small(known)
    user = torch.arange(10)
    train, later = net.every(user, torch.ones(10, dtype=torch.long)), net.every(user)
    ends = known.ends[user]
    assert ((train - later).abs().amax(1) > 1e-6).tolist() == (ends[:, 1] > ends[:, 0]).tolist()
    sequence = known.between(user, ends[:, 0] - 6, ends[:, 0], 6)
    torch.testing.assert_close(train, net.states(sequence)[:, -1] @ net.vectors.weight[:ITEMS].T)


def test_order_is_learnt_where_popularity_says_nothing() -> None:
    known = walks(users=150)
    net = small(known, width=24).train()
    step = torch.optim.Adam(net.parameters(), 5e-3)
    user, item = (torch.from_numpy(each) for each in known.learnt())
    torch.manual_seed(0)
    for _ in range(60):
        some = torch.randint(0, len(user), (256,))
        asked = torch.stack(
            [item[some], *((item[some] + torch.randint(1, ITEMS, (256,))) % ITEMS for _ in range(3))], 1
        )
        step.zero_grad()
        F.cross_entropy(net(user[some], asked), torch.zeros(256, dtype=torch.long)).backward()
        step.step()
    net.eval()
    asked = torch.nonzero(known.ends[:, 1] > known.ends[:, 0])[:, 0]
    with torch.no_grad():
        scores = net.every(asked, torch.ones_like(asked))
    met = known.of(asked, torch.ones_like(asked))
    scores.scatter_(1, met.clamp_min(0), -torch.inf)
    true = known.items[known.starts[asked] + known.ends[asked, 0]]
    hit = (scores.argmax(1) == true).float().mean().item()
    popular = torch.from_numpy(known.counts()).float().expand(len(asked), -1).clone()
    popular.scatter_(1, met.clamp_min(0), -torch.inf)
    assert hit > (popular.argmax(1) == true).float().mean().item() + 0.3
    assert hit > 0.7
