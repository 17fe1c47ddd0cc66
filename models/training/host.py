"""What eager PyTorch costs the host of a training step: named costs, added up.

Forward, Python calls every layer (its modules, autocast's casts, autograd's bookkeeping, launches);
backward, a thread of C++ runs autograd's nodes; the optimizer goes over all tensors; with several
GPUs, DistributedDataParallel has a hook a tensor, work a bucket, and buffers to broadcast. Each
cost was measured by itself, on chains of small layers that are no network of ours
(`calibrate.eager_plan`). A step takes HOST_PACE times their sum: in a network no operation follows
itself, modules are nested, and hosts differ.

Leaves out: views, flattening, gradients of more than two consumers, torch.compile, several hosts.
A concatenation counts as a sum, which is a stand-in. Units: microseconds in the tables, else s.

Sources: devices/measured/h100-sxm-training/second/eager.csv.gz, by `calibrate.fit_eager`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rackwright.errors import UnknownName
from rackwright.models.training.layers import Graph, Layer, layers_of
from rackwright.models.training.networks import tensors_of

__all__ = ["HOST_PACE", "HostTime", "host_time", "operations_of"]

# A step over the sum of its operations. Fitted: the median of three steps measured on the same
# host (ResNet-50, bf16, eager, one GPU, 1, 2 and 4 samples: 1.22, 1.27, 1.36).
HOST_PACE = 1.27
# Microseconds of an operation, forward and backward, of a layer with its weights' casts; "step":
# entering autocast, the call of backward. conv1, conv3: without and with windows.
OPERATIONS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "bf16": {
        "step": (16.9, 103.9), "conv1": (49.1, 78.8), "conv3": (52.5, 75.4),
        "conv3_bias": (83.0, 103.5), "batch_norm": (70.4, 47.7), "relu": (23.6, 24.0),
        "sum": (17.5, 18.2), "pool": (23.6, 25.3), "linear": (73.4, 112.7),
        "dropout": (28.0, 17.5), "loss": (54.3, 73.8), "linear_tokens": (83.4, 117.4),
        "wide_sum": (29.7, 39.6), "layer_norm": (40.8, 58.6), "gelu": (22.0, 1.9),
        "attention": (79.1, 181.9), "embedding": (110.5, 341.6)},
    "tf32": {
        "step": (11.4, 112.3), "conv1": (30.4, 58.7), "conv3": (30.6, 55.9),
        "conv3_bias": (46.1, 79.3), "batch_norm": (60.7, 55.5), "relu": (17.2, 18.3),
        "sum": (20.4, 20.1), "pool": (17.8, 28.2), "linear": (26.2, 85.5),
        "dropout": (21.4, 19.2), "loss": (29.3, 14.9), "linear_tokens": (38.9, 115.0),
        "wide_sum": (16.7, 18.9), "layer_norm": (35.7, 56.5), "gelu": (24.1, 0.4),
        "attention": (59.5, 136.8), "embedding": (114.7, 120.6)},
}
# Microseconds of a step and of each tensor: SGD with momentum (foreach), AdamW (fused).
OPTIMIZERS = {"sgd": (97.5, 2.79), "adam": (99.8, 3.55)}
# Data parallel on two GPUs: microseconds of a step, a tensor's hook, a bucket, a norm's buffer.
EXCHANGE = (745.4, 30.2, 63.9, 2.7)
BUFFERS = 3  # of a batch norm


@dataclass(frozen=True)
class HostTime:
    """Seconds of the host in a step: `forward` (Python), `backward` (autograd's thread),
    `optimizer`, `exchange` (data parallel)."""

    forward: float
    backward: float
    optimizer: float
    exchange: float

    @property
    def total(self) -> float:
        return self.forward + self.backward + self.optimizer + self.exchange


def host_time(graph: Graph, dtype: str, optimizer: str = "sgd", buckets: int = 0,
              pace: float = HOST_PACE) -> HostTime:
    """What one step of a network costs the host; `buckets`: of gradients, 0 on one GPU.

    Raises UnknownName for an operation, data type or optimizer without a measured cost.
    """
    for what, name, known in (("data type of training", dtype, OPERATIONS),
                              ("optimizer", optimizer, OPTIMIZERS)):
        if name not in known:
            raise UnknownName(what, name, known)
    counts = operations_of(graph)
    costs = OPERATIONS[dtype]
    forward, backward = (sum(count * costs[name][way] for name, count in counts.items())
                         for way in (0, 1))
    tensors = len(tensors_of(graph))
    step, tensor = OPTIMIZERS[optimizer]
    exchange = 0.0
    if buckets:
        call, hook, bucket, buffer = EXCHANGE
        exchange = call + hook * tensors + bucket * buckets \
            + buffer * BUFFERS * counts["batch_norm"]
    scale = 1e-6 * pace
    return HostTime(scale * forward, scale * backward, scale * (step + tensor * tensors),
                    scale * exchange)


def operations_of(graph: Graph) -> Counter[str]:
    """How many of each operation a step of a network has."""
    found = Counter(_operation(layer) for layer in layers_of(graph))
    del found[""]
    found["step"] = 1
    return found


def _operation(layer: Layer) -> str:
    sequence = len(layer.shape_in) == 2
    if layer.kind == "conv":
        return "conv3_bias" if len(layer.tensors) > 1 else \
            "conv3" if max(layer.kernel) > 1 else "conv1"
    if layer.kind == "linear":
        return "linear_tokens" if sequence else "linear"
    if layer.kind in ("add", "concat"):
        return "wide_sum" if sequence else "sum"
    return "" if layer.kind == "flatten" else layer.kind
