"""The recipe: what the user wants, typed, immutable and complete.

YAML, Python and the command line all end here. Ranges stand in the types; what one key means for another stands in
``recipe/contradictions.py``. Defaults here are those that hold for every task; a task's own are in its ``spec.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import fspath
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator

from danlu.messages import say
from danlu.recipe.frozen import FrozenDict, freeze
from danlu.recipe.shape import alternatives

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]


def _path_text(value: Any) -> Any:
    """Text that a path can be. Raises ValueError for characters that no file system takes."""
    if isinstance(value, PurePath):
        value = fspath(value)
    odd = (
        next((letter for letter in value if letter == "\0" or "\ud800" <= letter <= "\udfff"), "")
        if isinstance(value, str)
        else ""
    )
    if odd:
        raise ValueError(say("recipe.path-character", character=f"U+{ord(odd):04X}"))
    return value


PathText = Annotated[str, BeforeValidator(_path_text)]
Arguments = dict[str, Any]


class Section(BaseModel):
    """A part of the recipe: unknown keys are refused, nothing is converted silently, nothing can be changed later.

    A list is taken where a tuple is meant (YAML and JSON know only lists), and mappings inside become immutable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _tuples(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list) or info.field_name is None:
            return value
        kinds = [get_origin(kind) or kind for kind, _ in alternatives(cls.model_fields[info.field_name].annotation)]
        return _as_tuple(value) if tuple in kinds else value

    @field_validator("*", mode="after")
    @classmethod
    def _frozen(cls, value: Any, info: ValidationInfo) -> Any:
        is_open = info.field_name is not None and cls.model_fields[info.field_name].annotation is Any
        return freeze(value) if is_open or isinstance(value, dict) else value


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


Several = Annotated[tuple[Name, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Named(Section):
    """Something chosen by name, with its own arguments: ``adamw``, ``{name: focal, gamma: 2}``, ``{rotate: 10}``.

    The three spellings mean the same; ``value`` is the short form's single argument (the 10 of ``{rotate: 10}``).
    Arguments are checked against the signature of what the name stands for (``recipe/names.py``). Without a name (only arguments
    given, ``{args: {peak: 0.2}}`` or ``train.schedule.peak=0.2``) the task's default is meant; ``complete`` fills it in.
    """

    name: str = Field("", description="What is chosen: a short name, or package.module:Object")
    value: Any = Field(None, description="The single argument of the short form {name: value}")
    args: Arguments = Field(default_factory=FrozenDict, description="Arguments by name")


def _gather(value: dict[str, Any], own: tuple[str, ...]) -> dict[str, Any]:
    """Every key that is not the section's own is an argument."""
    rest = {key: item for key, item in value.items() if key not in own}
    args = value.get("args", {})
    if not rest or not isinstance(args, dict):
        return value
    return {**{key: item for key, item in value.items() if key in own}, "args": {**args, **rest}}


def named(value: Any) -> Any:
    """The short spellings of :class:`Named`, made whole; anything else is left for validation to refuse."""
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict) or not value:
        return value
    if len(value) == 1 and not value.keys() & Named.model_fields.keys():
        ((name, argument),) = value.items()
        return {"name": name, "args" if isinstance(argument, dict) else "value": argument}
    return _gather(value, tuple(Named.model_fields)) if "name" in value else value


def with_arguments(value: Any) -> Any:
    """The short spellings of an optimiser: ``sgd``, ``{name: sgd, momentum: 0.9}``, ``{sgd: {lr: 0.1}}``, made whole."""
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict):
        return value
    own = tuple(OptimizerSection.model_fields)
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name not in own and isinstance(inner, dict) and "name" not in inner:
            value = {"name": name, **inner}
    return _gather(value, own)


def only_name(value: Any) -> Any:
    """``model: mlp`` for ``model: {name: mlp}``."""
    return {"name": value} if isinstance(value, str) else value


