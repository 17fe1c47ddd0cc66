"""What processes queue for: units of a `Resource`, items of a `Store`.

Both serve first come, first served; a request can carry a priority. Who can be served at once is
served at once, without passing through the queue of events. Not here: pre-emption, filters.
"""

from __future__ import annotations

import itertools
import operator
from collections import deque
from heapq import heappop, heappush
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rackwright.engine.events import DONE, PENDING, Event
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.engine.simulation import Simulation

__all__ = ["Request", "Resource", "Store"]


class Request(Event):
    """A request for one unit; give it back by `release` or by leaving a ``with`` block."""

    __slots__ = ("resource", "returned")
    resource: Resource
    returned: bool

    name = ""

    def describe(self) -> str:
        pool = self.resource
        return (f"a unit of {pool.describe()} ({pool.in_use} of {pool.capacity} in use, "
                f"{pool.queued} waiting)")

    def release(self) -> None:
        """Give the unit back, or stop waiting for it; once is enough."""
        if not self.returned:
            self.returned = True
            self.resource._take_back(self)

    def __enter__(self) -> Request:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        if not self.returned:
            self.returned = True
            self.resource._take_back(self)


class Resource:
    """`capacity` equal units, handed out by (priority, order of request); low numbers first.

    ``with server.request() as unit: yield unit`` waits for a unit and holds it in the block.
    `in_use` counts the units that are held, `queued` the requests that wait.
    """

    def __init__(self, sim: Simulation, capacity: int = 1, name: str = "") -> None:
        self.sim, self.name = sim, name
        self.capacity = _count(capacity, "resource", name)
        self.in_use = 0
        self.queued = 0
        self._queue: list[tuple[float, int, Request]] = []
        self._order = itertools.count()

    def __repr__(self) -> str:
        return f"<{self.describe()}, {self.in_use} of {self.capacity} in use>"

    def describe(self) -> str:
        return f"resource {self.name!r}" if self.name else "an unnamed resource"

    def request(self, priority: float = 0) -> Request:
        """An event that happens when a unit is yours, and gives the request itself."""
        request = Request()
        request.sim = self.sim
        request.resource = self
        request.returned = False
        if self.in_use < self.capacity:
            self.in_use += 1
            request._value, request._waiter = request, DONE
        else:
            request._value, request._waiter = PENDING, self.sim
            heappush(self._queue, (priority, next(self._order), request))
            self.queued += 1
        return request

    def release(self, request: Request) -> None:
        """Give back the unit of `request`. Raises `UsageError` for another resource's."""
        if request.resource is not self:
            raise UsageError(f"{self.describe()} cannot take back a unit of "
                             f"{request.resource.describe()}")
        request.release()

    def _take_back(self, request: Request) -> None:
        if request._value is PENDING:  # it stops waiting; its entry is skipped when its turn comes
            self.queued -= 1
            return
        while self._queue:
            _, _, following = heappop(self._queue)
            if not following.returned:
                self.queued -= 1
                following._trigger(following)
                return
        self.in_use -= 1


class Waiter(Event):
    """A put or a get of a `Store` that has to wait."""

    __slots__ = ("item", "store", "verb")

    def __init__(self, store: Store, verb: str, item: Any = None) -> None:
        self._start(store.sim)
        self.store, self.verb, self.item = store, verb, item

    def _settle(self, value: Any) -> None:
        """Happen at once: nobody can wait for it yet."""
        self._value, self._waiter = value, DONE

    def describe(self) -> str:
        what = "an item of" if self.verb == "get" else "room in"
        return f"{what} {self.store.describe()} ({len(self.store.items)} items)"

    def cancel(self) -> None:
        """Stop waiting; nothing is put or taken any more."""
        queue = self.store._getters if self.verb == "get" else self.store._putters
        if self in queue:
            queue.remove(self)


class Store:
    """A first-in-first-out queue of items, of `capacity` items or without bound.

    ``yield store.put(item)`` waits for room, ``item = yield store.get()`` for an item. `items`
    is what lies in it now.
    """

    def __init__(self, sim: Simulation, capacity: int | None = None, name: str = "") -> None:
        self.sim, self.name = sim, name
        self.capacity = None if capacity is None else _count(capacity, "store", name)
        self.items: deque[Any] = deque()
        self._getters: deque[Waiter] = deque()
        self._putters: deque[Waiter] = deque()

    def __repr__(self) -> str:
        return f"<{self.describe()}, {len(self.items)} items>"

    def describe(self) -> str:
        return f"store {self.name!r}" if self.name else "an unnamed store"

    def put(self, item: Any) -> Waiter:
        """An event that happens when `item` lies in the store or is taken."""
        put = Waiter(self, "put", item)
        if self._getters:
            self._getters.popleft()._trigger(item)
            put._settle(None)
        elif self.capacity is None or len(self.items) < self.capacity:
            self.items.append(item)
            put._settle(None)
        else:
            self._putters.append(put)
        return put

    def get(self) -> Waiter:
        """An event that happens when an item is yours, and gives it."""
        get = Waiter(self, "get")
        if not self.items:
            self._getters.append(get)
            return get
        get._settle(self.items.popleft())
        if self._putters:
            put = self._putters.popleft()
            self.items.append(put.item)
            put._trigger(None)
        return get


def _count(capacity: object, kind: str, name: str) -> int:
    try:
        value = operator.index(capacity)  # type: ignore[arg-type]
    except TypeError:
        value = 0
    if value < 1 or isinstance(capacity, bool):
        raise UsageError(f"{kind} {name!r} has capacity {capacity!r}; a whole number, 1 or more, "
                         "is needed")
    return value
