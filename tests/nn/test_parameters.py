"""Weight decay reaches matrices and kernels, nothing else, in an order that depends on names alone."""

from __future__ import annotations

import torch
from torch import nn

from danlu.nn.build import build_net
from danlu.nn.norms import make_norm
from danlu.nn.parameters import split_parameters


def test_matrices_decay_norms_biases_and_gains_do_not() -> None:
    net = build_net("resnet", 3, 5, (32, 32), activation="prelu", norm="layer")
    decay, free = split_parameters(net)
    assert all(p.ndim >= 2 for _, p in decay)
    assert {n for n, _ in decay} == {n for n, p in net.named_parameters() if p.ndim >= 2}
    assert len(decay) + len(free) == len(list(net.parameters()))
    assert [n for n, _ in decay] == sorted(n for n, _ in decay)
    assert [n for n, _ in free] == sorted(n for n, _ in free)


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3)
        self.tied = nn.Linear(3, 4)
        self.tied.weight = self.table.weight
        self.norm = nn.LayerNorm([2, 3])  # two-dimensional scale and shift
        self.bias_table = nn.Parameter(torch.zeros(2, 2))
        self.pos_embed = nn.Parameter(torch.zeros(1, 4, 3))
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.group = make_norm("group", 8)

    def no_weight_decay(self) -> set[str]:
        return {"pos_embed"}


def test_the_odd_ones() -> None:
    decay, free = split_parameters(nn.Sequential(nn.Identity(), Odd()))
    assert [n for n, _ in decay] == ["1.table.weight"]  # once, though tied
    assert {n for n, _ in free} == {
        *("1.bias_table", "1.group.bias", "1.group.weight"),
        *("1.norm.bias", "1.norm.weight", "1.pos_embed", "1.tied.bias"),
    }


def test_timm_says_itself_what_must_not_decay() -> None:
    net = build_net("timm:vit_tiny_patch16_224", 3, 5, (32, 32))
    assert {"pos_embed", "cls_token"} <= {n for n, _ in split_parameters(net)[1]}
