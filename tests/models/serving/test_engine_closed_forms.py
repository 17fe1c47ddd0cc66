"""What can be worked out by hand: one request, a full batch, Little's law, a full cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.llm import shape
from rackwright.models.serving import ServingOptions, replay
from rackwright.models.serving.kernel import advance
from rackwright.models.serving.layers import chunk_time, decode_time, head_time, linear_time
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

GAP = 160e-6                # between steps prepared ahead, by default
HOST, EACH = 700e-6, 5e-6   # of a step, and of a request in it, by default


class Device:
    """Seconds of one step's parts by the device models alone, without a table."""

    def __init__(self, fabric: Fabric) -> None:
        self.model = shape("llama-3-8b")
        self.gpu: Any = fabric.device("h0/gpu0")

    def linear(self, tokens: int) -> float:
        return float(linear_time(self.gpu, self.model, 1, np.array(tokens)))

    def head(self, rows: int) -> float:
        return float(head_time(self.gpu, self.model, 1, np.array(rows), False))

    def chunk(self, tokens: int) -> float:
        one = chunk_time(self.gpu, self.model, 1, np.array(tokens), np.array(0))
        return self.model.blocks * float(one)

    def decode(self, rows: int, context: int) -> float:
        one = decode_time(self.gpu, self.model, 1, np.array(rows), np.array(context))
        return self.model.blocks * float(one)

    def step(self, rows: int, context: int) -> float:
        """A step of `rows` decodes, host included; a captured size."""
        return HOST + rows * EACH + self.linear(rows) + self.head(rows) + self.decode(rows, context)


@pytest.fixture(scope="module")
def device(dgx: Fabric) -> Device:
    return Device(dgx)


def test_one_request_from_the_device_models(dgx: Fabric, device: Device,
                                            made: Callable[..., RequestTrace]) -> None:
    """Latency = frontend + prefill + a decode step for every further token; tables are 1 % off."""
    prompt, answer = 1000, 64
    options = ServingOptions.checked({"async_scheduling": False})
    found = replay(dgx, made([(0, prompt, answer)]), options).metrics
    first = 6.5e-3 + HOST + EACH + device.linear(prompt) + device.chunk(prompt) + device.head(1)
    decodes = [device.step(1, context) for context in range(prompt + 1, prompt + answer)]
    assert found["ttft_mean_s"] == pytest.approx(first, rel=0.01)
    assert found["latency_mean_s"] == pytest.approx(first + sum(decodes), rel=0.01)
    assert found["tpot_mean_s"] == pytest.approx(sum(decodes) / len(decodes), rel=0.01)


def test_one_request_prepared_ahead(dgx: Fabric, device: Device,
                                    made: Callable[..., RequestTrace]) -> None:
    """Host time counts once, before the first step; then a gap a step."""
    found = replay(dgx, made([(0, 1000, 64)]), ServingOptions()).metrics
    first = 6.5e-3 + HOST + EACH + device.linear(1000) + device.chunk(1000) + device.head(1)
    step = device.step(1, 1032) - HOST - EACH + GAP
    assert found["ttft_mean_s"] == pytest.approx(first, rel=0.01)
    assert found["tpot_mean_s"] == pytest.approx(step, rel=0.01)


def test_a_decode_step_reads_weights_and_cache(device: Device) -> None:
    """No decode step beats the bytes that it must read at the datasheet's bandwidth, and a
    large batch is within half of it."""
    model = device.model
    weights = 2 * (model.parameters - 2 * model.vocab * model.hidden)
    least = (weights + 64 * 1000 * model.kv_bytes_per_token) / device.gpu.memory_bandwidth
    assert least < device.linear(64) + device.decode(64, 1000) < 1.5 * least


def test_prefill_is_bound_by_math(device: Device) -> None:
    model = device.model
    weights = model.parameters - 2 * model.vocab * model.hidden
    least = 2 * weights * 8192 / device.gpu.peak_flops("bf16")
    assert least < device.linear(8192) < 2.5 * least


def test_saturated_decodes(dgx: Fabric, device: Device, made: Callable[..., RequestTrace]) -> None:
    """A closed loop of B clients: tokens/s = B / (time of a step with B requests)."""
    clients, prompt, answer = 32, 32, 400
    trace = made([(0, prompt, answer)] * 256)
    options = ServingOptions.checked({"concurrency": clients, "frontend_time": "0us",
                                      "async_scheduling": False})
    found = replay(dgx, trace, options).metrics
    step = device.step(clients, prompt + answer // 2)
    assert found["throughput_steady_tokens_per_s"] == pytest.approx(clients / step, rel=0.03)
    assert found["running_max"] == clients
    assert found["batch_p50"] == clients


@pytest.mark.parametrize("settings", [{}, {"max_num_seqs": 4}, {"concurrency": 6}])
def test_littles_law(dgx: Fabric, busy_trace: RequestTrace, settings: dict[str, Any]) -> None:
    """Requests running = their rate x their time, over the whole replay; exact."""
    options = ServingOptions.checked({"frontend_time": "0us", **settings})
    found = replay(dgx, busy_trace, options).metrics
    lasted = found["makespan_s"]
    served = found["latency_mean_s"] - found["admission_wait_mean_s"]
    assert found["running_mean"] == pytest.approx(len(busy_trace) / lasted * served, rel=1e-9)


@pytest.mark.parametrize("pages", [40, 96, 160])
def test_the_cache_bounds_the_batch(small: Callable[..., Any], made: Callable[..., RequestTrace],
                                    pages: int) -> None:
    """Requests of 2 pages in, 4 pages out: between pages / 4 and pages / 2 run, 16 at most."""
    state = small(made([(0, 32, 32)] * 64), pages=pages, most_running=16)
    end = drive(advance, state)
    assert min(pages // 4, 16) <= int(end.work.most[1]) <= min(pages // 2, 16)
    assert end.work.most[2] <= pages


@pytest.mark.parametrize(("tokens", "runs"), [(1, 1), (3, 4), (5, 8), (17, 24), (250, 256),
                                              (257, 272), (512, 512)])
def test_captured_sizes(tokens: int, runs: int) -> None:
    from rackwright.models.serving.workload import padded_sizes

    assert padded_sizes(512)[tokens] == runs
    assert len(padded_sizes(512)) == 513 and len(padded_sizes(0)) == 1


def test_one_token_answers_never_decode(small: Callable[..., Any], made: Callable[..., RequestTrace]
                                        ) -> None:
    end = drive(advance, small(made([(i, 40, 1) for i in range(10)])))
    assert end.work.steps[1] == 0
    assert (end.requests.first_ps == end.requests.finish_ps).all()


def test_a_prompt_in_chunks(small: Callable[..., Any], made: Callable[..., RequestTrace]) -> None:
    """500 tokens at 64 a step: eight steps to the first token, one more for the second."""
    end = drive(advance, small(made([(0, 500, 2)]), most_tokens=64))
    assert end.work.steps[0] == 8 + 1
    assert end.work.prompt_tokens[0] == 500
