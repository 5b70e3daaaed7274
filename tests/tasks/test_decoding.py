"""Outputs become predictions and answers in numpy; a decoder made anew from its JSON decodes alike."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from danlu import recipe as recipes
from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Framing
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.number import Number
from danlu.recipe.names import load_object, tasks
from danlu.tasks.base import Task
from danlu.tasks.decoding import ByTarget, Decoder, ranked, softmax
from danlu.tasks.detection.decoder import BoxDecoder
from danlu.tasks.image_classification.decoder import LabelDecoder

KINDS = {"area": Number(), "price": Number(), "label": Category(("a", "b", "c")), "boxes": Boxes(("x", "y"))}
LOGITS = np.asarray([[1.0, 3.0, 2.0], [900.0, 0.0, -900.0]], np.float32)


def test_softmax_is_torchs_also_where_it_could_overflow() -> None:
    assert np.allclose(softmax(LOGITS), torch.from_numpy(LOGITS).softmax(1).numpy())


def test_the_most_probable_come_first_and_ties_in_their_order() -> None:
    found = ranked(np.asarray([0.2, 0.4, 0.4]), ("a", "b", "c"), most=2)
    assert found == [["b", 0.4], ["c", 0.4]]


@pytest.mark.parametrize(
    "decoder",
    [
        LabelDecoder(("a", "b", "c")),
        BoxDecoder(("x", "y"), 0.05, 0.6, 10),
        ByTarget({"price": None}),
        ByTarget({"price": None, "label": ("a", "b", "c")}),
    ],
)
def test_a_decoder_comes_back_from_json(decoder: Decoder) -> None:
    spec = json.loads(json.dumps(decoder.spec()))
    assert type(decoder)(**spec).spec() == decoder.spec()


def test_a_number_is_its_own_prediction() -> None:
    decoder = ByTarget.of(KINDS, ["price"], {})
    outputs = np.asarray([123.456789, -1.0], np.float32)
    predictions = decoder.decode(outputs, {})
    assert predictions["price"] is outputs
    assert decoder.answer(predictions, 0) == {"price": 123.4568}


def test_a_category_is_the_most_probable_class() -> None:
    decoder = ByTarget.of(KINDS, ["label"], {})
    predictions = decoder.decode(LOGITS, {})
    assert predictions["label"].tolist() == [1, 0]
    assert np.allclose(predictions["probability"].sum(1), 1)
    answer = decoder.answer(predictions, 0)
    assert answer["label"] == answer["top"][0][0] == "b"
    assert answer["probability"] == round(float(predictions["probability"][0, 1]), 6)
    assert decoder.answer(predictions, 0) == LabelDecoder(("a", "b", "c")).answer(predictions, 0)


def test_several_targets_are_told_apart_by_name() -> None:
    decoder = ByTarget.of(KINDS, ["price", "label"], {})
    predictions = decoder.decode({"price": np.asarray([1.5, 2.0], np.float32), "label": LOGITS}, {})
    assert set(predictions) == {"price", "label", "label/probability"}
    answer = decoder.answer(predictions, 1)
    assert (answer["price"], answer["label"], answer["label/probability"]) == (2.0, "a", 1.0)


def test_other_targets_need_a_decoder_of_their_own() -> None:
    with pytest.raises(TypeError, match="boxes"):
        ByTarget.of(KINDS, ["boxes"], {})


def test_boxes_come_back_in_the_pixels_of_the_file() -> None:
    decoder = BoxDecoder(("x", "y"), 0.05, 0.6, 10)
    rows = [np.asarray([[10.0, 20.0, 30.0, 40.0, 0.7512345, 1.0]], np.float32)]
    (box,) = decoder.answer({"boxes": rows}, 0, Framing((80, 60), (40, 30), (0.5, 0.5), (1.0, 2.0)))["boxes"]
    assert box == {"label": "y", "score": pytest.approx(0.751234, abs=1e-6), "box": [18.0, 36.0, 58.0, 76.0]}


@pytest.mark.parametrize("name", sorted(tasks()))
def test_every_application_names_a_decoder_without_torch(name: str) -> None:
    assert issubclass(load_object(tasks()[name].decoder), Decoder)


class Data:
    kinds, targets = KINDS, ("label",)


class Plain(Task):
    def net(self) -> Any: ...
    def objective(self) -> Any: ...
    def metrics(self) -> Any: ...


def test_a_task_leaves_decoding_to_the_decoder_of_its_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the inputs reach it, as the net was called with them."""
    recipe = recipes.from_dict({"task": "image-classification"})
    task = Plain(recipe, Data())  # type: ignore[arg-type]
    values = torch.arange(24, dtype=torch.uint8).reshape(2, 1, 3, 4)
    batch = Batch({"image": Padded(values, torch.tensor([[3, 4], [1, 2]]))}, ("image",), np.arange(2))
    predictions = task.decode(LOGITS, batch)
    assert predictions["label"].tolist() == [1, 0]
    assert task.answer(predictions, 1)["label"] == "a"
    seen: dict[str, Any] = {}
    monkeypatch.setattr(task._decoder, "decode", lambda outputs, inputs: seen.update(inputs))
    task.decode(LOGITS, batch)
    assert list(seen) == ["image"]
    padded, sizes = seen["image"]
    assert np.array_equal(padded, values.numpy())
    assert sizes.tolist() == [[3, 4], [1, 2]]
