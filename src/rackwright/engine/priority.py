"""Stations with priority classes and a waiting room, non-preemptive or preemptive-resume.

Class 0 goes first; within a class, jobs are served in the order in which they arrived. Where a
station pre-empts, a job of a better class takes the server of the worst job in service, the one
that came last if several are equally bad. That job goes back to the head of its class and later
goes on where it was (nothing is lost or repeated). A service that ends in this very tick is not
interrupted.

What starts gets a *ticket*: push it into your heap as the item of an event at the end of the
service, and hand it to `priority_done` then. The ticket of a pre-empted service is stale; its
event does nothing. A loop is::

    ticket, end_ps = priority_arrive(servers, station, now_ps, class, service_ps, tag)
    if ticket >= 0: heap_push(heap, end_ps, 0, KIND, ticket)
    ...
    job, ticket, end_ps = priority_done(servers, now_ps, ticket)    # job -1: stale
    if ticket >= 0: heap_push(...)

Left out: jobs that give up, costs of switching, pre-empt-and-repeat. Units: int64 picoseconds.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import tally_move

__all__ = ["priority_arrive", "priority_done", "priority_room"]

SLOT_BITS = 32                    # ticket = starts of the slot << 32 | slot
SLOT_MASK = (1 << SLOT_BITS) - 1
STARTS_MASK = (1 << 31) - 1


@kernel
def priority_room(servers):  # type: ignore[no-untyped-def]
    """Jobs that can still arrive; grow with `grown_priority_servers`."""
    return servers.free_count[0]


@kernel
def priority_arrive(servers, station, now_ps, priority, service_ps, tag):  # type: ignore[no-untyped-def]
    """A job of class `priority` arrives: (ticket, end_ps) of its service, or (-1, FOREVER_PS).

    The caller has checked `priority_room` and that the class exists; `service_ps` >= 0. `tag` is
    found in ``servers.jobs.tag[job]``.
    """
    jobs, tally = servers.jobs, servers.tally
    job = new_job(servers, station, now_ps, priority, service_ps, tag)
    if tally.busy[station] == servers.offsets[station + 1] - servers.offsets[station]:
        victim = -1
        if servers.preempts[station] == 1:
            victim = worst_served(servers, station, now_ps, priority)
        if victim < 0:
            wait_last(servers, job)
            return -1, FOREVER_PS
        jobs.left_ps[victim] = jobs.end_ps[victim] - now_ps
        leave_server(servers, victim, now_ps)
        wait_first(servers, victim)
    enter_server(servers, job, now_ps)
    return ticket_of(jobs, job), jobs.end_ps[job]


@kernel
def priority_done(servers, now_ps, ticket):  # type: ignore[no-untyped-def]
    """The service of `ticket` ends now: (job, ticket, end_ps), the job that leaves and what starts.

    (-1, -1, FOREVER_PS) for a stale ticket, (job, -1, FOREVER_PS) when nobody waits.
    """
    jobs = servers.jobs
    job = ticket & SLOT_MASK
    if jobs.place[job] < 0 or ticket_of(jobs, job) != ticket:
        return -1, -1, FOREVER_PS
    station = jobs.station[job]
    leave_server(servers, job, now_ps)
    tally_move(servers.tally, station, now_ps, -1, 0)
    jobs.free[servers.free_count[0]] = job
    servers.free_count[0] += 1
    following = best_waiting(servers, station)
    if following < 0:
        return job, -1, FOREVER_PS
    enter_server(servers, following, now_ps)
    return job, ticket_of(jobs, following), jobs.end_ps[following]


@kernel
def ticket_of(jobs, job):  # type: ignore[no-untyped-def]
    return ((jobs.starts[job] & STARTS_MASK) << SLOT_BITS) | job


@kernel
def new_job(servers, station, now_ps, priority, service_ps, tag):  # type: ignore[no-untyped-def]
    jobs = servers.jobs
    servers.free_count[0] -= 1
    job = jobs.free[servers.free_count[0]]
    jobs.station[job] = station
    jobs.priority[job] = priority
    jobs.number[job] = servers.tally.arrived[station]
    jobs.tag[job] = tag
    jobs.arrived_ps[job] = now_ps
    jobs.service_ps[job] = service_ps
    jobs.left_ps[job] = service_ps
    tally_move(servers.tally, station, now_ps, 1, 0)
    return job


@kernel
def enter_server(servers, job, now_ps):  # type: ignore[no-untyped-def]
    """Give a job a server that is idle."""
    jobs = servers.jobs
    station = jobs.station[job]
    place = servers.offsets[station] + servers.tally.busy[station]
    servers.serving[place] = job
    jobs.place[job] = place
    jobs.starts[job] += 1
    jobs.end_ps[job] = now_ps + jobs.left_ps[job]
    tally_move(servers.tally, station, now_ps, 0, 1)


@kernel
def leave_server(servers, job, now_ps):  # type: ignore[no-untyped-def]
    """Take a job's server away; the jobs in service stay at the front of `serving`."""
    jobs = servers.jobs
    station = jobs.station[job]
    tally_move(servers.tally, station, now_ps, 0, -1)
    moved = servers.serving[servers.offsets[station] + servers.tally.busy[station]]
    servers.serving[jobs.place[job]] = moved
    jobs.place[moved] = jobs.place[job]
    jobs.place[job] = -1


@kernel
def worst_served(servers, station, now_ps, priority):  # type: ignore[no-untyped-def]
    """The job in service to pre-empt for one of class `priority`, or -1."""
    jobs = servers.jobs
    worst = -1
    for place in range(servers.offsets[station], servers.offsets[station + 1]):
        job = servers.serving[place]
        if jobs.priority[job] > priority and jobs.end_ps[job] > now_ps and (
                worst < 0 or jobs.priority[job] > jobs.priority[worst]
                or (jobs.priority[job] == jobs.priority[worst]
                    and jobs.number[job] > jobs.number[worst])):
            worst = job
    return worst


@kernel
def wait_last(servers, job):  # type: ignore[no-untyped-def]
    """Put a job at the end of its class."""
    jobs = servers.jobs
    station, priority = jobs.station[job], jobs.priority[job]
    jobs.next_job[job] = -1
    if servers.first[station, priority] < 0:
        servers.first[station, priority] = job
    else:
        jobs.next_job[servers.last[station, priority]] = job
    servers.last[station, priority] = job


@kernel
def wait_first(servers, job):  # type: ignore[no-untyped-def]
    """Put a pre-empted job at the head of its class: it came before all who wait there."""
    jobs = servers.jobs
    station, priority = jobs.station[job], jobs.priority[job]
    jobs.next_job[job] = servers.first[station, priority]
    if jobs.next_job[job] < 0:
        servers.last[station, priority] = job
    servers.first[station, priority] = job


@kernel
def best_waiting(servers, station):  # type: ignore[no-untyped-def]
    """Take the first job of the best class that waits; -1 if none does."""
    for priority in range(servers.first.shape[1]):
        job = servers.first[station, priority]
        if job >= 0:
            servers.first[station, priority] = servers.jobs.next_job[job]
            return job
    return -1
