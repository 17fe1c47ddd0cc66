"""`Outcome`: what a model's replay hands back, before `rackwright.run` turns it into a Result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Bottleneck", "Outcome", "Parameter", "Series", "Spans"]


@dataclass(frozen=True)
class Bottleneck:
    """The resource that limits a replay: the busiest one, and whether it is saturated.

    `utilisation` is its busy share (0..1) in the measured window; `saturated` says that the
    load could not rise; `text` is one sentence for a person.
    """

    resource: str
    kind: str
    utilisation: float
    saturated: bool
    text: str


@dataclass(frozen=True)
class Parameter:
    """A number that is not a datasheet's: `kind` is "fitted", "stand-in" or "assumed".

    `basis` names the points it was fitted on, or why it was assumed.
    """

    name: str
    value: str
    kind: str
    basis: str


@dataclass(frozen=True)
class Series:
    """A few values along an axis, to be looked at: a queue over time, steps by size of their batch.

    `x` ascends; `x_name` and the name of the series end in their units ("time_s",
    "attention_queue_tokens"). Some 64 points; what is exact stands in the metrics.
    """

    x_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Spans:
    """What ran when, for the timeline: parallel arrays, one entry a span, in start order.

    `track` indexes `tracks` (names such as "h0/gpu0"), `label` indexes `labels`; times in ps;
    `amount` is the batch or the bytes. `dropped` counts the spans beyond the cap.
    """

    tracks: tuple[str, ...]
    labels: tuple[str, ...]
    track: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    start_ps: npt.NDArray[np.int64]
    end_ps: npt.NDArray[np.int64]
    amount: npt.NDArray[np.int64]
    dropped: int = 0


@dataclass(frozen=True)
class Outcome:
    """Everything a replay found out.

    `metrics`: name -> value, the unit in the name (`itl_mean_s`, `throughput_tokens_per_s`).
    `undefined`: metric -> why it has no value. `device_utilisation`, `link_utilisation`: busy
    shares 0..1 by endpoint and by link ("h0/gpu0->h0/nvswitch"). `breakdown`: shares (sum 1) of
    where an average token, job or operation spends its time. `kernels`: kernel -> source hash;
    `tables`: cost or timing table -> content hash; `parts`: part -> content hash. `complete` is
    False when the user interrupted the replay. `series`: name -> values over time or by size.
    """

    metrics: Mapping[str, float]
    bottleneck: Bottleneck
    device_utilisation: Mapping[str, float]
    link_utilisation: Mapping[str, float]
    breakdown: Mapping[str, float]
    parameters: tuple[Parameter, ...] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bands: Mapping[str, tuple[str, float, float]] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    kernels: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    spans: Spans | None = None
    complete: bool = True
    series: Mapping[str, Series] = field(default_factory=dict)
