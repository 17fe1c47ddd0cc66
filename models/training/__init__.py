"""Training: networks as graphs, what their steps cost, and the replay of execution traces.

Networks: `network`, `network_names`, `parameters_of`, `flops_of`; their layers' times on any GPU:
`profile_of`; whole data-parallel steps: `step_times`. Execution traces (Chakra): see
`traces.chakra`; `execution_of` makes them from our networks, and ``replay("training", fabric,
trace)`` runs one on any fabric.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rackwright.models.registry import Model
from rackwright.models.training.layers import KINDS, Builder, Layer, layers_of
from rackwright.models.training.networks import (
    flops_of,
    network,
    network_names,
    parameters_of,
    tensors_of,
)
from rackwright.models.training.options import TrainingOptions
from rackwright.models.training.workload import replay
from rackwright.traces.chakra_file import read_execution

if TYPE_CHECKING:
    from rackwright.models.training.execution import execution_of
    from rackwright.models.training.profile import profile_of
    from rackwright.models.training.steps import StepTimes, step_times

__all__ = [
    "Builder",
    "KINDS",
    "Layer",
    "MODEL",
    "StepTimes",
    "TrainingOptions",
    "execution_of",
    "flops_of",
    "layers_of",
    "network",
    "network_names",
    "parameters_of",
    "profile_of",
    "replay",
    "step_times",
    "tensors_of",
]

MODEL = Model(
    name="training",
    title="Training: execution traces (Chakra) replayed as they are",
    options=TrainingOptions,
    replay=replay,
    read_trace=read_execution,
    baselines={"no_overlap": {"overlap": False}, "ideal_network": {"network": "ideal"}},
    headline=("step_time_s", "compute_share", "exposed_communication_share", "waiting_share"),
    sample_topology="dgx-h100",
    sample_trace="training_gpt2",
    captions={
        "training": "one step of GPT-2 on 2 data copies x 2 tensor parts x 2 stages, made from our "
                    "network graphs",
        "no_overlap": "a rank does not compute while it communicates",
        "ideal_network": "collectives and transfers take no time"},
)

_LAZY = {"StepTimes": "steps", "execution_of": "execution", "profile_of": "profile",
         "step_times": "steps"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"rackwright.models.training.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'rackwright.models.training' has no attribute {name!r}")
