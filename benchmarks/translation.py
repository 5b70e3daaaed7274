"""Translation beside a plain torch seq2seq of the same size and the same CPU time: BLEU, chrF and TER on the same held-out sentences.

    python benchmarks/translation.py debian LISTS pairs.tsv    # en-fr, of apt lists
    python benchmarks/translation.py gettext zh_CN,zh_Hans pairs.tsv FOLDER…    # of .mo files (/usr/share/locale, site-packages, …)
    python benchmarks/translation.py train pairs.tsv --epochs 3 --width 192    # the table
    python benchmarks/translation.py train pairs.tsv --epochs 40 --seconds 2400    # both at once, the plain loop for so long
    python benchmarks/translation.py train pairs.tsv --group no --other new.tsv    # near copies on one side; also judged on new.tsv

Without --seconds the plain loop has the CPU time that Danlu's training took; with it Danlu's epochs are to be so many that they fit.
Both keep the weights of their lowest validation loss, drop alike, and take bf16 where that is faster. Judging the validation part
counts for Danlu and not for the plain loop.

Pairs of one package, or one catalogue, stay in one part, as do near copies; --group no keeps near copies together alone. --other: pairs
of documents that nobody learnt from, judged as well, without those whose source is a near copy of a training source. Lists:
apt-get update -o Acquire::Languages=none,en,fr -o Dir::State::lists=LISTS
"""

from __future__ import annotations

import argparse
import csv
import gettext
import json
import math
import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor, nn

import danlu
from danlu import recipe as recipes
from danlu.data.dataset import Dataset
from danlu.data.kinds.text import Text
from danlu.data.prepare import prepare
from danlu.data.text.likeness import likeness
from danlu.data.text.tokenizers import BEGIN
from danlu.metrics.bootstrap import interval, paired
from danlu.recipe.names import spec_of
from danlu.runs.predicting import RunPredictor
from danlu.runs.stored import Stored
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.translation.scores import Translations, signatures
from danlu.training.events import EpochDone, Evaluated, FitStarted
from danlu.training.precision import supported

# ---- data --------------------------------------------------------------------------------------------------------------


def debian(lists: Path) -> Iterator[tuple[str, str, str]]:
    """(source, target, package) of short descriptions and of paragraphs, where both sides have as many."""
    english: dict[str, list[str]] = {}
    for file in sorted(lists.glob("*i18n_Translation-en*")):
        english |= {key: parts for _, key, parts in _descriptions(file, "en")}
    for file in sorted(lists.glob("*i18n_Translation-fr*")):
        for package, key, parts in _descriptions(file, "fr"):
            if len(english.get(key, ())) == len(parts):
                yield from ((one, other, package) for one, other in zip(english[key], parts, strict=True))


def _descriptions(file: Path, language: str) -> Iterator[tuple[str, str, list[str]]]:
    text = subprocess.run(
        ["/usr/lib/apt/apt-helper", "cat-file", file], check=True, capture_output=True
    ).stdout.decode()
    for entry in text.split("\n\n"):
        package = key = ""
        parts: list[str] = []
        inside = False
        for line in entry.split("\n"):
            if line.startswith(f"Description-{language}:"):
                parts, inside = [line.partition(":")[2].strip(), ""], True
            elif inside and line.startswith(" "):
                if line.strip() == ".":
                    parts.append("")
                elif line.startswith("  "):
                    parts[-1] += "\n" + line.strip()  # a list: lines are not to be joined
                else:
                    parts[-1] = f"{parts[-1]} {line.strip()}".strip()
            else:
                inside = False
                name, _, value = line.partition(": ")
                package, key = (value if name == "Package" else package), (value if name == "Description-md5" else key)
        if key and parts:
            yield package, key, parts


def catalogues(languages: str, folders: list[Path]) -> Iterator[tuple[str, str, str]]:
    """(source, target, catalogue) of all messages of a language, without accelerators. languages: its codes, "zh_CN,zh_Hans"."""
    codes = tuple(languages.split(","))
    for folder in folders:
        for file in sorted(folder.rglob("*/LC_MESSAGES/*.mo")):
            if not file.parent.parent.name.startswith(codes):
                continue
            try:
                with file.open("rb") as stream:
                    found: Mapping[Any, str] = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
            except (OSError, UnicodeDecodeError):
                continue
            for key, value in found.items():
                if isinstance(key, str) and key and value:
                    yield (*unmarked(key.rpartition("\x04")[2], value), file.stem)


