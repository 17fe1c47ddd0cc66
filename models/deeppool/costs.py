"""What every layer costs with every number of GPUs: the numbers that a planner chooses by.

Options of a layer: a global batch of B samples on g = 1, 2, 4, ... GPUs, B / g samples each, in
this order (no split first). `compute_time`: forward and backward of a layer from a profile. Between
profiled batches times are interpolated, above the largest they grow in proportion, below the
smallest they stay: `PlanCosts.guessed` says so. `sync_time`: the layer's gradients; `move_time`:
its output to another number of GPUs, there and back in the backward pass.

Transfer of a change from s1 to s2 samples a GPU: the busiest GPU moves (larger - smaller) samples.
That is the published maximum of egress and ingress for every ratio of 2 or more, whichever side the
common part is taken off. Directly before ReLU, flatten or batch norm a change costs 1000 times,
which forbids it in effect.

`code` is the gradient size of the published code, in which convolutions are almost free (input
channels are left out, an integer kernel counts as one row) and bottlenecks are free.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.models.deeppool.network import ELEMENT_BYTES, FlatNetwork, Network
from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.traces.profiles import LayerProfile

__all__ = ["FORBIDDEN", "PlanCosts", "build_costs", "code_elements", "keyed_times", "layer_times",
           "splits"]

FORBIDDEN = 1000.0  # times, of a change where none is allowed (published code)
_KEPT_KINDS = ("batch_norm", "flatten", "relu")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sync = Literal["code", "parameters"]


class PlanCosts(NamedTuple):
    """n layers with k options; seconds."""

    batch: int
    gpus: Ints                # (k,): 1, 2, 4, ...
    compute_time: Floats      # (n, k): forward + backward
    sync_time: Floats         # (n, k)
    move_time: Floats         # (n, k, k): output of a layer from option to option, both passes
    away_time: Floats         # (n, k, k): the same to GPUs that hold nothing yet
    kept: npt.NDArray[np.bool_]   # (n,): takes its input on the GPUs where it is
    elements: Ints            # (n,): gradients
    guessed: tuple[int, ...]  # batches a GPU without a profile
    edges: tuple[tuple[int, int], ...]

    @property
    def layer_time(self) -> Floats:
        """Compute and gradients, (n, k)."""
        return self.compute_time + self.sync_time

    def transfer(self, source: int, target: int) -> Floats:
        """Seconds from layer `source` to layer `target`, (k, k): option before, option after."""
        found: Floats = self.move_time[source] * (FORBIDDEN if self.kept[target] else 1.0)
        return found


def splits(batch: int, gpus: int) -> list[int]:
    """Numbers of GPUs, powers of 2 up to `gpus`, that share `batch` samples evenly.

    >>> splits(16, 8), splits(12, 64)
    ([1, 2, 4, 8], [1, 2, 4])
    """
    if batch < 1 or gpus < 1:
        raise UsageError(f"a batch of {batch} on {gpus} GPUs: at least 1 of each is needed")
    found = [1]
    while 2 * found[-1] <= gpus and batch % (2 * found[-1]) == 0:
        found.append(2 * found[-1])
    return found


def build_costs(profile: LayerProfile, network: Network, batch: int, gpus: int, *,
                sync: Sync = "parameters", keyed: bool = False) -> PlanCosts:
    """Costs of a global `batch` on up to `gpus` GPUs. Raises UsageError and OptionsError."""
    degrees = splits(batch, gpus)
    shares = np.array([batch // degree for degree in degrees], np.int64)
    times = keyed_times(profile) if keyed else profile.times
    compute = layer_times(times, profile.batches, shares)
    if sync == "code" and not isinstance(network, FlatNetwork):
        raise DeeppoolOptions.refused([
            "sync = code counts gradients as the published code does, which makes sense on its "
            "flat network only: add network=flat, or write sync=parameters"])
    elements = code_elements(profile) if sync == "code" else profile.parameters
    known = set(profile.batches.tolist())
    return PlanCosts(
        batch, np.array(degrees, np.int64), compute,
        _sync_times(network, elements, degrees, whole=sync == "code"),
        _move_times(network, profile.output_elements, shares, degrees),
        _away_times(network, profile.output_elements, shares),
        np.array([kind in _KEPT_KINDS for kind in profile.kinds]), elements,
        tuple(int(share) for share in shares if int(share) not in known), profile.edges)


def layer_times(times: Floats, batches: Ints, shares: Ints) -> Floats:
    """Seconds of every layer with so many samples a GPU, (n, k); see the module's text."""
    rising, column = batches[::-1].astype(np.float64), times[:, ::-1]
    found = np.empty((len(times), len(shares)))
    for at, share in enumerate(shares.tolist()):
        if share > rising[-1]:
            found[:, at] = column[:, -1] * (share / rising[-1])
            continue
        right = int(np.searchsorted(rising, share))
        left = right if rising[right] == share or right == 0 else right - 1
        span = rising[right] - rising[left]
        weight = (share - rising[left]) / span if span > 0 else 0.0
        found[:, at] = column[:, left] * (1 - weight) + column[:, right] * weight
    return found


