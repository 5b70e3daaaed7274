"""Where a translator looked: the net's own shares, one row for each token that the run writes, and shown in its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import danlu
from danlu.data.batches.batch import Padded
from danlu.evaluation.explain.attention import attention
from danlu.report.writing import write_report
from tests.endtoend.test_translation import phrases, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> danlu.Run:
    folder = tmp_path_factory.mktemp("looked")
    phrases(folder / "pairs.tsv", 60)
    made: danlu.Run = trained(
        folder, "pairs.tsv", data__columns={"source": "en", "target": "fr"}, train__epochs=1, evaluate__baselines=False,
        data__text={"vocabulary": 80, "near": None, "max_length": 24},
    )  # fmt: skip
    return made


def test_rows_are_the_nets_own_shares(run: danlu.Run) -> None:
    asked = ["the red cat sees a dog 7", "一只 cat"]
    loaded = danlu.load(run.path)
    found = attention(loaded, asked)
    for raw, one in zip(asked, found, strict=True):
        said = loaded.predict([raw])[0]["translation"]
        assert one.weights.shape == (len(one.written), len(one.read))
        np.testing.assert_allclose(one.weights.sum(1), 1.0, atol=1e-6)
        shown = "".join(each for each in one.written if each != "</s>")
        assert "".join(shown.split()) == "".join(said.split()) or "<0x" in shown
        ids = loaded.prepare(raw).values["source"]
        words = loaded.kinds["target"].words  # type: ignore[attr-defined]
        state = loaded.outputs({"source": loaded.kinds["source"].stack([ids])})  # type: ignore[attr-defined]
        prefix = np.concatenate([[words.begin], state["tokens"][0, : state["lengths"][0]]])[:24]
        given = (
            Padded(torch.from_numpy(each.astype(np.int64))[None], torch.tensor([[len(each)]])) for each in (ids, prefix)
        )
        with torch.inference_mode():
            maps = loaded.net.attention(*given)[0]
        np.testing.assert_allclose(one.weights, maps.double().mean((0, 1)), atol=1e-6)
        (last,) = attention(loaded, [raw], layer=0)
        np.testing.assert_allclose(last.weights, maps[0].double().mean(0), atol=1e-6)


def test_the_report_shows_it_in_both_languages(run: danlu.Run, tmp_path: Path) -> None:
    for lang, title in (("en", "Where it looked"), ("zh", "注意力")):
        page = write_report(run, tmp_path / f"{lang}.html", lang).read_text("utf-8")  # type: ignore[arg-type]
        section = page.partition('id="attention"')[2].partition("</section>")[0]
        assert title in section
        assert section.count("<table") >= 1
        assert "--v:" in section


def test_a_classifier_has_none(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f"{word} number {n},{word}\n" for n in range(20) for word in ("good", "bad"))
    made = danlu.train(
        {"task": "text-classification", "run": {"folder": str(tmp_path / "runs")}, "data": {"source": str(tmp_path / "t.csv")},
         "train": {"epochs": 1, "threads": 1}, "evaluate": {"baselines": False, "report": False}},
        screen=False,
    )  # fmt: skip
    with pytest.raises(TypeError, match="does not write"):
        attention(danlu.load(made.path), ["good"])
