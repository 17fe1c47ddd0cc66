"""The machine that measures: PyTorch and its GPU, or one clear error; what it is, for the record.

Everything here needs PyTorch with CUDA, which is imported when it is asked for.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rackwright.calibrate.measure_host import HostBench, smi
from rackwright.calibrate.measure_kernels import KernelBench
from rackwright.calibrate.measure_products import ProductBench
from rackwright.calibrate.measure_streams import StreamBench
from rackwright.calibrate.session import Measure
from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import GraphTimer
from rackwright.errors import InputError, MissingTool

__all__ = ["bench", "describe", "torch_with_gpu", "write_description"]


def torch_with_gpu() -> Any:
    """The module `torch`; raises `MissingTool` when it, or a GPU that it can use, is absent."""
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        raise MissingTool("measuring a GPU needs PyTorch with CUDA, which is not installed: "
                          "pip install torch") from None
    if not torch.cuda.is_available():
        raise MissingTool(f"measuring a GPU needs one that PyTorch can use; torch "
                          f"{torch.__version__} finds none. Look at `nvidia-smi`, or install a "
                          "CUDA build: pip install torch")
    return torch


def bench(torch: Any) -> Measure:
    """What measures a point on the first GPU."""
    timer = GraphTimer(torch)
    products, kernels, host = (ProductBench(torch, timer), KernelBench(torch, timer),
                               HostBench(torch, timer))
    streams = StreamBench(torch)
    benches: Mapping[str, Measure] = {
        "attention": kernels.attention, "conv": products.conv, "expert": products.expert,
        "gemm": products.gemm, "grouped": products.grouped, "launch": host.launch,
        "memory": kernels.memory, "pcie": host.pcie, "pieces": kernels.pieces,
        "power": host.power, "streams": streams.streams}
    last = ""

    def measure(point: Point) -> Mapping[str, float]:
        nonlocal last
        if point.table != last:  # the weights kept for the last table are of no use any more
            products.kept, last = ((), None), point.table
        with torch.inference_mode():
            return benches[point.table](point)
    return measure


def describe(torch: Any) -> dict[str, Any]:
    """What the machine is, for `machine.json`."""
    gpu = torch.cuda.get_device_properties(0)
    return {
        "cpu": _cpu(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
        "gpu": gpu.name, "l2_nbytes": gpu.L2_cache_size, "memory_nbytes": gpu.total_memory,
        "python": platform.python_version(), "sms": gpu.multi_processor_count,
        "torch": torch.__version__, **_smi(),
    }


def write_description(torch: Any, folder: Path, more: Mapping[str, Any] | None = None) -> None:
    """Write `machine.json`, `more` in it; raises `InputError` when the folder has another
    machine's rows."""
    path, now = folder / "machine.json", {**describe(torch), **(more or {})}
    if path.exists():
        there = _description(path)
        other = [f"{key} {there.get(key)!r}, here {now[key]!r}"
                 for key in ("gpu", "torch", "cuda", *(more or ())) if there.get(key) != now[key]]
        if other:
            raise InputError(f"measured on another machine ({'; '.join(other)}); give an empty "
                             "folder with --out", place=path)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _description(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
    return found if isinstance(found, dict) else {}


def _smi() -> dict[str, str]:
    names = {"driver": "driver_version", "power_limit_watts": "power.limit",
             "pcie_generation": "pcie.link.gen.max", "pcie_width": "pcie.link.width.max",
             "sm_mhz_max": "clocks.max.sm", "memory_mhz_max": "clocks.max.mem"}
    try:
        return dict(zip(names, smi(",".join(names.values())), strict=True))
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
