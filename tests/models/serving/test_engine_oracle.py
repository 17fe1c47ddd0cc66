"""The compiled engine against an independent one in plain Python: the same steps, to the ps."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.driver import drive
from rackwright.models.serving.kernel import advance
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform
from rackwright.traces.conversations import generate_conversations

_spec = importlib.util.spec_from_file_location("serving_oracle",
                                               Path(__file__).parent / "oracle.py")
assert _spec and _spec.loader
oracle = importlib.util.module_from_spec(_spec)
sys.modules["serving_oracle"] = oracle
_spec.loader.exec_module(oracle)


def agree(state: Any) -> Any:
    """Both engines on one state: equal schedules and times. Returns the finished state."""
    twin = oracle.Engine(state)
    twin.run()
    steps: list[tuple[int, int]] = []

    def note(now: Any) -> None:
        if int(now.work.steps[0]) > len(steps):
            steps.append((int(now.step.tokens[0]), int(now.step.rows[0])))

    end = drive(advance, state, check=note)
    if int(end.work.steps[0]) > len(steps):
        steps.append((int(end.step.tokens[0]), int(end.step.rows[0])))
    assert steps == [(tokens, len(rows)) for _, tokens, rows in twin.log]
    assert end.requests.first_ps.tolist() == [each.first for each in twin.all]
    assert end.requests.finish_ps.tolist() == [each.finish for each in twin.all]
    assert end.sequences.preemptions.tolist() == [each.preempted for each in twin.all]
    assert int(end.admission.kv_free[0]) == (len(twin.cache.free) if twin.cache else twin.free)
    if twin.cache:
        assert end.prefix.counts.tolist() == [twin.cache.hit, twin.cache.asked, twin.cache.evicted]
    return end


@pytest.mark.parametrize("fields", [
    {}, {"most_running": 3}, {"prefilled": True, "pages": 60}, {"clients": 4},
    {"clients": 7, "pages": 45}, {"pages": 60}, {"pages": 60, "most_tokens": 64},
    {"chunked": False, "most_tokens": 200}, {"overlapped": True, "graph": 16},
    {"prefix_tokens": 32}, {"frontend_ps": 0},
    {"full_groups": 2, "window_groups": 1, "window_blocks": 4, "pages": 150, "full_layers": 20,
     "window_layers": 12, "window": 48}])
def test_same_schedule(small: Callable[..., Any], busy_trace: RequestTrace,
                       fields: dict[str, Any]) -> None:
    end = agree(small(busy_trace, **fields))
    assert (int(end.work.preemptions[0]) > 0) == ("pages" in fields)


@pytest.mark.parametrize("settings_", [
    {"model": "gpt-oss-20b"}, {"model": "mixtral-8x7b", "tensor_parallel": 4},
    {"model": "qwen3-30b-a3b", "tensor_parallel": 2, "expert_parallel": True}])
def test_same_schedule_of_real_models(dgx: Fabric, busy_trace: RequestTrace,
                                      state_of: Callable[..., Any],
                                      settings_: dict[str, Any]) -> None:
    agree(state_of(dgx, busy_trace, max_num_batched_tokens=1024, **settings_))


@pytest.mark.parametrize("fields", [
    {}, {"pages": 60}, {"pages": 70, "clients": 6}, {"pages": 45, "most_tokens": 64},
    {"pages": 80, "chunked": False, "most_tokens": 200}, {"overlapped": True}])
@pytest.mark.parametrize("block_tokens", [16, 50, 64])
def test_same_schedule_with_a_prefix_cache(small: Callable[..., Any], fields: dict[str, Any],
                                           block_tokens: int) -> None:
    end = agree(small(talks(block_tokens), caching=True, **fields))
    hit, _, evicted = end.prefix.counts.tolist()
    assert hit > 0
    assert (evicted > 0) == ("pages" in fields)


def talks(block_tokens: int, count: int = 25, seed: int = 1) -> RequestTrace:
    """Conversations that fit the small engine: at most 3 turns, 490 tokens in all."""
    return generate_conversations(
        60.0, count, system_prompts=2, system_tokens=Uniform(30, 130), turns=Uniform(1, 3),
        question_tokens=Uniform(5, 90), answer_tokens=Uniform(1, 30), think_time=0.2,
        block_tokens=block_tokens, seed=seed)


@given(seed=st.integers(0, 10**6), pages=st.integers(38, 120), most_tokens=st.integers(1, 512),
       running=st.integers(1, 16), clients=st.sampled_from([0, 0, 1, 5]),
       block_tokens=st.integers(1, 200), chunked=st.booleans())
@settings(max_examples=15, deadline=None)
def test_random_conversations(small: Callable[..., Any], seed: int, pages: int, most_tokens: int,
                              running: int, clients: int, block_tokens: int, chunked: bool) -> None:
    agree(small(talks(block_tokens, 8, seed), pages=pages, most_tokens=most_tokens, caching=True,
                most_running=running, clients=clients, chunked=chunked))


ROWS = st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 300), st.integers(1, 30)),
                min_size=1, max_size=25)


@given(rows=ROWS, pages=st.integers(21, 80), most_tokens=st.integers(1, 512),
       chunked=st.booleans(), prefix=st.integers(0, 3), running=st.integers(1, 16),
       clients=st.sampled_from([0, 0, 0, 1, 5]), prefilled=st.booleans())
@settings(max_examples=60, deadline=None)
def test_random_traces(small: Callable[..., Any], made: Callable[..., RequestTrace],
                       rows: list[tuple[int, int, int]], pages: int, most_tokens: int,
                       chunked: bool, prefix: int, running: int, clients: int,
                       prefilled: bool) -> None:
    """At least 21 pages: the largest request needs as many."""
    end = agree(small(made(rows), pages=pages, most_tokens=most_tokens, chunked=chunked,
                      prefix_tokens=16 * prefix, most_running=running, clients=clients,
                      prefilled=prefilled))
    assert int(end.admission.tokens[0]) == sum(row[2] for row in rows)
