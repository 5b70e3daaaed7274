"""Danlu's loop around your own net, loss and data, without a recipe: python examples/own_loop.py

Exact accumulation, mixed precision, schedules, checkpoints and bit-for-bit resume come with it.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import danlu


def main() -> None:
    digits = load_digits()
    images = torch.tensor(digits.images[:, None] / 16.0, dtype=torch.float32)  # (1797, 1, 8, 8)
    labels = torch.tensor(digits.target)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10))

    fitted = danlu.fit(
        net,
        F.cross_entropy,  # any function (outputs, target) → mean loss; or "cross-entropy", or a term of your own
        (images[:1500], labels[:1500]),  # or a DataLoader
        validation=(images[1500:], labels[1500:]),
        epochs=20,
        batch_size=64,
        optimizer="adamw",
        lr=3e-3,
        schedule="one-cycle",
    )
    net.eval()
    with torch.inference_mode():
        accuracy = (net(images[1500:]).argmax(1) == labels[1500:]).float().mean().item()
    print(f"{fitted.steps} steps, best validation loss {fitted.best['val/loss']:.4f}, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