_ACCELERATOR = re.compile(r"\s*[(（]([_&~])([A-Za-z0-9])[)）]")


def unmarked(source: str, target: str) -> tuple[str, str]:
    """_Open…, 打开(_O)… without the letter that a menu answers to: the target says which mark and letter it is."""
    found = _ACCELERATOR.search(target)
    if found is None:
        return source, target
    marked = re.compile(re.escape(found[1]) + f"(?={found[2]})", re.IGNORECASE)
    return marked.sub("", source, count=1), _ACCELERATOR.sub("", target, count=1)


def prepared(rows: Iterator[tuple[str, str, str]], target: Path, longest: int) -> None:
    """A table of different pairs of 2 to ``longest`` words on one line, without lists and markup."""
    seen: set[tuple[str, str]] = set()
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(("source", "target", "document"))
        for one, other, document in rows:
            one, other = one.strip(), other.strip()
            plain = "\n" not in one + other and not any(mark in one for mark in "<>{}%\\")
            if plain and 2 <= len(one.split()) <= longest and other and one != other and (one, other) not in seen:
                seen.add((one, other))
                writer.writerow((one, other, document))
    print(f"{len(seen):,} pairs in {target}")


# ---- the plain loop ------------------------------------------------------------------------------------------------------


class Plain(nn.Module):
    """torch's own Transformer of the same width, layers and heads; tied embeddings, sines as positions.

    sources: ids of what is read, where it has a vocabulary, and an embedding, of its own; 0: they are those of ``vocabulary``.
    """

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, dropout: float, sources: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.sources = nn.Embedding(sources, width, padding_idx=0) if sources else self.embedding
        for table in dict.fromkeys((self.embedding, self.sources)):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.body = nn.Transformer(width, heads, layers, layers, 4 * width, dropout, batch_first=True, norm_first=True)
        rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
        angles = torch.arange(1024)[:, None] * rates
        self.register_buffer("places", torch.stack([angles.sin(), angles.cos()], 2).flatten(1))
        self.scale = math.sqrt(width)

    def embedded(self, ids: Tensor, table: nn.Module) -> Tensor:
        return self.body.encoder.layers[0].dropout(table(ids) * self.scale + self.places[: ids.shape[1]])

    def forward(self, source: Tensor, prefix: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(prefix.shape[1])
        gone = source == 0
        hidden = self.body(
            self.embedded(source, self.sources), self.embedded(prefix, self.embedding), tgt_mask=mask,
            tgt_is_causal=True, src_key_padding_mask=gone, memory_key_padding_mask=gone,
        )  # fmt: skip
        return hidden @ self.embedding.weight.T


class Again:
    """Written without a cache, as the plain net has none."""

    moving = ("own",)

    def __init__(self, net: Plain) -> None:
        self.net = net

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        own = np.concatenate([state["own"], tokens[:, None]], 1)
        logits = self.net(torch.from_numpy(state["ids"]), torch.from_numpy(own))[:, -1]
        return logits.numpy(), {**state, "own": own}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


Pairs = list[tuple[np.ndarray, np.ndarray]]


def lost(net: Plain, some: Pairs, smoothing: float) -> Tensor:
    """Mean cross-entropy of the targets' tokens."""
    source, truth = padded([one for one, _ in some]), padded([other for _, other in some])
    prefix = torch.cat([torch.full_like(truth[:, :1], BEGIN), truth[:, :-1]], 1)
    logits = net(source, prefix).flatten(0, 1)
    return nn.functional.cross_entropy(logits.float(), truth.flatten(), ignore_index=0, label_smoothing=smoothing)


def precise(name: str) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.bfloat16, enabled=name == "bf16")


def faster(net: Plain, pairs: Pairs, rows: int) -> str:
    """bf16 or fp32, whichever's passes take less CPU time: the least of four turns of three steps."""
    least = dict.fromkeys(supported(torch.device("cpu")), math.inf)
    for _ in range(4):
        for name in least:
            began = time.process_time()
            for start in range(0, 3 * rows, rows):
                with precise(name):
                    loss = lost(net, pairs[start : start + rows], 0.1)
                loss.backward()
            least[name] = min(least[name], time.process_time() - began)
    net.zero_grad()
    return min(least, key=lambda name: least[name])


