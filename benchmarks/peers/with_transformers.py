"""transformers' Trainer on a plain net: with its defaults, and tuned by hand."""

from __future__ import annotations

import danlu  # noqa: F401  # puts torchvision right where its compiled operators don't load

# isort: split
from typing import Any

import torch
from contest import Clock, Setting, loss, numbers, one_cycle, run, sgd
from images import InMemory, Named, Samples, accuracy
from nets import Tuned, image_net, small_mlp
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset
from transformers import Trainer, TrainingArguments


class WithLoss(nn.Module):
    """A net as the Trainer wants it: it gives its loss itself."""

    def __init__(self, net: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.net, self.criterion = net, criterion

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(x)
        return {"loss": self.criterion(logits, labels), "logits": logits}


class FromMemory(Trainer):
    """batches: of (x, labels), instead of a DataLoader over samples."""

    batches: InMemory

    def get_train_dataloader(self) -> Any:
        return _Dictionaries(self.batches)


class _Dictionaries:
    def __init__(self, batches: InMemory) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Any:
        return ({"x": x, "labels": y} for x, y in self.batches)


def _arguments(setting: Setting, **more: Any) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(setting.folder),
        num_train_epochs=setting.epochs,
        per_device_train_batch_size=setting.batch,
        remove_unused_columns=False,
        use_cpu=True,
        dataloader_pin_memory=False,
        **more,
    )


QUIET: dict[str, Any] = {
    "logging_strategy": "no",
    "save_strategy": "no",
    "disable_tqdm": True,
    "report_to": "none",
    "max_grad_norm": 0.0,
    "logging_nan_inf_filter": False,
}


def images(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net = WithLoss(image_net(setting.net), loss())
    optimizer = sgd(net.parameters())
    Trainer(
        net,
        _arguments(setting),
        train_dataset=Named(Samples(setting.data)),
        optimizers=(optimizer, one_cycle(optimizer, setting.steps)),
    ).train()
    return accuracy(net.net, setting.data)


def images_tuned(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net = WithLoss(Tuned(image_net(setting.net)), loss())
    optimizer = sgd(net.parameters(), fused=True)
    trainer = FromMemory(net, _arguments(setting, **QUIET), optimizers=(optimizer, one_cycle(optimizer, setting.steps)))
    trainer.batches = InMemory(setting.data, setting.batch)
    trainer.train()
    return accuracy(net.net, setting.data)


class Rows(Dataset[dict[str, Tensor]]):
    def __init__(self, rows: TensorDataset) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        x, y = self.rows[row]
        return {"x": x, "labels": y}


def mlp(setting: Setting, clock: Clock) -> None:
    clock.follow_optimizers()
    net = WithLoss(small_mlp(), nn.CrossEntropyLoss())
    rows = Rows(TensorDataset(*numbers(setting)))
    Trainer(net, _arguments(setting, learning_rate=1e-3), train_dataset=rows).train()


if __name__ == "__main__":
    torch.set_num_threads(1)
    run("transformers", {"images": images, "images-tuned": images_tuned, "mlp": mlp})
