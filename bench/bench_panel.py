"""Queries a second of the panel: in process, and over HiSLIP on the loopback address.

``python bench/bench_panel.py [RUNS]``. In process PyVISA's own share is included; HiSLIP is spoken
by a bare blocking client in a second process, so that it is the server that is measured. Bars:
2,000 and 1,000 queries a second of ``MEASure:POWer?`` over a rack of two DGX H100.
"""

from __future__ import annotations

import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

QUERIES = 1000
RACK = '[rack]\nname = "bench"\ntopology = "dgx-h100:hosts=2,fabric=rails"\n'
_HEADER = struct.Struct("!2sBBIQ")


def per_second(ask: Callable[[], object], runs: int) -> float:
    """The median over `runs` of queries a second of wall-clock time."""
    ask()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(QUERIES):
            ask()
        found.append(QUERIES / (time.perf_counter() - start))
    return statistics.median(found)


def in_process(rack: Path, runs: int) -> float:
    import pyvisa

    manager = pyvisa.ResourceManager(f"{rack}@rackwright")
    meter = manager.open_resource("TCPIP::bench::rack::INSTR", read_termination="\n")
    return per_second(lambda: meter.query("MEAS:POW?"), runs)  # type: ignore[attr-defined]


def exchange(channel: socket.socket, kind: int, parameter: int, payload: bytes) -> bytes:
    """Send one message and return the payload of the answer."""
    channel.sendall(_HEADER.pack(b"HS", kind, 0, parameter, len(payload)) + payload)
    head = channel.recv(_HEADER.size, socket.MSG_WAITALL)
    _, _, _, got, length = _HEADER.unpack(head)
    body = channel.recv(length, socket.MSG_WAITALL) if length else b""
    return body if kind == 7 else struct.pack("!I", got)


def over_hislip(rack: Path, runs: int) -> float:
    command = [sys.executable, "-m", "rackwright", "panel", str(rack), "--hislip", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as server:
        assert server.stdout is not None
        text = ""
        while not text.rstrip().endswith("]"):
            text += server.stdout.readline()
        port = int(json.loads(text)[0]["resource"].split(",")[1].split("::")[0])
        with socket.create_connection(("127.0.0.1", port)) as data, socket.create_connection(
                ("127.0.0.1", port)) as control:
            data.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session, = struct.unpack("!I", exchange(data, 0, 0x0100_5257, b"hislip_rack"))
            exchange(control, 17, session & 0xFFFF, b"")
            found = per_second(lambda: exchange(data, 7, 2, b"MEAS:POW?"), runs)
        server.terminate()
    return found


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        rack = Path(folder) / "rack.toml"
        rack.write_text(RACK)
        for name, bar, measure in (("in process", 2000, in_process),
                                   ("HiSLIP, loopback", 1000, over_hislip)):
            rate = measure(rack, runs)
            print(f"{name:18s} {rate:8.0f} queries/s   bar {bar}   "
                  f"{'met' if rate >= bar else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
