"""Normalisation of inputs, inside the net, so that it travels with the model (house rule 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """(x - mean) / std in the dtype of the module (float32; autocast's convolutions take it from there).

    mean, std: in the units of the input (0–255 for images), one number each, or one for each channel; a std of 0
    (a channel that never changes) counts as 1. dims: dimensions behind the channels: 2 for images (B, C, H, W), 0 for
    numbers (B,) with one mean or (B, F) with F. Both are buffers: they are saved with the net.

    Takes a tensor of any real dtype, or images padded to one size (with ``values`` and ``sizes``), whose padding is 0
    in the result too: the mean colour. Memory stays channels_last where it was. Raises ValueError where the channels
    don't fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], dims: int = 2) -> None:
        super().__init__()
        shape = (-1,) + (1,) * dims
        for name, value in (("mean", mean), ("std", std)):
            tensor = torch.as_tensor(value, dtype=torch.float32)
            if name == "std":
                tensor = torch.where(tensor == 0, torch.ones_like(tensor), tensor)
            self.register_buffer(name, tensor.reshape(shape) if tensor.ndim else tensor)
        if self.mean.shape != self.std.shape:
            raise ValueError(f"mean has shape {tuple(self.mean.shape)}, std {tuple(self.std.shape)}")
        if not (torch.isfinite(self.mean).all() and (self.std > 0).all() and torch.isfinite(self.std).all()):
            raise ValueError(f"mean must be finite and std positive, got {mean} and {std}")
        self.dims = dims

    @classmethod
    def of(
        cls, statistics: Mapping[str, Any], how: Literal["standard", "minmax", "none"] = "standard", dims: int = 2
    ) -> Self:
        """From a kind's statistics (mean, std, min, max): to mean 0 and std 1, to 0…1, or only to float."""
        if how == "minmax":
            low, high = (torch.as_tensor(statistics[key], dtype=torch.float64) for key in ("min", "max"))
            return cls(low.tolist(), (high - low).tolist(), dims)
        mean, std = statistics["mean"], statistics["std"]
        if how == "none":
            return cls((torch.as_tensor(mean) * 0.0).tolist(), (torch.as_tensor(std) * 0.0 + 1.0).tolist(), dims)
        return cls(mean, std, dims)

    def forward(self, input: Any) -> Any:
        if isinstance(input, Tensor):
            return self._apply_to(input)
        values = self._apply_to(input.values)
        return input._replace(values=torch.where(_inside(input.sizes, values), values, torch.zeros_like(values)))

    def _apply_to(self, x: Tensor) -> Tensor:
        mean, std = self.mean, self.std
        if mean.ndim and x.ndim != self.dims + 2:
            raise ValueError(f"expected {self.dims + 2} dimensions (batch, channels, …), got shape {tuple(x.shape)}")
        if mean.numel() > 1 and x.shape[1] != len(mean):
            raise ValueError(f"expected {len(mean)} channels, got shape {tuple(x.shape)}")
        if self.dims == 2 and mean.numel() > 1 and x.device.type == "cpu" and not torch.compiler.is_compiling():
            last = x.permute(0, 2, 3, 1)
            if last.is_contiguous():
                # Rows of W·C numbers with the statistics repeated W times: broadcasting over 3 channels as the
                # innermost dimension is not vectorised on CPUs (15 times slower on (128, 3, 32, 32)).
                batch, height, width, channels = last.shape
                rows = _scaled(
                    last.reshape(batch * height, width * channels),
                    mean.ravel().repeat(width),
                    std.ravel().repeat(width),
                )
                return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return _scaled(x, mean, std)

    def extra_repr(self) -> str:
        return f"mean={self.mean.flatten().tolist()}, std={self.std.flatten().tolist()}"


def _scaled(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Converted first, then in place: integer arithmetic that promotes on the way is ten times slower on CPUs."""
    y = x.to(mean.dtype)
    y = y - mean if y is x else y.sub_(mean)
    return y.div_(std)


def _inside(sizes: Tensor, values: Tensor) -> Tensor:
    """bool (B, 1, H, W): where the images themselves are."""
    rows = torch.arange(values.shape[2], device=values.device)[:, None] < sizes[:, 0, None, None]
    columns = torch.arange(values.shape[3], device=values.device) < sizes[:, 1, None, None]
    return (rows & columns)[:, None]
