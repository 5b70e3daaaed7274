"""``danlu index VERB INDEX …``: a collection of embeddings on this machine that is added to, searched and removed from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danlu.cli._faults import DONE, SOME_FAILED
from danlu.cli._output import Output
from danlu.cli._parser import Parser, one_of
from danlu.errors import DanluError
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.deploy.index.index import Hit, Index
    from danlu.deploy.index.reading import Read
    from danlu.deploy.index.rejection import Rejection

USAGE = "create|add|search|remove|calibrate|show INDEX [INPUT…] [--model RUN|ARTIFACT] [--far RATE] [--searches] [--label NAME]"
VERBS = ("create", "add", "search", "remove", "calibrate", "show")
FAR = 0.01
_SHOWN = 20


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="VERB INDEX INPUT…", help=f"{say('index.arg.verb')}; {say('index.arg.words')}"
    )
    parser.add_argument("--model", metavar="RUN|ARTIFACT", help=say("index.arg.model"))
    parser.add_argument("--dimensions", metavar="N", help=say("index.arg.dimensions"))
    parser.add_argument("--metric", metavar="cosine|inner", help=say("index.arg.metric"))
    parser.add_argument("--far", metavar="RATE", help=say("index.arg.far"))
    parser.add_argument("--searches", action="store_true", help=say("index.arg.searches"))
    parser.add_argument("--label", metavar="NAME", help=say("index.arg.label"))
    parser.add_argument("--column", metavar="NAME", help=say("index.arg.column"))
    parser.add_argument("-k", metavar="N", default="5", help=say("index.arg.k"))
    parser.add_argument("--replace", action="store_true", help=say("index.arg.replace"))


def run(parser: Parser, options: argparse.Namespace, out: Output) -> int:
    if not options.words:
        raise parser.mistake(say("cli.missing", argument="VERB"))
    verb = one_of(parser, "VERB", options.words[0], VERBS)
    if len(options.words) < 2:
        raise parser.mistake(say("cli.missing", argument="INDEX"))
    folder, inputs = options.words[1], options.words[2:]
    from danlu.deploy.index.index import Index

    if verb == "create":
        return _create(parser, options, out, folder, inputs)
    index = Index.open(folder)
    if verb in ("add", "search", "calibrate") and not inputs:
        raise parser.mistake(say("cli.missing", argument="INPUT"))
    match verb:
        case "add":
            return _add(options, out, index, inputs)
        case "search":
            return _search(parser, options, out, index, inputs)
        case "remove":
            if not inputs and options.label is None:
                raise parser.mistake(say("cli.missing", argument="ID"))
            count = index.remove(inputs, [] if options.label is None else [options.label])
            out.line(say("index.removed", count=count, total=len(index)))
            out.result({"removed": count, "total": len(index)})
            return DONE
        case "calibrate":
            if options.searches:
                return _calibrate_searches(
                    out, index, _reads(options, index, inputs, asking=True), _rate(parser, options)
                )
            _calibrate(out, index, parser.only("VECTORS", inputs), _rate(parser, options), options.column)
            return DONE
    return _show(out, index)


def _create(parser: Parser, options: argparse.Namespace, out: Output, folder: str, inputs: Sequence[str]) -> int:
    from danlu.deploy.index import reading
    from danlu.deploy.index.index import Index

    metric = None if options.metric is None else one_of(parser, "--metric", options.metric, ("cosine", "inner"))
    model = held = made = None
    if options.model is not None:
        predictor, model = reading.opened(options.model)
        made = predictor.catalogue()
        if made is not None and metric == "cosine":
            raise parser.mistake(say("index.inner"))
        dimensions = reading.dimensions_of(predictor, options.model) if made is None else made.vectors.shape[1]
        held = reading.validation(Path(options.model)) if made is None else None
    elif options.dimensions is not None:
        if not options.dimensions.isdecimal() or not 1 <= int(options.dimensions) <= 65_536:
            raise parser.mistake(
                say("cli.not-one-of", option="--dimensions", value=options.dimensions, allowed="1 … 65536")
            )
        dimensions = int(options.dimensions)
    elif len(inputs) and reading.is_vectors(Path(inputs[0])):
        dimensions = reading.vectors_of(Path(inputs[0]), options.column).vectors.shape[1]
    else:
        raise parser.mistake(say("cli.missing", argument="--model"))
    metric = metric or ("cosine" if made is None else "inner")
    index = Index.create(folder, dimensions, "inner" if metric == "inner" else "cosine", model=model)
    out.line(say("index.made", path=folder, dimensions=dimensions, metric=metric))
    if held is not None:
        try:
            _calibrate(out, index, str(held), _rate(parser, options), None)
        except DanluError as error:
            out.aside(say("index.no-calibration", reason=str(error)))
    if inputs or made is not None:
        every = () if made is None or inputs else (reading.everything(made),)
        return _add(options, out, index, inputs, every)
    out.result({"path": folder, "dimensions": dimensions, "metric": metric, "threshold": index.threshold})
    return DONE


def _add(
    options: argparse.Namespace, out: Output, index: Index, inputs: Sequence[str], first: Sequence[Read] = ()
) -> int:
    reads = [*first, *_reads(options, index, inputs, asking=False)]
    for read in (read for read in reads if read.ids):
        labels = read.labels if options.label is None else [options.label] * len(read.ids)
        index.add(read.vectors, read.ids, labels, replace=options.replace)
    count = sum(len(read.ids) for read in reads)
    out.line(say("index.added", count=count, total=len(index)))
    out.result({"added": count, "total": len(index), "failed": [name for read in reads for name, _ in read.failed]})
    return _failures(out, reads)


def _search(parser: Parser, options: argparse.Namespace, out: Output, index: Index, inputs: Sequence[str]) -> int:
    if not options.k.isdecimal() or not int(options.k):
        raise parser.mistake(say("cli.not-one-of", option="-k", value=options.k, allowed="1, 2, 3, …"))
    reads = _reads(options, index, inputs, asking=True)
    threshold = index.threshold
    for read in (read for read in reads if read.ids):
        for name, hits in zip(read.ids, _nearest(index, read, int(options.k)), strict=True):
            first = hits[0] if hits else None
            known = first is not None and (threshold is None or first.score >= threshold)
            who = "" if threshold is None else (first.label or first.id) if first and known else say("index.unknown")
            out.line(
                "\t".join([name, *([who] if who else []), *(f"{h.id} {h.label} {h.score:.4f}".strip() for h in hits)])
            )
            told = [{"id": hit.id, "label": hit.label, "score": hit.score} for hit in hits]
            out.result({"input": name, "known": known if threshold is not None else None, "hits": told})
    return _failures(out, reads)


def _nearest(index: Index, read: Read, k: int) -> list[list[Hit]]:
    """The k nearest of each, without those that are no answers."""
    from danlu.deploy.index.index import NEAREST

    if not read.without:
        return index.search(read.vectors, k)
    found = []
    for vector, without in zip(read.vectors, read.without, strict=True):
        hits = index.search(vector, max(k, min(NEAREST, k + len(without))))[0]
        found.append([hit for hit in hits if hit.id not in without][:k])
    return found


def _reads(options: argparse.Namespace, index: Index, inputs: Sequence[str], asking: bool) -> list[Read]:
    from danlu.deploy.index import reading

    return list(reading.gathered(index.model, inputs, options.column, str(index.folder), asking))


def _failures(out: Output, reads: Sequence[Read]) -> int:
    failed = [each for read in reads for each in read.failed]
    for name, reason in failed:
        out.aside(f"{name}: {reason}")
    if failed:
        total = len(failed) + sum(len(read.ids) for read in reads)
        out.aside(say("index.failed", failed=len(failed), total=total))
    return SOME_FAILED if failed else DONE


def _calibrate(out: Output, index: Index, path: str, far: float, column: str | None) -> None:
    from danlu.deploy.index import reading

    read = reading.vectors_of(Path(path), column)
    made = index.calibrate(read.vectors, read.labels, far, Path(path).name)
    out.line(_told(made))
    out.result(made.as_dict())


def _calibrate_searches(out: Output, index: Index, reads: Sequence[Read], far: float) -> int:
    import numpy as np

    used = [read for read in reads if read.ids]
    vectors = np.concatenate([read.vectors for read in used]) if used else np.empty((0, index.dimensions), np.float32)
    made = index.calibrate_searches(vectors, [label for read in used for label in read.labels], far, str(index.folder))
    out.line(_told(made))
    out.result(made.as_dict())
    return _failures(out, reads)


def _told(made: Rejection) -> str:
    if made.of == "searches":
        return say("index.threshold-searches", threshold=made.threshold, far=made.far, searches=made.impostors)
    genuine = "" if made.tar is None else say("index.genuine", tar=made.tar)
    return say("index.threshold", threshold=made.threshold, far=made.far, impostors=made.impostors, genuine=genuine)


def _rate(parser: Parser, options: argparse.Namespace) -> float:
    if options.far is None:
        return FAR
    try:
        rate = float(options.far)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise parser.mistake(say("cli.not-one-of", option="--far", value=options.far, allowed="0 … 1"))
    return rate


def _show(out: Output, index: Index) -> int:
    rejection = index.rejection
    out.line(repr(index))
    if rejection is not None:
        out.line(_told(rejection))
    rows = list(zip(index.ids, index.labels, strict=True))
    out.table([say("index.head.id"), say("index.head.label")], rows[:_SHOWN])
    if len(rows) > _SHOWN:
        out.line(f"… {len(rows):,}")
    out.result(
        {
            "count": len(index),
            "dimensions": index.dimensions,
            "metric": index.metric,
            "rejection": None if rejection is None else rejection.as_dict(),
            "model": index.model,
            "ids": index.ids,
            "labels": index.labels,
        }
    )
    return DONE
