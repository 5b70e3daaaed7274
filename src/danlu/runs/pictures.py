"""Pictures of a few predictions beside the truth, for people: PNG files in the run's folder."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from danlu.data.table import Part
from danlu.runs.assembling import Assembled
from danlu.runs.folder import RunFolder, writing
from danlu.tasks.base import Task
from danlu.training.aside import write_whole
from danlu.training.evaluation import as_numpy, true_values


def draw_pictures(
    folder: RunFolder, assembled: Assembled, net: nn.Module, count: int = 16
) -> Iterator[tuple[str, np.ndarray]]:
    """(name, RGB uint8 (H, W, 3)) of each picture written; none where the task has nothing to show."""
    data, task = assembled.data, assembled.task
    shown: tuple[Part, ...] = ("test", "val")
    part = next((name for name in shown if len(data.parts.get(name, ()))), None)
    if part is None or type(task).show is Task.show:
        return
    rows = data.parts[part]
    rows = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)]
    batch = data.gather(rows).to(assembled.plan.device)
    net.eval()
    with torch.inference_mode():
        predictions = task.decode(as_numpy(task.respond(net, batch)), batch)
    values = {name: data.kinds[name].uncollate(batch[name]) for name in data.inputs}
    values |= {name: list(true_values(data.kinds, name, batch)) for name in data.targets}
    pictures = [
        task.show({name: column[index] for name, column in values.items()}, predictions, index)
        for index in range(len(rows))
    ]
    sheet = contact_sheet([picture for picture in pictures if picture is not None])
    if sheet is None:
        return
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(sheet).save(png, "PNG")
    path = folder.pictures / f"{part}.png"
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, png.getvalue())
    yield part, sheet


def contact_sheet(pictures: list[np.ndarray], columns: int = 4) -> np.ndarray | None:
    """Pictures RGB uint8 (h, w, 3) on one white sheet, row by row."""
    if not pictures:
        return None
    height, width = (max(picture.shape[axis] for picture in pictures) + 4 for axis in (0, 1))
    lines = -(-len(pictures) // columns)
    sheet = np.full((lines * height, min(columns, len(pictures)) * width, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * height + 2, index % columns * width + 2
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet
