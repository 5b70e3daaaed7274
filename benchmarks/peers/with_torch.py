"""torch alone: the loop of the tutorials, and the leanest that somebody writes by hand."""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from contest import RATE, Clock, Setting, loss, numbers, one_cycle, run, sgd
from images import InMemory, accuracy, loader
from nets import Tuned, image_net, small_mlp
from torch.utils.data import DataLoader, TensorDataset


def images(setting: Setting, clock: Clock) -> float:
    """A DataLoader over samples, ``.item()`` at every step, a line every 50 steps."""
    clock.follow_optimizers()
    net, criterion, batches = image_net(setting.net), loss(), loader(setting.data, setting.batch)
    optimizer = sgd(net.parameters())
    schedule = one_cycle(optimizer, setting.steps)
    for epoch in range(setting.epochs):
        net.train()
        running = 0.0
        for step, (x, y) in enumerate(batches):
            optimizer.zero_grad()
            value = criterion(net(x), y)
            value.backward()
            optimizer.step()
            schedule.step()
            running += value.item()
            if step % 50 == 49:
                print(f"epoch {epoch} step {step} loss {running / 50:.4f}", file=sys.stderr)
                running = 0.0
    return accuracy(net, setting.data)


def images_tuned(setting: Setting, clock: Clock) -> float:
    """Batches from memory, channels_last, bf16 where native, the fused optimiser, no number read while training."""
    clock.follow_optimizers()
    net, batches = Tuned(image_net(setting.net)), InMemory(setting.data, setting.batch)
    optimizer = sgd(net.parameters(), fused=True)
    top, last = max(0.2 * setting.steps - 1, 1e-9), setting.steps - 1
    step = 0
    for _ in range(setting.epochs):
        for x, y in batches:
            share = step / top if step <= top else (last - step) / (last - top)
            optimizer.param_groups[0]["lr"] = RATE * (0.04 + 0.96 * share if step <= top else share)
            F.cross_entropy(net(x), y, label_smoothing=0.1).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
    return accuracy(net, setting.data)


def mlp_lean(setting: Setting, clock: Clock) -> None:
    """An epoch's rows put in order at once, the fused optimiser, no number read."""
    clock.follow_optimizers()
    net, (x, y) = small_mlp(), numbers(setting)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, fused=True)
    for _ in range(setting.epochs):
        order = torch.randperm(len(x))
        for some, labels in zip(x[order].split(setting.batch), y[order].split(setting.batch), strict=True):
            F.cross_entropy(net(some), labels).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def mlp(setting: Setting, clock: Clock) -> None:
    """As in the tutorials."""
    clock.follow_optimizers()
    net, criterion = small_mlp(), torch.nn.CrossEntropyLoss()
    batches = DataLoader(TensorDataset(*numbers(setting)), batch_size=setting.batch, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    for epoch in range(setting.epochs):
        running = 0.0
        for step, (x, y) in enumerate(batches):
            optimizer.zero_grad()
            value = criterion(net(x), y)
            value.backward()
            optimizer.step()
            running += value.item()
            if step % 100 == 99:
                print(f"epoch {epoch} step {step} loss {running / 100:.4f}", file=sys.stderr)
                running = 0.0


if __name__ == "__main__":
    run("torch", {"images": images, "images-tuned": images_tuned, "mlp": mlp, "mlp-lean": mlp_lean})
