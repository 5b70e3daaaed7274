"""Questions about texts: from SQuAD's JSON to an artifact that quotes to the letter; windows; no answer; published encoders."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import danlu
from danlu.cli.main import main
from danlu.data.batches.batch import Padded
from danlu.data.kinds.passage import Passage
from danlu.data.prepare import prepare
from danlu.errors import DataError, RecipeError
from danlu.nn.nets.span_reader import SpanReader
from danlu.recipe import complete, from_dict
from danlu.recipe.names import spec_of
from danlu.tasks.question_answering.decoder import SpanDecoder
from danlu.tasks.question_answering.net import Windowed
from danlu.tasks.question_answering.term import Span

NAMES = ["Marna", "Lolin", "Tigo", "Karet", "Benvio", "Suna", "Rolin", "Mago"]
TOWNS = ["Paris", "Rome", "北京", "Lima", "Oslo", "東京"]


def write_squad(path: Path, count: int = 70, seed: int = 0) -> None:
    """SQuAD v2: meetings of two people; a quarter of the questions has no answer."""
    draw = random.Random(seed)
    data = []
    for number in range(count):
        one, two = draw.sample(NAMES, 2)
        town, year = draw.choice(TOWNS), str(draw.randint(1900, 1999))
        text = f"😀 {one} met {two} in {town} in the year {year}."
        asked = [("Who met {two}?", one), ("Where did they meet?", town), ("When did {one} meet {two}?", year)]
        qas: list[dict[str, Any]] = [
            {
                "id": f"{number}-{place}",
                "question": question.format(one=one, two=two),
                "answers": [{"text": answer, "answer_start": text.index(answer)}],
            }
            for place, (question, answer) in enumerate(asked)
        ]
        qas.append({"id": f"{number}-x", "question": "What colour was it?", "answers": [], "is_impossible": True})
        data.append({"title": f"t{number}", "paragraphs": [{"context": text, "qas": qas}]})
    path.write_text(json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False), encoding="utf-8")


def recipe(source: Path, runs: Path, name: str = "qa", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task": "question-answering",
        "seed": 1,
        "run": {"folder": str(runs), "name": name},
        "data": {"source": str(source), "cache": str(runs / "cache")},
        "model": {"name": "span-reader", "args": {"width": 24, "layers": 1, "heads": 2}},
        "train": {"epochs": 12, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 8e-3}, "threads": 1},
        "watch": {"captures_every": 0},
    }
    for key, value in more.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


@pytest.fixture(scope="module")
def meetings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("meetings") / "meetings.json"
    write_squad(path)
    return path


@pytest.fixture(scope="module")
def run(meetings: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(recipe(meetings, tmp_path_factory.mktemp("runs")), screen=False)


def test_learns_to_quote_and_when_not_to(run: Any) -> None:
    assert run.metrics["test/f1"] > 0.85
    assert run.metrics["test/unanswerable-em"] > 0.9
    assert set(run.baselines) == {"no-answer", "best-overlap"}
    tuned = json.loads((run.path / "thresholds.json").read_text())
    assert tuned["part"] == "val"
    assert tuned["after"] >= tuned["before"]


def test_predictions_are_places_in_the_text(run: Any) -> None:
    found = pq.read_table(run.path / "predictions" / "test.parquet").to_pydict()
    for span, truth in zip(found["span"], found["true/answers"], strict=True):
        content = json.loads(bytes(truth[8:]))
        if span[0] >= 0:
            assert content["text"][span[0] : span[1]].strip()


def test_questions_about_one_text_stay_in_one_part(run: Any) -> None:
    rows = pq.read_table(run.path / "data" / "split.parquet").to_pydict()
    parts: dict[str, set[str]] = {}
    for name, part in zip(rows["id"], rows["part"], strict=True):
        parts.setdefault(name.partition("-")[0], set()).add(part)
    assert all(len(each) == 1 for each in parts.values())


def test_the_report_shows_answers_where_they_stand(run: Any) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "sentence in common with the question" in page


def test_an_artifact_answers_as_the_run_does(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = danlu.export(run, tmp_path / "artifact")
    asked = [
        {"question": "Where did they meet?", "context": "😀 Mago met Suna in 北京 in the year 1955."},
        {
            "question": "Who met Suna?",
            "context": "Mago met Suna in Oslo in the year 1955. " + "It was a quiet day. " * 120,
        },
        {"question": "What colour was it?", "context": "Mago met Suna in Oslo in the year 1955."},
    ]
    ours, theirs = danlu.load(run.path).predict(asked), danlu.load(folder).predict(asked)
    for raw, one, other in zip(asked, ours, theirs, strict=True):
        assert one["answer"] == other["answer"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)
        if one["answer"] is not None:
            assert raw["context"][one["start"] : one["end"]] == one["answer"]
            assert f"⟦{one['answer']}⟧" in one["shown"]
    assert ours[2]["answer"] is None
    assert main(["predict", str(folder), "question=Where did they meet?", f"context={asked[0]['context']}"]) == 0
    assert f"⟦{ours[0]['answer']}⟧" in capsys.readouterr().out


def test_tables_are_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "asked.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(("context", "question", "answer", "answer_start"))
        for row in range(30):
            write.writerow((f"no {row} was no {row} in no", "what?", "no", 3 + len(str(row)) + 5))
        write.writerow(("a text", "what?", "", ""))
        write.writerow(("a text", "where?", "nowhere", ""))
    made = complete(from_dict(recipe(path, tmp_path, data={"source": str(path), "max_bad": 0.5})))
    data = prepare(made, spec_of("question-answering"))
    assert len(data) == 31
    value = data.store.gather("answers", np.arange(1))[0]
    first = int(value[:4].view("<i4")[0])
    text = data.store.gather("context", np.arange(1))[0]
    assert text[first, 1] == 3 + 1 + 5  # the place that is told, not the first one
    assert data.kinds["answers"].spec() == {"unanswerable": True}
    assert "does not stand in the text" in json.dumps(data.card["bad"], ensure_ascii=False)


def test_cmrc_is_read_and_judged_by_characters(tmp_path: Path) -> None:
    text = "《三国演义》是罗贯中写的。成书于元末明初。"
    draw = random.Random(0)
    letters = [chr(0x4E00 + place) for place in range(500)]
    content = [
        {
            "context_id": f"c{row}",
            "context_text": text + "".join(draw.choices(letters, k=40)),
            "qas": [{"query_id": f"q{row}", "query_text": "谁写的？", "answers": ["罗贯中", "罗贯中写的"]}],
        }
        for row in range(24)
    ]
    path = tmp_path / "trial.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    made = complete(from_dict(recipe(path, tmp_path)))
    data = prepare(made, spec_of("question-answering"))
    assert len(data) == 24
    assert data.kinds["context"].solid
    decoder = SpanDecoder.of(data.kinds, ("answers",), made.options)
    assert decoder.rule == "cmrc"
    assert not decoder.nulls


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"qas": []}]}]}), encoding="utf-8")
    with pytest.raises(DataError, match="context"):
        prepare(complete(from_dict(recipe(path, tmp_path))), spec_of("question-answering"))
    path.write_text(json.dumps({"data": [{"paragraphs": []}]}), encoding="utf-8")
    with pytest.raises(DataError, match="no question"):
        prepare(complete(from_dict(recipe(path, tmp_path))), spec_of("question-answering"))


def _block(passage: Passage, texts: list[np.ndarray]) -> Padded:
    values, sizes = passage.stack(texts)
    return Padded(torch.from_numpy(values), torch.from_numpy(sizes))


def test_a_padded_batch_answers_as_each_alone_and_windows_as_windows() -> None:
    torch.manual_seed(0)
    passage = Passage({"name": "words", "vocabulary": []}, window=12, stride=7)
    net = Windowed(SpanReader(60, width=16, layers=2, heads=2), 12, 7).eval()
    draw = np.random.default_rng(0)
    texts = [draw.integers(5, 60, (size, 3)).astype(np.int32) for size in (3, 12, 30)]
    asked = [draw.integers(5, 60, size).astype(np.int32) for size in (6, 2, 4)]
    block = np.zeros((3, 6), np.int32)
    for row, each in zip(block, asked, strict=True):
        row[: len(each)] = each
    sizes = torch.tensor([[6], [2], [4]])
    with torch.no_grad():
        together = net(Padded(torch.from_numpy(block), sizes), _block(passage, texts))
        for row, (text, question) in enumerate(zip(texts, asked, strict=True)):
            one = Padded(torch.from_numpy(question[None]), torch.tensor([[len(question)]]))
            alone = net(one, _block(passage, [text]))
            windows = alone["start"].shape[1]
            for which in range(windows):
                part = text[which * 7 : which * 7 + 12]
                single = net.inner(
                    torch.from_numpy(question[None]), torch.tensor([len(question)]),
                    torch.from_numpy(part[None, :, 0]), torch.tensor([len(part)]),
                )  # fmt: skip
                for name in ("start", "end"):
                    want = single[name][0]
                    assert torch.allclose(alone[name][0, which, : len(want)], want, atol=1e-5)
                    assert torch.allclose(together[name][row, which, : len(want)], want, atol=1e-5)
                    assert (together[name][row, which, len(want) :] == -1e4).all()


def test_windows_are_merged_as_a_plain_search_does() -> None:
    draw = np.random.default_rng(0)
    passage = Passage({"name": "words", "vocabulary": []}, window=8, stride=5)
    sizes = (3, 8, 9, 20)
    texts = [np.column_stack([np.arange(n), 10 * np.arange(n), 10 * np.arange(n) + 9]).astype(np.int32) for n in sizes]
    values, tokens = passage.stack(texts)
    shape = (*values.shape[:2], 1 + values.shape[2])
    outputs = {name: draw.normal(size=shape).astype(np.float32) * 4 for name in ("start", "end")}
    found = SpanDecoder(8, 5, 3, True).decode(outputs, {"context": (values, tokens)})
    for row, count in enumerate(sizes):
        best, null = (-np.inf, (0, 0)), np.inf
        for which in range(1 if count <= 8 else 1 + -(-(count - 8) // 5)):
            start, end = outputs["start"][row, which], outputs["end"][row, which]
            null = min(null, start[0] + end[0])
            length = min(8, count - which * 5)
            for first in range(length):
                for last in range(first, min(first + 3, length)):
                    score = start[1 + first] + end[1 + last]
                    if score > best[0]:
                        best = (score, (10 * (which * 5 + first), 10 * (which * 5 + last) + 9))
        assert tuple(found["best"][row]) == best[1]
        assert found["margin"][row] == pytest.approx(null - best[0], abs=1e-4)
        assert (found["span"][row] == (-1 if null > best[0] else found["best"][row])).all()


def test_the_loss_points_at_place_0_where_a_window_lacks_the_answer() -> None:
    passage = Passage({"name": "words", "vocabulary": []}, window=8, stride=5)
    texts = [np.zeros((size, 3), np.int32) for size in (4, 17)]
    head = np.asarray([[-1, -1], [6, 9]], "<i4").view(np.uint8)
    from danlu.data.batches.batch import Batch
    from danlu.data.kinds.answers import Answers

    answers = Answers().collate(
        [np.concatenate([row, np.frombuffer(b'{"text":"","answers":[]}', np.uint8)]) for row in head]
    )
    batch = Batch({"context": _block(passage, texts), "answers": answers}, ("context",), np.arange(2))
    term = Span("answers", "context", 8, 5)
    torch.manual_seed(0)
    outputs = {name: torch.randn(2, 3, 9, requires_grad=True) for name in ("start", "end")}
    assert float(term.count(batch)) == 4  # one window and three
    aims = {(0, 0): (0, 0), (1, 0): (0, 0), (1, 1): (2, 5), (1, 2): (0, 0)}  # the first window lacks the last token
    want = sum(
        -outputs["start"][key].log_softmax(0)[first] / 2 - outputs["end"][key].log_softmax(0)[last] / 2
        for key, (first, last) in aims.items()
    )
    assert torch.allclose(term(outputs, batch), torch.as_tensor(want))


def test_the_threshold_is_the_best_there_is() -> None:
    draw = np.random.default_rng(0)
    margin = draw.normal(size=60).round(1).astype(np.float32)
    truth = []
    best = np.zeros((60, 2), np.int64)
    for row in range(60):
        answers = [] if margin[row] + draw.normal() > 0.5 else ["ab"]
        content = json.dumps({"text": "ab cd", "answers": answers}).encode()
        truth.append(np.concatenate([np.zeros(8, np.uint8), np.frombuffer(content, np.uint8)]))
        best[row] = (0, 2) if draw.random() < 0.8 else (3, 5)
    decoder = SpanDecoder(8, 5, 3, True)
    found = decoder.tuned({"best": best, "margin": margin}, truth, "f1")
    values = []
    for threshold in np.linspace(-4, 4, 801):
        silent = margin > threshold
        right = [
            (not json.loads(bytes(value[8:]))["answers"])
            if quiet
            else bool(json.loads(bytes(value[8:]))["answers"]) and span[0] == 0
            for value, quiet, span in zip(truth, silent, best, strict=True)
        ]
        values.append(np.mean(right))
    assert found.after == pytest.approx(max(values))
    assert found.after >= found.before


def test_a_net_that_reads_no_question_is_refused(meetings: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not read a question"):
        danlu.train(recipe(meetings, tmp_path, model={"name": "text-cnn", "args": {}}), screen=False)


def test_a_published_encoder_gives_its_own_logits(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from danlu.nn.transformers_span import transformers_span
    from tests.nn.made_tokenizers import wordpiece

    folder = tmp_path / "bert"
    tokenizer = wordpiece(folder, ["who", "met", "him", "in", "rome", "?", "."])
    config = transformers.BertConfig(
        vocab_size=tokenizer.size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertForQuestionAnswering(config).eval()
    model.save_pretrained(folder)
    net = transformers_span(
        str(folder), tokenizer.size, tokenizer.pair(), 40, 24, {}, True, "model.name", "model.pretrained"
    ).eval()
    question, text = "who met him ?", "him in rome . who ."
    ids = tokenizer._library.encode(question, text)
    with torch.no_grad():
        want = model(
            input_ids=torch.tensor([ids.ids]), token_type_ids=torch.tensor([ids.type_ids]),
        )  # fmt: skip
        first, second = tokenizer.located(question)[0], tokenizer.located(text)[0]
        asked = torch.tensor([[*first, 0, 0], [first[0]] * (len(first) + 2)])
        read = torch.tensor([[*second, 0], [second[0]] * (len(second) + 1)])
        found = net(
            asked, torch.tensor([len(first), len(first) + 2]), read, torch.tensor([len(second), len(second) + 1])
        )
    places = [0, *(place for place, owner in enumerate(ids.sequence_ids) if owner == 1)]
    assert torch.allclose(found["start"][0, : len(places)], want.start_logits[0, places], atol=1e-5)
    assert torch.allclose(found["end"][0, : len(places)], want.end_logits[0, places], atol=1e-5)
    # 16 of a question, three marks: the window may have 45. Fewer tokens of all texts (data.text.max_length) would not help.
    with pytest.raises(RecipeError, match=r"options\.passage: \{window: 45, stride: 22\}"):
        transformers_span(
            str(folder), tokenizer.size, tokenizer.pair(), 100, 84, {}, True, "model.name", "model.pretrained"
        )
    with pytest.raises(RecipeError, match="at least 99 tokens"):
        transformers_span(
            str(folder), tokenizer.size, tokenizer.pair(), 164, 84, {}, True, "model.name", "model.pretrained"
        )