SPELLINGS: tuple[Callable[[Any], Any], ...] = (named, with_arguments, only_name)

Choice = Annotated[Named, BeforeValidator(named)]


class RunSection(Section):
    """The run's folder."""

    name: Annotated[str, Field(min_length=1, max_length=120)] | None = Field(
        None, description="Name of the run's folder; null: date and recipe"
    )
    folder: PathText = Field("runs", description="Folder that holds the runs")


class SplitSection(Section):
    """How rows are divided. A part given by the source (train/val/test folders, a split column) is kept as it is."""

    val: Share = Field(0.1, description="Share of the rows for validation")
    test: Share = Field(0.1, description="Share of the rows for the final test")
    stratify: bool | Literal["auto"] = Field(
        "auto",
        description="Same class shares in each part; auto: by the category target, where every class is large enough",
    )
    group: Name | None = Field(None, description="Column whose equal values stay in one part (patient, user, scene)")
    time: Name | None = Field(None, description="Column by which train < val < test")
    column: Name | None = Field(None, description="Column that already says train, val or test")


class ImageSection(Section):
    """How images are prepared before they are cached."""

    size: Annotated[int, Field(ge=4, le=4096)] | Literal["auto"] = Field(
        "auto", description="Side in pixels; auto: as they are where small and equal"
    )
    resize: Literal["stretch", "crop", "pad"] = Field("crop", description="What gives way where the shape differs")
    channels: Literal[1, 3, "auto"] = Field("auto", description="1 grey, 3 colour; auto: what most images have")


class LabelsSection(Section):
    """How sets of labels are written (multi-label)."""

    separator: Annotated[str, Field(min_length=1, max_length=8)] = Field(
        "auto", description="What stands between labels in one cell; auto: of | ; , the one in most cells"
    )
    empty: Literal["missing", "none"] = Field(
        "missing", description="What an empty cell means: nobody has looked, or no label; [] is always no label"
    )


class TextSection(Section):
    """How texts are prepared before they are cached."""

    tokenizer: Name = Field(
        "auto",
        description="words, characters, bpe or unigram (learnt from the training rows), hf:NAME, or a .model of SentencePiece; "
        "auto: characters for scripts without spaces, else words",
    )
    vocabulary: Annotated[int, Field(ge=16, le=1_000_000)] = Field(20_000, description="Most tokens that are learnt")
    min_count: Count = Field(2, description="Occurrences that a token needs to be learnt")
    max_length: Annotated[int, Field(ge=4, le=100_000)] | Literal["auto"] = Field(
        "auto",
        description="Most tokens of a text, the rest is cut; auto: what 99 of 100 training texts need, at most 512",
    )
    cut: Literal["end", "start", "middle"] = Field("end", description="What of a longer text gives way")
    normalize: Literal["auto", "nfkc", "nfc", "none"] = Field(
        "auto", description="Unicode normalisation; auto: nfkc, or a published tokenizer's own"
    )
    lower: bool | Literal["auto"] = Field("auto", description="Lower case; auto: yes, or a published tokenizer's own")
    near: Annotated[float, Field(ge=0.3, le=1.0)] | None = Field(
        0.8,
        description="Texts that share so much of their character n-grams (Jaccard index) count as duplicates; null: equal ones alone",
    )


