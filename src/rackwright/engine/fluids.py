"""Jobs that share the resources of a device as fluids, for use inside any ``advance`` kernel.

A job has a service time, what it takes alone, and uses a part of each resource of its station
while it runs at full speed. It runs at full speed while that fits; otherwise rates are those of
`fluid_fill`. Everything that happens at a station in one tick costs one re-share. The loop of a
kernel is::

    now_ps = min(fluid_next_ps(fluids, now_ps), other events)    # re-shares if need be
    job = fluid_take(fluids, now_ps)            # until it returns -1
    job = fluid_open(fluids, station, now_ps, service_ps, weight, priority, tag)
    fluid_use(fluids, job, resource, demand)    # for each resource that it uses

A job ends at ``now + ceil(left / rate)``, never early; work is float64, exact to 2**53. A job of a
class that is left nothing stands still.

Left out: latency of switching, jobs that need their resources one after the other rather than
evenly. Units: int64 picoseconds.
"""

from __future__ import annotations

from rackwright.engine.end_heap import ends_move
from rackwright.engine.fluid_fill import fill_station
from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import tally_move

__all__ = [
    "fluid_close", "fluid_left_ps", "fluid_next_ps", "fluid_open", "fluid_room",
    "fluid_set_capacity", "fluid_take", "fluid_use",
]

CLOCK_END = 9.2e18  # ps; a little below 2**63, above any time that the clock can show


@kernel
def fluid_room(fluids):  # type: ignore[no-untyped-def]
    """Jobs that can still be opened; grow with `grown_fluids`."""
    return fluids.free_count[0]


@kernel
def fluid_open(fluids, station, now_ps, service_ps, weight, priority, tag):  # type: ignore[no-untyped-def]
    """Start a job of `service_ps` >= 0 alone, `weight` > 0 and class `priority`; returns its slot.

    The caller has checked `fluid_room`. It uses nothing until `fluid_use` says so.
    """
    jobs = fluids.jobs
    fluids.free_count[0] -= 1
    job = jobs.free[fluids.free_count[0]]
    jobs.station[job] = station
    jobs.tag[job] = tag
    jobs.priority[job] = priority
    jobs.weight[job] = weight
    jobs.left[job] = service_ps
    jobs.rate[job] = -1.0  # unlike any rate, so that the next fill sets its end
    jobs.touched_ps[job] = now_ps
    jobs.started_ps[job] = now_ps
    jobs.service_ps[job] = service_ps
    jobs.end_ps[job] = FOREVER_PS
    for resource in range(jobs.demand.shape[1]):
        jobs.demand[job, resource] = 0.0
    before = fluids.last[station]
    jobs.before[job] = before
    jobs.after[job] = -1
    if before >= 0:
        jobs.after[before] = job
    else:
        fluids.first[station] = job
    fluids.last[station] = job
    tally_move(fluids.tally, station, now_ps, 1, 1 if before < 0 else 0)
    outdate(fluids, station)
    return job


@kernel
def fluid_use(fluids, job, resource, demand):  # type: ignore[no-untyped-def]
    """From now on the job uses `demand` >= 0 of `resource` when it runs at full speed."""
    fluids.jobs.demand[job, resource] = demand
    outdate(fluids, fluids.jobs.station[job])


@kernel
def fluid_set_capacity(fluids, station, resource, capacity):  # type: ignore[no-untyped-def]
    """Change what a station has of a resource (>= 0) from now on."""
    fluids.capacity[station, resource] = capacity
    outdate(fluids, station)


@kernel
def fluid_next_ps(fluids, now_ps):  # type: ignore[no-untyped-def]
    """When the next job ends, all events of `now_ps` being handled; FOREVER_PS if none does."""
    for at in range(fluids.stale_count[0]):
        station = fluids.stale[at]
        fluids.is_stale[station] = 0
        fill_station(fluids, station)
        set_rates(fluids, station, now_ps)
    fluids.stale_count[0] = 0
    return fluids.end_ps[fluids.ends[0]]


