"""How long a step takes, and what it leaves behind.

Device time is the sum of its pieces (see `layers`): kernels run one after the other. A step of a
captured number of tokens is padded to the next captured size and replayed as a graph; a larger one
is launched kernel by kernel, so it takes at least the time of all its launches. Attention is never
padded. Host time comes before the device's; with asynchronous scheduling beside it, but for a gap
between steps, unless the engine was idle.
"""

from __future__ import annotations

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.histogram import hist_add
from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.serving.prefix import release
from rackwright.models.serving.requests import token_out
from rackwright.models.serving.scheduler import tokens_of
from rackwright.models.serving.state import (
    ATTENTION_DECODE,
    ATTENTION_PREFILL,
    EXCHANGE,
    EXPERTS,
    HEAD,
    HOST,
    LAUNCH,
    LINEAR,
)

__all__ = ["LABELS", "end_step", "step_time"]

LABELS = ("prefill and decode", "decode")
TILE = 128   # of the tables of chunks; see `costs`


@kernel
def add_chunk(fixed, step, queries, before):  # type: ignore[no-untyped-def]
    """One chunk of a prompt into the step's attention; False outside a table."""
    rows = (queries + TILE - 1) // TILE  # nonzero: a constant
    keys = (before + TILE - 1) // TILE   # nonzero: a constant
    alone = table2_ps(fixed.tables.alone, rows, keys)
    packed = table2_ps(fixed.tables.packed, rows, keys)
    if alone < 0 or packed < 0:
        return False
    alone *= fixed.full_layers
    packed *= fixed.full_layers
    if fixed.window_layers > 0:
        more = table2_ps(fixed.tables.window_alone, rows, keys)
        share = table2_ps(fixed.tables.window_packed, rows, keys)
        if more < 0 or share < 0:
            return False
        alone += more * fixed.window_layers
        packed += share * fixed.window_layers
    step.longest_ps[0] = max(step.longest_ps[0], alone)
    step.packed_ps[0] += packed
    return True


@kernel
def gather(fixed, requests, sequences, step):  # type: ignore[no-untyped-def]
    """Sum up the step's rows; False outside a table."""
    step.tokens[0] = 0
    step.rows[0] = 0
    step.decodes[0] = 0
    step.sampled[0] = 0
    step.context[:] = 0
    step.longest_ps[0] = 0
    step.packed_ps[0] = 0
    for at in range(step.running[0]):
        queries = step.chunk[at]
        if queries == 0:
            continue
        r = sequences.running[at]
        before = sequences.computed[r]
        step.tokens[0] += queries
        step.rows[0] += 1
        if before + queries == tokens_of(requests, r):
            step.sampled[0] += 1
        if queries == 1:
            step.decodes[0] += 1
            step.context[0] += before + 1
            step.context[1] += min(before + 1, fixed.window)
        elif not add_chunk(fixed, step, queries, before):
            return False
    return True


@kernel
def decode_ps(fixed, step):  # type: ignore[no-untyped-def]
    """Attention of the rows with one token; negative outside the table."""
    rows = step.decodes[0]
    if rows == 0:
        return 0
    mean = step.context[0] / rows  # nonzero: rows > 0
    full = table2_ps(fixed.tables.decode, rows, mean)
    if full < 0 or fixed.window_layers == 0:
        return full * fixed.full_layers
    short = step.context[1] / rows  # nonzero: rows > 0
    return full * fixed.full_layers \
        + table2_ps(fixed.tables.decode, rows, short) * fixed.window_layers


