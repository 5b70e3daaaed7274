"""ignite: its supervised trainer as in its tutorial, and tuned by hand."""

from __future__ import annotations

import danlu  # noqa: F401  # puts torchvision right where its compiled operators don't load

# isort: split
import sys
from typing import Any

import torch
from contest import Clock, Setting, loss, numbers, one_cycle, run, sgd
from ignite.engine import Engine, Events, create_supervised_trainer
from ignite.handlers import ProgressBar
from images import InMemory, accuracy, loader
from nets import Tuned, image_net, small_mlp
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def _told(trainer: Engine) -> None:
    """What the tutorial attaches: the progress, and the loss every 100 steps."""
    ProgressBar().attach(trainer, output_transform=lambda value: {"loss": value})

    @trainer.on(Events.ITERATION_COMPLETED(every=100))
    def log(engine: Engine) -> None:
        print(
            f"epoch {engine.state.epoch} step {engine.state.iteration} loss {engine.state.output:.2f}", file=sys.stderr
        )


def images(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net = image_net(setting.net)
    optimizer = sgd(net.parameters())
    schedule = one_cycle(optimizer, setting.steps)
    trainer = create_supervised_trainer(net, optimizer, loss(), "cpu")
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: schedule.step())
    _told(trainer)
    trainer.run(loader(setting.data, setting.batch), max_epochs=setting.epochs)
    return accuracy(net, setting.data)


def images_tuned(setting: Setting, clock: Clock) -> float:
    clock.follow_optimizers()
    net, criterion = Tuned(image_net(setting.net)), loss()
    optimizer = sgd(net.parameters(), fused=True)
    schedule = one_cycle(optimizer, setting.steps)

    def step(engine: Engine, batch: tuple[Tensor, Tensor]) -> Any:
        criterion(net(batch[0]), batch[1]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()

    Engine(step).run(InMemory(setting.data, setting.batch), max_epochs=setting.epochs)  # type: ignore[arg-type]
    return accuracy(net, setting.data)


def mlp(setting: Setting, clock: Clock) -> None:
    clock.follow_optimizers()
    net = small_mlp()
    batches = DataLoader(TensorDataset(*numbers(setting)), batch_size=setting.batch, shuffle=True)
    trainer = create_supervised_trainer(net, torch.optim.AdamW(net.parameters(), 1e-3), nn.CrossEntropyLoss(), "cpu")
    _told(trainer)
    trainer.run(batches, max_epochs=setting.epochs)


if __name__ == "__main__":
    run("pytorch-ignite", {"images": images, "images-tuned": images_tuned, "mlp": mlp})
