"""Known runs of tokens and their IDF are scikit-learn's; the net without its hidden layer is a linear model of them."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from danlu.data.batches.batch import Padded
from danlu.evaluation.explain.words import integrated
from danlu.nn.letters import runs_of
from danlu.nn.nets.bag import Bag
from danlu.nn.nets.ngrams import Ngrams, first
from danlu.nn.ngrams import known, telling

VOCABULARY, LONGEST = 40, 4
PIECES = ["".join(chr(97 + each % 7) for each in range(token, 2 * token + 2)) for token in range(VOCABULARY)]


def _texts(count: int = 150) -> list[np.ndarray]:
    draws = np.random.default_rng(0)
    often = 1 / np.arange(1, VOCABULARY) ** 0.7
    return [
        draws.choice(np.arange(1, VOCABULARY), draws.integers(1, 30), p=often / often.sum()).astype(np.int32)
        for _ in range(count)
    ]


def _reference(texts: list[np.ndarray], least: int = 2) -> TfidfVectorizer:
    made = TfidfVectorizer(analyzer=lambda text: _grams(text, LONGEST), min_df=least, norm=None)
    return made.fit(texts)


def _grams(text: np.ndarray, longest: int) -> list[tuple[int, ...]]:
    ids = text.tolist()
    return [tuple(ids[at : at + size]) for size in range(1, longest + 1) for at in range(len(ids) - size + 1)]


def _code(run: tuple[int, ...], keys: np.ndarray) -> int:
    """Of a run; -1 where it isn't known."""
    code = run[0]
    for token in run[1:]:
        at = int(np.searchsorted(keys, code * VOCABULARY + token))
        if at == len(keys) or keys[at] != code * VOCABULARY + token:
            return -1
        code = VOCABULARY + at
    return code


def test_runs_and_idf_are_scikit_learns() -> None:
    texts = _texts()
    found, wanted = known(texts, VOCABULARY, LONGEST, 10**6), _reference(texts)
    runs = [run for run in wanted.vocabulary_ if len(run) > 1]
    assert len(found.keys) == len(runs) > 300
    assert (np.diff(found.keys) > 0).all()
    for run, place in wanted.vocabulary_.items():
        assert found.idf[_code(run, found.keys)] == pytest.approx(wanted.idf_[place], rel=1e-6)
    assert found.idf[0] == 0  # padding is in no text


def test_the_most_frequent_runs_stay() -> None:
    texts = _texts()
    whole, few = known(texts, VOCABULARY, LONGEST, 10**6), known(texts, VOCABULARY, LONGEST, 200)
    assert len(few.keys) == 200
    np.testing.assert_allclose(np.sort(few.idf[VOCABULARY:]), np.sort(whole.idf[VOCABULARY:])[:200])
    runs = [run for run in _reference(texts).vocabulary_ if len(run) > 1]
    assert sum(_code(run, few.keys) >= 0 for run in runs) == 200  # each under the code of what it begins with


@pytest.mark.parametrize("texts", [[], [np.asarray([3], np.int32)]])
def test_texts_without_runs_know_none(texts: list[np.ndarray]) -> None:
    found = known(texts, VOCABULARY, LONGEST, 100)
    assert len(found.keys) == 0
    assert len(found.idf) == VOCABULARY


def _padded(texts: list[np.ndarray]) -> Padded:
    block = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(text) for text in texts], batch_first=True)
    return Padded(block, torch.tensor([[len(text)] for text in texts]))


def _net(embedding: int = 0, letters: int = 0) -> Ngrams:
    torch.manual_seed(0)
    net = Ngrams(
        VOCABULARY, 3, False, longest=LONGEST, grams=2000, letters=letters, embedding=embedding, scale=7.0
    ).eval()
    net.fit_texts(_texts(), PIECES)
    for table in (net.embedding, net.letters, net.runs):
        if table is not None:
            torch.nn.init.normal_(table.weight)
    return net


def test_without_a_hidden_layer_it_is_a_linear_model_of_tf_idf() -> None:
    net = _net()
    vectors = _reference(_texts())
    weights = np.zeros((len(vectors.vocabulary_), 3))
    codes = {run: _code(run, net.keys.numpy()) for run in vectors.vocabulary_}
    both = torch.cat([net.embedding.weight, net.runs.weight]).detach().double().numpy()  # type: ignore[union-attr]
    for run, place in vectors.vocabulary_.items():
        weights[place] = both[codes[run]]
    held = [draw[np.sort(np.unique(draw, return_index=True)[1])] for draw in _texts(400)[300:]]  # no run comes twice
    rows = vectors.transform(held).toarray()
    rows *= 7.0 / np.linalg.norm(rows, axis=1, keepdims=True)
    found = net(_padded(held)).detach().double().numpy()
    np.testing.assert_allclose(found, rows @ weights, rtol=1e-4, atol=1e-4)