@kernel
def step_time(fixed, requests, sequences, step):  # type: ignore[no-untyped-def]
    """Picoseconds of the step that is made up, its pieces into `step`; -1 outside a table."""
    if not gather(fixed, requests, sequences, step):
        return -1
    pieces, tables, tokens = step.pieces, fixed.tables, step.tokens[0]
    captured = tokens < fixed.padded.shape[0]
    size = fixed.padded[tokens] if captured else tokens
    pieces[LINEAR] = table1_ps(tables.linear, size)
    pieces[EXPERTS] = table1_ps(tables.experts, size)
    pieces[EXCHANGE] = table1_ps(tables.exchange, size)
    pieces[HEAD] = table1_ps(tables.head, step.sampled[0])
    pieces[ATTENTION_DECODE] = decode_ps(fixed, step)
    pieces[ATTENTION_PREFILL] = max(step.longest_ps[0], step.packed_ps[0])
    device = 0
    for piece in range(LAUNCH):
        if pieces[piece] < 0:
            return -1
        device += pieces[piece]
    pieces[LAUNCH] = 0 if captured else max(fixed.launch_ps - device, 0)
    device += pieces[LAUNCH]
    step.device_ps[0] = device
    host = fixed.host_ps + fixed.sequence_ps * step.rows[0]
    if fixed.overlapped and step.idle[0] == 0:
        host = max(host - device, 0) + fixed.gap_ps
    pieces[HOST] = host
    return device + host


@kernel
def account(fixed, step, work, waiting, in_use, lasted_ps):  # type: ignore[no-untyped-def]
    """Add a step to the sums."""
    captured = step.tokens[0] < fixed.padded.shape[0]
    only_decodes = step.decodes[0] == step.rows[0]
    work.steps[0] += 1
    if only_decodes:
        work.steps[1] += 1
        work.decode_ps[0] += step.device_ps[0]
    if captured:
        work.steps[2] += 1
    for gpu in range(work.busy_ps.shape[0]):
        work.busy_ps[gpu] += step.device_ps[0]
    work.reduced_tokens[0] += fixed.padded[step.tokens[0]] if captured else step.tokens[0]
    work.batch[step.rows[0]] += 1
    hist_add(work.tokens, step.tokens[0], 1)
    for piece in range(HOST + 1):
        work.spent[piece] += step.pieces[piece] * 1.0 * step.rows[0]
    work.spent[HOST + 1] += lasted_ps * 1.0 * waiting
    work.sums[0] += lasted_ps * 1.0 * waiting
    work.sums[1] += lasted_ps * 1.0 * step.running[0]
    work.sums[2] += lasted_ps * 1.0 * in_use
    work.most[0] = max(work.most[0], waiting)
    work.most[1] = max(work.most[1], step.running[0])
    work.most[2] = max(work.most[2], in_use)


@kernel
def end_step(state, start_ps, end_ps):  # type: ignore[no-untyped-def]
    """Computed tokens, answers, ends; the requests that go on close ranks, in order."""
    requests, admission = state.requests, state.admission
    sequences, step, work = state.sequences, state.step, state.work
    waiting = admission.arrived[0] - admission.admitted[0] + step.returned[0]
    account(state.fixed, step, work, waiting, state.fixed.pages - admission.kv_free[0],
            end_ps - start_ps)
    only_decodes = step.decodes[0] == step.rows[0]
    for gpu in range(work.busy_ps.shape[0]):
        span_add(state.spans, gpu, 1 if only_decodes else 0, end_ps - step.device_ps[0], end_ps,
                 step.tokens[0])
    kept = 0
    for at in range(step.running[0]):
        r = sequences.running[at]
        queries = step.chunk[at]
        sequences.computed[r] += queries
        partial = sequences.computed[r] < tokens_of(requests, r) or queries == 0
        if queries > 1 or partial:
            work.prompt_tokens[0] += queries
            if sequences.preemptions[r] > 0:
                work.repeated_tokens[0] += queries
        ended = False
        if not partial:
            if state.fixed.caching and requests.generated[r] + 1 == requests.output_tokens[r]:
                release(state.prefix, requests, admission, r)
            ended = token_out(requests, admission, r, end_ps)
            if ended:
                requests.kv_blocks[r] = 0
        if not ended:
            sequences.running[kept] = r
            kept += 1
    step.running[0] = kept
