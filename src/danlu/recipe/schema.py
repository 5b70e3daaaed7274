"""The recipe: what the user wants, typed, immutable and complete.

YAML, Python and the command line all end here. Ranges stand in the types; what one key means for another stands in
``recipe/contradictions.py``. Defaults here are those that hold for every task; a task's own are in its ``spec.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A part of the recipe: unknown keys are refused, nothing is converted silently, nothing can be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Named(Section):
    """Something chosen by name, with its own arguments: ``adamw``, ``{name: focal, gamma: 2}``, ``{rotate: 10}``.

    The three spellings mean the same; ``value`` is the short form's single argument (the 10 of ``{rotate: 10}``).
    Arguments are checked against the signature of what the name stands for (``recipe/names.py``).
    """

    name: str
    value: Any = None
    args: dict[str, Any] = Field(default_factory=dict)


def named(value: Any) -> Any:
    """The short spellings of :class:`Named`, made whole; anything else is left for validation to refuse."""
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict):
        return value
    if "name" in value:
        own = {key: value[key] for key in ("name", "value", "args") if key in value}
        rest = {key: item for key, item in value.items() if key not in own}
        return {**own, "args": {**own.get("args", {}), **rest}} if rest else own
    if len(value) == 1:
        ((name, argument),) = value.items()
        if isinstance(argument, dict):
            return {"name": name, "args": argument}
        return {"name": name, "value": argument}
    return value


Choice = Annotated[Named, BeforeValidator(named)]


class RunSection(Section):
    name: str | None = None  # default: date and recipe
    folder: str = "runs"


class SplitSection(Section):
    """How rows are divided. A part given by the source (train/val/test folders, a split column) is kept as it is."""

    val: Share = 0.1
    test: Share = 0.1
    stratify: bool | Literal["auto"] = "auto"  # auto: by the category target, where every class is large enough
    group: str | None = None  # column whose equal values stay on one side
    time: str | None = None  # column by which train < val < test
    column: str | None = None  # column that already says train, val or test


class ImageSection(Section):
    """How images are prepared before they are cached."""

    size: Annotated[int, Field(ge=4, le=4096)] | Literal["auto"] = "auto"  # pixels; auto: as they are where small and equal
    resize: Literal["stretch", "crop", "pad"] = "crop"
    channels: Literal[1, 3, "auto"] = "auto"


class DataSection(Section):
    source: str = "builtin:fashion"  # path | builtin:NAME
    format: Literal["auto", "folder", "csv", "parquet", "jsonl", "npz", "idx", "coco"] = "auto"
    columns: dict[str, str] = Field(default_factory=dict)  # the task's column → the file's column
    root: str | None = None  # folder that relative paths in a manifest start from; default: the manifest's own
    split: SplitSection = SplitSection()
    image: ImageSection = ImageSection()
    missing: Literal["drop", "error"] = "drop"
    max_bad: Share = 0.05  # larger share of unreadable rows is an error
    duplicates: Literal["one-side", "drop", "keep"] = "one-side"
    balance: Literal["none", "class-weights", "sampler"] = "none"
    normalize: Literal["standard", "minmax", "none"] = "standard"
    storage: Literal["auto", "decoded", "encoded", "stream"] = "auto"
    cache: str | None = None  # folder; default: the user's cache folder
    workers: Limit | Literal["auto"] = "auto"
    augment: tuple[Choice, ...] = ()
    limit: Count | None = None  # use only the first rows of each part (by position-based order)


class ModelSection(Section):
    name: str = "auto"  # auto: the task's own
    pretrained: bool | str = False
    activation: str | None = None  # one line for every own net
    norm: str | None = None
    dropout: Share | None = None
    unfreeze: Literal["all", "frozen"] = "all"
    args: dict[str, Any] = Field(default_factory=dict)  # further arguments of the net


class OptimizerSection(Section):
    name: str = "adamw"
    lr: Positive | Literal["auto"] = 1e-3
    weight_decay: NonNegative = 0.01
    args: dict[str, Any] = Field(default_factory=dict)  # momentum, nesterov, betas, …


class EarlyStopSection(Section):
    monitor: str = "val/loss"
    patience: Count = 5  # evaluations without improvement
    min_delta: NonNegative = 0.0


class CheckpointSection(Section):
    every_steps: Count | None = None
    every_minutes: Positive | None = 10.0
    every_epochs: Count | None = 1
    keep: Count = 3


class TrainSection(Section):
    epochs: Count = 10
    max_steps: Count | None = None
    batch_size: Count = 128
    accumulate: Count = 1
    optimizer: Annotated[OptimizerSection, BeforeValidator(lambda v: _optimizer(v))] = OptimizerSection()
    schedule: Choice = Named(name="one-cycle")
    warmup: Share | Count = 0.0  # share of all steps, or a number of steps
    loss: Choice | None = None  # None: the task's own
    l1: NonNegative = 0.0
    clip_norm: Positive | None = None
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None  # decay of averaged weights, which are then evaluated
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: bool | Literal["auto"] = "auto"
    device: str = "auto"
    threads: Count | Literal["auto"] = "auto"
    evaluate_every: Count = 1  # epochs
    best: str | None = None  # metric whose best weights are kept; None: the task's own
    early_stop: EarlyStopSection | None = None
    checkpoint: CheckpointSection = CheckpointSection()


class EvaluateSection(Section):
    batch_size: Count | None = None  # None: twice the training batch
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    weights: Literal["best", "last"] = "best"  # which weights the test part judges


class WatchSection(Section):
    tensorboard: bool = False
    histograms_every: Count = 1  # epochs between histograms of parameters and gradients
    log_seconds: Positive = 1.0  # at most so much of the events is lost when the process is killed


class DeploySection(Section):
    quantize: Literal["none"] = "none"
    format: Literal["onnx"] = "onnx"


def _optimizer(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict):
        own = {key: value[key] for key in ("name", "lr", "weight_decay", "args") if key in value}
        rest = {key: item for key, item in value.items() if key not in own}
        return {**own, "args": {**own.get("args", {}), **rest}} if rest else own
    return value


class Recipe(Section):
    """The whole of it. Build it in Python, or read it with :func:`danlu.recipe.load`.

    ``options`` are the task's own, checked by the class its spec names. ``where`` tells where a key was written.
    """

    task: str = "image-classification"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    run: RunSection = RunSection()
    data: DataSection = DataSection()
    model: ModelSection = ModelSection()
    train: TrainSection = TrainSection()
    evaluate: EvaluateSection = EvaluateSection()
    watch: WatchSection = WatchSection()
    deploy: DeploySection = DeploySection()
    options: dict[str, Any] = Field(default_factory=dict)

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)  # dotted key → file:line

    def where(self, key: str) -> str:
        """``file:line`` of a dotted key (or of the nearest section above it), else the key itself."""
        parts = key.split(".")
        for end in range(len(parts), 0, -1):
            origin = self._origins.get(".".join(parts[:end]))
            if origin:
                return f"{origin} ({key})"
        return key
