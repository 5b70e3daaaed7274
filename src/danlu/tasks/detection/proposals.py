"""torchvision's Faster R-CNN: regions are proposed, looked at again and suppressed, all in the net; its losses image by image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danlu.data.batches.batch import Padded, Ragged
from danlu.tasks.detection.anchored import continue_to
from danlu.tasks.detection.assign import each_image

FORM = {"kind": "found", "multiple": 64}
TERMS = ("object", "proposal", "class", "box")


class Sampler:
    """torchvision's choice of so many anchors or regions, at most a share of them positive: by chance in training, else evenly."""

    def __init__(self, owner: nn.Module, given: Any) -> None:
        self.owner = (owner,)  # no submodule of its own
        self.count, self.share = given.batch_size_per_image, given.positive_fraction

    def __call__(self, labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the chosen positives (labels ≥ 1) and negatives (0), of each image."""
        positive: list[Tensor] = []
        negative: list[Tensor] = []
        for each in labels:
            most = int(self.count * self.share)
            hits = self._some(torch.where(each >= 1)[0], most)
            others = self._some(torch.where(each == 0)[0], self.count - len(hits))
            for masks, places in ((positive, hits), (negative, others)):
                masks.append(torch.zeros_like(each, dtype=torch.uint8).index_fill(0, places, 1))
        return positive, negative

    def _some(self, places: Tensor, most: int) -> Tensor:
        if len(places) <= most:
            return places
        if self.owner[0].training:
            return places[torch.randperm(len(places), device=places.device)[:most]]
        return places[torch.linspace(0, len(places) - 1, most, device=places.device).long()]


class Proposed(nn.Module):
    """(B, 3, H, W) float, or :class:`Padded`; in evaluation → {"found": (B, most, 6): x1, y1, x2, y2, score, class; 0 where no more}.

    Told the true boxes it adds "losses": name → (B,): means over the anchors or regions sampled of one image, as torchvision has
    it where every image has as many. Sampling draws from torch's generator in training.
    """

    def __init__(self, net: Any, most: int) -> None:
        super().__init__()
        self.backbone, self.rpn, self.roi_heads = net.backbone, net.rpn, net.roi_heads
        self.most = most
        self.rpn.fg_bg_sampler = Sampler(self.rpn, self.rpn.fg_bg_sampler)
        self.roi_heads.fg_bg_sampler = Sampler(self.roi_heads, self.roi_heads.fg_bg_sampler)

    def forward(self, image: Tensor | Padded, boxes: Ragged | None = None) -> dict[str, Any]:
        from torchvision.models.detection.image_list import ImageList

        x = continue_to(image, FORM)
        real = image.sizes.tolist() if isinstance(image, Padded) else [list(image.shape[2:])] * len(x)
        images = ImageList(x, [(int(height), int(width)) for height, width in real])
        maps = self.backbone(x)
        targets = None if boxes is None else _targets(boxes)
        regions, losses = self._propose(images, maps, targets)
        found: dict[str, Any] = {}
        if not self.training:
            found["found"] = self._answers(maps, regions, images.image_sizes)
        if targets is not None:
            found["losses"] = {**losses, **self._judged(maps, regions, images.image_sizes, targets)}
        return found

    def _propose(self, images: Any, maps: Any, targets: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
        from torchvision.models.detection.rpn import concat_box_prediction_layers

        rpn = self.rpn
        objectness, offsets = rpn.head(list(maps.values()))
        anchors = rpn.anchor_generator(images, list(maps.values()))
        counts = [each[0].numel() for each in objectness]
        objectness, offsets = concat_box_prediction_layers(objectness, offsets)
        boxes = rpn.box_coder.decode(offsets.detach(), anchors).view(len(anchors), -1, 4)
        regions, _ = rpn.filter_proposals(boxes, objectness, images.image_sizes, counts)
        if targets is None:
            return regions, {}
        labels, matched = rpn.assign_targets_to_anchors(anchors, targets)
        truth = rpn.box_coder.encode(matched, anchors)
        hits, others = rpn.fg_bg_sampler(labels)
        each_object, each_box = [], []
        said, moved = objectness.view(len(anchors), -1), offsets.view(len(anchors), -1, 4)
        for index, label in enumerate(labels):
            hit = hits[index].bool()
            chosen = hit | others[index].bool()
            each_object.append(F.binary_cross_entropy_with_logits(said[index][chosen], label[chosen]))
            loss = F.smooth_l1_loss(moved[index][hit], truth[index][hit], beta=1 / 9, reduction="sum")
            each_box.append(loss / chosen.sum().clamp(min=1))
        return regions, {"object": torch.stack(each_object), "proposal": torch.stack(each_box)}

    def _judged(self, maps: Any, regions: list[Tensor], sizes: Any, targets: Any) -> dict[str, Tensor]:
        heads = self.roi_heads
        regions, _, labels, truth = heads.select_training_samples(list(regions), targets)
        logits, moved = heads.box_predictor(heads.box_head(heads.box_roi_pool(maps, regions, sizes)))
        each_class, each_box = [], []
        counts = [len(each) for each in labels]
        for scores, offsets, label, true in zip(logits.split(counts), moved.split(counts), labels, truth, strict=True):
            each_class.append(F.cross_entropy(scores, label))
            at = torch.where(label > 0)[0]
            own = offsets.view(len(label), -1, 4)[at, label[at]]
            each_box.append(F.smooth_l1_loss(own, true[at], beta=1 / 9, reduction="sum") / len(label))
        return {"class": torch.stack(each_class), "box": torch.stack(each_box)}

    def _answers(self, maps: Any, regions: list[Tensor], sizes: Any) -> Tensor:
        heads = self.roi_heads
        logits, moved = heads.box_predictor(heads.box_head(heads.box_roi_pool(maps, regions, sizes)))
        rows: Tensor = logits.new_zeros(len(regions), self.most, 6)
        for index, found in enumerate(zip(*heads.postprocess_detections(logits, moved, regions, sizes), strict=True)):
            boxes, scores, labels = found
            best = torch.cat([boxes, scores[:, None], labels[:, None] - 1.0], 1)[: self.most]
            rows[index, : len(best)] = best
        return rows


def _targets(boxes: Ragged) -> list[dict[str, Tensor]]:
    """Boxes and classes from 1 (0 is the background), without crowds."""
    rows = [each[each[:, 5] == 0].float() for each in each_image(boxes)]
    return [{"boxes": each[:, :4], "labels": each[:, 4].long() + 1} for each in rows]
