"""What image classification says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# A folder of photos becomes a classifier: photos/cats/*.jpg, photos/dogs/*.jpg, …
task: image-classification
seed: 0
data:
  source: ./photos            # folder | manifest.csv | data.npz | builtin:fashion
  image: {size: 64}           # pixels; auto keeps small images of one size as they are
  split: {val: 0.1, test: 0.1}
  augment: [flip, {crop: 4}]  # also rotate, color-jitter, erase, randaugment, mixup, cutmix
  balance: none               # class-weights | sampler | logit-adjustment
model:
  name: resnet                # mlp | image-classifier | timm:NAME | torchvision:NAME | hf:NAME | mypackage.mymodule:MyNet
train:
  epochs: 10
  batch_size: 64
  optimizer: {name: sgd, lr: 0.15, weight_decay: 1e-3}
  schedule: one-cycle
  loss: {name: cross-entropy, label_smoothing: 0.1}
  early_stop: {monitor: val/accuracy, patience: 5}
"""

SPEC = TaskSpec(
    name="image-classification",
    title=("Image classification", "图像分类"),
    columns={"image": Column("image", "input"), "label": Column("category", "target")},
    task="danlu.tasks.image_classification.task:ImageClassification",
    decoder="danlu.tasks.image_classification.decoder:LabelDecoder",
    monitor=("val/accuracy", 1),
    defaults={  # chosen on validation parts of Fashion-MNIST; docs/performance.md tells how
        "model": {"name": "resnet"},
        "data": {"augment": [{"flip": {"alternating": True}}, {"crop": 1}]},
        "train": {
            "epochs": 22,
            "batch_size": 64,
            "optimizer": {"name": "sgd", "lr": 0.15, "weight_decay": 1e-3, "momentum": 0.9, "nesterov": True},
            "schedule": {"one-cycle": {"peak": 0.2, "linear": True, "cycle_momentum": False}},
            "loss": {"name": "cross-entropy", "label_smoothing": 0.1},
        },
        "evaluate": {"weights": "last"},
    },
    example=EXAMPLE,
)
