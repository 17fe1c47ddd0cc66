"""The processes of a crew: what they answer, what fails, what hangs. Here they are threads."""

from __future__ import annotations

import threading
from multiprocessing import Pipe
from types import SimpleNamespace

import pytest

from rackwright.calibrate import Point, plan, run
from rackwright.calibrate.crew import Crew, possible, serve, usable
from rackwright.errors import MissingTool, ReplayError

POINT = Point("p2p", ("ring", 2, 2, 1024))


def joined(*measures, wait=5.0):
    ends = []
    for measure in measures:
        ours, theirs = Pipe()
        threading.Thread(target=serve, args=(theirs, measure), daemon=True).start()
        ends.append(ours)
    crew = Crew(ends, wait)
    crew.answers(5.0)
    return crew


def good(point):
    return {"time_us": 5.0, "spread": 0.0, "samples": 3}


def nothing(point):
    return {}


def refuses(point):
    raise RuntimeError("no memory\nlong story")


def test_the_first_gpu_answers():
    crew = joined(good, nothing)
    assert crew(POINT)["time_us"] == crew(POINT)["time_us"] == 5.0


def test_a_gpu_that_fails_says_why_and_the_next_point_works():
    crew = joined(good, lambda point: refuses(point) if point == POINT else nothing(point))
    with pytest.raises(RuntimeError, match="^GPU 1: RuntimeError: no memory$"):
        crew(POINT)
    assert crew(Point("p2p", ("ring", 2, 2, 4096))) == good(POINT)


def test_a_gpu_that_hangs_ends_the_session(tmp_path):
    stuck = threading.Event()
    crew = joined(good, lambda point: stuck.wait() and {}, wait=0.05)
    with pytest.raises(ReplayError, match=r"GPU 1 did not answer within 0 s: a collective hangs"):
        run(plan(["p2p"]), tmp_path, crew)
    stuck.set()


def test_a_process_that_has_ended():
    crew = joined(good, nothing)
    crew.connections[1].close()
    with pytest.raises(ReplayError, match="a process of the crew has ended"):
        crew(POINT)


@pytest.mark.parametrize(("there", "used"), [(2, 2), (3, 2), (4, 4), (7, 4), (8, 8), (16, 8)])
def test_a_power_of_two_is_used(there, used):
    torch = SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: there))
    assert usable(torch) == used
    points = possible(plan(["collectives"]), used)
    assert {point.number("gpus") for point in points} == {
        count for count in (2, 4, 8) if count <= used}
    assert {point["world"] for point in possible(plan(["p2p"]), used)} == {used}


def test_one_gpu_is_not_enough():
    with pytest.raises(MissingTool, match="two or more; PyTorch finds 1"):
        usable(SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: 1)))
