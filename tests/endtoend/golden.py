"""The first losses of every shipped recipe, as they are kept in tests/golden and made by tools/golden.py."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

import danlu
from danlu import recipe as recipes
from danlu.nn.maps import kernel
from danlu.nn.native.building import NoKernelError
from danlu.recipe.names import tasks
from danlu.watch.history import curves, evaluations
from tests.endtoend.drawn import coco_of_shapes, folder_of_shapes, pairs_of_shapes

ROOT = Path(__file__).parents[2]
EXAMPLES, GOLDEN = ROOT / "examples", ROOT / "tests" / "golden"
PACKAGES = ("torch", "numpy", "pillow")  # whose versions may change bits
LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")  # of instructions, by the environment
SAME = {  # what would be chosen by the machine
    "run.name": "golden",
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.evaluate_every": 1000,
    "train.checkpoint.every_minutes": None,
    "train.early_stop": None,
}


@dataclass(frozen=True)
class Shipped:
    """recipe: a file of examples/, a task of `danlu new`, or a task's SPEC. steps: so many losses. data: writes what the recipe names
    where only its owner has that. changes: keys set for the test's sake. slow: what another recipe shows as well.
    """

    recipe: str
    steps: int = 20
    data: Callable[[Path], object] = lambda folder: None
    changes: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    def load(self) -> recipes.Recipe:
        if ":" in self.recipe:
            recipe = recipes.from_dict({"task": self.recipe})
        elif self.recipe.endswith(".yaml"):
            recipe = recipes.load(EXAMPLES / self.recipe)
        else:
            recipe = recipes.from_text(tasks()[self.recipe].example)
        return recipes.patch(recipe, {**SAME, "train.max_steps": self.steps, **self.changes})


def photos(folder: Path) -> None:
    folder_of_shapes(folder / "photos", each=60, size=48)


def boxes(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        coco_of_shapes(folder, count=40).rename(folder / name)

    return write


def scenes(folder: Path) -> None:
    pairs_of_shapes(folder / "scenes", 60, 48)


def people(folder: Path) -> None:
    """``faces/NAME/i.png``: a person is a pattern of 4 × 4 grey fields, brighter or darker in each picture, and noisy."""
    draw = np.random.default_rng(0)
    for person in range(24):
        pattern = draw.uniform(0, 255, (4, 4)).repeat(12, 0).repeat(12, 1)
        (folder / "faces" / f"p{person:02d}").mkdir(parents=True)
        for picture in range(8):
            values = pattern * draw.uniform(0.6, 1.2) + draw.normal(0, 12, pattern.shape)
            image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            image.save(folder / "faces" / f"p{person:02d}" / f"{picture}.png")


def pairs_of_phrases(folder: Path) -> None:
    """pairs.tsv: two hundred phrases, word for word."""
    draw = np.random.default_rng(0)
    words = {"the": "le", "cat": "chat", "dog": "chien", "sees": "voit", "a": "un", "big": "grand", "red": "rouge"}
    lines = ["source\ttarget"]
    for row in range(200):
        said = [str(word) for word in draw.choice(list(words), draw.integers(3, 9))]
        lines.append(f"{' '.join(said)} {row}\t{' '.join(words[word] for word in said)} {row}")
    (folder / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")


def paragraphs(folder: Path) -> None:
    """corpus.txt: two hundred paragraphs of words."""
    draw = np.random.default_rng(0)
    words = ["the", "cat", "sees", "a", "dog", "and", "runs", "home", "slowly"]
    lines = [" ".join(map(str, draw.choice(words, draw.integers(5, 30)))) + f" {row}." for row in range(200)]
    (folder / "corpus.txt").write_text("\n\n".join(lines), encoding="utf-8")


def houses(folder: Path) -> None:
    draw = np.random.default_rng(0)
    with (folder / "houses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("area", "rooms", "price"))
        for _ in range(400):
            area, rooms = round(draw.uniform(30, 200), 1), int(draw.integers(1, 8))
            writer.writerow((area, rooms, round(3 * area + 20 * rooms + draw.normal(0, 2), 1)))


def customers(folder: Path) -> None:
    """customers.csv: older ones stay, with gaps and a category."""
    draw = np.random.default_rng(0)
    lines = ["age,plan,spent,churned"]
    for _ in range(300):
        age, spent = int(draw.integers(18, 80)), "" if draw.random() < 0.1 else f"{draw.normal(50, 20):.2f}"
        gone = "yes" if draw.random() < 1 / (1 + np.exp((age - 50) / 8)) else "no"
        lines.append(f"{age},{draw.choice(['basic', 'plus', 'pro'])},{spent},{gone}")
    (folder / "customers.csv").write_text("\n".join(lines), encoding="utf-8")


def impressions(folder: Path) -> None:
    """impressions.csv: who clicks on what hangs on both."""
    draw = np.random.default_rng(0)
    lines = ["user,item,price,click"]
    for _ in range(600):
        user, item = int(draw.integers(20)), int(draw.integers(12))
        click = int(draw.random() < (0.7 if user % 3 == item % 3 else 0.2))
        lines.append(f"u{user},i{item},{draw.exponential(20):.2f},{click}")
    (folder / "impressions.csv").write_text("\n".join(lines), encoding="utf-8")


def shop(folder: Path) -> None:
    """ratings.csv and items.csv: users like one kind of item."""
    draw = np.random.default_rng(0)
    kinds = ["tea", "book", "lamp"]
    items = [
        f"i{item},{kinds[item % 3]} number {item},{kinds[item % 3]}|{draw.choice(['red', 'blue'])}"
        for item in range(36)
    ]
    (folder / "items.csv").write_text("\n".join(["id,title,tags", *items]), encoding="utf-8")
    lines = ["user,item,time"]
    for user in range(40):
        chance = np.where(np.arange(36) % 3 == user % 3, 5.0, 1.0)
        met = draw.choice(36, 12, False, chance / chance.sum())
        lines += [f"u{user},i{item},{draw.integers(10_000)}" for item in met]
    (folder / "ratings.csv").write_text("\n".join(lines), encoding="utf-8")


def genes(folder: Path) -> None:
    """genes.csv: three numbers, each of which says something of a label."""
    draw = np.random.default_rng(0)
    lines = ["a,b,c,labels"]
    for _ in range(300):
        values = draw.normal(size=3)
        names = np.asarray(["growth", "energy", "transport"])[values + draw.normal(0, 0.3, 3) > 0.4]
        lines.append(f"{values[0]:.3f},{values[1]:.3f},{values[2]:.3f},{'|'.join(names) or '[]'}")
    (folder / "genes.csv").write_text("\n".join(lines), encoding="utf-8")


def tagged(folder: Path) -> None:
    """photos.csv: noise with a patch of each colour that is among the labels."""
    draw = np.random.default_rng(0)
    lines = ["image,labels"]
    for row in range(160):
        yes = draw.random(3) < (0.5, 0.3, 0.2)
        pixels = draw.integers(0, 90, (40, 40, 3))
        for channel in np.flatnonzero(yes):
            top, left = draw.integers(0, 26, 2)
            pixels[top : top + 14, left : left + 14, channel] += 90
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{row}.png")
        lines.append(f"{row}.png,{'|'.join(np.asarray(['red', 'green', 'blue'])[yes]) or '[]'}")
    (folder / "photos.csv").write_text("\n".join(lines), encoding="utf-8")


def reviews(name: str) -> Callable[[Path], None]:
    """Two hundred short texts, with the word of their class in each."""

    def write(folder: Path) -> None:
        draw = np.random.default_rng(0)
        common = ["the", "room", "was", "near", "a", "lake", "and", "we", "had", "rain", "one", "week"]
        telling = {"good": ["lovely", "great"], "bad": ["awful", "dirty"]}
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("text", "label"))
            for _ in range(200):
                label = "good" if draw.random() < 0.6 else "bad"
                words = [*draw.choice(common, draw.integers(6, 24)), str(draw.choice(telling[label]))]
                writer.writerow((" ".join(map(str, draw.permutation(words))), label))

    return write


def starred(folder: Path) -> None:
    """reviews.csv: short reviews, each with a word of its grade."""
    draw = np.random.default_rng(0)
    common = ["the", "room", "was", "near", "a", "lake", "and", "we", "had", "rain", "one", "week"]
    telling = {1: "awful", 3: "fair", 5: "lovely"}
    lines = ["review,stars"]
    for _ in range(200):
        stars = int(draw.choice([1, 3, 5], p=[0.3, 0.2, 0.5]))
        words = [*draw.choice(common, draw.integers(6, 20)), telling[stars]]
        lines.append(f"{' '.join(map(str, draw.permutation(words)))},{stars}")
    (folder / "reviews.csv").write_text("\n".join(lines), encoding="utf-8")


def stories(folder: Path) -> None:
    """films.csv: short texts, each with a word of every label it has."""
    draw = np.random.default_rng(0)
    common = ["a", "film", "of", "the", "year", "in", "which", "somebody", "goes", "home", "with", "one"]
    telling = {"crime": ["robbery", "detective"], "drama": ["tears", "family"], "comedy": ["joke", "laughter"]}
    lines = ["text,labels"]
    for _ in range(200):
        labels = [name for name in telling if draw.random() < 0.4]
        words = [*draw.choice(common, draw.integers(6, 20)), *(str(draw.choice(telling[each])) for each in labels)]
        lines.append(f"{' '.join(map(str, draw.permutation(words)))},{'|'.join(labels) or '[]'}")
    (folder / "films.csv").write_text("\n".join(lines), encoding="utf-8")


def ratings(folder: Path) -> None:
    """ratings.csv: forty people who each like one of four kinds of sixty things, at times that go on."""
    draw = np.random.default_rng(0)
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("user", "item", "rating", "time"))
        for time in range(1200):
            user, item = int(draw.integers(40)), int(draw.integers(60))
            likes = user % 4 == item % 4
            writer.writerow((f"u{user}", f"i{item}", int(draw.integers(3, 6) if likes else draw.integers(1, 4)), time))


def questions(folder: Path) -> None:
    """train.json in SQuAD's form: who met whom, where; a third of the questions has no answer."""
    draw = np.random.default_rng(0)
    names, towns = ["Mara", "Tigo", "Suna", "Ben", "Lolin"], ["Paris", "Rome", "北京", "Lima"]
    data = []
    for number in range(80):
        one, two = draw.choice(names, 2, False).tolist()
        town = str(draw.choice(towns))
        text = f"{one} met {two} in {town} on day {number}."
        asked = [(f"Who met {two}?", one), ("Where did they meet?", town), ("What did they eat?", "")]
        qas = [
            {
                "id": f"{number}-{place}",
                "question": question,
                "answers": [{"text": answer, "answer_start": text.index(answer)}] if answer else [],
            }
            for place, (question, answer) in enumerate(asked)
        ]
        data.append({"title": f"{number}", "paragraphs": [{"context": text, "qas": qas}]})
    (folder / "train.json").write_text(json.dumps({"data": data}, ensure_ascii=False), encoding="utf-8")