def test_the_search_that_is_exported_finds_the_same() -> None:
    net = _net()
    keys = torch.cat([net.keys[: len(net.keys) // 2], net.keys[:700] + 1, torch.tensor([0, 2**40])])
    place, there = net._found(keys)
    with patch("torch.compiler.is_exporting", return_value=True):
        other, also = net._found(keys)
    assert torch.equal(there, also)
    assert torch.equal(place[there], other[there])
    assert 0 < int(there.sum()) < len(keys)


def test_a_step_leaves_tokens_out_and_judging_none() -> None:
    net, text = _net(embedding=4), _padded(_texts()[:8])
    whole = net(text)
    assert torch.equal(net(text), whole)
    assert not torch.allclose(net.train()(text), whole)


@pytest.mark.parametrize("tokens", range(1, 8))
def test_runs_longer_than_the_text_owe_nothing(tokens: int) -> None:
    shares = [torch.zeros(tokens) for _ in range(6)]
    for size, share in enumerate(shares, start=1):
        share[: max(0, tokens - size + 1)] = 1.0
    for net in (
        Ngrams(VOCABULARY, 3, True, longest=6, grams=9),
        Bag(VOCABULARY, 3, ngrams=6, buckets=9),
    ):
        assert float(net.spread(shares).sum()) == pytest.approx(float(torch.stack(shares).sum()))


def test_letters_are_a_linear_model_of_their_tf_idf() -> None:
    net, texts = _net(letters=500), _texts()
    letters = net.letters
    assert letters is not None
    vectors = TfidfVectorizer(
        analyzer=lambda text: [run for token in text.tolist() for run in runs_of(PIECES[token])], min_df=2, norm=None
    ).fit(texts)
    assert len(vectors.vocabulary_) <= 500
    for table in (net.embedding, net.runs):
        torch.nn.init.zeros_(table.weight)  # type: ignore[union-attr]
    once = [np.asarray([token], np.int32) for token in range(1, VOCABULARY)]
    rows = vectors.transform(once).toarray()
    known = rows.any(1)
    assert known.sum() > 20
    weights = np.zeros((len(vectors.vocabulary_), 3))
    for token, place in ((token, place) for token in range(1, VOCABULARY) for place in range(24)):
        row = int(letters.places[token, place])
        if row:
            told = [run for run in runs_of(PIECES[token]) if run in vectors.vocabulary_][place]
            weights[vectors.vocabulary_[told]] = letters.weight[row].detach().numpy()
    rows *= 7.0 / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)
    found = net(_padded(once)).detach().numpy()
    np.testing.assert_allclose(found[known], (rows @ weights)[known], rtol=1e-4, atol=1e-4)


def test_letters_are_exported_as_they_are_learnt() -> None:
    letters = _net(letters=500).letters
    assert letters is not None
    ids = torch.arange(12).reshape(3, 4)
    with patch("torch.compiler.is_exporting", return_value=True):
        other = letters(ids)
    torch.testing.assert_close(letters(ids), other)
    assert other.abs().sum() > 1


def test_what_a_token_tells_by_hand() -> None:
    """Of class 0: 1 2 and 1 1; of the other: 2 3. Texts with each: 1 two and none, 2 one and one, 3 none and one."""
    texts = [np.asarray(ids, np.int32) for ids in ([1, 2], [1, 1], [2, 3])]
    found = telling(texts, np.asarray([[1, 0], [1, 0], [0, 1]], bool), np.empty(0, np.int64), 5, 1)
    of, against = np.asarray([3, 2, 1]) / 6, np.asarray([1, 2, 2]) / 5
    np.testing.assert_allclose(found, [0, *np.abs(np.log(of / against)), 0], rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_ratios_are_those_of_naive_bayes(classes: int) -> None:
    texts, labels = _texts(), np.random.default_rng(1).integers(0, classes, 150)
    found = known(texts, VOCABULARY, LONGEST, 10**6)
    vectors = CountVectorizer(analyzer=lambda text: _grams(text, LONGEST), min_df=2, binary=True)
    present = vectors.fit_transform(texts).toarray()
    wanted = np.zeros(present.shape[1])
    # a token of one text alone is known here: it is a row of the embedding; so the sums are of all tokens and the known runs
    alone = CountVectorizer(analyzer=lambda text: [(token,) for token in text.tolist()], binary=True)
    rare = alone.fit_transform(texts).toarray()
    rare = rare[:, rare.sum(0) < 2]
    for label in range(classes):
        ours, others = labels == label, labels != label
        p, q = (1 + present[part].sum(0) for part in (ours, others))
        sums = [(1 + part).sum() for part in (rare[ours].sum(0), rare[others].sum(0))]
        wanted += np.abs(np.log(p / (p.sum() + sums[0])) - np.log(q / (q.sum() + sums[1]))) / classes
    told = telling(texts, labels[:, None] == np.arange(classes), found.keys, VOCABULARY, LONGEST)
    for run, place in vectors.vocabulary_.items():
        assert told[_code(run, found.keys)] == pytest.approx(wanted[place], rel=1e-5)
    with patch("danlu.nn.ngrams._AT_ONCE", 7):
        parts = telling(texts, labels[:, None] == np.arange(classes), found.keys, VOCABULARY, LONGEST)
    np.testing.assert_array_equal(parts, told)


def _told(labels: np.ndarray | None = None, embedding: int = 0) -> Ngrams:
    torch.manual_seed(0)
    net = Ngrams(VOCABULARY, 3, False, True, longest=LONGEST, grams=2000, letters=0, embedding=embedding, scale=7.0)
    net.fit_texts(_texts(), PIECES, labels)
    for table in (net.embedding, net.runs):
        torch.nn.init.normal_(table.weight)  # type: ignore[union-attr]
    return net.eval()


def _labels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, 150)


def test_its_second_part_is_a_linear_model_of_presence_times_ratios() -> None:
    net = _told(_labels())
    assert net.told is not None
    assert net.sizes is not None
    for table in (net.embedding, net.runs):
        torch.nn.init.zeros_(table.weight[:, :3])  # type: ignore[union-attr]
    torch.nn.init.normal_(net.sizes)
    told, sizes = net.told.numpy(), net.sizes.detach().numpy()
    weights = torch.cat([net.embedding.weight, net.runs.weight])[:, 3:].detach().numpy()  # type: ignore[union-attr]
    held = _texts()[:40]
    wanted = []
    for text in held:
        codes = [code for run in set(_grams(text, LONGEST)) if (code := _code(run, net.keys.numpy())) >= 0]
        scaled = told[codes] * 7.0 / np.linalg.norm(told[codes])
        wanted.append((scaled @ weights[codes] + sizes[int(np.log2(len(text)))]) / np.sqrt(2))
    np.testing.assert_allclose(net(_padded(held)).detach().numpy(), np.stack(wanted), rtol=1e-4, atol=1e-4)


def test_unknown_labels_tell_nothing_and_none_at_all_tell_of_every_run_alike() -> None:
    labels = _labels()
    net, other = _told(labels), _told(np.where(np.arange(150) < 140, labels, -1))
    assert not torch.equal(net.told, other.told)  # type: ignore[arg-type]
    few = telling(
        _texts()[:140], labels[:140, None] == np.arange(3), net.keys[: int((net.keys < 2**60).sum())].numpy(),
        VOCABULARY, LONGEST,
    )  # fmt: skip
    np.testing.assert_array_equal(other.told[: len(few)].numpy(), few)  # type: ignore[index]
    assert set(_told().told.tolist()) == {0.0, 1.0}  # type: ignore[union-attr]


def test_of_several_labels_each_is_told_from_the_rest() -> None:
    labels = _labels()
    net = Ngrams(VOCABULARY, 3, False, longest=LONGEST, grams=2000, letters=0, ratios=True)
    net.fit_texts(_texts(), PIECES, (labels[:, None] == np.arange(3)).astype(np.uint8))
    assert torch.equal(net.told, _told(labels).told)  # type: ignore[arg-type]
    assert Ngrams(VOCABULARY, 3, False, longest=LONGEST, grams=2000, letters=0).told is None


def test_the_first_of_each_that_is_exported_is_the_same() -> None:
    draws = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 6, (20, 9), generator=draws)
    there = torch.rand(20, 9, generator=draws) < 0.7
    found = first(codes, there)
    for row, seen, firsts in zip(codes.tolist(), there.tolist(), found.tolist(), strict=True):
        before: set[int] = set()
        for code, stands, new in zip(row, seen, firsts, strict=True):
            assert new == (stands and code not in before)
            before |= {code} if stands else set()
    graph = torch.onnx.export(_First().eval(), (codes, there), dynamo=True, verbose=False)
    assert graph is not None
    session = onnxruntime.InferenceSession(graph.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = dict(zip([given.name for given in session.get_inputs()], (codes.numpy(), there.numpy()), strict=True))
    np.testing.assert_array_equal(session.run(None, feed)[0], found.numpy())


class _First(torch.nn.Module):
    def forward(self, codes: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        return first(codes, there)


def test_weights_of_a_time_without_ratios_answer_as_they_did() -> None:
    old = _net(embedding=4)
    new = _told(_labels(), embedding=4)
    parameters = list(new.embedding.parameters())
    new.load_state_dict(old.state_dict())
    assert torch.equal(new(_padded(_texts())), old(_padded(_texts())))
    assert next(iter(new.embedding.parameters())) is parameters[0]  # an optimiser holds it
    again = _told(_labels(), embedding=4)
    again.load_state_dict(_told(_labels()[::-1].copy(), embedding=4).state_dict())
    assert torch.equal(again.told, _told(_labels()[::-1].copy()).told)  # type: ignore[arg-type]


def test_what_tokens_are_owed_adds_up_with_ratios_and_length() -> None:
    net = _told(_labels())
    torch.nn.init.normal_(net.sizes)  # type: ignore[arg-type]
    text = torch.from_numpy(_texts()[3])
    with torch.no_grad():
        whole = net(_padded([text.numpy()]))[0]
    for target in range(3):
        weights, _, gap = integrated(net, text, target, 4)
        assert gap < 1e-5  # the net is linear in its tables
        length = float(net.sizes.detach()[int(np.log2(len(text))), target]) / np.sqrt(2)  # type: ignore[union-attr]
        assert weights.sum() == pytest.approx(float(whole[target]) - length, abs=1e-4)