def trained(
    net: Plain, pairs: Pairs, judged: Callable[[], float], seconds: float, asked: argparse.Namespace, precision: str
) -> tuple[int, list[float]]:
    """Shuffled batches padded to their longest, AdamW, one cycle over the time; the weights of the lowest epoch by ``judged`` stay.

    Gives the steps done in so much CPU time, and what was judged after each epoch, outside that time.
    """
    optimizer = torch.optim.AdamW(net.parameters(), lr=asked.lr, weight_decay=0.01)
    draw = np.random.default_rng(asked.seed)
    best, found = {}, []
    used, steps = 0.0, 0
    while used < seconds:
        net.train()
        order = draw.permutation(len(pairs))
        before, began = used, time.process_time()
        for start in range(0, len(order), asked.rows):
            done = used / seconds
            if done >= 1:
                break
            rate = done / 0.3 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))
            for group in optimizer.param_groups:
                group["lr"] = asked.lr * max(rate, 0.01)
            with precise(precision):
                loss = lost(net, [pairs[place] for place in order[start : start + asked.rows]], 0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            steps += 1
            used = before + time.process_time() - began
        net.eval()
        found.append(judged())
        if found[-1] == min(found):
            best = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(best)
    return steps, found


def padded(rows: list[np.ndarray]) -> Tensor:
    size = max(map(len, rows))
    return torch.from_numpy(np.stack([np.pad(row, (0, size - len(row))) for row in rows]).astype(np.int64))


# ---- the table -------------------------------------------------------------------------------------------------------------


class Clock:
    """A screen that notes the CPU time at the start of training and after each epoch, and validation losses."""

    def __init__(self) -> None:
        self.marks: list[float] = []
        self.losses: list[float] = []

    def on(self, event: Any) -> None:
        if isinstance(event, FitStarted | EpochDone):
            self.marks.append(time.process_time())
        elif isinstance(event, Evaluated) and "val/loss" in event.values:
            self.losses.append(event.values["val/loss"])

    def progress(self, stage: str, done: int, total: int) -> None:
        return None

    def close(self) -> None:
        return None


def gathered(data: Dataset, part: str) -> Pairs:
    """Ids of a part's sources and targets; of targets no more than a net may write, as in Danlu."""
    rows, most = data.parts[part], data.kinds["target"].max_length
    pairs = zip(data.store.gather("source", rows), data.store.gather("target", rows), strict=True)
    return [(one, other[:most]) for one, other in pairs]


def plain(
    plan: dict[str, Any], asked: argparse.Namespace, seconds: float, others: list[str]
) -> tuple[list[str], list[str], float, str]:
    """What the plain loop writes for the test part, in its order, and for ``others``; its perplexity of a token in the test part; what
    is told of its training.
    """
    torch.set_num_threads(1)
    recipe = recipes.complete(recipes.given(plan, {}))
    data = prepare(recipe, spec_of(recipe.task), None)
    target = data.kinds["target"]
    torch.manual_seed(asked.seed)
    apart = 0 if asked.shared else data.kinds["source"].vocabulary
    net = Plain(target.vocabulary, asked.width, 3, 4, asked.dropout, apart)
    pairs, val, test = (gathered(data, part) for part in ("train", "val", "test"))

    def surprise(some: Pairs, smoothing: float = 0.0) -> float:
        """Mean over all tokens, in batches of 64."""
        some = sorted(some, key=lambda pair: -len(pair[0]))
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(some), 64):
                batch = some[start : start + 64]
                total += float(lost(net, batch, smoothing)) * sum(len(other) for _, other in batch)
        return total / sum(len(other) for _, other in some)

    precision = faster(net.train(), pairs, asked.rows)
    steps, losses = trained(net, pairs, lambda: surprise(val, 0.1), seconds, asked, precision)
    began = time.process_time()
    said = translated(net, [one for one, _ in test], target, asked.beams)
    wrote = time.process_time() - began
    more = translated(net, [data.kinds["source"].prepare(text).value for text in others], target, asked.beams)
    told = (
        f"plain: {sum(p.numel() for p in net.parameters()):,} parameters, {precision}, {seconds:.0f} CPU seconds, {steps:,} steps, "
        f"validation loss {' '.join(f'{loss:.3f}' for loss in losses)} after its epochs; written in {wrote:.0f} s"
    )
    return said, more, math.exp(surprise(test)), told


