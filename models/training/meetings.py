"""A rank's state in a replay, and meetings: operations of several ranks that start together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from rackwright.errors import TraceError
from rackwright.traces.chakra import ExecutionNode

__all__ = ["Meeting", "RankState", "channel", "check_alike", "ends", "some", "state_of"]


@dataclass
class Meeting:
    """Nodes of several ranks that start together; `came`: rank -> node."""

    title: str
    members: tuple[int, ...]
    came: dict[int, ExecutionNode] = field(default_factory=dict)


@dataclass
class RankState:
    """The state of a rank; `left`: node id -> dependencies still open."""

    nodes: dict[int, ExecutionNode]
    place: dict[int, int]
    left: dict[int, int]
    before: dict[int, list[int]]
    ready: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    computes: list[bool] = field(default_factory=lambda: [False, False])
    communicates: int = 0
    streams: dict[str, deque[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    at_meeting: set[str] = field(default_factory=set)


def state_of(rank: int, nodes: tuple[ExecutionNode, ...]) -> RankState:
    """The state of a rank before anything ran."""
    before: dict[int, list[int]] = {}
    streams: dict[str, deque[int]] = {}
    for node in nodes:
        if node.type.startswith("COMM"):
            stream = node.group if node.type == "COMM_COLL" else channel(rank, node)
            streams.setdefault(stream, deque()).append(node.id)
        for other in node.after:
            before.setdefault(other, []).append(node.id)
    return RankState({node.id: node for node in nodes},
                 {node.id: place for place, node in enumerate(nodes)},
                 {node.id: len(node.after) for node in nodes}, before, streams=streams)


def channel(rank: int, node: ExecutionNode) -> str:
    """The stream of transfers of one pair, direction and tag."""
    source, target, tag = ends(rank, node)
    return f"{source}>{target}/{tag}"


def ends(rank: int, node: ExecutionNode) -> tuple[int, int, int]:
    """(source, target, tag) of a send or a receive."""
    if node.type == "COMM_SEND":
        return rank, node.whole("comm_dst"), node.whole("comm_tag")
    return node.whole("comm_src"), rank, node.whole("comm_tag")


def some(ranks: list[int]) -> str:
    """Their numbers, for people."""
    shown = ", ".join(str(rank) for rank in ranks[:6])
    return shown if len(ranks) <= 6 else f"{shown} and {len(ranks) - 6} more"


def check_alike(meeting: Meeting) -> None:
    """All ranks must mean the same operation of the same size."""
    first = meeting.came[meeting.members[0]]
    for rank in meeting.members[1:]:
        node = meeting.came[rank]
        same = node.whole("comm_size") == first.whole("comm_size") and (
            node.type != "COMM_COLL" or node.collective == first.collective)
        if not same:
            raise TraceError(
                f"{meeting.title}: rank {meeting.members[0]} has node {first.id} ({first.name}, "
                f"{first.whole('comm_size')} bytes), rank {rank} node {node.id} ({node.name}, "
                f"{node.whole('comm_size')} bytes); expected the same operation and size")
