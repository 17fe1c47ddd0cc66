"""One re-share: new rates, and with them new ends, after anything has changed."""

from __future__ import annotations

from rackwright.engine.end_heap import ends_build, ends_move
from rackwright.engine.flow_state import NOTHING
from rackwright.engine.kernel import kernel
from rackwright.engine.maxmin import fill
from rackwright.engine.repair import repair
from rackwright.engine.status import FOREVER_PS

__all__ = ["end_of", "flow_left", "flow_share"]

FEW = 8  # below one changed end in FEW, the ends are moved one by one
CLOCK_END = 9.2e18  # ps; a little below 2**63, above any time that the clock can show


@kernel
def flow_share(flows, now_ps):  # type: ignore[no-untyped-def]
    """Share the links out again if flows or bandwidths have changed."""
    if flows.dirty[0] == NOTHING:
        return
    flows.fills[0] += 1
    count = repair(flows)
    if count < 0:
        before = flows.work[0]
        fill(flows)
        flows.full_work[0] = (flows.work[0] - before) // max(flows.moving[0], 1)  # nonzero: >= 1
        count = list_linked(flows)
    forget_news(flows)
    set_rates(flows, now_ps, count)


@kernel
def list_linked(flows):  # type: ignore[no-untyped-def]
    """Put the flows whose rate the full fill has changed into ``slots.changed``."""
    slots = flows.slots
    count = 0
    for at in range(flows.live[0]):
        slot = slots.ends[at]
        if slots.level[slot] * slots.weight[slot] != slots.rate[slot]:
            slots.changed[count] = slot
            count += 1
    flows.work[0] += flows.live[0]
    return count


@kernel
def forget_news(flows):  # type: ignore[no-untyped-def]
    """Rates show everything that has happened."""
    links = flows.links
    flows.dirty[0] = NOTHING
    flows.fresh_count[0] = 0
    for at in range(links.stale_count[0]):
        links.news[links.stale[at]] = NOTHING
    links.stale_count[0] = 0


@kernel
def set_rates(flows, now_ps, count):  # type: ignore[no-untyped-def]
    """From now on the flows in ``slots.changed`` move at their new rates."""
    slots, live = flows.slots, flows.live[0]
    many = count * FEW > live
    for at in range(count):
        slot = slots.changed[at]
        rate = slots.level[slot] * slots.weight[slot]
        if rate == slots.rate[slot]:
            continue
        flows.updates[0] += 1
        slots.remaining[slot] = flow_left(flows, now_ps, slot)
        slots.touched_ps[slot] = now_ps
        slots.rate[slot] = rate
        slots.end_ps[slot] = end_of(now_ps, slots.remaining[slot], slots.rate[slot])
        if not many:
            ends_move(slots, slot, live)
    if many:
        ends_build(slots, live)


@kernel
def flow_left(flows, now_ps, slot):  # type: ignore[no-untyped-def]
    """Bytes that a live flow has left at `now_ps`."""
    slots = flows.slots
    moved = slots.rate[slot] * (now_ps - slots.touched_ps[slot]) / 1e12
    return max(slots.remaining[slot] - moved, 0.0)


@kernel
def end_of(now_ps, nbytes, rate):  # type: ignore[no-untyped-def]
    """When `nbytes` are through at `rate`, rounded up to the clock's step."""
    if rate <= 0.0:
        return FOREVER_PS
    exact = nbytes * 1e12 / rate  # nonzero: checked above
    if exact > CLOCK_END - now_ps:
        return FOREVER_PS
    whole = int(exact)
    if whole < exact:
        whole += 1
    return now_ps + whole
