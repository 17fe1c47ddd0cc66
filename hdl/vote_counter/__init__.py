"""AVID-M's vote counter: RTL and its golden."""

from rackwright.hdl.vote_counter.golden import (
    COMPLETE_NOW,
    GOT,
    IS_COMPLETE,
    NEW,
    READY,
    READY_SENT,
    REFUSED,
    SEND_READY,
    Votes,
    new_votes,
    votes_add,
    votes_clear,
    votes_flags,
)

__all__ = ["COMPLETE_NOW", "GOT", "IS_COMPLETE", "NEW", "READY", "READY_SENT", "REFUSED",
           "SEND_READY", "Votes", "new_votes", "votes_add", "votes_clear", "votes_flags"]