class DataSection(Section):
    """Where the data are and what becomes of them before training."""

    source: Annotated[PathText, Field(min_length=1)] = Field(
        "builtin:fashion", description="Path of a folder or file, or builtin:NAME"
    )
    format: Name = Field(
        "auto",
        description="How the source is read (folder, csv, parquet, jsonl, npz, idx, coco, yolo, voc); auto: by what it looks like",
    )
    columns: dict[str, str | Several] = Field(
        default_factory=FrozenDict,
        description="The task's column → the file's column; labels may be several columns of 0 and 1: [cat, dog]",
    )
    root: PathText | None = Field(
        None, description="Folder that relative paths in a manifest start from; null: the manifest's own"
    )
    split: SplitSection = Field(SplitSection(), description="How rows are divided into train, val and test")
    image: ImageSection = Field(ImageSection(), description="How images are prepared")
    labels: LabelsSection = Field(LabelsSection(), description="How sets of labels are written")
    text: TextSection = Field(TextSection(), description="How texts are prepared")
    bucket: bool | Literal["auto"] = Field(
        "auto", description="Batches of rows of similar length; auto: where inputs are texts or other sequences"
    )
    missing: Literal["drop", "error"] = Field("drop", description="What a missing value leads to")
    max_bad: Share = Field(0.05, description="A larger share of unreadable rows is an error")
    duplicates: Literal["one-side", "drop", "keep"] = Field(
        "one-side", description="Exact duplicates: all in one part, all but one dropped, or ignored"
    )
    balance: Literal["none", "class-weights", "sampler", "logit-adjustment"] = Field(
        "none",
        description="How rare classes are helped: they weigh more in the loss, are drawn more often, "
        "or must win by a larger margin while training (Menon et al. 2021)",
    )
    normalize: Literal["standard", "minmax", "none"] = Field(
        "standard",
        description="How the net scales its inputs: by mean and deviation, or by least and greatest, of the training rows; "
        "none: pixels 0–255 to 0–1, numbers as they are",
    )
    storage: Literal["auto", "decoded", "encoded", "stream"] = Field("auto", description="How rows lie in the cache")
    cache: PathText | None = Field(None, description="Folder of the cache; null: the user's cache folder")
    workers: Limit | Literal["auto"] = Field("auto", description="Processes or threads that read data")
    augment: tuple[Choice, ...] = Field((), description="Changes drawn anew for every training sample, in order")
    limit: Count | None = Field(None, description="Use only so many rows of each part (drawn by position)")


class ModelSection(Section):
    """The net."""

    name: Name = Field(
        "auto",
        description="A short name, timm:NAME, torchvision:NAME, hf:NAME, package.module:Object; auto: the task's own",
    )
    pretrained: bool | str = Field(False, description="Start from published weights")
    activation: Name | None = Field(None, description="Activation of every layer of an own net; null: the net's own")
    norm: Name | None = Field(None, description="Normalisation layers of an own net; null: the net's own")
    dropout: Share | None = Field(None, description="Share of values dropped; null: the net's own")
    drop_path: Share | None = Field(
        None,
        description="Stochastic depth: share of samples for which the last residual branch is left out while training, "
        "earlier ones less, linearly; null: the net's own",
    )
    unfreeze: Choice = Field(
        Named(name="all"),
        description="What is trained: all, frozen (the head alone), gradual (from the head down), layerwise (smaller rates below)",
    )
    adapter: Choice | None = Field(
        None, description="Small parts that learn beside the head, in a frozen net (lora); null: none"
    )
    args: Arguments = Field(default_factory=FrozenDict, description="Further arguments of the net")


class OptimizerSection(Section):
    """The optimiser. Further keys (momentum, nesterov, betas, …) are its arguments."""

    name: Name = Field("adamw", description="A short name, or package.module:Object")
    lr: Positive | Literal["auto"] = Field(
        1e-3, description="Peak learning rate; auto: found by a short test before training"
    )
    weight_decay: NonNegative = Field(0.01, description="Decoupled or L2 decay, not applied to norms and biases")
    args: Arguments = Field(default_factory=FrozenDict, description="momentum, nesterov, betas, …")


class EarlyStopSection(Section):
    """Stop where nothing improves any more."""

    monitor: str = Field("val/loss", description="What must improve: val/loss, val/accuracy, …")
    patience: Count = Field(5, description="Evaluations without improvement")
    min_delta: NonNegative = Field(0.0, description="Improvement that counts")