def lines(folder: Path) -> None:
    """texts.txt: sentences of few words, some of which go together."""
    draw = np.random.default_rng(0)
    goes = {"eats": "an apple", "drives": "a car", "reads": "a book"}
    made = []
    for number in range(200):
        verb = str(draw.choice(list(goes)))
        made.append(f"the {draw.choice(['cat', 'dog', 'boy'])} {verb} {goes[verb]} on day {number} .")
    (folder / "texts.txt").write_text("\n".join(made), encoding="utf-8")


EMBEDDED = {  # for recipes whose data are installed on few machines, at a rate that a few steps bear
    "data.source": "builtin:fashion",
    "data.limit": 256,
    "train.batch_size": 32,
    "train.optimizer.lr": 0.02,
}
SHIPPED = {
    "fashion": Shipped("fashion.yaml", changes={"data.limit": 320}),
    "fashion-full": Shipped("fashion-full.yaml", steps=8, changes=EMBEDDED),
    "fashion-fast": Shipped("fashion-fast.yaml", steps=8, changes={**EMBEDDED, "train.evaluate_every": 1}),
    "photos": Shipped("photos.yaml", steps=8, data=photos),
    "own-net": Shipped("own_net.yaml", changes={"data.limit": 320}),
    "detection": Shipped("detection.yaml", steps=8, data=boxes("instances.json")),
    "multi-label": Shipped("multi_label.yaml", steps=8, data=tagged, changes={"data.image.size": 40}),
    "new-image-multi-label": Shipped(
        "image-multi-label", steps=8, data=tagged, changes={"data.image.size": 40}, slow=True
    ),
    "text": Shipped("text.yaml", steps=6, data=reviews("reviews.csv"), changes={"train.tokens": 320}),
    "sentiment": Shipped(
        "sentiment.yaml",
        steps=5,
        data=starred,
        changes={"train.tokens": 320, "model.args": {"embedding": 16, "hidden": 16, "bidirectional": True}},
    ),
    "new-text-classification": Shipped(
        "text-classification", steps=6, data=reviews("reviews.csv"), changes={"data.columns": {}}, slow=True
    ),
    "new-text-multi-label": Shipped("text-multi-label", steps=6, data=stories, slow=True),
    "new-translation": Shipped(
        "translation",
        steps=4,
        data=pairs_of_phrases,
        changes={"data.columns": {}, "data.text.vocabulary": 300, "train.tokens": 400, "model.args": {"width": 32}},
        slow=True,
    ),
    "new-text-generation": Shipped(
        "text-generation",
        steps=4,
        data=paragraphs,
        changes={"data.text.vocabulary": 300, "train.tokens": 400, "model.args": {"width": 32}},
        slow=True,
    ),
    "new-question-answering": Shipped(
        "question-answering", steps=4, data=questions, changes={"model.args": {"width": 32, "layers": 1}}, slow=True
    ),
    "new-masked-lm": Shipped(
        "masked-lm", steps=4, data=lines, changes={"model.args": {"width": 32, "layers": 1}}, slow=True
    ),
    "table": Shipped("table.yaml", steps=8, data=houses),
    "new-table-regression": Shipped("table-regression", steps=6, data=houses, slow=True),
    "new-table-classification": Shipped("table-classification", steps=6, data=customers, slow=True),
    "new-click-prediction": Shipped(
        "click-prediction", steps=6, data=impressions, changes={"train.batch_size": 64}, slow=True
    ),
    "new-content-recommendation": Shipped(
        "content-recommendation", steps=4, data=shop, changes={"train.batch_size": 64}, slow=True
    ),
    "new-table-multi-label": Shipped("table-multi-label", steps=6, data=genes, slow=True),
    "segmentation": Shipped("segmentation.yaml", steps=8, data=scenes),
    "faces": Shipped("faces.yaml", steps=4, data=people, changes={"train.batch_size": 32}),
    "new-face-recognition": Shipped(
        "face-recognition", steps=4, data=people, changes={"train.batch_size": 32}, slow=True
    ),
    "new-segmentation": Shipped("segmentation", steps=8, data=scenes, slow=True),
    "new-image-classification": Shipped("image-classification", steps=8, data=photos, slow=True),
    "new-detection": Shipped("detection", steps=8, data=boxes("instances_train.json"), slow=True),
    "self-supervised": Shipped(
        "self_supervised.yaml", steps=6, changes={"data.limit": 256, "train.batch_size": 32, "options.probe": False}
    ),
    "new-self-supervised": Shipped(
        "self-supervised", steps=6, data=photos, changes={"train.batch_size": 64, "options.probe": False}, slow=True
    ),
    "recommendation": Shipped("recommendation.yaml", steps=6, data=ratings, changes={"train.batch_size": 64}),
    "new-item-recommendation": Shipped(
        "item-recommendation", steps=6, data=ratings, changes={"train.batch_size": 64}, slow=True
    ),
    "new-rating-prediction": Shipped(
        "rating-prediction", steps=6, data=ratings, changes={"train.batch_size": 64}, slow=True
    ),
    "house-price": Shipped("house_price.spec:SPEC", data=houses, changes={"data.source": "houses.csv"}),
}
"""The recipes in examples/ and those of `danlu new`, by name."""


