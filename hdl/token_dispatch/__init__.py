"""Token dispatch for a mixture of experts: RTL and its golden."""

from rackwright.hdl.token_dispatch.golden import (
    Dispatch,
    dispatch_credit,
    dispatch_push,
    dispatch_serve,
    new_dispatch,
)

__all__ = ["Dispatch", "dispatch_credit", "dispatch_push", "dispatch_serve", "new_dispatch"]
