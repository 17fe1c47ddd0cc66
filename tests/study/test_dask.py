"""A study on a Dask cluster of two workers on this machine: the bytes of a process pool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs the extra [dask]")

FILES = ("results.csv", "study.json", "report.html")
STUDY = """
name = "cluster"
baselines = ["offload"]
[base]
system = "lovelock"
limit = 2
[[axis]]
path = "options.phi"
values = [1, 2]
[[axis]]
path = "link.ethernet.latency"
values = [1, 4]
"""
CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                      protocol="tcp://") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of the scheduler of a cluster in processes of its own."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.write("end\n")
        process.stdin.close()
        process.wait(timeout=30)


def study(folder: Path, *options: str) -> list[bytes]:
    done = subprocess.run([sys.executable, "-m", "rackwright", "study", "run", "cluster.toml",
                           "--quiet", "--out", options[0], *options[1:]], cwd=folder,
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return [(folder / options[0] / name).read_bytes() for name in FILES]


@pytest.mark.slow
def test_two_workers_on_loopback_give_the_bytes_of_two_processes(address: str, tmp_path: Path
                                                                 ) -> None:
    assert address.startswith("tcp://127.0.0.1:")
    (tmp_path / "cluster.toml").write_text(STUDY)
    assert study(tmp_path, "dask", "--scheduler", address) == study(tmp_path, "pool", "--jobs", "2")
    assert len(list((tmp_path / "dask" / "store").glob("??/*.json"))) == 8


@pytest.mark.slow
def test_no_scheduler_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cluster.toml").write_text(STUDY)
    done = subprocess.run([sys.executable, "-m", "rackwright", "study", "run", "cluster.toml",
                           "--quiet", "--scheduler", "tcp://127.0.0.1:9"], cwd=tmp_path,
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("rackwright: error: no Dask scheduler at tcp://127.0.0.1:9")
    assert "Traceback" not in done.stderr
