"""What the host has drawn for a batch, on the batch's device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def sent(values: np.ndarray, device: torch.device) -> Tensor:
    """The values on ``device``; the host does not wait until the device has done what it was given before.

    (CUDA copies what is not page-locked before the call returns, so that the values may vanish then; but for more than 64 KB it may
    wait for all that the device was given. Of MPS that isn't known.)
    """
    found = torch.from_numpy(values)
    if device.type == "cuda" and values.nbytes > _STAGED:
        found = found.pin_memory()
    return found.to(device, non_blocking=device.type not in ("cpu", "mps"))


_STAGED = 1 << 16  # bytes (CUDA driver API, "API synchronization behavior")