def keyed_times(profile: LayerProfile) -> Floats:
    """Times by a dictionary of configurations, in which the last of equal layers stands for all.

    What a table without the order of the layers makes of a profile; kept for comparison only.
    """
    last = {text: layer for layer, text in enumerate(profile.layers)}
    return profile.times[[last[text] for text in profile.layers]]


def code_elements(profile: LayerProfile) -> Ints:
    """Elements that the published code adds up, by layer; see the module's text."""
    return np.array([_code_elements(profile, layer) for layer in range(len(profile))], np.int64)


def _code_elements(profile: LayerProfile, layer: int) -> int:
    kind = profile.kinds[layer]
    if kind == "linear":
        return int(profile.parameters[layer])
    if kind != "conv":
        return 0
    _, found, _ = profile.configuration(layer)
    if "kernel_size" not in found or "out_channels" not in found:
        raise DeeppoolOptions.refused([
            f"sync = code needs kernel_size and out_channels of every convolution, which layer "
            f"{layer} of {profile.name} ({profile.layers[layer]}) does not name: write "
            "sync=parameters"])
    size = found["kernel_size"]
    width, height = (size, 1) if isinstance(size, int) else size
    return int(width * height * (found["out_channels"] + 1))


def _sync_times(network: Network, elements: Ints, degrees: list[int], *, whole: bool) -> Floats:
    """A layer's share of one all-reduce of everything, (n, k).

    `whole`: the published code sends the gradients once, whatever a ring takes.
    """
    total = float(elements.sum())
    share = elements / total if total else np.zeros(len(elements))
    nbytes = ELEMENT_BYTES * total
    if whole and isinstance(network, FlatNetwork):
        times = [0.0 if degree == 1 else nbytes / network.bandwidth for degree in degrees]
    else:
        times = [network.all_reduce_time(nbytes, degree) for degree in degrees]
    return np.stack([share * time for time in times], axis=1)


def _move_times(network: Network, outputs: Ints, shares: Ints, degrees: list[int]) -> Floats:
    """(n, k, k): twice from few GPUs to many, since gradients of the output come back."""
    count = len(degrees)
    found = np.zeros((len(outputs), count, count))
    for few in range(count):
        for many in range(few + 1, count):
            moved = int(shares[few]) - int(shares[many])
            nbytes = ELEMENT_BYTES * moved * outputs.astype(np.float64)
            time = 2.0 * network.move_time(nbytes, degrees[few], degrees[many])
            found[:, few, many] = found[:, many, few] = time
    return found


def _away_times(network: Network, outputs: Ints, shares: Ints) -> Floats:
    """(n, k, k): both passes, without anything in common."""
    most = np.maximum(shares[:, None], shares[None, :]).astype(np.float64)
    return 2.0 * network.away_time(ELEMENT_BYTES * outputs[:, None, None] * most)
