"""Other people's measurements, turned into a CSV as a user would: NCCL tables of real hosts."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from rackwright.fidelity import assess_own, text
from rackwright.fidelity.peers import statistic_of

DATA = Path(os.environ.get("RACKWRIGHT_DATA") or Path(__file__).parents[2].parent / "shared"
            / "data") / "measured" / "nccl"
ELEMENT = 2  # bytes of a half; message_size counts elements of the gathered or scattered whole
HELD = 3     # every so-manieth size
OPS = ("all_gather", "all_reduce", "reduce_scatter", "alltoall")
HOSTS = [("a100-sxm-40", "a100_sxm_nccl_2.27.3.csv"), ("h100-sxm", "h100_sxm_nccl_2.29.2.csv")]


@pytest.fixture
def table(tmp_path):
    """A `collectives` table of a host's NCCL rows: the least that a user would write."""
    def make(name):
        if not (DATA / name).is_file():
            pytest.skip(f"no {name} in {DATA}: set RACKWRIGHT_DATA to the folder that has it "
                        "(Apache-2.0, from the PyPI package aiconfigurator-core 0.12.0)")
        lines, seen = ["set,op,launch,gpus,bytes,time_us"], set()
        with (DATA / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                size = int(row["message_size"])
                op = row["op_name"].replace("alltoall", "all_to_all")
                key = op, row["num_gpus"], size
                if row["op_name"] not in OPS or row["nccl_dtype"] != "half" or key in seen:
                    continue
                seen.add(key)
                one = "fit" if size.bit_length() % HELD else "held"
                lines.append(f"{one},{op},graph,{row['num_gpus']},{size * ELEMENT},"
                             f"{float(row['latency']) * 1e3:.6g}")
        path = tmp_path / "nccl.csv"
        path.write_text("\n".join(lines) + "\n")
        return path
    return make


@pytest.mark.parametrize(("part", "name"), HOSTS)
def test_a_plain_roofline_of_collectives(table, part, name):
    """Three numbers a collective, for all counts of GPUs: off by tens of per cent, not factors."""
    found = assess_own(part, table(name))
    by = defaultdict(list)
    for one in found.points:
        if one.set == "held":
            by[one.operation].append(one.roofline / one.measured - 1)
    assert len(by) == 4
    for operation, errors in by.items():
        assert statistic_of("geo-factor", errors) < 0.6, operation
    assert text(found, everything=True)


@pytest.mark.parametrize(("part", "name"), HOSTS[1:])
def test_a_model_of_collectives_is_closer_than_astra_sim(table, part, name):
    """Where there is a model: below the geometric mean of 17 % that ASTRA-sim publishes."""
    found = assess_own(part, table(name))
    held = [one.errors for one in found.points if one.set == "held"]
    if np.isnan(np.concatenate(held)).all():
        pytest.skip("no model predicts collectives")
    assert statistic_of("geo-mean", held) < 0.17
