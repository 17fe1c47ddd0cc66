"""Several simulations at a time: threads that each wait for a child process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rackwright.errors import Interrupted, UsageError
from rackwright.hdl.process import end_all

__all__ = ["in_turn"]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def in_turn(function: Callable[[Item], Outcome], items: Iterable[Item], jobs: int,
            ) -> Iterator[Outcome]:
    """What `function` makes of each item, in the order of the items, `jobs` of them at a time.

    On Ctrl-C and on the first error what still runs is killed. Raises UsageError, Interrupted and
    whatever the function raises.
    """
    if jobs < 1:
        raise UsageError(f"jobs={jobs}: at least 1")
    if jobs == 1:
        yield from map(function, items)
        return
    threads: set[int] = set()

    def run(item: Item) -> Outcome:
        threads.add(threading.get_ident())
        return function(item)

    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(run, items)
    except KeyboardInterrupt:
        raise Interrupted("the simulations were interrupted") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        end_all(threads)
        pool.shutdown()
