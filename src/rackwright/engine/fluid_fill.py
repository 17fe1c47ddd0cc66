"""Rates of the jobs of one station: strict priority between classes, max-min fair within one.

The jobs of class 0 rise together from standing still, each in proportion to its weight, until a
resource is full or a job runs as fast as it would alone; that one, or those that use the full
resource, keep their rate, and the others go on. What is left is shared by the next class in the
same way, and so on. A job at rate x uses x times its demand of every resource: unlike a flow,
which takes the same from each of its links, so that `maxmin` cannot be used; where demands are
all 0 or 1 the two give the same rates.

O(jobs squared) for each class: meant for the handful of kernels that share a GPU. Ties go to the
lower resource, so that the result does not depend on the order of events.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["fill_station"]

SPARE = 1e-12  # of a capacity: less than this is what rounding left, not room
NOT_YET, RISING, SETTLED = 0, 1, 2


@kernel
def fill_station(fluids, station):  # type: ignore[no-untyped-def]
    """Set ``jobs.wanted`` of every job of `station`."""
    jobs = fluids.jobs
    for resource in range(fluids.room.shape[0]):
        fluids.room[resource] = fluids.capacity[station, resource]
    job = fluids.first[station]
    while job >= 0:
        jobs.settled[job] = NOT_YET
        job = jobs.after[job]
    rising = open_class(jobs, fluids.first[station])
    while rising > 0:
        while rising > 0:
            level, resource = next_level(fluids, station)
            rising -= settle(fluids, station, level, resource)
        rising = open_class(jobs, fluids.first[station])


@kernel
def open_class(jobs, first):  # type: ignore[no-untyped-def]
    """Let the jobs of the best class without rates rise; returns how many."""
    rising = 0
    best = 0
    job = first
    while job >= 0:
        if jobs.settled[job] == NOT_YET and (rising == 0 or jobs.priority[job] < best):
            best = jobs.priority[job]
            rising = 1
        job = jobs.after[job]
    if rising == 0:
        return 0
    rising = 0
    job = first
    while job >= 0:
        if jobs.settled[job] == NOT_YET and jobs.priority[job] == best:
            jobs.settled[job] = RISING
            rising += 1
        job = jobs.after[job]
    return rising


@kernel
def next_level(fluids, station):  # type: ignore[no-untyped-def]
    """The level at which something stops rising, and the resource that is full then, or -1."""
    jobs, load = fluids.jobs, fluids.load
    for resource in range(load.shape[0]):
        load[resource] = 0.0
    level, full = -1.0, -1
    job = fluids.first[station]
    while job >= 0:
        if jobs.settled[job] == RISING:
            alone = 1.0 / jobs.weight[job]  # nonzero: weights are more than 0
            if level < 0.0 or alone < level:
                level = alone
            for resource in range(load.shape[0]):
                load[resource] += jobs.weight[job] * jobs.demand[job, resource]
        job = jobs.after[job]
    for resource in range(load.shape[0]):
        if load[resource] > 0.0:
            at = fluids.room[resource] / load[resource]  # nonzero: checked above
            if at < level:
                level, full = at, resource
    return level, full


@kernel
def settle(fluids, station, level, full):  # type: ignore[no-untyped-def]
    """Stop the jobs that use the `full` resource, or have their own pace; returns how many."""
    jobs, room = fluids.jobs, fluids.room
    count = 0
    job = fluids.first[station]
    while job >= 0:
        if jobs.settled[job] == RISING and (
                jobs.demand[job, full] > 0.0 if full >= 0
                else 1.0 / jobs.weight[job] <= level):  # nonzero: weights are more than 0
            jobs.settled[job] = SETTLED
            count += 1
            rate = min(level * jobs.weight[job], 1.0) if full >= 0 else 1.0
            jobs.wanted[job] = rate
            for resource in range(room.shape[0]):
                room[resource] -= rate * jobs.demand[job, resource]
        job = jobs.after[job]
    for resource in range(room.shape[0]):
        if room[resource] < SPARE * fluids.capacity[station, resource]:
            room[resource] = 0.0
    return count
