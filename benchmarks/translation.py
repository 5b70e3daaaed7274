"""Translation beside a plain torch seq2seq of the same size and the same CPU time: BLEU, chrF and TER on the same held-out sentences.

    python benchmarks/translation.py debian LISTS pairs.tsv    # en-fr, of apt lists
    python benchmarks/translation.py gettext zh_CN pairs.tsv [FOLDER …]    # of .mo files (/usr/share/locale, site-packages, …)
    python benchmarks/translation.py train pairs.tsv --epochs 3 --width 192    # the table

Pairs of one package, or one catalogue, stay in one part. Lists:
apt-get update -o Acquire::Languages=none,en,fr -o Dir::State::lists=LISTS
"""

from __future__ import annotations

import argparse
import csv
import gettext
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import danlu
from danlu.data.text.tokenizers import BEGIN
from danlu.runs import verdict
from danlu.runs.predicting import RunPredictor
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.translation.scores import Translations, signatures
from danlu.training.events import EpochDone, FitStarted

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


def catalogues(language: str, folders: list[Path]) -> Iterator[tuple[str, str, str]]:
    """(source, target, catalogue) of all messages of a language."""
    for folder in folders:
        for file in sorted(folder.rglob(f"*{language}*/LC_MESSAGES/*.mo")):
            try:
                with file.open("rb") as stream:
                    found: Mapping[Any, str] = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
            except (OSError, UnicodeDecodeError):
                continue
            for key, value in found.items():
                if isinstance(key, str) and key and value:
                    yield key.rpartition("\x04")[2], value, file.stem


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
    """torch's own Transformer of the same width, layers and heads; tied embeddings, sines as positions."""

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.body = nn.Transformer(width, heads, layers, layers, 4 * width, 0.1, batch_first=True, norm_first=True)
        rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
        angles = torch.arange(1024)[:, None] * rates
        self.register_buffer("places", torch.stack([angles.sin(), angles.cos()], 2).flatten(1))
        self.scale = math.sqrt(width)

    def embedded(self, ids: Tensor) -> Tensor:
        return self.body.encoder.layers[0].dropout(self.embedding(ids) * self.scale + self.places[: ids.shape[1]])

    def forward(self, source: Tensor, prefix: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(prefix.shape[1])
        gone = source == 0
        hidden = self.body(
            self.embedded(source), self.embedded(prefix), tgt_mask=mask, tgt_is_causal=True,
            src_key_padding_mask=gone, memory_key_padding_mask=gone,
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


def trained(
    net: Plain, pairs: list[tuple[np.ndarray, np.ndarray]], seconds: float, rows: int, lr: float, seed: int
) -> int:
    """Shuffled batches padded to their longest, AdamW, one cycle over the time; steps done in so much CPU time."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.01)
    draw = np.random.default_rng(seed)
    began, steps = time.process_time(), 0
    net.train()
    while True:
        order = draw.permutation(len(pairs))
        for start in range(0, len(order), rows):
            done = (time.process_time() - began) / seconds
            if done >= 1:
                return steps
            rate = done / 0.3 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))
            for group in optimizer.param_groups:
                group["lr"] = lr * max(rate, 0.01)
            some = [pairs[place] for place in order[start : start + rows]]
            source = padded([one for one, _ in some])
            truth = padded([other for _, other in some])
            prefix = torch.cat([torch.full_like(truth[:, :1], BEGIN), truth[:, :-1]], 1)
            logits = net(source, prefix)
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), truth.flatten(), ignore_index=0, label_smoothing=0.1
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            steps += 1


def padded(rows: list[np.ndarray]) -> Tensor:
    size = max(map(len, rows))
    return torch.from_numpy(np.stack([np.pad(row, (0, size - len(row))) for row in rows]).astype(np.int64))


# ---- the table -------------------------------------------------------------------------------------------------------------


class Clock:
    """A screen that notes the CPU time at the start of training and after each epoch."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on(self, event: Any) -> None:
        if isinstance(event, FitStarted | EpochDone):
            self.marks.append(time.process_time())

    def progress(self, stage: str, done: int, total: int) -> None:
        return None

    def close(self) -> None:
        return None


def compare(asked: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    recipe = {
        "task": "translation", "seed": asked.seed, "run": {"folder": str(asked.runs)},
        "data": {
            "source": str(asked.pairs), "text": {"vocabulary": asked.vocabulary, "max_length": 80},
            "limit": asked.limit, "split": {"val": 0.02, "test": 0.03, "group": "document"},
        },
        "model": {"args": {"width": asked.width, "layers": 3, "heads": 4}},
        "train": {
            "epochs": asked.epochs, "tokens": asked.tokens, "threads": 1, "optimizer": {"name": "adamw", "lr": asked.lr},
            "evaluate_every": asked.epochs, "checkpoint": {"every_minutes": None, "every_epochs": asked.epochs},
        },
        "options": {"shared": asked.shared},
        "watch": {"captures_every": 0},
        "evaluate": {"baselines": True},
    }  # fmt: skip
    clock = Clock()
    run = danlu.train(recipe, screen=clock)
    seconds = clock.marks[-1] - clock.marks[0]
    print(f"\nDanlu: {seconds:.0f} CPU seconds of training", flush=True)
    made = RunPredictor(run.path)
    data, kinds = run.data, made.kinds
    target, most = kinds["target"], kinds["target"].max_length

    def gathered(part: str) -> list[tuple[np.ndarray, np.ndarray]]:
        rows = data.parts[part]
        return list(zip(data.store.gather("source", rows), data.store.gather("target", rows), strict=True))

    torch.manual_seed(asked.seed)
    net = Plain(max(kinds["source"].vocabulary, target.vocabulary), asked.width, 3, 4)
    mine = sum(p.numel() for p in made.net.parameters())
    pairs = [(one, other[:most]) for one, other in gathered("train")]
    steps = trained(net, pairs, seconds, asked.rows, asked.lr, asked.seed)
    net.eval()
    test = gathered("test")
    order = np.argsort([-len(one) for one, _ in test], kind="stable")
    plan = Plan(BEGIN, target.words.end, most, banned=(0, 1, 2, 4))
    said = np.empty(len(test), object)
    began = time.process_time()
    tokens = surprise = 0.0
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            truth = padded([test[place][1][:most] for place in some])
            prefix = torch.cat([torch.full_like(truth[:, :1], BEGIN), truth[:, :-1]], 1)
            logits = net(padded([test[place][0] for place in some]), prefix)
            surprise += float(
                nn.functional.cross_entropy(logits.flatten(0, 1), truth.flatten(), ignore_index=0, reduction="sum")
            )
            tokens += float((truth != 0).sum())
            ids = padded([test[place][0] for place in some]).numpy()
            found, _ = write(Again(net), {"ids": ids, "own": np.empty((len(ids), 0), np.int64)}, len(ids), plan)
            said[some] = [target.words.decode(each.tolist()) for each in found]
    wrote = time.process_time() - began
    metric = Translations("translation", "target", target.tokenizer, made.task.scoring)
    metric.update({"translation": said}, {"target": [other for _, other in test]})
    theirs, bounds = metric.compute(), metric.intervals(0.95)
    print(f"{len(pairs):,} training pairs, {len(test):,} of other documents; {sum(p.numel() for p in net.parameters()):,} and "
          f"{mine:,} parameters (plain, Danlu); {steps:,} steps of the plain loop, written in {wrote:.0f} s")  # fmt: skip
    print(f"{'':22}{'BLEU':>20}{'chrF':>20}{'TER':>20}")
    ours = {name: run.metrics[f"test/{name}"] for name in theirs}
    limits = {name: run.intervals[f"test/{name}"] for name in theirs}
    print(f"perplexity of a token: Danlu {run.metrics['test/perplexity']:.2f}, plain {math.exp(surprise / tokens):.2f}")
    lines = [("Danlu", ours, limits), ("plain torch", theirs, bounds)]
    entries = verdict.kept(made.folder)
    lines += [
        (
            name,
            {key: each["values"][f"test/{key}"] for key in theirs},
            {key: each["intervals"][f"test/{key}"] for key in theirs},
        )
        for name, each in entries.items()
    ]
    for name, values, between in lines:
        cells = "".join(
            f"{values[key]:6.1f} [{between[key][0]:5.1f},{between[key][1]:5.1f}]" for key in ("bleu", "chrf", "ter")
        )
        print(f"{name:22}{cells}")
    for each in signatures(made.task.scoring).values():
        print(each)
    for place in range(3):
        source = kinds["source"].words.decode(test[place][0].tolist())
        meant, ours_said = target.words.decode(test[place][1].tolist()), made.predict([source])[0]["translation"]
        print(f"\n{source}\n= {meant}\n  {ours_said}\n  {said[place]}")


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
    ):
        three.add_argument(f"--{name}", type=int, default=value)
    three.add_argument("--limit", type=int, default=None)
    three.add_argument("--lr", type=float, default=1.5e-3)
    three.add_argument("--shared", type=lambda text: text == "yes", default=True)
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
