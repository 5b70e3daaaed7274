"""All rules together: label noise, partial recordings, causes before what follows from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from danlu import recipe as recipes
from danlu.messages import set_language
from danlu.watch.health import remedies
from danlu.watch.health.label_noise import label_noise
from danlu.watch.health.recording import Doubts, Recording
from danlu.watch.health.rules import RULES, verdicts
from tests.watch.health.recorded import GOOD, POOR, curve, dead, layers, parameters, recipe, recording


@pytest.mark.parametrize(
    ("against", "sure", "told"),
    [(40, 135, True), (18, 135, True), (12, 135, False), (3, 12, True), (2, 12, False), (0, 0, False)],
)
def test_labels_that_all_models_contradict(against: int, sure: int, told: bool) -> None:
    """Few samples must say it clearly: the lower end of the interval counts."""
    found = label_noise(recording(doubts=Doubts(2 * sure, sure, against, against, 0.2, ("val",), ("a", "b"))))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].values["share"] == against / sure
        assert "a, b" in found.evidence[-1].text


def test_the_patch_smooths_a_cross_entropy() -> None:
    plain = recipe(train__loss={"name": "cross-entropy", "label_smoothing": 0.0})
    found = label_noise(recording(doubts=Doubts(200, 100, 30, 30, 0.3), recipe=plain))
    assert found is not None
    assert found.patch["train.loss"] == {"name": "cross-entropy", "label_smoothing": 0.1}


def broken() -> Recording:
    relu = {"layer": "act", "kind": "ReLU", "silent": dead(64, 64)}
    flat = {"train/loss": curve(np.full(120, 2.3)), "lr": curve(np.full(120, 0.1))}
    return recording(layers=layers({"layer": "fc"}, relu), curves=flat, standings=POOR)


def test_what_follows_from_a_cause_has_no_patch_of_its_own() -> None:
    found = {one.name: one for one in verdicts(broken())}
    assert set(found) == {"dead-relu", "plateau", "underfitting"}
    assert found["dead-relu"].patch
    assert not found["plateau"].patch
    assert not found["underfitting"].patch
    alone = {one.name: one for one in verdicts(replace(broken(), layers={}))}
    assert set(alone) == {"plateau", "underfitting"}
    assert alone["plateau"].patch


def test_causes_come_first() -> None:
    names = [one.name for one in verdicts(broken())]
    assert names == [name for name in RULES if name in names]
    assert all(name == one.name for name, rule in RULES.items() if (one := rule(broken())) is not None)


def test_nothing_recorded_nothing_said() -> None:
    assert verdicts(Recording()) == ()
    assert verdicts(Recording(recipe=recipe(), standings=GOOD)) == ()


@pytest.mark.parametrize("missing", ["layers", "parameters", "curves", "recipe", "standings"])
def test_any_part_may_be_missing(missing: str) -> None:
    whole = replace(broken(), parameters=parameters({"parameter": "fc.weight"}))
    nothing = getattr(Recording(), missing)
    verdicts(replace(whole, **{missing: nothing}))


def test_without_a_recipe_there_is_no_patch() -> None:
    assert all(one.patch == {} for one in verdicts(replace(broken(), recipe=None)))


def test_every_verdict_is_whole_in_both_languages() -> None:
    for language in ("zh", "en"):
        set_language(language)
        for one in verdicts(broken()):
            assert one.text
            assert one.remedy
            assert one.evidence
            assert all(evidence.text for evidence in one.evidence)
            chinese = any("\u4e00" <= letter <= "\u9fff" for letter in one.text)
            assert chinese == (language == "zh")


def test_a_rate_is_found_by_a_test_unless_it_was_already() -> None:
    made = recording(recipe=recipe(train__optimizer={"name": "sgd", "lr": 0.2}))
    assert remedies.rate(made, 0.1) == {"train.optimizer.lr": "auto"}
    found = replace(made, automatic=frozenset(["train.optimizer.lr"]))
    assert remedies.rate(found, 0.1) == {"train.optimizer.lr": 0.02}
    assert remedies.rate(found, 10) == {"train.optimizer.lr": 2.0}
    assert remedies.rate(replace(made, recipe=None), 0.1) == {}


def test_every_patch_makes_a_recipe() -> None:
    """Whatever the remedies propose for an image classification is taken by its recipe."""
    made = recording(
        recipe=recipe(data__augment=[]), side=28, takes={"activation": "tanh", "norm": "none", "dropout": 0.5}
    )
    made = replace(made, recipe=recipe(data__augment=[], model__args={"widths": [2, 2]}, train__l1=0.1))
    plain = replace(made, takes={"dropout": 0.1})
    patches = [
        remedies.rate(made, 0.1), remedies.clip(made), remedies.warm_up(made), remedies.fall(made),
        remedies.schedule(made), remedies.activation(made, "gelu"), remedies.norm(made), remedies.dropout(plain, 0.4),
        remedies.less_dropout(made), remedies.wider(made), remedies.augment(made), remedies.no_l1(made), remedies.epochs(made, 3),
        remedies.early_stop(made), remedies.decay(made),
    ]  # fmt: skip
    assert made.recipe is not None
    for patch in patches:
        assert patch
        changed = recipes.complete(recipes.patch(made.recipe, patch))
        assert changed != made.recipe