def translated(net: Plain, sources: list[np.ndarray], target: Text, beams: int) -> list[str]:
    """What the plain net writes, by the search that Danlu has."""
    plan = Plan(BEGIN, target.words.end, target.max_length, beams, banned=(0, 1, 2, 4))
    order = np.argsort([-len(one) for one in sources], kind="stable")
    said = [""] * len(sources)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            ids = padded([sources[place] for place in some]).numpy()
            found, _ = write(Again(net), {"ids": ids, "own": np.empty((len(ids), 0), np.int64)}, len(ids), plan)
            for place, each in zip(some, found, strict=True):
                said[place] = target.words.decode(each.tolist())
    return said


def elsewhere(file: Path, data: Dataset) -> tuple[list[str], list[str], int]:
    """(sources, targets, how many are left out): of a table, whose source is no near copy of a training source, each once."""
    with file.open(encoding="utf-8", newline="") as lines:
        pairs = list(
            {row["source"]: (row["source"], row["target"]) for row in csv.DictReader(lines, delimiter="\t")}.values()
        )
    known = [data.kinds["source"].draw(ids) for ids in data.store.gather("source", data.parts["train"])]
    texts = [*known, *(one for one, _ in pairs)]
    near = likeness(texts, len(texts)).near
    learnt = set(near[: len(known)].tolist())
    kept = [pair for pair, group in zip(pairs, near[len(known) :].tolist(), strict=True) if group not in learnt]
    return [one for one, _ in kept], [other for _, other in kept], len(pairs) - len(kept)


def compare(asked: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    plan = {
        "task": "translation", "seed": asked.seed, "run": {"folder": str(asked.runs)},
        "data": {
            "source": str(asked.pairs), "text": {"vocabulary": asked.vocabulary, "max_length": 80},
            "limit": asked.limit,
            "split": {"val": 0.02, "test": 0.03, **({"group": "document"} if asked.group else {})},
        },
        "model": {"args": {"width": asked.width, "layers": 3, "heads": 4}, "dropout": asked.dropout},
        "train": {
            "epochs": asked.epochs, "tokens": asked.tokens, "threads": 1, "optimizer": {"name": "adamw", "lr": asked.lr},
            "evaluate_every": asked.every, "checkpoint": {"every_minutes": None, "every_epochs": asked.epochs},
        },
        "options": {"shared": asked.shared, "beams": asked.beams},
        "watch": {"captures_every": 0},
        "evaluate": {"baselines": True},
    }  # fmt: skip
    recipe = recipes.complete(recipes.given(plan, {}))
    data = prepare(recipe, spec_of(recipe.task), None)  # once, before two processes read it
    sources, targets, near = elsewhere(asked.other, data) if asked.other else ([], [], 0)
    clock = Clock()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        other = pool.submit(plain, plan, asked, asked.seconds, sources) if asked.seconds else None
        run = danlu.train(plan, screen=clock)
        seconds = clock.marks[-1] - clock.marks[0]
        losses = " ".join(f"{loss:.3f}" for loss in clock.losses)
        print(f"\nDanlu: {seconds:.0f} CPU seconds of training; validation loss {losses}", flush=True)
        said, more, perplexity, told = (other or pool.submit(plain, plan, asked, seconds, sources)).result()
    made = RunPredictor(run.path)
    print(f"{len(data.parts['train']):,} training pairs, {len(data.parts['test']):,} held out; "
          f"Danlu: {sum(p.numel() for p in made.net.parameters()):,} parameters, {made.recipe.train.precision}\n{told}")  # fmt: skip
    print(f"perplexity of a token: Danlu {run.metrics['test/perplexity']:.2f}, plain {perplexity:.2f}")
    target, test = data.kinds["target"], gathered(data, "test")
    file = Stored(made.folder.predictions / "test.parquet")
    mine = dict(
        zip(file.ids(), (each for block in file.blocks(("translation",)) for each in block["translation"]), strict=True)
    )
    asked_for = [data.kinds["source"].words.decode(one.tolist()) for one, _ in test]
    train = gathered(data, "train")
    nearest = Nearest([data.kinds["source"].draw(one) for one, _ in train], [target.draw(other) for _, other in train])
    written = {"Danlu": [mine[str(data.ids[row])] for row in data.parts["test"]], "plain torch": said}
    told_of = {"test": table(made, asked_for, [other for _, other in test], written, nearest)}
    if sources:
        print(f"\n{len(sources):,} pairs of {asked.other.name}, {near:,} near copies left out")
        answers = [each["translation"] for each in made.predict(sources)]
        ids = [target.prepare(text).value for text in targets]
        told_of["other"] = table(made, sources, ids, {"Danlu": answers, "plain torch": more}, nearest)
    (asked.runs / "said.json").write_text(json.dumps(told_of, ensure_ascii=False, indent=1))
    for each in signatures(made.task.scoring).values():
        print(each)


class Nearest:
    """The translation of the nearest training source, as Danlu has it beside a run."""

    def __init__(self, sources: list[str], targets: list[str]) -> None:
        self.texts = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=200_000)
        self.known, self.targets = self.texts.fit_transform(sources), targets

    def __call__(self, asked: list[str]) -> list[str]:
        found = [np.asarray((row @ self.known.T).toarray()).argmax() for row in self.texts.transform(asked)]
        return [self.targets[place] for place in found]


