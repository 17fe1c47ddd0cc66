"""What protocols share: histories and their linearizability, networks that lose and reorder."""

from rackwright.models.protocols.history import ADD, NEVER, READ, WRITE, History, new_history
from rackwright.models.protocols.linearizability import (
    MOST_OPERATIONS,
    Search,
    first_bad_key,
    new_search,
)

__all__ = ["ADD", "History", "MOST_OPERATIONS", "NEVER", "READ", "Search", "WRITE",
           "first_bad_key", "new_history", "new_search"]
