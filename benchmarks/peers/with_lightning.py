"""Lightning: its Trainer with its defaults, and with all that can be turned off turned off."""

from __future__ import annotations

import danlu  # noqa: F401  # puts torchvision right where its compiled operators don't load

# isort: split
from typing import Any

import lightning
import torch
from contest import Clock, Setting, loss, numbers, one_cycle, run, sgd
from images import InMemory, accuracy, loader
from nets import Tuned, image_net, small_mlp
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

BARE: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


class Classifier(lightning.LightningModule):
    """logs: the loss of each step, shown in the progress bar, as in the tutorial."""

    def __init__(self, net: nn.Module, steps: int, logs: bool, fused: bool | None = None) -> None:
        super().__init__()
        self.net, self.criterion, self.steps, self.logs, self.fused = net, loss(), steps, logs, fused

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        x, y = batch
        value: Tensor = self.criterion(self.net(x), y)
        if self.logs:
            self.log("train_loss", value, prog_bar=True)
        return value

    def configure_optimizers(self) -> Any:
        optimizer = sgd(self.net.parameters(), fused=self.fused)
        return [optimizer], [{"scheduler": one_cycle(optimizer, self.steps), "interval": "step"}]


class Small(Classifier):
    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.net.parameters(), 1e-3, fused=self.fused)


def images(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    module = Classifier(image_net(setting.net), setting.steps, logs=True)
    lightning.Trainer(max_epochs=setting.epochs, accelerator="cpu").fit(module, loader(setting.data, setting.batch))
    return accuracy(module.net, setting.data)


def images_tuned(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    module = Classifier(Tuned(image_net(setting.net)), setting.steps, logs=False, fused=True)
    trainer = lightning.Trainer(max_epochs=setting.epochs, accelerator="cpu", **BARE)
    trainer.fit(module, InMemory(setting.data, setting.batch))
    return accuracy(module.net, setting.data)


def _mlp(setting: Setting, clock: Clock, logs: bool, fused: bool | None, **more: Any) -> None:
    clock.follow_optimizers()
    batches = DataLoader(TensorDataset(*numbers(setting)), batch_size=setting.batch, shuffle=True)
    module = Small(small_mlp(), setting.steps, logs, fused)
    lightning.Trainer(max_epochs=setting.epochs, accelerator="cpu", **more).fit(module, batches)


def mlp(setting: Setting, clock: Clock) -> None:
    _mlp(setting, clock, logs=True, fused=None)


def mlp_tuned(setting: Setting, clock: Clock) -> None:
    _mlp(setting, clock, logs=False, fused=True, **BARE)


if __name__ == "__main__":
    run("lightning", {"images": images, "images-tuned": images_tuned, "mlp": mlp, "mlp-tuned": mlp_tuned})
