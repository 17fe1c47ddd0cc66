"""What single operations cost the host: subtraction of chains, strict files, the constants."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate.eager_plan import (
    CHAINS,
    EAGER_HEAD,
    ChainPoint,
    EagerRow,
    chain_plan,
    chain_text,
    read_eager,
)
from rackwright.calibrate.fit_eager import eager_costs
from rackwright.calibrate.packaged import training_folder
from rackwright.calibrate.predict_training import host_pace, packaged_hosts
from rackwright.errors import InputError
from rackwright.models.training import host

VALUES = {"forward_us": 10.0, "backward_us": 20.0, "probe_us": 2000.0}


@pytest.fixture(scope="module")
def measured():
    return eager_costs(read_eager(training_folder("h100-sxm") / "second" / "eager.csv.gz"))


def _made(speed):
    """Rows of operations of known costs; `speed` slows the host down, the probe with it."""
    rng = np.random.default_rng(3)
    cost = {dtype: {name: rng.uniform(1e-5, 1e-4, 2)
                    for members in CHAINS.values() for name in members} for dtype in
            ("bf16", "tf32")}
    rows = []
    for point in chain_plan(2):
        members = CHAINS[point.chain]
        whole = np.array([5e-5, 9e-5]) + point.blocks * sum(
            (count * cost[point.dtype][name] for name, count in members.items()), np.zeros(2))
        if point.chain.startswith(("sgd", "adam")):
            whole = np.array([1e-4 + 3e-6 * point.blocks, 0.0])
        if point.gpus == 2:
            norm = point.chain == "ddp_norm"
            buckets = point.blocks if point.chain == "ddp_buckets" else 1
            extra = 7e-4 + 6e-5 * buckets + 3e-5 * point.blocks * (2 if norm else 1)
            whole = np.array([0.0, whole.sum() + extra + 2e-6 * 3 * point.blocks * norm])
        slow = speed(len(rows))
        rows.append(EagerRow(point, *(whole * slow), 2e-3 * slow))
    return rows, cost


@pytest.mark.parametrize("speed", [lambda number: 1.0, lambda number: 1.0 + number % 3 / 3])
def test_costs_come_back_from_chains_of_known_ones_at_any_speed(speed):
    rows, cost = _made(speed)
    found = eager_costs(rows)
    scale = float(np.median([row.probe_time for row in rows])) / 2e-3
    for dtype, members in cost.items():
        for name, pair in members.items():
            assert found.operations[dtype][name] == pytest.approx(tuple(scale * pair)), name
        assert found.operations[dtype]["step"] == pytest.approx((scale * 5e-5, scale * 9e-5))
    assert found.optimizers["sgd"] == pytest.approx((scale * 1e-4, scale * 3e-6))
    assert found.exchange == pytest.approx(tuple(
        scale * value for value in (7e-4, 3e-5, 6e-5, 2e-6)))


def test_a_plan_that_was_not_finished_says_what_lacks():
    rows, _ = _made(lambda number: 1.0)
    with pytest.raises(InputError, match="no row of chain ddp_norm in tf32 on 2 GPUs"):
        eager_costs(rows[:-1])
    with pytest.raises(InputError, match="chain empty"):
        eager_costs([])


def test_the_model_s_constants_are_the_measured_ones(measured):
    for dtype, members in host.OPERATIONS.items():
        assert members.keys() == measured.operations[dtype].keys()
        for name, pair in members.items():
            assert pair == pytest.approx([1e6 * one for one in measured.operations[dtype][name]],
                                         abs=0.051), name
    for name, pair in host.OPTIMIZERS.items():
        assert pair == pytest.approx([1e6 * one for one in measured.optimizers[name]], abs=0.051)
    assert host.EXCHANGE == pytest.approx([1e6 * one for one in measured.exchange], abs=0.051)


def test_nothing_costs_less_than_nothing(measured):
    for members in measured.operations.values():
        assert all(min(pair) > 0 for pair in members.values())
    assert min(measured.exchange) > 0
    bf16, tf32 = measured.operations["bf16"], measured.operations["tf32"]
    assert sum(bf16["conv1"]) > 1.3 * sum(tf32["conv1"])  # autocast's casts and their gradients


def test_the_pace_is_that_of_three_steps():
    paces = {one.name: one.pace for one in packaged_hosts("h100-sxm")}
    assert paces["second"] == pytest.approx(host.HOST_PACE, abs=0.005)
    assert paces["second, again"] == paces["second"]
    assert 1.4 < paces["first, again"] < paces["first"] < 1.6
    assert host_pace([]) == host.HOST_PACE


def test_rows_read_back(tmp_path):
    path = tmp_path / "eager.csv"
    point = ChainPoint("norm_relu", "bf16", 1, 24)
    path.write_text(",".join(EAGER_HEAD) + "\n" + chain_text(point, VALUES) + "\n")
    row, = read_eager(path)
    assert row == EagerRow(point, pytest.approx(1e-5), pytest.approx(2e-5), pytest.approx(2e-3))


@pytest.mark.parametrize(("old", "new", "says"), [
    ("norm_relu", "norm_tanh", "chain is 'norm_tanh'"), ("bf16", "fp64", "dtype is 'fp64'"),
    (",24,", ",0,", "blocks is '0'"), (",1,", ",x,", "gpus is 'x'"),
    (",10,", ",-1,", "forward_us is '-1'"), (",2000", ",0", "probe_us is '0'"),
    (",2000", "", "6 cells; expected 7")])
def test_faults_of_a_row(tmp_path, old, new, says):
    path = tmp_path / "eager.csv"
    line = chain_text(ChainPoint("norm_relu", "bf16", 1, 24), VALUES)
    path.write_text(",".join(EAGER_HEAD) + "\n" + line.replace(old, new, 1) + "\n")
    with pytest.raises(InputError, match=f"eager.csv:2: {says}"):
        read_eager(path)


def test_faults_of_a_file(tmp_path):
    path = tmp_path / "eager.csv"
    path.write_text("a,b\n")
    with pytest.raises(InputError, match=":1: its first line must read chain,dtype"):
        read_eager(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_eager(tmp_path / "no.csv")