def table(
    made: RunPredictor, sources: list[str], meant: list[np.ndarray], said: dict[str, list[str]], nearest: Nearest
) -> list[dict[str, str]]:
    """Prints the scores of what is written, and of a copy and the nearest sentence, with Danlu's differences to each.

    meant: ids of the references. said: "Danlu" and others → a text for each source. Gives all texts of each sentence.
    """
    target = made.kinds["target"]
    said = {**said, "copy": sources, "nearest sentence": nearest(sources)}
    metrics = {}
    for name, texts in said.items():
        metrics[name] = Translations("translation", "target", target.tokenizer, made.task.scoring)
        metrics[name].update({"translation": texts}, {"target": meant})
    print(f"{'':22}{'BLEU':>20}{'chrF':>20}{'TER':>20}")
    for name, metric in metrics.items():
        values, between = metric.compute(), metric.intervals(0.95)
        cells = (
            f"{values[key]:6.1f} [{between[key][0]:5.1f},{between[key][1]:5.1f}]" for key in ("bleu", "chrf", "ter")
        )
        print(f"{name:22}{''.join(cells)}")
    ours = metrics["Danlu"].figures()
    for name in list(metrics)[1:]:
        theirs = metrics[name].figures()
        for key in ours:
            apart = paired(theirs[key], ours[key])
            low, high = interval(apart, 0.95, method="percentile")
            print(f"{key}, Danlu - {name}: {apart.value:+.1f} [{low:+.1f}, {high:+.1f}]")
    references = [target.words.decode(ids.tolist()) for ids in meant]
    names = ("source", "reference", *said)
    rows = [dict(zip(names, texts, strict=True)) for texts in zip(sources, references, *said.values(), strict=True)]
    for place in np.linspace(0, len(rows) - 1, 10).astype(int).tolist():
        print("\n" + "\n".join(f"{name:18}{text}" for name, text in rows[place].items()))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("debian")
    one.add_argument("lists", type=Path)
    one.add_argument("target", type=Path)
    two = commands.add_parser("gettext")
    two.add_argument("language")
    two.add_argument("target", type=Path)
    two.add_argument("folders", type=Path, nargs="+")
    for each in (one, two):
        each.add_argument("--longest", type=int, default=60)
    three = commands.add_parser("train")
    three.add_argument("pairs", type=Path)
    for name, value in (
        ("epochs", 3),
        ("width", 192),
        ("vocabulary", 6000),
        ("tokens", 3000),
        ("rows", 64),
        ("seed", 0),
        ("every", 1),
    ):
        three.add_argument(f"--{name}", type=int, default=value)
    three.add_argument("--limit", type=int, default=None)
    three.add_argument("--lr", type=float, default=1.5e-3)
    three.add_argument("--dropout", type=float, default=0.1)
    three.add_argument("--seconds", type=float, default=None, help="CPU seconds of the plain loop, at once with Danlu")
    three.add_argument("--beams", type=int, default=1, help="of both nets; 1: greedy")
    for name in ("shared", "group"):
        three.add_argument(f"--{name}", type=lambda text: text == "yes", default=True)
    three.add_argument("--other", type=Path, default=None, help="a table of pairs of documents that nobody learnt from")
    three.add_argument("--runs", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    if asked.command == "debian":
        prepared(debian(asked.lists), asked.target, asked.longest)
    elif asked.command == "gettext":
        prepared(catalogues(asked.language, asked.folders), asked.target, asked.longest)
    else:
        compare(asked)


if __name__ == "__main__":
    sys.exit(main())
