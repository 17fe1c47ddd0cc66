"""The JSON: what it holds, and that nobody changes it unseen."""

from __future__ import annotations

import json

from rackwright.calibrate import Point, Row
from rackwright.canonical import canonical_json
from rackwright.fidelity import assess_columns
from rackwright.fidelity.assessment import SCHEMA
from rackwright.fidelity.columns import packaged_columns

SHAPE = {
    "columns": [{"coefficients_hash": str, "coefficients_of": str,
                 "measured": [{"machine": str, "sha256": str}], "name": str,
                 "part": str, "part_hash": str}],
    "operations": [{
        "afterwards": {"bias": float, "mean": float, "median": float, "p90": float, "rows": int,
                       "worst": float},
        "again": {"bias": float, "mean": float, "median": float, "p90": float, "rows": int,
                  "worst": float},
        "band": {"class": str, "median": float, "p90": float}, "bias": float,
        "buckets": [{"by": str, "high": float, "low": float, "median": float, "p90": float,
                     "points": int}],
        "column": str, "inside": float, "mean": float, "median": float, "operation": str,
        "p90": float, "predicted": int,
        "roofline": {"bias": float, "fitted": {"data_share": float, "floor_time": float,
                                               "math_share": float, "rows": int},
                     "mean": float, "median": float, "p90": float, "rows": int, "worst": float},
        "rows": int, "set": str, "table": str, "verdict": str,
        "worst": float, "worst_point": {"error": float, "machine": str, "measured": float,
                                        "predicted": float, "shape": str}}],
    "package": str,
    "peers": [{"basis": str, "error": float, "operations": str, "ours": dict.fromkeys(
        ("h100-sxm", "h200 from h100", "h200-sxm"), float), "source": str,
               "statistic": str, "tables": [str], "tool": str, "what": str}],
    "schema": int,
}


def shape(value):
    """Types of a JSON value; of a list, those of the entry that has most."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [max((shape(entry) for entry in value), key=lambda one: len(str(one)))] \
            if value else []
    return type(value)


def test_the_schema(packaged):
    """A reader depends on these names: when one changes, raise SCHEMA and change this test."""
    found = json.loads(canonical_json(packaged.record()))
    gemm = next(entry for entry in found["operations"] if entry["operation"] == "gemm bf16")
    gemm["buckets"] = gemm["buckets"][:1]
    found["operations"] = [gemm]
    found["peers"] = found["peers"][:1]
    assert (SCHEMA, shape(found)) == (1, SHAPE)


def test_it_is_canonical_and_the_same_twice(few_tables):
    once, twice = (canonical_json(assess_columns(
        [few_tables(column) for column in packaged_columns(["h200-sxm"])], fitted=True,
    ).record(everything=True)) for _ in range(2))
    assert once == twice and not found_paths(once)


def found_paths(text):
    """What looks like a path of a machine."""
    return "".join(word for word in text.split('"') if word.startswith("/"))


def test_only_held_points_unless_told(model, product, column):
    conv = Row(Point("conv", ("forward", 1, 3, 64, 224, 7, 2), "held"), {"time_us": 5.0})
    columns = [column({"gemm": [product(1), product(2, set="fit")], "conv": [conv]})]
    found = assess_columns(columns, fitted=True)
    assert {entry["set"] for entry in found.record()["operations"]} == {"held"}
    everything = found.record(everything=True)["operations"]
    assert [(entry["set"], entry["predicted"]) for entry in everything] == [
        ("fit", 1), ("held", 1), ("held", 0)]


def test_what_is_not_known_is_null(model, product, column):
    entry, = assess_columns([column({"gemm": [product(1)]})]).record()["operations"]
    assert entry["roofline"] is None and entry["again"] is None and entry["verdict"] == ""


def test_the_last_bucket_has_no_end(model, product, column):
    entry, = assess_columns([column({"gemm": [product(10 ** 8)]})]).record()["operations"]
    assert entry["buckets"][0]["high"] is None and entry["buckets"][0]["low"] == 1000 * 1e-6
