"""Which encoder a column of a table gets, and an encoder from what an artifact carries of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.tabular import types
from danlu.data.tabular.encoders import Categorical, Dated, Encoder, Numeric
from danlu.data.tabular.hashing import Bucketed, Crossed, Hashed, hashed_where_many
from danlu.data.tabular.scaling import Scale
from danlu.data.tabular.whole import good_numbers
from danlu.data.tabular.writing import Writing


def fitted(name: str, found: types.Told, values: Sequence[Any], options: Mapping[str, Any]) -> Encoder:
    """values: raw, of training rows alone."""
    writing = Writing.of(found.form) if found.type == "number" and found.form else None
    if found.type == "category":
        return hashed_where_many(Categorical.fit(name, values, options), options)
    if found.type == "date":
        return Dated.fit(name, values, options, found.form or "iso")
    if found.type == "number" and options.get("scale") == "buckets":
        known = good_numbers(values, writing)
        return Bucketed.fit(name, known[~np.isnan(known)], int(options.get("number_buckets") or 32), writing)
    if " -" in name and name.rpartition(" -")[0] in (options.get("lags") or {}):  # so that it can be undone
        options = {**options, "scale": "standard" if options.get("scale") == "quantile" else options.get("scale")}
    return Numeric.fit(name, values, options, boolean=found.type == "boolean", writing=writing)


def encoder_of(spec: Mapping[str, Any]) -> Encoder:
    type_ = spec["type"]
    if type_ == "crossed":
        return Crossed(spec["sources"], spec["buckets"])
    name = spec["name"]
    if type_ == "hashed":
        return Hashed(name, spec["buckets"])
    writing = Writing.of(spec["written"]) if "written" in spec else None
    if type_ == "bucketed":
        return Bucketed(name, spec["edges"], writing)
    if type_ == "category":
        return Categorical(name, spec["known"], spec["fill"], spec["drop"])
    if type_ == "date":
        scales = [Scale.of(each) for each in spec["scales"]]
        return Dated(name, spec["form"], spec["fill"], spec["parts"], scales, spec["indicator"])
    return Numeric(name, spec["fill"], Scale.of(spec["scale"]), spec["indicator"], type_ == "boolean", writing)
