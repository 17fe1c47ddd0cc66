"""Processor sharing: a station serves all its jobs at once, each in proportion to its weight.

A job alone gets the whole server; with jobs of total weight W, one of weight w gets w / W. A
station may have a limit on how many it serves at once; others wait first come, first served. Jobs
leave at whole picoseconds, rounded up, in the order in which they finish, those that finish
together by number; until then they keep their share. In integers, exact to 2**-20 ps
(`virtual_time`); O(log jobs) an event, whatever the number of jobs in service.

The loop of a kernel is::

    now_ps = min(ps_next_ps(servers), other events)
    job = ps_complete(servers, now_ps)          # until it returns -1
    job = ps_arrive(servers, station, now_ps, service_ps, weight, tag)   # ps_room > 0 before

Weights are whole numbers >= 1; those in service at a station add up to less than 2**31. Left out:
switching costs, jobs that give up, servers of changing speed. Units: int64 picoseconds.
"""

from __future__ import annotations

from rackwright.engine.end_heap import ends_move
from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import tally_move
from rackwright.engine.virtual_time import CLOCK_LAST_PS, PART_BITS, PART_MASK, divided, real_ps

__all__ = ["ps_arrive", "ps_complete", "ps_next_ps", "ps_room"]


@kernel
def ps_room(servers):  # type: ignore[no-untyped-def]
    """Jobs that can still arrive; grow with `grown_ps_servers`."""
    return servers.free_count[0]


@kernel
def ps_next_ps(servers):  # type: ignore[no-untyped-def]
    """When the next job ends at any station; FOREVER_PS if none does."""
    return servers.end_ps[servers.ends[0]]


@kernel
def ps_arrive(servers, station, now_ps, service_ps, weight, tag):  # type: ignore[no-untyped-def]
    """A job of `service_ps` >= 0 and `weight` >= 1 arrives; returns its slot.

    The caller has checked `ps_room` and taken what ended before `now_ps`. `tag` is found in
    ``servers.jobs.tag[job]``.
    """
    jobs = servers.jobs
    servers.free_count[0] -= 1
    job = jobs.free[servers.free_count[0]]
    jobs.station[job] = station
    jobs.number[job] = servers.tally.arrived[station]
    jobs.tag[job] = tag
    jobs.weight[job] = weight
    jobs.arrived_ps[job] = now_ps
    jobs.service_ps[job] = service_ps
    jobs.left[job] = -1
    jobs.right[job] = -1
    tally_move(servers.tally, station, now_ps, 1, 0)
    if servers.serving[station] < servers.most[station]:
        catch_up(servers, station, now_ps)
        if servers.serving[station] == 0:
            tally_move(servers.tally, station, now_ps, 0, 1)
        start_sharing(servers, job)
        plan_end(servers, station, now_ps)
    elif servers.first[station] < 0:
        servers.first[station] = job
        servers.last[station] = job
    else:
        jobs.right[servers.last[station]] = job
        servers.last[station] = job
    return job


@kernel
def ps_complete(servers, now_ps):  # type: ignore[no-untyped-def]
    """Take the next job that has ended by `now_ps`; its old slot, or -1."""
    station = servers.ends[0]
    if servers.end_ps[station] > now_ps:
        return -1
    jobs = servers.jobs
    catch_up(servers, station, now_ps)
    job = servers.root[station]
    servers.root[station] = joined(jobs, jobs.left[job], jobs.right[job])
    servers.serving[station] -= 1
    servers.weight[station] -= jobs.weight[job]
    jobs.free[servers.free_count[0]] = job
    servers.free_count[0] += 1
    following = servers.first[station]
    if following >= 0:
        servers.first[station] = jobs.right[following]
        jobs.right[following] = -1
        start_sharing(servers, following)
    idle = servers.serving[station] == 0
    tally_move(servers.tally, station, now_ps, -1, -1 if idle else 0)
    if idle:  # keeps what rounding adds up to one busy period
        servers.virtual_ps[station] = 0
        servers.virtual_part[station] = 0
    plan_end(servers, station, now_ps)
    return job


@kernel
def start_sharing(servers, job):  # type: ignore[no-untyped-def]
    """Put a job into service at a station whose virtual time is up to date."""
    jobs = servers.jobs
    station = jobs.station[job]
    whole, part = divided(jobs.service_ps[job], jobs.weight[job], 1)
    part += servers.virtual_part[station]
    jobs.finish_ps[job] = servers.virtual_ps[station] + whole + (part >> PART_BITS)
    jobs.finish_part[job] = part & PART_MASK
    servers.serving[station] += 1
    servers.weight[station] += jobs.weight[job]
    servers.root[station] = joined(jobs, servers.root[station], job)


@kernel
def catch_up(servers, station, now_ps):  # type: ignore[no-untyped-def]
    """Bring the virtual time of a station up to `now_ps`."""
    span = now_ps - servers.touched_ps[station]
    servers.touched_ps[station] = now_ps
    if span > 0 and servers.serving[station] > 0:
        whole, part = divided(span, servers.weight[station], 0)
        part += servers.virtual_part[station]
        servers.virtual_ps[station] += whole + (part >> PART_BITS)
        servers.virtual_part[station] = part & PART_MASK


@kernel
def plan_end(servers, station, now_ps):  # type: ignore[no-untyped-def]
    """Set when the first job of a station ends, its virtual time being up to date."""
    job, end_ps = servers.root[station], FOREVER_PS
    if job >= 0:
        whole = servers.jobs.finish_ps[job] - servers.virtual_ps[station]
        part = servers.jobs.finish_part[job] - servers.virtual_part[station]
        if part < 0:
            part += PART_MASK + 1
            whole -= 1
        wait_ps = real_ps(whole, part, servers.weight[station]) if whole >= 0 else 0
        if wait_ps < CLOCK_LAST_PS - now_ps:
            end_ps = now_ps + wait_ps
    servers.end_ps[station] = end_ps
    ends_move(servers, station, servers.ends.shape[0])


@kernel
def joined(jobs, one, other):  # type: ignore[no-untyped-def]
    """The root of two heaps made one (a skew heap, merged from the top); -1 is an empty one."""
    if one < 0 or other < 0:
        return max(one, other)
    if finishes_before(jobs, other, one):
        one, other = other, one
    root = one
    while True:
        rest = jobs.right[one]
        jobs.right[one] = jobs.left[one]
        if rest < 0:
            jobs.left[one] = other
            return root
        if finishes_before(jobs, other, rest):
            rest, other = other, rest
        jobs.left[one] = rest
        one = rest


@kernel
def finishes_before(jobs, one, other):  # type: ignore[no-untyped-def]
    """Whether job `one` finishes before job `other`; by number if they finish together."""
    if jobs.finish_ps[one] != jobs.finish_ps[other]:
        return jobs.finish_ps[one] < jobs.finish_ps[other]
    if jobs.finish_part[one] != jobs.finish_part[other]:
        return jobs.finish_part[one] < jobs.finish_part[other]
    return jobs.number[one] < jobs.number[other]
