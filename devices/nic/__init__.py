"""Network adapters, plain and smart: closed forms, packet pipeline, cores, accelerators."""

from rackwright.devices.nic.accelerators import Accelerator
from rackwright.devices.nic.blocks import OffloadTime, offload
from rackwright.devices.nic.core_queues import CoreRun, CoreState, core_advance, run_cores
from rackwright.devices.nic.cores import CoreWork, md1_wait
from rackwright.devices.nic.cycle_part import CycleNic, CycleSmartNic
from rackwright.devices.nic.part import Nic, SmartNic
from rackwright.devices.nic.paths import offload_stage, pipeline_of
from rackwright.devices.nic.pipeline import (
    PipelineRun,
    PipelineState,
    new_pipeline_state,
    pipeline_advance,
    run_pipeline,
)
from rackwright.devices.nic.root import LaneBudget
from rackwright.devices.nic.stages import Pipeline, Stage

__all__ = [
    "Accelerator",
    "CoreRun",
    "CoreState",
    "CoreWork",
    "CycleNic",
    "CycleSmartNic",
    "LaneBudget",
    "Nic",
    "OffloadTime",
    "Pipeline",
    "PipelineRun",
    "PipelineState",
    "SmartNic",
    "Stage",
    "core_advance",
    "md1_wait",
    "new_pipeline_state",
    "offload",
    "offload_stage",
    "pipeline_advance",
    "pipeline_of",
    "run_cores",
    "run_pipeline",
]