class CheckpointSection(Section):
    """When the state of training is saved."""

    every_steps: Count | None = Field(None, description="Optimiser steps between checkpoints")
    every_minutes: Positive | None = Field(10.0, description="Minutes between checkpoints")
    every_epochs: Count | None = Field(1, description="Epochs between checkpoints")
    keep: Count = Field(3, description="How many of the last are kept")


Optimizer = Annotated[OptimizerSection, BeforeValidator(with_arguments)]


class TrainSection(Section):
    """How the net is trained."""

    epochs: Count = Field(10, description="Passes over the training rows")
    max_steps: Count | None = Field(None, description="Stop after so many optimiser steps")
    batch_size: Count | Literal["auto"] = Field(
        128,
        description="Rows in a (micro-)batch; auto: a power of two from 16 to 1024, by a short trial of speed and memory, that leaves "
        "an epoch enough steps; the learning rate is not changed with it",
    )
    tokens: Count | None = Field(
        None,
        description="Most tokens of a (micro-)batch, padding counted, instead of batch_size rows; null: batch_size rows",
    )
    accumulate: Count = Field(1, description="Micro-batches in an optimiser step")
    optimizer: Optimizer = Field(OptimizerSection(), description="Optimiser with its learning rate")
    schedule: Choice = Field(Named(name="one-cycle"), description="Learning rate over the run")
    warmup: Share | Count = Field(0.0, description="Linear warm-up: a share of all steps, or a number of steps")
    loss: Choice | None = Field(None, description="null: the task's own")
    l1: NonNegative = Field(0.0, description="Weight of the L1 penalty on the parameters")
    l1_by: Literal["penalty", "proximal"] = Field(
        "penalty", description="How: its gradient, which makes small weights, or a proximal step, which makes zeros"
    )
    sam: Positive | None = Field(
        None, description="Length of the step up the slope of sharpness-aware minimisation, often 0.05; null: none"
    )
    clip_norm: Positive | None = Field(None, description="Largest norm of the gradient")
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None, description="Decay of the averaged weights, which are then evaluated"
    )
    swa: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None,
        description="Share of the steps after which the rate is held and the weights at the ends of epochs are averaged, "
        "which are then evaluated",
    )
    non_finite: Literal["stop", "skip"] = Field(
        "stop",
        description="What a step with a loss or gradient of NaN or infinity leads to; in no case does it change anything",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: the fastest that agrees with fp32 on a real batch"
    )
    channels_last: bool | Literal["auto"] = Field("auto", description="Memory layout of images")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps, …")
    threads: Count | Literal["auto", "fastest"] = Field(
        "auto",
        description="CPU threads; auto: one for each core; fastest: so many or fewer, by a short trial (their number changes bits, "
        "so that the same recipe may end differently when the machine is busy)",
    )
    allocator: Literal["auto", "system", "keep"] = Field(
        "auto",
        description="keep: memory that a step frees is kept for the next, which glibc would give back to the system; "
        "auto: where a short trial finds that getting it again costs time",
    )
    compile: bool | Literal["auto"] = Field(
        False,
        description="torch.compile for training's passes; auto: where a trial finds it exact, faster, and worth what it costs. "
        "On CPUs it rarely is, and the trial takes minutes",
    )
    evaluate_every: Count = Field(1, description="Epochs between evaluations")
    best: str | None = Field(
        None, description="Metric whose best weights are kept (val/accuracy); null: the task's own"
    )
    early_stop: EarlyStopSection | None = Field(None, description="null: never stop early")
    checkpoint: CheckpointSection = Field(CheckpointSection(), description="When the state of training is saved")

    @property
    def rows(self) -> int:
        """``batch_size`` as a number, which it is once a run's choices are frozen in."""
        if self.batch_size == "auto":
            raise ValueError("train.batch_size is not chosen yet")
        return self.batch_size


