"""Items as vectors, where a recommender's scores are products of a user's and an item's."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.id import Id
from danlu.errors import DataError
from danlu.messages import say
from danlu.nn.embedding.interactions import Interactions
from danlu.tasks.catalogue import Asked, Catalogue


def catalogue(scorer: nn.Module, known: Interactions, users: Id, items: Id) -> Catalogue | None:
    """None where ``scorer`` has no ``of_users(user (B,)) → (B, D)`` and ``of_items() → (items, D)``, whose products are its scores."""
    made: Any = scorer
    if not hasattr(scorer, "of_users") or not hasattr(scorer, "of_items"):
        return None
    device = next(scorer.parameters()).device

    def ask(name: str) -> Asked:
        try:
            place = int(users.prepare(name).value)
        except BadValue as bad:
            raise DataError.of(str(name), str(bad)) from bad
        if place < 0:
            raise DataError.of(str(name), say("index.no-user"), say("index.no-user.remedy"))
        user = torch.tensor([place], device=device)
        with torch.inference_mode():
            met = known.of(user)[0]
            return Asked(
                made.of_users(user)[0].float().cpu().numpy(),
                frozenset(items.names[item] for item in met[met >= 0].tolist()),
            )

    with torch.inference_mode():
        vectors = made.of_items().float().cpu().numpy()
    return Catalogue(items.names, items.titles or ("",) * len(items.names), vectors, ask)
