"""Anchors, losses and answers of published detectors equal torchvision's own."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.data.batches.batch import Batch, Ragged
from danlu.randomness import Position
from danlu.tasks.detection import nets
from danlu.tasks.detection.anchor_targets import AssignAnchors
from danlu.tasks.detection.anchors import anchors, fcos_form, retinanet_form, ssdlite_form
from danlu.tasks.detection.proposals import Proposed
from danlu.tasks.detection.reading import read
from danlu.training.objective import Objective

ensure()
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet  # noqa: E402
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator  # noqa: E402
from torchvision.models.detection.image_list import ImageList  # noqa: E402
from torchvision.models.detection.ssd import SSD, SSDHead  # noqa: E402

K, SIDE = 3, 128
BOXES = [
    torch.tensor([[10.0, 12, 50, 60], [60, 20, 118, 100], [5, 90, 31, 113]]),
    torch.tensor([[30.0, 30, 55, 47]]),
]
LABELS = [torch.tensor([0, 2, 1]), torch.tensor([1])]


class Stub(nn.Module):
    """Stands where a trunk would be."""

    out_channels = 32

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict(one=nn.functional.avg_pool2d(x, 16).repeat(1, 11, 1, 1)[:, :32])


def batch(boxes: list[Tensor] = BOXES, labels: list[Tensor] = LABELS) -> Batch:
    rows = []
    for corners, kinds in zip(boxes, labels, strict=True):
        area = (corners[:, 2:] - corners[:, :2]).prod(1)
        rows.append(torch.column_stack([corners, kinds.float(), torch.zeros(len(kinds)), area]))
    offsets = torch.tensor([0, *np.cumsum([len(each) for each in rows])])
    image = torch.zeros(len(rows), 3, SIDE, SIDE)
    return Batch({"image": image, "boxes": Ragged(torch.cat(rows), offsets)}, ("image",))


def maps(first: int, levels: int) -> list[Tensor]:
    return [torch.zeros(1, 1, *[-(-SIDE // (first * 2**level))] * 2) for level in range(levels)]


def theirs(name: str) -> tuple[Any, Any, list[Tensor]]:
    """(torchvision's net on a stub, its form, its anchors)"""
    if name == "fcos_resnet50_fpn":
        net: Any = FCOS(Stub(), K, score_thresh=0.2, nms_thresh=0.6, detections_per_img=1000)
        form, grids = fcos_form(), maps(8, 5)
    elif name.startswith("retinanet"):
        net = RetinaNet(Stub(), K, score_thresh=0.2, nms_thresh=0.6, detections_per_img=1000)
        net.head.regression_head._loss_type = "giou" if name.endswith("v2") else "l1"
        form, grids = retinanet_form(), maps(8, 5)
    else:
        generator = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
        head = SSDHead([4] * 6, generator.num_anchors_per_location(), K + 1)
        net = SSD(
            Stub(), generator, (SIDE, SIDE), K + 1, head=head, score_thresh=0.2, nms_thresh=0.6, detections_per_img=1000
        )
        form, grids = ssdlite_form(SIDE), maps(16, 6)
    images = ImageList(torch.zeros(1, 3, SIDE, SIDE), [(SIDE, SIDE)])
    return net, form, net.anchor_generator(images, grids)


def said(form: Any, count: int, seed: int = 0, low: float = -4.0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    classes = K + (form["match"] == "best")
    box = torch.randn(2, count, 4, generator=random) * 0.3
    logits = torch.randn(2, count, classes, generator=random) * 2 + low
    if form["match"] == "best":
        logits[..., 0] -= 2 * low + 2
    box = box.abs() + 1 if form["coder"] == "distances" else box
    found = {"cls_logits": logits, "bbox_regression": box}
    if form["coder"] == "distances":
        found["bbox_ctrness"] = torch.randn(2, count, 1, generator=random)
    return found


def ours(form: Any, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    logits, made = outputs["cls_logits"], {"box": outputs["bbox_regression"]}
    if "bbox_ctrness" in outputs:
        made["centre"] = outputs["bbox_ctrness"].squeeze(-1)
    if form["match"] == "best":
        made["background"], logits = logits[..., :1], logits[..., 1:]
    return {"class": logits, **made}


NAMES = ["fcos_resnet50_fpn", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "ssdlite320_mobilenet_v3_large"]


@pytest.mark.parametrize("name", NAMES)
def test_anchors_are_theirs(name: str) -> None:
    _, form, near = theirs(name)
    assert anchors(form, (SIDE, SIDE))[0] == pytest.approx(near[0].numpy(), abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_theirs(name: str) -> None:
    net, form, near = theirs(name)
    outputs = said(form, len(near[0]))
    background = form["match"] == "best"
    targets = [{"boxes": b, "labels": k + background} for b, k in zip(BOXES, LABELS, strict=True)]
    near = near * 2
    if name.startswith("fcos"):
        told = net.compute_loss(targets, outputs, near, [256, 64, 16, 4, 1])
    elif background:
        from torchvision.ops import box_iou

        matched = [net.proposal_matcher(box_iou(t["boxes"], a)) for t, a in zip(targets, near, strict=True)]
        told = net.compute_loss(targets, outputs, near, matched)
    else:
        told = net.compute_loss(targets, outputs, near)
    objective = Objective(nets._terms_of(name))
    given = AssignAnchors(form)(batch(), Position(0), {})
    _, parts = objective(ours(form, outputs), given, objective.counts(given))
    mine = dict(zip(objective.names, parts.tolist(), strict=True))
    keys = {"class": "classification", "box": "bbox_regression", "centre": "bbox_ctrness"}
    assert mine == pytest.approx({key: float(told[keys[key]]) for key in mine}, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_losses_of_halves_add_up(name: str) -> None:
    _, form, near = theirs(name)
    outputs = ours(form, said(form, len(near[0])))
    objective = Objective(nets._terms_of(name))
    assign = AssignAnchors(form)
    whole = assign(batch(), Position(0), {})
    halves = [assign(batch(BOXES[i : i + 1], LABELS[i : i + 1]), Position(0), {}) for i in (0, 1)]
    counts = objective.counts(whole)
    assert torch.equal(torch.stack([objective.counts(half) for half in halves]).sum(0), counts)
    together = objective(outputs, whole, counts)[1]
    apart = [
        objective({key: value[i : i + 1] for key, value in outputs.items()}, half, counts)[1]
        for i, half in enumerate(halves)
    ]
    assert torch.allclose(apart[0] + apart[1], together, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_theirs(name: str) -> None:
    net, form, near = theirs(name)
    outputs = said(
        form, len(near[0]), seed=1, low=-4 if form["match"] == "best" else -5.5
    )  # few enough that neither side's limits count
    sizes, grids = [(SIDE, SIDE)] * 2, maps(form["first"], len(form["cells"]))
    counts = [grid.shape[2] * grid.shape[3] * len(cell) for grid, cell in zip(grids, form["cells"], strict=True)]
    if form["match"] == "best":
        told = net.postprocess_detections(outputs, near * 2, sizes)
    else:
        split = {key: list(value.split(counts, 1)) for key, value in outputs.items()}
        told = net.postprocess_detections(split, [list(near[0].split(counts))] * 2, sizes)
    arrays = {key: value.numpy() for key, value in ours(form, outputs).items()}
    found = read(form, arrays, (SIDE, SIDE), np.full((2, 2), SIDE), 0.2, 0.6, 100)
    for rows, other in zip(found, told, strict=True):
        assert len(rows) > 5
        theirs_rows = torch.column_stack(
            [other["boxes"], other["scores"], other["labels"] - float(form["match"] == "best")]
        )
        extent = other["boxes"][:, 2:] - other["boxes"][:, :2]
        kept = theirs_rows[(extent > 0).all(1)][: len(rows)].numpy()  # boxes without area are no answers here
        assert rows[:, 4] == pytest.approx(kept[:, 4], abs=1e-5)
        assert rows[:, :4] == pytest.approx(kept[:, :4], abs=1e-3)
        assert np.array_equal(rows[:, 5], kept[:, 5])


def test_a_crowd_and_the_padding_teach_nothing() -> None:
    form = fcos_form()
    given = batch()
    boxes = given["boxes"]
    assert isinstance(boxes, Ragged)
    rows = boxes.values.clone()
    rows[3, 5] = 1
    found = AssignAnchors(form)(given.with_columns(boxes=boxes._replace(values=rows)), Position(0), {})["fcos_class"]
    assert isinstance(found, Tensor)
    middle = torch.from_numpy(anchors(form, (SIDE, SIDE))[0][:, :2] + anchors(form, (SIDE, SIDE))[0][:, 2:]) / 2
    inside = ((middle >= rows[3, :2]) & (middle < rows[3, 2:4])).all(1)
    assert torch.equal(found[1] == -2, inside)
    assert (found[1] < 0).all()


def test_faster_rcnn_loses_what_theirs_loses() -> None:
    torch.manual_seed(0)
    generator = AnchorGenerator(((24, 48),), ((1.0,),))
    net: Any = FasterRCNN(
        Stub(), K + 1, rpn_anchor_generator=generator, min_size=SIDE, max_size=SIDE, image_mean=[0.0] * 3,
        image_std=[1.0] * 3, box_roi_pool=_pool(), rpn_post_nms_top_n_train=50,
    )  # fmt: skip
    image = torch.rand(1, 3, SIDE, SIDE)
    told = net.train()(list(image), [{"boxes": BOXES[0], "labels": LABELS[0] + 1}])
    judged = Proposed(net, 10).train()
    mine = judged(image, batch(BOXES[:1], LABELS[:1])["boxes"])["losses"]
    assert {key: float(value.detach().sum()) for key, value in mine.items()} == pytest.approx(
        {
            "object": float(told["loss_objectness"].detach()),
            "proposal": float(told["loss_rpn_box_reg"].detach()),
            "class": float(told["loss_classifier"].detach()),
            "box": float(told["loss_box_reg"].detach()),
        },
        rel=1e-4,
    )
    judged.eval()
    with torch.no_grad():
        one, other = (judged(image, batch(BOXES[:1], LABELS[:1])["boxes"]) for _ in range(2))
    assert one["found"].shape == (1, 10, 6)
    assert all(torch.equal(one["losses"][key], other["losses"][key]) for key in mine)


def _pool() -> Any:
    from torchvision.ops import MultiScaleRoIAlign

    return MultiScaleRoIAlign(["one"], 7, 2)
