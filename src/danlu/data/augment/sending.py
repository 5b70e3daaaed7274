"""What the host has drawn for a batch, on the batch's device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def sent(values: np.ndarray, device: torch.device) -> Tensor:
    """The values on ``device``; the host does not wait until the device has done what it was given before.

    (CUDA copies what is not page-locked before the call returns, so that the values may vanish then. Of MPS that isn't known.)
    """
    return torch.from_numpy(values).to(device, non_blocking=device.type not in ("cpu", "mps"))