def made(name: str, folder: Path, threads: int = 1) -> dict[str, Any]:
    """{"losses": one a step, "validation": metric → value, "data": fingerprint}, of a recipe trained in an empty folder."""
    shipped = SHIPPED[name]
    torch.set_num_threads(threads)
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))  # own_net, house_price
    off = NoKernelError("off")  # torch's own bits: those of a kernel compiled here are its compiler's as well
    with chdir(folder), patch.object(kernel, "_library", lambda: off):
        shipped.data(folder)
        run = danlu.train(recipes.patch(shipped.load(), {"train.threads": threads}), screen=False)
        steps, losses = curves(run.folder.events)["train/loss"]
        assert steps.tolist() == list(range(1, shipped.steps + 1))
        judged = [found for found in evaluations(run.folder.events) if found["part"] == "val"]
        values = {
            name: value for name, value in judged[0]["values"].items() if value == value
        }  # none where nothing can be said
        card = run.folder.read_json(run.folder.card)
    return {"losses": losses.tolist(), "validation": values, "data": card["fingerprint"]}


def machine() -> dict[str, Any]:
    """On what the bits depend, beside the number of threads."""
    from danlu.runs.environment import environment

    found = environment(0, torch.device("cpu"))
    versions = {name: found["packages"][name] for name in PACKAGES}
    limits = {name: value for name in LIMITS if (value := os.environ.get(name))}
    return {**versions, "instructions": found["cpu"]["capability"], "cpu": found["cpu"]["model"], **limits}


def kept(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return content


def apart(one: dict[str, Any], other: dict[str, Any]) -> list[float]:
    """Relative differences of two results: of each step's loss, and last of the validation losses.

    Shares of few samples (accuracy) jump where a loss moves a little, and don't count.
    """
    judged = [(value, other["validation"][key]) for key, value in one["validation"].items() if "loss" in key]
    steps = zip(one["losses"], other["losses"], strict=True)
    return [*(_relative(*pair) for pair in steps), max((_relative(*pair) for pair in judged), default=0.0)]


def _relative(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other), 1e-9)
