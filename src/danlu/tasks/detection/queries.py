"""RT-DETR, RT-DETRv2 and D-FINE of Transformers, with their own losses as sums."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded, Ragged
from danlu.tasks.detection.anchored import continue_to
from danlu.tasks.detection.assign import each_image

FORM = {"kind": "queries", "multiple": 32}
KINDS = {
    "rt_detr": ("class", "box", "giou"),
    "rt_detr_v2": ("class", "box", "giou"),
    "d_fine": ("class", "box", "giou", "corners", "distil"),
}
"""Kind of net → its terms."""
_LOSSES = {
    "class": "loss_vfl",
    "box": "loss_bbox",
    "giou": "loss_giou",
    "corners": "loss_fgl",
    "distil": "loss_ddf",
}


class Queries(nn.Module):
    """(B, 3, H, W) float, or :class:`Padded` → {"class": (B, Q, K) logits, "relative": (B, Q, 4) middles and sizes in shares of the
    block}. Told the true boxes it adds "losses": name → (B,) equal shares of the sum over the batch.

    Each sum is what Transformers divides by the number of objects, put back: of the last layer, the others, the encoder's proposals
    and the denoised boxes. Two parts are of the micro-batch and not of single objects: how many groups of boxes are denoised
    (by the image that has most), and D-FINE's "distil", a mean which is weighed by the number of objects.
    """

    def __init__(self, model: nn.Module, terms: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.terms = terms

    def forward(self, image: Tensor | Padded, boxes: Ragged | None = None) -> dict[str, Any]:
        x = continue_to(image, FORM)
        labels = None if boxes is None else _labels(boxes, (int(x.shape[2]), int(x.shape[3])))
        said = self.model(pixel_values=x, labels=labels, return_dict=True)
        found: dict[str, Any] = {"class": said.logits, "relative": said.pred_boxes}
        if labels is not None:
            objects = max(1, sum(len(each["class_labels"]) for each in labels))
            found["losses"] = {}
            for name in self.terms:
                own = [value for key, value in said.loss_dict.items() if key.startswith(_LOSSES[name])]
                total = torch.stack([value.float().reshape(()) for value in own]).sum() if own else x.new_zeros(())
                found["losses"][name] = (total * objects / len(x)).expand(len(x))
        return found


def _labels(boxes: Ragged, size: tuple[int, int]) -> list[dict[str, Tensor]]:
    """What Transformers calls labels: classes and middles and sizes in shares, without crowds."""
    whole = torch.tensor([size[1], size[0]], device=boxes.values.device)
    made = []
    for rows in each_image(boxes):
        rows = rows[rows[:, 5] == 0].float()
        middle, extent = (rows[:, :2] + rows[:, 2:4]) / 2 / whole, (rows[:, 2:4] - rows[:, :2]) / whole
        made.append({"class_labels": rows[:, 4].long(), "boxes": torch.cat([middle, extent], 1)})
    return made