class EvaluateSection(Section):
    """How the trained net is judged."""

    batch_size: Count | None = Field(None, description="null: twice the training batch")
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(0.95, description="Level of the intervals of metrics")
    weights: Literal["best", "last"] = Field("best", description="Which weights the test part judges")
    views: Literal["none", "flip", "shift", "flip-shift"] = Field(
        "none",
        description="Test-time augmentation: views of an image whose outputs are averaged wherever the net answers, "
        "in the artifact too",
    )
    thresholds: Literal["balanced-accuracy", "macro-f1"] | None = Field(
        None,
        description="Metric for which the classes' thresholds are tuned on the validation part; they then hold wherever the net "
        "answers, in the artifact too. null: the most probable class",
    )
    baselines: bool = Field(
        True, description="Judge simple models (majority, linear, nearest neighbours) beside the net"
    )
    report: bool = Field(True, description="Write report.html when the run has ended")


class WatchSection(Section):
    """What is written down while training."""

    tensorboard: bool = Field(False, description="Also write TensorBoard files")
    histograms_every: Count = Field(1, description="Epochs between histograms of parameters and gradients")
    captures_every: Limit | Literal["auto"] = Field(
        "auto",
        description="Steps between two looks inside the net (gradients, weights, updates, activations), for verdicts on its health; "
        "0: none; auto: about a hundred in a run, but at most every 20th step",
    )
    log_seconds: Positive = Field(1.0, description="At most so much of the events is lost when the process is killed")


class DeploySection(Section):
    """What the artifact will be."""

    quantize: Literal["none"] = Field("none", description="Number format of the artifact's weights")
    format: Literal["onnx"] = Field("onnx", description="Format of the artifact's graph")
    licence: str | None = Field(None, description="What the model card says of the licence; null: that none is stated")


Model = Annotated[ModelSection, BeforeValidator(only_name)]


class Recipe(Section):
    """The whole of it. Build it in Python, or read it with :func:`danlu.recipe.load`.

    ``options`` are the task's own, checked by the class its spec names. ``where`` tells where a key was written.
    """

    task: Name = Field("image-classification", description="The application, or package.module:SPEC")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="Everything random follows from it")
    run: RunSection = Field(RunSection(), description="The run's folder")
    data: DataSection = Field(DataSection(), description="Where the data are and what becomes of them")
    model: Model = Field(ModelSection(), description="The net")
    train: TrainSection = Field(TrainSection(), description="How the net is trained")
    evaluate: EvaluateSection = Field(EvaluateSection(), description="How the trained net is judged")
    watch: WatchSection = Field(WatchSection(), description="What is written down while training")
    deploy: DeploySection = Field(DeploySection(), description="What the artifact will be")
    options: Arguments = Field(default_factory=FrozenDict, description="The task's own options")

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)  # dotted key → file:line

    def where(self, key: str) -> str:
        """``file:line (key)`` of a dotted key, or of the nearest section above it; else the key itself."""
        return locate(self._origins, key)

    def under(self, prefix: str) -> Callable[[str], str]:
        """:meth:`where` for the keys below ``prefix``, as :func:`danlu.recipe.names.build` takes it."""
        return lambda key: self.where(f"{prefix}.{key}" if key else prefix)

    def __eq__(self, other: object) -> bool:
        """Equal in what is asked for; where it was written doesn't count."""
        return isinstance(other, Recipe) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


def origin(origins: Mapping[str, str], key: str) -> str:
    """Where exactly ``key`` was written, or nothing. An argument is found with and without ``args`` before it."""
    parent, _, last = key.rpartition(".")
    return origins.get(key) or origins.get(f"{parent}.args.{last}", "")


def locate(origins: Mapping[str, str], key: str) -> str:
    """``origin (key)``, where the origin may be that of a section above; else the key itself."""
    parts = key.split(".")
    near = (origin(origins, ".".join(parts[:end])) for end in range(len(parts), 0, -1))
    found = next(filter(None, near), "")
    return f"{found} ({key})" if found else key
