"""Bad set-ups are one clear error before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.errors import (
    DoesNotFit,
    InputError,
    OptionsError,
    TopologyError,
    UnknownName,
)
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace, sample


def test_a_cache_that_does_not_fit_says_the_sum(box: Fabric, small: DocumentTrace,
                                                run: Callable[..., Any]) -> None:
    with pytest.raises(DoesNotFit, match=r"gemma-2b does not fit a100-pcie-80: .* weights .*"
                                         r"hbm_cache = .* lower hbm_cache"):
        run(box, small, hbm_cache="100GiB")


def test_an_exit_layer_needs_a_layerwise_model(box: Fabric, small: DocumentTrace,
                                               run: Callable[..., Any]) -> None:
    with pytest.raises(OptionsError, match="exit_layer is 12, but gemma-2b runs all"):
        run(box, small, exit_layer=12)
    with pytest.raises(OptionsError, match="exit_layer is 4: minicpm.*layers 8 to 40"):
        run(box, small, exit_layer=4, model="minicpm-2b-layerwise")


def test_only_dense_re_rankers_have_costs(box: Fabric, small: DocumentTrace,
                                          run: Callable[..., Any]) -> None:
    with pytest.raises(OptionsError, match="mixtral-8x7b has experts"):
        run(box, small, model="mixtral-8x7b")


def test_servers_leave_a_host_to_re_rank(dgx: Fabric, small: DocumentTrace,
                                         run: Callable[..., Any]) -> None:
    with pytest.raises(OptionsError, match="allowed are 0 to 0"):
        run(dgx, small, kv_servers=1)


def test_a_fabric_without_gpus_is_refused(small: DocumentTrace, run: Callable[..., Any]) -> None:
    bare = topologies.compile(topologies.lovelock(accelerators=0, storage=1, compute=0))
    with pytest.raises(TopologyError, match="needs a GPU"):
        run(bare, small)


def test_an_unknown_model_lists_the_known_ones(box: Fabric, small: DocumentTrace,
                                               run: Callable[..., Any]) -> None:
    with pytest.raises(UnknownName, match="gemma-2b"):
        run(box, small, model="gemma-3b")


def test_documents_longer_than_a_slot_are_counted(box: Fabric, run: Callable[..., Any]) -> None:
    trace = DocumentTrace(np.zeros(1), np.array([8]), np.array([0, 3]), np.array([1, 2, 3]),
                          np.array([100, 300, 700]))
    found = run(box, trace, slot_tokens=256)
    assert found.metrics["documents_cut"] == 2
    assert any("2 documents were longer" in note for note in found.outcome.notes)


def test_a_request_trace_is_refused(box: Fabric, run: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="no document trace; HyperRAG needs"):
        run(box, sample("requests_medium"))
