"""The two models of kernels side by side, held together where both can say something.

`gpu_share` shares math and bandwidth as fluids, from demands alone. `run_streams` also knows that
blocks hold SMs until they end. They agree where memory alone decides and blocks are short, and
where nothing is short; where a kernel fills the SMs the fluid is too kind, and the blocks are what
was measured (`measured/h100-sxm/streams.csv.gz`).
"""

from __future__ import annotations

import pytest

from rackwright.calibrate import measured_folder, read_table
from rackwright.devices import catalog
from rackwright.devices.gpu.cycle import copy_kernel, gemm_kernel, run_streams
from rackwright.devices.gpu.sharing import gpu_demand, gpu_share

GPU = catalog.gpu("h100-sxm")
COPY, PRODUCT = 2 ** 28, 8192


def fluid(*works):
    demands = [gpu_demand(GPU, GPU.copy_time(size, "cold"), 0, 2 * size) if what == "copy" else
               gpu_demand(GPU, GPU.gemm_time(size, size, size), 2 * size ** 3, 6 * size ** 2)
               for what, size in works]
    return gpu_share(demands)


def blocks(*works):
    streams = [[copy_kernel(GPU, size, "cold") if what == "copy" else
                gemm_kernel(GPU, size, size, size)] for what, size in works]
    alone = [run_streams(GPU.sms, [stream]).end_time for stream in streams]
    run = run_streams(GPU.sms, streams, laps=12, loop=True)
    return [run.lap_time(at) / time for at, time in enumerate(alone)]


def measured(first, second):
    rows = {row.point.values: row.measured
            for row in read_table(measured_folder("h100-sxm") / "streams.csv.gz")}
    both = rows["equal", *first, *second]
    alone = [rows["alone", *work, "none", 0]["time_us"] for work in (first, second)]
    return [both["time_us"] / alone[0], both["second_us"] / alone[1]]


def test_two_copies_share_the_memory_in_both_models_and_in_fact():
    works = ("copy", COPY), ("copy", COPY)
    assert fluid(*works) == pytest.approx(blocks(*works), rel=0.05)
    assert blocks(*works) == pytest.approx(measured(*works), rel=0.03)


def test_small_products_do_not_slow_each_other_in_either_model():
    works = (("gemm", 256), ("gemm", 256))
    assert fluid(*works) == pytest.approx([1, 1]) and blocks(*works) == pytest.approx([1, 1])


def test_beside_a_product_that_fills_the_sms_only_blocks_say_what_was_measured():
    works = (("gemm", PRODUCT), ("copy", COPY))
    kind, real, seen = fluid(*works), blocks(*works), measured(*works)
    assert (kind < 1.3).all()
    assert seen[1] > 9 and real[1] == pytest.approx(seen[1], rel=0.1)
    assert real[0] == pytest.approx(seen[0], rel=0.1)
