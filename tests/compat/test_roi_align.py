"""RoIAlign equals the loops of torchvision's C++ kernel, in value and gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from danlu._compat.roi_align import roi_align


def bilinear(image: np.ndarray, y: float, x: float) -> np.ndarray:
    """(C,): one sample, as ``bilinear_interpolate`` of roi_align_kernel.cpp."""
    height, width = image.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return np.zeros(len(image))
    y, x = max(y, 0.0), max(x, 0.0)
    y0, x0 = int(y), int(x)
    if y0 >= height - 1:
        y0 = y1 = height - 1
        y = float(y0)
    else:
        y1 = y0 + 1
    if x0 >= width - 1:
        x0 = x1 = width - 1
        x = float(x0)
    else:
        x1 = x0 + 1
    b, a = y - y0, x - x0
    top = (1 - a) * image[:, y0, x0] + a * image[:, y0, x1]
    return (1 - b) * top + b * ((1 - a) * image[:, y1, x0] + a * image[:, y1, x1])


def naive(x: np.ndarray, rois: np.ndarray, scale: float, ph: int, pw: int, ratio: int, aligned: bool) -> np.ndarray:
    out = np.zeros((len(rois), x.shape[1], ph, pw))
    for k, roi in enumerate(rois):
        left, top, right, bottom = roi[1:] * scale - (0.5 if aligned else 0.0)
        w, h = right - left, bottom - top
        if not aligned:
            w, h = max(w, 1.0), max(h, 1.0)
        gh = ratio if ratio > 0 else math.ceil(h / ph)
        gw = ratio if ratio > 0 else math.ceil(w / pw)
        for i in range(ph):
            for j in range(pw):
                for a in range(gh):
                    for b in range(gw):
                        y = top + i * h / ph + (a + 0.5) * h / ph / gh
                        z = left + j * w / pw + (b + 0.5) * w / pw / gw
                        out[k, :, i, j] += bilinear(x[int(roi[0])], y, z)
        out[k] /= max(gh * gw, 1)
    return out


def case(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(size=(3, 2, 9, 11)))
    corner = rng.uniform(-12, 30, (14, 2))  # many reach outside the image
    size = rng.uniform(0, 30, (14, 2))
    size[0], size[1, 0] = 0, 0
    rois = np.hstack([rng.integers(0, 3, (14, 1)), corner, corner + size])
    return x, torch.tensor(rois)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [-1, 1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_equals_the_loops(aligned: bool, ratio: int, scale: float) -> None:
    x, rois = case(1 + ratio + 10 * aligned)
    expected = naive(x.numpy(), rois.numpy(), scale, 3, 2, ratio, aligned)
    torch.testing.assert_close(
        roi_align(x, rois, scale, 3, 2, ratio, aligned), torch.tensor(expected), atol=1e-11, rtol=0
    )
    single = roi_align(x.float(), rois.float(), scale, 3, 2, ratio, aligned)
    assert single.dtype == torch.float32
    # Where a box's side is a whole number of bins, rounding to float32 may change the number of samples; not here.
    torch.testing.assert_close(single.double(), torch.tensor(expected), atol=2e-4, rtol=0)


def test_gradient_reaches_the_features_only() -> None:
    x, rois = case(3)
    x.requires_grad_()
    rois.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: roi_align(v, rois, 0.5, 2, 2, 2, True), (x,))
    roi_align(x, rois, 0.5, 2, 2, -1, True).sum().backward()
    assert rois.grad is None


def test_without_boxes_the_gradient_is_zero() -> None:
    x = torch.rand(1, 2, 5, 5, requires_grad=True)
    out = roi_align(x, torch.empty(0, 5), 1.0, 2, 3, -1, False)
    assert out.shape == (0, 2, 2, 3)
    out.sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


def test_one_row_image_and_halves() -> None:
    x = torch.rand(1, 1, 1, 6)
    rois = torch.tensor([[0.0, 1, 0, 5, 1]])
    expected = naive(x.double().numpy(), rois.double().numpy(), 1.0, 1, 2, 2, False)
    torch.testing.assert_close(roi_align(x, rois, 1.0, 1, 2, 2, False).double(), torch.tensor(expected))
    assert roi_align(x.half(), rois.half(), 1.0, 1, 2, 2, False).dtype == torch.float16
