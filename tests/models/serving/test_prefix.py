"""Automatic prefix caching: what is spared, what must not change, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.errors import OptionsError
from rackwright.models.serving import ServingOptions
from rackwright.models.serving.checks import Checks
from rackwright.models.serving.kernel import advance
from rackwright.models.serving.workload import replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform
from rackwright.traces.conversations import generate_conversations
from rackwright.traces.prefixes import PrefixBlocks


def chained(made: Callable[..., RequestTrace], rows: list[tuple[int, int, int]],
            chains: list[list[int]], block_tokens: int = 16) -> RequestTrace:
    """A made trace whose requests have these blocks; rows are in order of arrival."""
    bare = made(rows)
    offsets = np.cumsum([0, *map(len, chains)])
    return RequestTrace(bare.arrival_time, bare.input_tokens, bare.output_tokens, "made",
                        prefixes=PrefixBlocks(offsets, np.array(sum(chains, []), np.int64),
                                              block_tokens))


def run(state: Any) -> Any:
    return drive(advance, state, check=Checks(state))


def test_a_known_prompt_computes_its_last_page_only(small: Callable[..., Any],
                                                    made: Callable[..., RequestTrace]) -> None:
    chain = [0, 1, 2, 3]
    trace = chained(made, [(0, 64, 2), (10**6, 64, 2)], [chain, chain])
    end = run(small(trace, caching=True))
    assert end.prefix.counts.tolist() == [48, 128, 0]      # 3 of 4 pages: the last token is needed
    assert int(end.work.prompt_tokens[0]) == 64 + 16


def test_a_token_more_than_whole_pages_hits_them_all(small: Callable[..., Any],
                                                     made: Callable[..., RequestTrace]) -> None:
    trace = chained(made, [(0, 65, 2), (10**6, 65, 2)], [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]])
    end = run(small(trace, caching=True))
    # one token computed: a decode in all but name, so no prompt tokens are counted for it
    assert end.prefix.counts.tolist() == [64, 130, 0]


def test_requests_of_one_step_share(small: Callable[..., Any],
                                    made: Callable[..., RequestTrace]) -> None:
    chain = [0, 1, 2, 3, 4]
    end = run(small(chained(made, [(0, 80, 1)] * 3, [chain] * 3), caching=True))
    assert end.prefix.counts.tolist() == [128, 240, 0]
    assert int(end.work.steps[0]) == 1


def test_a_long_forgotten_prefix_is_computed_again(small: Callable[..., Any],
                                                   made: Callable[..., RequestTrace]) -> None:
    """40 pages: a request of 17 pages, then 30 others, then the first once more."""
    rows = [(0, 256, 8), (10**6, 480, 1), (2 * 10**6, 256, 8)]
    chains = [list(range(16)), list(range(100, 130)), list(range(16))]
    assert run(small(chained(made, rows, chains), caching=True,
                     pages=40)).prefix.counts.tolist()[0] < 240
    assert run(small(chained(made, rows, chains), caching=True,
                     pages=60)).prefix.counts.tolist()[0] == 240


def test_the_end_of_a_prefix_is_evicted_first(small: Callable[..., Any],
                                              made: Callable[..., RequestTrace]) -> None:
    """Freed last page first, so what is left of a prefix is its start."""
    rows = [(0, 256, 1), (10**6, 400, 1), (2 * 10**6, 256, 1)]
    chains = [list(range(16)), list(range(100, 125)), list(range(16))]
    hit = run(small(chained(made, rows, chains), caching=True, pages=36)).prefix.counts[0]
    assert hit == 16 * (36 - 25)


def test_without_common_prefixes_nothing_changes(small: Callable[..., Any],
                                                 busy_trace: RequestTrace,
                                                 digest: Callable[[Any], str]) -> None:
    off, on = (drive(advance, small(busy_trace, caching=each)) for each in (False, True))
    assert on.prefix.counts[0] == 0 and not on.sequences.preemptions.any()
    parts = ("requests", "admission", "sequences", "step", "work", "snapshots", "spans")
    for part in parts:
        assert digest(getattr(on, part)) == digest(getattr(off, part)), part


def test_every_page_comes_back(small: Callable[..., Any]) -> None:
    trace = generate_conversations(
        60.0, 20, system_prompts=2, system_tokens=Uniform(30, 130), turns=Uniform(1, 3),
        question_tokens=Uniform(5, 90), answer_tokens=Uniform(1, 30), think_time=0.1, seed=4)
    end = run(small(trace, caching=True, pages=60))
    assert not end.prefix.users.any()
    assert int(end.admission.kv_free[0]) == 60
    assert end.sequences.preemptions.any()


def test_sharing_saves_time_and_computing(dgx: Fabric) -> None:
    trace = generate_conversations(4.0, 30, seed=2)
    off, on = (replay(dgx, trace, ServingOptions.checked({"prefix_caching": each}))
               for each in (False, True))
    assert "prefix_hit_share" in off.undefined
    saved = off.metrics["prompt_tokens_computed"] - on.metrics["prompt_tokens_computed"]
    assert saved == pytest.approx(on.metrics["prefix_hit_tokens"], rel=0.01)
    assert 0.3 < on.metrics["prefix_hit_share"] < 1
    assert on.metrics["ttft_mean_s"] < off.metrics["ttft_mean_s"]
    assert on.metrics["tokens"] == off.metrics["tokens"]


def test_several_engines_have_a_cache_each(dgx: Fabric) -> None:
    trace = generate_conversations(4.0, 30, seed=2)
    one, two = (replay(dgx, trace, ServingOptions.checked({"prefix_caching": True, "engines": n}))
                for n in (1, 2))
    assert 0 < two.metrics["prefix_hit_tokens"] < one.metrics["prefix_hit_tokens"]


@pytest.mark.parametrize(("settings", "words"), [
    ({"shared_prefix_tokens": 32}, "shared_prefix_tokens"), ({"prefilled": True}, "prefilled"),
    ({"model": "gpt-oss-20b"}, "window")])
def test_what_does_not_go_together_is_refused(dgx: Fabric, busy_trace: RequestTrace,
                                              settings: dict[str, Any], words: str) -> None:
    options = ServingOptions.checked({"prefix_caching": True, **settings})
    with pytest.raises(OptionsError, match=f"prefix_caching does not go with.*{words}"):
        replay(dgx, busy_trace, options)
