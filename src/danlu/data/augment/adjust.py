"""Changes of pixel values, by the formulas of torchvision and Pillow, each sample by its own strength.

pixels: float32 (b, C, H, W) in 0–255, contiguous; may be changed in place. strength: float32 (b, 1, 1, 1). seen: bool
(b, 1, H, W) where images lie in a padded block, else None; what lies outside is neither counted nor kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from danlu.data.augment.means import mean_of

Adjustment = Callable[[Tensor, Tensor, Tensor | None], Tensor]

_STEEP = 1e7
_GREY = (0.2989, 0.587, 0.114)  # ITU-R 601 luma, rounded as in torchvision


def brightness(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """strength · pixel."""
    return pixels.mul_(strength).clamp_(0, 255)


def contrast(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Away from (or towards, below 1) the mean grey of the image."""
    if seen is not None:
        pixels.mul_(seen)
    mean = mean_of(pixels, seen)
    if mean.shape[1] == 3:
        mean = _grey(mean)
    return pixels.mul_(strength).add_(mean * (1 - strength)).clamp_(0, 255)


def saturation(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Away from (or towards) the pixel's own grey; nothing where there is one channel."""
    if pixels.shape[1] != 3:
        return pixels
    grey = _grey(pixels).mul_(1 - strength)
    return pixels.mul_(strength).add_(grey).clamp_(0, 255)


def hue(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """The hue turned by ``strength`` of the colour circle, at equal HSV saturation and value; nothing for one channel.

    Written without going through HSV: with k = (n + 6·hue) mod 6 and n = 5, 3, 1, a channel is
    max − (max − min)·clamp(min(k, 4 − k), 0, 1) (Wikipedia, "HSL and HSV", alternative HSV to RGB).
    """
    if pixels.shape[1] != 3:
        return pixels
    red, green, blue = pixels[:, 0:1], pixels[:, 1:2], pixels[:, 2:3]
    high = torch.maximum(torch.maximum(red, green), blue)
    span = high - torch.minimum(torch.minimum(red, green), blue)
    per = span.clamp(min=1e-6).reciprocal_()
    # Which channel is largest, as arithmetic: comparisons are far slower on CPUs. Where two are all but equal either
    # formula of the hue holds.
    is_red = (high - red).mul_(-_STEEP).add_(1).clamp_(min=0)
    is_green = (high - green).mul_(-_STEEP).add_(1).clamp_(min=0).mul_(1 - is_red)
    is_blue = 1 - is_red - is_green
    turn = (green - blue).mul_(is_red)
    turn += (blue - red).mul_(is_green)
    turn += (red - green).mul_(is_blue)
    turn.mul_(per).add_(is_green, alpha=2).add_(is_blue, alpha=4).add_(6 * strength)
    for channel, start in enumerate((5.0, 3.0, 1.0)):
        k = turn + start
        k -= (k / 6).floor_().mul_(6)  # modulo 6, in a quarter of the time of remainder_
        share = torch.minimum(k, 4 - k).clamp_(0, 1)
        torch.sub(high, share.mul_(span), out=pixels[:, channel : channel + 1])
    return pixels.clamp_(0, 255)


def sharpness(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Away from (or towards) the image smoothed by [1 1 1; 1 5 1; 1 1 1]/13; the outermost pixels stay."""
    if min(pixels.shape[2:]) < 3:
        return pixels
    rows = pixels[:, :, :-2] + pixels[:, :, 1:-1] + pixels[:, :, 2:]
    inner = pixels[:, :, 1:-1, 1:-1]
    smooth = (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:]).add_(inner, alpha=4).div_(13)
    change = smooth.sub_(inner).mul_(1 - strength)
    if seen is not None:
        change *= seen[:, :, 2:, 2:]  # a pixel is inside its image's border where the one below to the right is seen
    inner += change
    return pixels.clamp_(0, 255)


def posterize(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Rounded down to multiples of ``strength`` (2 to the number of bits taken away)."""
    return pixels.round_().div_(strength).floor_().mul_(strength)


def solarize(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """255 − pixel where that is at least ``strength``."""
    return pixels.add_((pixels >= strength).float().mul_(255 - 2 * pixels))


def autocontrast(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Each channel stretched from its (min, max) to (0, 255), blended in by ``strength``; a flat one stays."""
    if seen is None:
        low, high = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
    else:
        low = pixels.masked_fill(~seen, 255).amin((2, 3), keepdim=True)
        high = pixels.masked_fill(~seen, 0).amax((2, 3), keepdim=True)
    flat = high <= low
    scale = 255 / (high - low).masked_fill_(flat, 255)
    low = low.masked_fill(flat, 0)
    # x + strength·((x − low)·scale − x), as one multiplication and one addition
    return pixels.mul_(1 + strength * (scale - 1)).sub_(strength * low * scale).clamp_(0, 255)


def equalize(pixels: Tensor, strength: Tensor, seen: Tensor | None) -> Tensor:
    """Each channel's histogram made even, blended in by ``strength``; whole levels, as Pillow counts them."""
    count, channels = pixels.shape[:2]
    planes = count * channels
    levels = pixels.round().view(planes, -1)
    first = 256.0 * torch.arange(planes, device=pixels.device)
    index = levels.add_(first[:, None]).to(torch.int64)  # float32 is exact up to 65,536 planes of 256 levels
    if seen is None:
        one = torch.ones(1, dtype=torch.int64, device=pixels.device).expand(index.numel())
    else:
        one = seen.expand_as(pixels).reshape(-1).to(torch.int64)
    counts = torch.zeros(planes * 256, dtype=torch.int64, device=pixels.device)
    counts = counts.scatter_add_(0, index.view(-1), one).view(planes, 256)
    places = torch.arange(256, device=pixels.device)
    last = counts.gather(1, torch.where(counts > 0, places, -1).amax(1, keepdim=True).clamp_(min=0))
    step = (counts.sum(1, keepdim=True) - last) // 255
    before = counts.cumsum(1) - counts
    table = ((before + step // 2) // step.clamp(min=1)).clamp_(max=255)
    table = torch.where(step > 0, table, places).float().view(-1)
    even = table.index_select(0, index.view(-1)).view_as(pixels)
    return pixels.add_((even - pixels).mul_(strength))


def _grey(pixels: Tensor) -> Tensor:
    """(b, 1, …) of (b, 3, …)."""
    # No alpha=: it is a fused multiplication in whole vectors of numbers and none in what is left over at the end, so that
    # a pixel's last bit would depend on where in the batch it stands.
    red, green, blue = (pixels[:, channel : channel + 1] * share for channel, share in enumerate(_GREY))
    return red.add_(green).add_(blue)
