"""The state of the serving engine: NamedTuples of arrays. Times are int64 picoseconds.

A request is in one place: not arrived, in the queue, among the `returned` (preempted, before the
queue, last in first out), running, or finished. Running requests are kept in the order of their
admission. Nothing can grow: every array has the size of its bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.histogram import new_histogram
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.serving.costs import Tables
from rackwright.models.serving.prefix import Prefix
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import SNAPSHOTS, Snapshots

__all__ = ["ATTENTION_DECODE", "ATTENTION_PREFILL", "EXCHANGE", "EXPERTS", "EngineState", "Fixed",
           "HEAD", "HOST", "LAUNCH", "LINEAR", "OUTSIDE_TABLE", "PIECES", "QUEUE", "Sequences",
           "Step", "Work", "new_state"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

OUTSIDE_TABLE = 1   # fault: code[1] tokens in a step, code[2] requests
# rows of Work.spent, and of Step.pieces up to HOST: where time goes
LINEAR, EXPERTS, EXCHANGE, ATTENTION_DECODE, ATTENTION_PREFILL, HEAD, LAUNCH, HOST, QUEUE = range(9)
PIECES = ("linear layers", "experts", "exchange", "attention, decode", "attention, prefill",
          "head and sampler", "kernel launches", "host", "queue")


class Fixed(NamedTuple):
    """What does not change during a replay."""

    most_tokens: int          # of a step
    most_running: int
    chunked: bool
    prefilled: bool           # prompts come with their keys and values
    overlapped: bool          # asynchronous scheduling
    caching: bool             # automatic prefix caching
    clients: int              # closed loop; 0: open loop
    frontend_ps: int
    host_ps: int              # of a step
    sequence_ps: int          # of a step, for each request in it
    gap_ps: int               # between steps that were prepared in time
    launch_ps: int            # all launches of a forward pass, eager
    block_tokens: int
    prefix_tokens: int        # that the prefix cache holds, whole blocks
    pages: int
    full_groups: int          # pages for a block of tokens
    window_groups: int
    window_blocks: int
    full_layers: int
    window_layers: int
    window: int
    padded: Ints              # (captured + 1,) tokens to the size that is run
    tables: Tables


class Sequences(NamedTuple):
    """Per request unless said otherwise; `Requests.kv_blocks` counts the pages that it holds."""

    computed: Ints            # tokens whose keys and values are in the cache
    preemptions: Ints
    running: Ints             # (most_running,) request numbers, the first `count` of them
    returned: Ints            # (most_running,) a stack


class Step(NamedTuple):
    """The step that is being made up, and how many requests are where (arrays of one)."""

    sent: Ints                # requests that their clients have sent
    running: Ints             # running requests
    returned: Ints
    chunk: Ints               # (most_running,) tokens of each running request in this step
    tokens: Ints
    rows: Ints                # requests with tokens in it
    decodes: Ints             # of them with one token
    sampled: Ints
    context: Ints             # (2,) tokens that decodes see, without and with the window
    longest_ps: Ints          # slowest chunk alone
    packed_ps: Ints           # all chunks' shares
    pieces: Ints              # (8,) ps
    device_ps: Ints           # of them on the GPU
    idle: Ints                # 1 when nothing ran before this step


class Work(NamedTuple):
    """Sums of the replay."""

    steps: Ints               # (3,) all, decode only, run as a graph
    busy_ps: Ints             # (gpus,)
    links_ps: Ints            # (0,): links' shares are worked out afterwards
    decode_ps: Ints           # (1,) device time of steps that decode only
    prompt_tokens: Ints       # (1,) computed, repeated ones included
    repeated_tokens: Ints     # (1,) computed again after a preemption
    reduced_tokens: Ints      # (1,) rows that passed the exchange, padding included
    preemptions: Ints         # (1,)
    batch: Ints               # (most_running + 1,) steps by requests in them
    tokens: Ints              # histogram of tokens in a step
    queue: Ints               # (SNAPSHOTS + 1,) requests waiting, at the snapshots
    pages: Ints               # (SNAPSHOTS + 1,) pages in use
    sums: Floats              # (3,) over time, ps: waiting, running, pages in use
    most: Ints                # (3,) largest of them
    spent: Floats             # (9,) ps, summed over requests


class EngineState(NamedTuple):
    control: Control
    fixed: Fixed
    requests: Requests
    admission: Admission
    sequences: Sequences
    step: Step
    work: Work
    snapshots: Snapshots
    spans: SpanLog
    prefix: Prefix


def new_state(fixed: Fixed, gpus: int, requests: Requests, admission: Admission,
              snapshots: Snapshots, spans: SpanLog, prefix: Prefix) -> EngineState:
    """An idle engine before the first arrival; `requests` hold no pages yet."""
    count, most = len(requests.arrival_ps), fixed.most_running

    def zeros(size: int = 1) -> Ints:
        return np.zeros(size, np.int64)

    sequences = Sequences(zeros(count), zeros(count), zeros(most), zeros(most))
    sent = np.full(1, 0 if fixed.clients else count, np.int64)
    step = Step(sent, zeros(), zeros(), zeros(most), zeros(), zeros(), zeros(), zeros(), zeros(2),
                zeros(), zeros(), zeros(HOST + 1), zeros(), np.ones(1, np.int64))
    work = Work(zeros(3), zeros(gpus), zeros(0), zeros(), zeros(), zeros(), zeros(), zeros(),
                zeros(most + 1), new_histogram(), zeros(SNAPSHOTS + 1), zeros(SNAPSHOTS + 1),
                np.zeros(3), zeros(3), np.zeros(QUEUE + 1))
    return EngineState(new_control(), fixed, requests, admission, sequences, step, work, snapshots,
                       spans, prefix)
