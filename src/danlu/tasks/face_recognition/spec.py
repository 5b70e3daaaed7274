"""What face recognition says about itself, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# A folder for each person becomes an embedding: faces/ada/1.jpg, faces/ada/2.jpg, faces/bo/1.jpg, …
# Pictures should be cropped to the face; `danlu align FOLDER OUT` does that by landmarks.
task: face-recognition
seed: 0
data:
  source: ./faces
  image: {size: 48}         # pixels; 112 where there is a GPU and many pictures
  split: {val: 0.15, test: 0.15}  # of the people: nobody is in two parts
  augment: [flip, {crop: 4}, {rotate: 10}, {color-jitter: {brightness: 0.3, contrast: 0.3}}]
model:
  name: ir                    # or resnet, timm:NAME, torchvision:NAME, mypackage.mymodule:MyNet
train:
  epochs: 40
  batch_size: 64
  loss: {arcface: {margin: 0.5, scale: 64}}   # or cosface
options:
  dimensions: 128             # of the embedding
"""


class Options(Section):
    """How large the embedding is."""

    dimensions: Annotated[int, Field(ge=2, le=4096, description="numbers in an embedding")] = 128


SPEC = TaskSpec(
    name="face-recognition",
    title=("Face recognition", "人脸识别"),
    columns={"image": Column("image", "input"), "identity": Column("category", "target", {"unseen": True})},
    task="danlu.tasks.face_recognition.task:FaceRecognition",
    decoder="danlu.tasks.face_recognition.decoder:EmbeddingDecoder",
    monitor=("val/auc", 1),
    defaults={
        "model": {"name": "ir"},
        "data": {
            "augment": ["flip", {"crop": 4}, {"rotate": 10}, {"color-jitter": {"brightness": 0.3, "contrast": 0.3}}],
            "image": {"size": 48},
            "split": {"val": 0.15, "test": 0.15},
        },
        "train": {
            "epochs": 40,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.05},
            "schedule": "one-cycle",
            "loss": {"name": "arcface", "margin": 0.5, "scale": 64.0},
        },
        "evaluate": {"views": "flip"},
    },
    options=Options,
    unused=("data.balance",),
    disjoint="identity",
    example=EXAMPLE,
)
