"""Names give what they say; norms normalise over what they promise."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.nn.activations import ENTRIES as ACTIVATIONS
from danlu.nn.activations import make_activation
from danlu.nn.initialise import initialise
from danlu.nn.norm_layers import groups
from danlu.nn.norms import ENTRIES as NORMS
from danlu.nn.norms import make_norm


def test_tables_load_no_torch() -> None:
    code = "import sys, danlu.nn.activations, danlu.nn.norms; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_guides_activations_are_there_with_its_parameters() -> None:
    assert {"relu", "sigmoid", "tanh", "leaky-relu", "prelu", "gelu"} <= set(ACTIVATIONS)
    x = torch.tensor([-2.0, 0.0, 3.0])
    assert torch.equal(make_activation("leaky-relu")(x), torch.tensor([-0.02, 0.0, 3.0]))
    assert torch.equal(make_activation("relu")(x), x.clamp(min=0))
    assert torch.equal(make_activation("prelu")(x).detach(), torch.tensor([-0.5, 0.0, 3.0]))
    assert torch.equal(make_activation("torch.nn:Hardtanh", max_val=2.0)(x), torch.tensor([-1.0, 0.0, 2.0]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_leave_their_input_unspoilt(name: str) -> None:
    x = torch.randn(50)
    kept = x.clone()
    make_activation(name)(x)
    assert torch.equal(x, kept)


@pytest.mark.parametrize(("make", "name"), [(make_activation, "rellu"), (lambda n: make_norm(n, 4), "bach")])
def test_an_unknown_name_is_refused_with_the_nearest(make: object, name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        make(name)  # type: ignore[operator]
    assert {"rellu": "relu", "bach": "batch"}[name] in caught.value.problems[0].remedy


# Which dimensions of (B, C, H, W) or (B, F) each norm averages over.
OVER = {"batch": (0, 2, 3), "layer": (1,), "instance": (2, 3), "group": (1, 2, 3)}


def unit(x: Tensor, dims: tuple[int, ...]) -> bool:
    mean, var = x.mean(dims), x.var(dims, correction=0)
    return torch.allclose(mean, torch.zeros(()), atol=1e-5) and torch.allclose(var, torch.ones(()), atol=1e-3)


@pytest.mark.parametrize("name", OVER)
def test_norms_of_images_normalise_over_what_they_promise(name: str) -> None:
    x = torch.randn(6, 8, 5, 7) * torch.arange(1, 9).view(1, 8, 1, 1) + torch.arange(6).view(6, 1, 1, 1)
    out = make_norm(name, 8)(x).detach()
    if name == "group":
        assert unit(out.view(6, 2, 4, 5, 7), (2, 3, 4))
    else:
        assert unit(out, OVER[name])
    others = [other for other in ("layer", "instance") if other != name]
    assert not any(unit(out, OVER[other]) for other in others)  # and over nothing finer


@pytest.mark.parametrize("name", OVER)
def test_norms_of_vectors(name: str) -> None:
    x = torch.randn(64, 8) * torch.arange(1, 9) + 3
    out = make_norm(name, 8, dims=1)(x).detach()
    if name == "group":
        assert unit(out.view(64, 2, 4), (2,))
    else:
        assert unit(out, (0,) if name == "batch" else (1,))


def test_none_is_nothing_and_own_norms_are_taken() -> None:
    assert isinstance(make_norm("none", 8), nn.Identity)
    assert isinstance(make_norm("torch.nn:BatchNorm3d", 8), nn.BatchNorm3d)
    assert set(NORMS) == {"batch", "layer", "instance", "group", "none"}


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, 1), (3, 1), (8, 2), (16, 4), (24, 6), (64, 16), (128, 32), (96, 24)]
)
def test_groups_divide_the_channels(channels: int, expected: int) -> None:
    assert groups(channels) == expected
    assert channels % groups(channels) == 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_channel_norm_keeps_the_memory_format(layout: torch.memory_format) -> None:
    x = torch.randn(2, 8, 5, 7).contiguous(memory_format=torch.channels_last)
    assert make_norm("layer", 8)(x).is_contiguous(memory_format=torch.channels_last)
    norm, x = make_norm("layer", 8), torch.randn(2, 8, 5, 7).contiguous(memory_format=layout)
    expected = nn.LayerNorm(8)(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(norm(x), expected)


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "leaky-relu", "tanh"])
def test_initial_weights_carry_the_signal_through_depth(activation: str) -> None:
    """After ten layers the spread of the signal is neither gone nor exploded (torch's default loses it with ReLU)."""
    torch.manual_seed(0)
    layers = [part for _ in range(10) for part in (nn.Linear(256, 256), make_activation(activation))]
    net = nn.Sequential(*layers)
    initialise(net, activation)
    assert 0.05 < net(torch.randn(64, 256)).std().item() < 3
