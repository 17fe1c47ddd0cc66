"""Input that cannot be replayed is one error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright import run, topologies
from rackwright.errors import DoesNotFit, InputError, OptionsError, TopologyError
from rackwright.models.deeppool import DeeppoolOptions, read_trace, replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import JobTrace, LayerProfile, sample, sample_path


@pytest.fixture(scope="module")
def dgx() -> Fabric:
    return topologies.compile(topologies.preset("dgx-a100"))


def refused(error: type[Exception], words: str, fabric: Any, trace: Any = None, **settings: Any
            ) -> None:
    with pytest.raises(error, match=words):
        run.replay("deeppool", fabric, sample("profile_vgg16") if trace is None else trace,
                   **settings)


def job(model: str, kind: int = 1, batch: int = 32) -> JobTrace:
    return JobTrace(np.zeros(1), (model,), np.array([kind]), np.array([batch]), np.array([100]))


@pytest.mark.parametrize(("words", "settings"), [
    ("gpus = 9, but the topology has 8 GPUs", {"gpus": 9}),
    ("partition_gpus = 9 of 8 GPUs", {"variant": "partitioned", "partition_gpus": 9}),
    ("network=flat", {"sync": "code"}),
    ("background = 'nobody': neither a file nor a packaged profile", {"background": "nobody"}),
    ("unknown option 'limit'", {"limit": 2}),
    ("amplification_limit = -1", {"amplification_limit": -1.0})])
def test_options_that_do_not_go(dgx: Fabric, words: str, settings: dict[str, Any]) -> None:
    refused(OptionsError, words, dgx, **settings)


def test_trainings_must_fit(dgx: Fabric) -> None:
    refused(DoesNotFit, r"foreground .* GB, background .* GB: 3 copies of the weights", dgx,
            background_batch=2000)


def test_gpus_are_needed_and_must_be_equal(dgx: Fabric) -> None:
    refused(TopologyError, "DeepPool needs GPUs", topologies.star(4))
    mixed = topologies.merge([topologies.dgx("a100-sxm-80", gpus=4, nics=4),
                              topologies.dgx("h100-sxm", gpus=4, nics=4)])
    refused(TopologyError, "a100-sxm-80, h100-sxm: a profile is of one", mixed)


def test_a_profile_of_no_time_cannot_run_in_the_background(dgx: Fabric) -> None:
    empty = LayerProfile("empty", "empty", ("a",), ("relu",), np.zeros(1, np.int64),
                         np.zeros(1, np.int64), np.array([1]), np.zeros((1, 1)), ())
    refused(OptionsError, "a step of empty takes no time", dgx, empty)


def test_jobs_need_profiles_and_room(dgx: Fabric, tmp_path: Path) -> None:
    refused(OptionsError, "no profile of 'vgg61'; there are: inception_v3, vgg16", dgx,
            job("vgg61"))
    refused(OptionsError, "no profile of 'vgg16'; there are: files in", dgx, job("vgg16"),
            profiles=str(tmp_path))
    refused(OptionsError, "job_gpus = 16, but 8 of 8 GPUs", dgx, job("vgg16"), job_gpus=16)
    refused(OptionsError, "job_gpus = 8, but 4 of 8 GPUs", dgx, job("vgg16"),
            variant="partitioned")
    refused(DoesNotFit, "background job vgg16 of 4000 samples needs", dgx, job("vgg16", 0, 4000))


def test_profiles_of_jobs_can_be_files(dgx: Fabric, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(sample_path("profile_vgg16").read_bytes())
    found = run.replay("deeppool", dgx, job("mine"), profiles=str(tmp_path), iterations=10,
                       warm_iterations=2)
    assert found.metrics["jobs_finished"] == 1


def test_a_trace_of_another_kind_is_refused(dgx: Fabric) -> None:
    with pytest.raises(InputError, match="RequestTrace; DeepPool replays a layer profile"):
        read_trace(sample_path("requests_medium"))
    with pytest.raises(InputError, match="neither a layer profile nor a job trace"):
        replay(dgx, sample("requests_medium"), DeeppoolOptions())
