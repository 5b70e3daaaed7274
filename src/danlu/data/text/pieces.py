"""Tokenizers of the library ``tokenizers``: byte pairs learnt from the texts, or those of a folder of Hugging Face."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from danlu.data.text.tokenizers import SPECIAL, UNKNOWN, Tokenizer
from danlu.errors import RecipeError
from danlu.messages import say

_FILE = "tokenizer.json"
_ALPHABET = 0.5  # share of the vocabulary that single characters may take
_BEGINS = ("<s>", "[CLS]", "<|begin_of_text|>", "<bos>", "<|endoftext|>")  # as published tokenizers call them
_ENDS = ("</s>", "[SEP]", "<|end_of_text|>", "<eos>", "<|endoftext|>")


class Pieces(Tokenizer):
    """model: the library's own JSON. whole: it adds begin and end tokens by itself (a published one, made for its net)."""

    name = "pieces"

    def __init__(self, model: str, whole: bool = False) -> None:
        self.model, self.whole = model, whole
        os.environ.setdefault(
            "TOKENIZERS_PARALLELISM", "false"
        )  # prepared in threads of our own; forked workers would hang
        content = json.loads(model)
        self.size = 1 + max(self._library.get_vocab(with_added_tokens=True).values(), default=0)
        named = {entry["content"]: entry["id"] for entry in content.get("added_tokens", ())}
        self.unknown = _first(named, content["model"].get("vocab"), ("<unk>", "[UNK]"), content["model"].get("unk_id"))
        self.begin = _first(named, None, _BEGINS)
        self.end = _first(named, None, _ENDS)
        self.mask = _first(named, None, ("<mask>", "[MASK]"))
        self.special = frozenset(entry["id"] for entry in content.get("added_tokens", ()) if entry.get("special"))

    @cached_property
    def _library(self) -> Any:
        from tokenizers import Tokenizer as Library

        made = Library.from_str(self.model)
        made.no_padding()
        made.no_truncation()
        made.encode_special_tokens = not self.whole  # "<s>" in somebody's text is three letters
        return made

    @classmethod
    def learnt(cls, texts: Iterable[str], size: int, least: int, lossless: bool = False) -> Pieces:
        """Byte-pair encoding (Sennrich et al. 2016) over words that carry the space before them.

        Scripts without spaces are taken whole between spaces and marks, so that their words become pieces. The same texts in the
        same order give the same pieces. lossless: what is in no piece is written as its bytes, 256 further tokens, so that nothing is
        unknown and every text comes back as it was.
        """
        from tokenizers import Tokenizer as Library
        from tokenizers import decoders, models, trainers

        kept = list(texts)
        letters: Counter[str] = Counter()
        for text in kept:
            letters.update(text)
        often = sorted((letter for letter, n in letters.items() if n >= least), key=lambda one: (-letters[one], one))
        alphabet = frozenset(often[: max(1, int(size * _ALPHABET))])
        made = Library(models.BPE(unk_token=SPECIAL[UNKNOWN]))
        made.pre_tokenizer = _cutting()
        made.decoder = decoders.Metaspace()  # type: ignore[assignment]
        trainer = trainers.BpeTrainer(
            vocab_size=size, min_frequency=max(2, least), special_tokens=list(SPECIAL), show_progress=False
        )
        # Rare letters are taken out here: the trainer's own limit breaks ties in an order that no seed holds.
        rare = {ord(letter): " " for letter in letters if letter not in alphabet}
        made.train_from_iterator((text.translate(rare) for text in kept), trainer)
        return cls(_with_bytes(made.to_str()) if lossless else made.to_str())

    @classmethod
    def unigram(cls, texts: Iterable[str], size: int, least: int, lossless: bool = False) -> Pieces:
        """Unigram pieces as SentencePiece has them, see :func:`danlu.data.text.unigram.unigrams`; words and ``lossless`` as above."""
        from danlu.data.text.unigram import unigrams

        cutting = _cutting()
        words: Counter[str] = Counter()
        letters: Counter[str] = Counter()
        for text in texts:
            found = [word for word, _ in cutting.pre_tokenize_str(text)]
            words.update(found)
            letters.update("".join(found))
        room = size - len(SPECIAL)
        often = sorted((letter for letter, n in letters.items() if n >= least), key=lambda one: (-letters[one], one))
        alphabet = frozenset(often[: max(1, int(size * _ALPHABET))])
        found_pieces = unigrams(words, max(room, 1), alphabet)
        return cls(unigram_model(found_pieces, lossless))

    @classmethod
    def published(cls, name: str, where: str) -> Pieces:
        """Of a folder, or ``OWNER/NAME`` in the hub's cache. Raises RecipeError where it has no ``tokenizer.json``."""
        folder = Path(name).expanduser()
        file: Path | None = folder / _FILE if folder.is_dir() else _cached(name)
        if file is None or not file.is_file():
            raise RecipeError.of(
                where, say("text.no-tokenizer", name=name, file=_FILE), say("text.no-tokenizer.remedy")
            )
        try:
            return cls(file.read_text(encoding="utf-8"), whole=True)
        except Exception as error:  # whatever the library makes of a file that is none
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise RecipeError.of(where, say("text.bad-tokenizer", name=name, reason=reason)) from error

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._library.encode(text, add_special_tokens=self.whole).ids
        return ids

    def located(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Pieces begin at their first letter, not at the space before them."""
        found = self._library.encode(text, add_special_tokens=False)
        spans = []
        for start, end in found.offsets:
            while start < end - 1 and text[start].isspace():
                start += 1
            spans.append((start, end))
        return found.ids, spans

    def around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self._around

    @cached_property
    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if not self.whole:
            return (), ()
        found = self._library.encode("a", add_special_tokens=True)
        texts = [place for place, special in enumerate(found.special_tokens_mask) if not special]
        if not texts:
            return tuple(found.ids), ()
        return tuple(found.ids[: texts[0]]), tuple(found.ids[texts[-1] + 1 :])

    def pair(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, int]]:
        """What its net expects around two texts: (ids before, between, behind, segments of the first and the second text)."""
        found = self._library.encode("a", "b", add_special_tokens=True)
        texts = [place for place, special in enumerate(found.special_tokens_mask) if not special]
        owners = found.sequence_ids
        first = [place for place in texts if owners[place] == 0]
        second = [place for place in texts if owners[place] == 1]
        ids = found.ids
        return (
            tuple(ids[: first[0]]),
            tuple(ids[first[-1] + 1 : second[0]]),
            tuple(ids[second[-1] + 1 :]),
            (found.type_ids[first[0]], found.type_ids[second[0]]),
        )

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._library.decode(list(ids), skip_special_tokens=True)
        return text

    def pieces(self, ids: Sequence[int]) -> list[str]:
        found = [self._library.id_to_token(int(each)) or "" for each in ids]
        return [piece.replace("\u2581", " ").replace("\u0120", " ").removeprefix("##") for piece in found]

    def goes_on(self) -> list[bool]:
        found = [self._library.id_to_token(each) or "" for each in range(self.size)]
        if any(token.startswith("##") for token in found):
            return [token.startswith("##") for token in found]
        return [not token.startswith(("\u2581", "\u0120")) for token in found]

    def spec(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "whole": self.whole}


def unigram_model(pieces: Sequence[tuple[str, float]], lossless: bool) -> str:
    """The library's JSON of a tokenizer of these pieces, behind the special ones. lossless: with a token for each byte."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models

    worst = min((score for _, score in pieces), default=0.0)
    bytes_ = [(f"<0x{byte:02X}>", worst) for byte in range(256)] if lossless else []
    made = Library(models.Unigram([*((name, 0.0) for name in SPECIAL), *pieces, *bytes_], UNKNOWN, lossless))
    made.add_special_tokens(list(SPECIAL))
    made.pre_tokenizer = _cutting()
    spaces = decoders.Metaspace()
    made.decoder = decoders.Sequence([decoders.ByteFallback(), spaces]) if lossless else spaces  # type: ignore[assignment]
    text: str = made.to_str()
    return text


def _cutting() -> Any:
    """Words that carry the space before them, marks by themselves."""
    from tokenizers import pre_tokenizers

    return pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])


def _with_bytes(model: str) -> str:
    """The same tokenizer with a token for each byte, which stand for what no piece holds."""
    content = json.loads(model)
    inner, names = content["model"], [f"<0x{byte:02X}>" for byte in range(256)]
    inner["vocab"] |= {name: place for place, name in enumerate(names, start=len(inner["vocab"]))}
    inner["byte_fallback"] = True
    content["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, content["decoder"]]}
    return json.dumps(content, ensure_ascii=False)


def _first(named: dict[str, int], vocabulary: Any, names: Sequence[str], given: Any = None) -> int:
    if isinstance(given, int):
        return given
    known = {**(vocabulary if isinstance(vocabulary, dict) else {}), **named}
    return next((int(known[name]) for name in names if name in known), -1)


def _cached(name: str) -> Path | None:
    try:
        from huggingface_hub import hf_hub_download

        repository, _, revision = name.partition("@")
        return Path(hf_hub_download(repository, _FILE, revision=revision or None))
    except Exception:  # noqa: BLE001  not there, not installed, not reachable: the same to whoever asked
        return None
