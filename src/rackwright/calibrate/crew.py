"""One process a GPU, started here, that measure the same points together.

The parent sends a point to all and takes the first GPU's answer. A process that fails says why;
one that does not answer within `WAIT` ends the session with an error, since a collective that one
GPU has left would wait for ever.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rackwright.calibrate.session import Measure
from rackwright.calibrate.tables import Point
from rackwright.errors import MissingTool, ReplayError

__all__ = ["Crew", "crew", "describe", "possible", "serve", "usable"]

WAIT = 60.0    # s that a point may take
START = 180.0  # s until all processes have joined
FAILURES = (RuntimeError, AttributeError, NotImplementedError, TypeError, ValueError)


class Crew:
    """What measures a point on all GPUs; `connections`: one a process, the first GPU's first."""

    def __init__(self, connections: list[Connection], wait: float = WAIT) -> None:
        self.connections, self.wait = connections, wait

    def __call__(self, point: Point) -> Mapping[str, float]:
        """The first GPU's values. Raises RuntimeError with the reason of the first that failed,
        and `ReplayError` when one does not answer."""
        self._send(point)
        answers = self.answers(self.wait)
        failed = [f"GPU {gpu}: {text}" for gpu, (text, _) in enumerate(answers) if text]
        if failed:
            raise RuntimeError(failed[0])
        return answers[0][1]

    def answers(self, wait: float) -> list[tuple[str, Mapping[str, float]]]:
        """(what failed, values) of every process."""
        end, found = time.monotonic() + wait, []
        for gpu, connection in enumerate(self.connections):
            try:
                if not connection.poll(max(end - time.monotonic(), 0.0)):
                    raise ReplayError(f"GPU {gpu} did not answer within {wait:.0f} s: a "
                                      "collective hangs; what is done is kept")
                found.append(connection.recv())
            except (EOFError, OSError):
                raise ReplayError(f"the process of GPU {gpu} has ended; what it printed says "
                                  "why, and what is done is kept") from None
        return found

    def _send(self, point: Point) -> None:
        try:
            for connection in self.connections:
                connection.send(point)
        except OSError:
            raise ReplayError("a process of the crew has ended; what it printed says why, and "
                              "what is done is kept") from None


def serve(connection: Connection, measure: Measure) -> None:
    """Answer points until the parent has gone."""
    with suppress(EOFError, OSError):
        connection.send(("", {}))
        while True:
            connection.send(_answer(connection.recv(), measure))


def _answer(point: Point, measure: Measure) -> tuple[str, dict[str, float]]:
    try:
        return "", dict(measure(point))
    except FAILURES as problem:
        first = (str(problem).strip().splitlines() or ["no message"])[0]
        return f"{type(problem).__name__}: {first}", {}


def usable(torch: Any) -> int:
    """GPUs that are measured: 2, 4 or 8. Raises `MissingTool` where there is one only."""
    found = int(torch.cuda.device_count())
    if found < 2:
        raise MissingTool("measuring what passes between GPUs needs two or more; PyTorch finds "
                          f"{found}. Look at `nvidia-smi`")
    return min(1 << (found.bit_length() - 1), 8)


def possible(points: Iterable[Point], gpus: int) -> list[Point]:
    """Those of `points` that a host of so many GPUs measures.

    A library gives transfers fewer channels in a larger group (`world`): all GPUs are in one.
    """
    return [point for point in points if point.number("gpus") <= gpus
            and (point.table != "p2p" or point["world"] == gpus)]


@contextmanager
def crew(torch: Any, work: Callable[..., None] | None = None) -> Iterator[Crew]:
    """All GPUs of the host, one process each. Raises `MissingTool` where there is one GPU only.

    `work(rank, count, store, connection)` is what a process runs.
    """
    count = usable(torch)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        ends, processes = [], []
        for rank in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=work or _work, daemon=True,
                                      args=(rank, count, str(Path(folder) / "store"), theirs))
            process.start()
            theirs.close()
            ends.append(ours)
            processes.append(process)
        try:
            joined = Crew(ends)
            joined.answers(START)
            yield joined
        finally:
            for process in processes:  # leaving a process group politely can hang, too
                process.terminate()
            for process in processes:
                process.join(10)


def describe(torch: Any) -> dict[str, Any]:
    """What the machine is beside its first GPU, for `machine.json`."""
    count = torch.cuda.device_count()
    set_by = {name: value for name, value in sorted(os.environ.items())
              if name.startswith("NCCL_")}
    return {"gpus": count, "nccl": ".".join(map(str, torch.cuda.nccl.version())),
            "nccl_environment": set_by}


def _work(rank: int, count: int, store: str, connection: Connection) -> None:
    import torch  # type: ignore[import-not-found,unused-ignore]

    from rackwright.calibrate.measure_collectives import CollectiveBench

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's business
    torch.cuda.set_device(rank)
    dist = torch.distributed
    dist.init_process_group("nccl", init_method=f"file://{store}", rank=rank, world_size=count,
                            timeout=timedelta(seconds=START), device_id=torch.device("cuda", rank))
    groups = {1: None, count: dist.group.WORLD}
    for gpus in (2, 4):
        if gpus < count:
            groups[gpus] = dist.new_group(list(range(gpus)))
    bench = CollectiveBench(torch, rank, groups)
    gc.freeze()  # every capture collects garbage; what the imports left is none

    def measure(point: Point) -> Mapping[str, float]:
        with torch.inference_mode():
            return bench(point)
    serve(connection, measure)
