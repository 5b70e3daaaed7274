"""torchvision's one-stage detectors without their own resizing and normalisation, which the recipe does."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from danlu.data.batches.batch import Padded
from danlu.tasks.detection.anchors import Form, continued


class Behind(nn.Sequential):
    """A normalisation and a detector that may be told the true boxes too."""

    def forward(self, image: Any, *others: Any) -> Any:
        return self[1](self[0](image), *others)


class Anchored(nn.Module):
    """(B, 3, H, W) float, or :class:`Padded` → {"class": (B, L, K) logits, "box": (B, L, 4) as the form's coder says it}, and
    "centre" (B, L) or "background" (B, L, 1) logits where the net has them.

    L anchors as in :func:`danlu.tasks.detection.anchors.anchors`. Parts bear torchvision's names, so that its weights fit.
    """

    def __init__(self, net: nn.Module, form: Form) -> None:
        super().__init__()
        self.backbone: nn.Module = net.backbone  # type: ignore[assignment]
        self.head: nn.Module = net.head  # type: ignore[assignment]
        self.form = form

    def forward(self, image: Tensor | Padded) -> dict[str, Tensor]:
        said = self.head(list(self.backbone(continue_to(image, self.form)).values()))
        logits, found = said["cls_logits"], {"box": said["bbox_regression"]}
        if "bbox_ctrness" in said:
            found["centre"] = said["bbox_ctrness"].squeeze(-1)
        if self.form["match"] == "best":  # SSD's first class is the background
            found["background"], logits = logits[..., :1], logits[..., 1:]
        return {"class": logits, **found}


def continue_to(image: Tensor | Padded, form: Form) -> Tensor:
    """Images continued by zeros (the mean colour) to sides that the form allows."""
    x = image if isinstance(image, Tensor) else image.values
    height, width = x.shape[2:]
    return F.pad(x, (0, continued(form, width) - width, 0, continued(form, height) - height))