@kernel
def fluid_take(fluids, now_ps):  # type: ignore[no-untyped-def]
    """Close a job that has ended by `now_ps`, by station, then by start; its old slot, or -1."""
    station = fluids.ends[0]
    if fluids.end_ps[station] > now_ps:
        return -1
    jobs = fluids.jobs
    job = fluids.first[station]
    while jobs.end_ps[job] > now_ps:
        job = jobs.after[job]
    jobs.left[job] = 0.0
    remove(fluids, job, now_ps)
    return job


@kernel
def fluid_close(fluids, now_ps, job):  # type: ignore[no-untyped-def]
    """Abort a running job; returns the picoseconds alone that it had left."""
    left = fluid_left_ps(fluids, now_ps, job)
    remove(fluids, job, now_ps)
    return left


@kernel
def fluid_left_ps(fluids, now_ps, job):  # type: ignore[no-untyped-def]
    """What a running job has left at `now_ps`, in picoseconds alone (float64)."""
    jobs = fluids.jobs
    done = max(jobs.rate[job], 0.0) * (now_ps - jobs.touched_ps[job])
    return max(jobs.left[job] - done, 0.0)


@kernel
def outdate(fluids, station):  # type: ignore[no-untyped-def]
    """Note that the rates of a station are out of date."""
    if fluids.is_stale[station] == 0:
        fluids.is_stale[station] = 1
        fluids.stale[fluids.stale_count[0]] = station
        fluids.stale_count[0] += 1


@kernel
def set_rates(fluids, station, now_ps):  # type: ignore[no-untyped-def]
    """Give the jobs of a station the rates of the last fill, and the station its next end."""
    jobs = fluids.jobs
    job = fluids.first[station]
    while job >= 0:
        if jobs.wanted[job] != jobs.rate[job]:
            jobs.left[job] = fluid_left_ps(fluids, now_ps, job)
            jobs.touched_ps[job] = now_ps
            jobs.rate[job] = jobs.wanted[job]
            jobs.end_ps[job] = end_of_work(now_ps, jobs.left[job], jobs.rate[job])
        job = jobs.after[job]
    set_end(fluids, station)


@kernel
def set_end(fluids, station):  # type: ignore[no-untyped-def]
    """Set the next end of a station from those of its jobs."""
    jobs = fluids.jobs
    end_ps = FOREVER_PS
    job = fluids.first[station]
    while job >= 0:
        end_ps = min(end_ps, jobs.end_ps[job])
        job = jobs.after[job]
    fluids.end_ps[station] = end_ps
    ends_move(fluids, station, fluids.ends.shape[0])


@kernel
def end_of_work(now_ps, left, rate):  # type: ignore[no-untyped-def]
    """When work that is left is done at `rate`, rounded up to the clock's step."""
    if left <= 0.0:
        return now_ps
    if rate <= 0.0:
        return FOREVER_PS
    exact = left / rate  # nonzero: checked above
    if exact > CLOCK_END - now_ps:
        return FOREVER_PS
    whole = int(exact)
    if whole < exact:
        whole += 1
    return now_ps + whole


@kernel
def remove(fluids, job, now_ps):  # type: ignore[no-untyped-def]
    """Take a job out of the list of its station; its slot becomes free."""
    jobs = fluids.jobs
    station, before, after = jobs.station[job], jobs.before[job], jobs.after[job]
    if before >= 0:
        jobs.after[before] = after
    else:
        fluids.first[station] = after
    if after >= 0:
        jobs.before[after] = before
    else:
        fluids.last[station] = before
    jobs.free[fluids.free_count[0]] = job
    fluids.free_count[0] += 1
    tally_move(fluids.tally, station, now_ps, -1, -1 if fluids.first[station] < 0 else 0)
    set_end(fluids, station)
    outdate(fluids, station)
