"""One clear error for every wrong argument, and words for flows that never end."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from rackwright.engine import share_flows
from rackwright.errors import InputError, Stalled

GOOD: dict[str, Any] = {"link_bandwidth": [1.0, 1.0], "path_offsets": [0, 1, 2],
                        "path_links": [0, 1], "nbytes": [1.0, 2.0], "start_time": 0.0,
                        "weight": 1.0}

WRONG = [
    ({"link_bandwidth": [1.0, -1.0]}, "link_bandwidth[1] is -1.0; a finite number of bytes/s, 0"),
    ({"link_bandwidth": [np.nan, 1.0]}, "link_bandwidth[0] is nan"),
    ({"link_bandwidth": [np.inf, 1.0]}, "link_bandwidth[0] is inf"),
    ({"link_bandwidth": [[1.0, 1.0]]}, "link_bandwidth has shape (1, 2); one number a link"),
    ({"path_offsets": []}, "path_offsets is empty; it must start at 0 and end at the length"),
    ({"path_offsets": [1, 1, 2]}, "path_offsets is 1 .. 2; it must start at 0"),
    ({"path_offsets": [0, 1, 3]}, "end at the length of path_links, 2"),
    ({"path_offsets": [0, 3, 2]}, "path_offsets[2] is 2, less than the 3 before it"),
    ({"path_offsets": [0.0, 1.0, 2.0]}, "path_offsets holds float64; whole numbers are needed"),
    ({"path_links": [0, 2]}, "path_links[1] is 2 (path 1); there are 2 links, so 0 to 1 is"),
    ({"path_links": [-1, 1]}, "path_links[0] is -1 (path 0)"),
    ({"nbytes": [1.0]}, "nbytes has shape (1,); path_offsets names 2 flows, so (2,) or one"),
    ({"nbytes": [1.0, -2.0]}, "nbytes[1] is -2.0; 0 or more bytes is needed"),
    ({"nbytes": np.nan}, "nbytes[0] is nan"),
    ({"start_time": [0.0, -1.0]}, "start_time[1] is -1.0; 0 or more seconds is needed"),
    ({"start_time": [0.0, 1e8]}, "100000000.0"),
    ({"weight": [1.0, 0.0]}, "weight[1] is 0.0; 1e-6 to 1e6 is needed"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[words for _, words in WRONG])
def test_a_wrong_argument_is_named_with_its_value_and_what_is_allowed(
        change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        share_flows(**{**GOOD, **change})


def test_the_arguments_are_not_changed() -> None:
    bandwidth, nbytes = np.array([1.0, 1.0]), np.array([1.0, 2.0])
    share_flows(bandwidth, [0, 1, 2], np.array([0, 1], np.int32), nbytes)
    assert bandwidth.tolist() == [1.0, 1.0] and nbytes.tolist() == [1.0, 2.0]


def test_a_stall_says_which_flow_waits_for_which_link() -> None:
    with pytest.raises(Stalled) as stall:
        share_flows([1.0, 0.0], [0, 1, 3], [0, 0, 1], [4.0, 6.0])
    assert str(stall.value) == (
        "nothing can progress at 4 s of virtual time: "
        "flow 1 (6 bytes left) waits for link 1, whose bandwidth is 0 bytes/s")


def test_a_stall_of_many_names_a_few_and_counts_the_rest() -> None:
    with pytest.raises(Stalled, match=r"flow 4 .*; and 95 more flows$"):
        share_flows([0.0], np.arange(101), np.zeros(100, int), 1.0)


def test_an_end_beyond_the_clock_is_a_stall_with_its_reason() -> None:
    with pytest.raises(Stalled, match="flow 0 .* gets 1e-06 bytes/s and would end after the 106"):
        share_flows([1e-6], [0, 1], [0], [1e6])
