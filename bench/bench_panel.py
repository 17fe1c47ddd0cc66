"""Queries a second of the panel: in process, by socket, by HiSLIP, and of fifty clients at once.

``python bench/bench_panel.py [RUNS [SECONDS]]``. In process PyVISA's own share is included; sockets
and HiSLIP are spoken by a bare blocking client on the loopback address, the server being a second
process. Bars: 2,000 and 1,000 queries a second of ``MEASure:POWer?`` over a rack of two DGX H100.

Then fifty clients, half of them on sockets, half on HiSLIP, ask for SECONDS (60) questions whose
answers only they can get, while a 51st steps virtual time: no answer may be lost or crossed.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

QUERIES = 1000
CLIENTS = 50
RACK = """[rack]
name = "bench"
topology = "dgx-h100:hosts=2,fabric=rails"
[workload.train]
devices = "h*/gpu*"
compute = "2ms"
pattern = "ring"
nbytes = "64MiB"
"""
_HEADER = struct.Struct("!2sBBIQ")
_DATA, _DELIVERED = 7, 1
Ask = Callable[[bytes], Awaitable[bytes]]


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


@contextmanager
def serving(rack: Path) -> Iterator[tuple[int, int]]:
    """Ports of the rack's socket and of HiSLIP, of a server in another process."""
    command = [sys.executable, "-m", "rackwright", "panel", str(rack), "--tcp", "0", "--hislip",
               "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as server:
        assert server.stdout is not None
        text = ""
        while not text.rstrip().endswith("]"):
            text += server.stdout.readline()
        mine = [one["resource"] for one in json.loads(text) if one["instrument"] == "rack"]
        try:
            yield int(mine[0].split("::")[2]), int(mine[1].split(",")[1].split("::")[0])
        finally:
            server.terminate()


def in_process(rack: Path, runs: int) -> float:
    import pyvisa

    manager = pyvisa.ResourceManager(f"{rack}@rackwright")
    meter = manager.open_resource("TCPIP::bench::rack::INSTR", read_termination="\n")
    return per_second(lambda: meter.query("MEAS:POW?"), runs)  # type: ignore[attr-defined]


def packed(kind: int, parameter: int, payload: bytes) -> bytes:
    return _HEADER.pack(b"HS", kind, _DELIVERED if kind == _DATA else 0, parameter,
                        len(payload)) + payload


def exchange(channel: socket.socket, kind: int, parameter: int, payload: bytes) -> bytes:
    """Send one message and return the payload of the answer."""
    channel.sendall(packed(kind, parameter, payload))
    head = channel.recv(_HEADER.size, socket.MSG_WAITALL)
    _, _, _, got, length = _HEADER.unpack(head)
    body = channel.recv(length, socket.MSG_WAITALL) if length else b""
    return body if kind == _DATA else struct.pack("!I", got)


def over_socket(port: int, runs: int) -> float:
    with socket.create_connection(("127.0.0.1", port)) as channel, channel.makefile("rb") as lines:
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask() -> bytes:
            channel.sendall(b"MEAS:POW?\n")
            return lines.readline()

        return per_second(ask, runs)


def over_hislip(port: int, runs: int) -> float:
    with socket.create_connection(("127.0.0.1", port)) as data, socket.create_connection(
            ("127.0.0.1", port)) as control:
        data.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session, = struct.unpack("!I", exchange(data, 0, 0x0100_5257, b"hislip_rack"))
        exchange(control, 17, session & 0xFFFF, b"")
        return per_second(lambda: exchange(data, _DATA, 2, b"MEAS:POW?"), runs)


async def socket_client(port: int) -> Ask:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(message: bytes) -> bytes:
        writer.write(message + b"\n")
        return await reader.readline()

    return ask


async def hislip_client(port: int) -> Ask:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(packed(0, 0x0100_5257, b"hislip_rack"))
    session = _HEADER.unpack(await reader.readexactly(_HEADER.size))[3] & 0xFFFF
    areader, awriter = await asyncio.open_connection("127.0.0.1", port)
    awriter.write(packed(17, session, b""))
    await areader.readexactly(_HEADER.size)
    number = 0

    async def ask(message: bytes) -> bytes:
        nonlocal number
        number = (number + 2) & 0xFFFF_FFFF
        writer.write(packed(_DATA, number, message))
        _, kind, _, got, length = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        assert (kind, got) == (_DATA, number), "an answer to another question"
        return await reader.readexactly(length)

    ask.keep = areader, awriter  # type: ignore[attr-defined]
    return ask


async def talk(ask: Ask, name: str, until: float) -> int:
    """Ask until then; how often. Every answer must be this client's own."""
    turn = 0
    while time.perf_counter() < until:
        text = f"{name}-{turn}"
        answer = await ask(f"*ESE {turn % 256};*ESE?;:DIAG:ECHO? '{text}';:MEAS:POW?".encode())
        head = f"{turn % 256};#{len(str(len(text)))}{len(text)}{text};".encode()
        assert answer.startswith(head) and answer.endswith(b"\n"), (name, turn, answer)
        turn += 1
    return turn


async def crowd(socket_port: int, hislip_port: int, seconds: float) -> list[int]:
    clients = [await (socket_client(socket_port) if number % 2 else hislip_client(hislip_port))
               for number in range(CLIENTS)]
    stepper = await hislip_client(hislip_port)
    await stepper(b"SOUR:WORK:SEL 'train';:INIT;*ESE?")
    until = time.perf_counter() + seconds

    async def stepping() -> int:
        steps = 0
        while time.perf_counter() < until:
            await stepper(b"SYST:TIME:STEP 1ms;:SYST:TIME?")
            steps += 1
        return steps

    return await asyncio.gather(stepping(), *[talk(ask, f"c{number}", until)
                                              for number, ask in enumerate(clients)])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        rack = Path(folder) / "rack.toml"
        rack.write_text(RACK)
        rates = [("in process", 2000, in_process(rack, runs))]
        with serving(rack) as (socket_port, hislip_port):
            rates.append(("socket, loopback", 1000, over_socket(socket_port, runs)))
            rates.append(("HiSLIP, loopback", 1000, over_hislip(hislip_port, runs)))
            for name, bar, rate in rates:
                print(f"{name:18s} {rate:8.0f} queries/s   bar {bar}   "
                      f"{'met' if rate >= bar else 'MISSED'}", flush=True)
            steps, *turns = asyncio.run(crowd(socket_port, hislip_port, seconds))
            print(f"{CLIENTS} clients, {seconds:.0f} s: {sum(turns)} answers, each to the right "
                  f"client ({sum(turns) / seconds:.0f}/s; {min(turns)} to {max(turns)} a client), "
                  f"and {steps} steps of 1 ms")


if __name__ == "__main__":
    main()
