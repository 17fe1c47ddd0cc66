"""A small rack, and clients that speak the protocols without PyVISA."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rackwright.panel import Panel, PanelServer, RackFile, read_rack

RACK = """
[rack]
name = "bench"
topology = "dgx-h100:hosts=2,fabric=rails"

[instruments]
boards = ["h0/gpu*"]

[workload.train]
devices = ["h0/gpu0", "h0/gpu1"]
activity = "gemm_bf16"
compute = "2ms"
pattern = "ring"
nbytes = "45MB"
rounds = 4

[workload.compute]
devices = "h0/gpu0"
compute = "1ms"
rounds = 10

[workload.shuffle]
devices = "h0/gpu0"
to = "h1/gpu0"
pattern = "pairs"

[workload.trickle]
devices = "h0/gpu0"
to = "h1/gpu0"
pattern = "pairs"
limit = "1GB/s"
duration = "10ms"

[system.moe]
system = "aep"
topology = "dgx-a100"
limit = 5
"""


@pytest.fixture(scope="session")
def rack_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rack") / "rack.toml"
    path.write_text(RACK)
    return path


@pytest.fixture(scope="session")
def rack_file(rack_path: Path) -> RackFile:
    return read_rack(rack_path)


@pytest.fixture
def panel(rack_file: RackFile) -> Iterator[Panel]:
    opened = Panel(rack_file)
    yield opened
    opened.close_all()


class Client:
    """A session on an instrument, driven to the end of each message."""

    def __init__(self, panel: Panel, name: str = "rack") -> None:
        from rackwright.panel import Session

        self.session = Session(panel, name)

    def ask(self, message: str | bytes) -> str:
        self.session.write(message if isinstance(message, bytes) else message.encode())
        got = self.session.read(1 << 24, 60.0)
        return got[0].decode("latin-1").rstrip("\n") if got else ""

    def tell(self, message: str | bytes) -> None:
        self.session.write(message if isinstance(message, bytes) else message.encode())

    def error(self) -> str:
        return self.ask("SYST:ERR?")


@pytest.fixture
def client(panel: Panel) -> Client:
    return Client(panel)


@pytest.fixture
def client_of() -> type[Client]:
    return Client


@asynccontextmanager
async def _served(panel: Panel, **limits: int
                  ) -> AsyncIterator[tuple[PanelServer, dict[str, int], int]]:
    server = PanelServer(panel, **limits)
    await server.start(tcp=0, hislip=0)
    ports = {name: int(resource.split("::")[2]) for resource, name in server.resources.items()
             if resource.endswith("SOCKET")}
    hislip = next(int(resource.split(",")[1].split("::")[0]) for resource in server.resources
                  if resource.endswith("INSTR"))
    try:
        yield server, ports, hislip
    finally:
        await server.close()


@pytest.fixture
def served() -> object:
    return _served


class Hislip:
    """A HiSLIP client, one method a message."""

    def __init__(self) -> None:
        self.number = 0xFFFF_FF00
        self.delivered = 0
        self.requests: list[int] = []

    @classmethod
    async def open(cls, port: int, name: str = "hislip_rack") -> Hislip:
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.send(0, 0, 0x0100 << 16 | 0x5254, name.encode())
        kind, _, parameter, payload = await self.take()
        assert kind == 1, payload
        self.areader, self.awriter = await asyncio.open_connection("127.0.0.1", port)
        self.asend(17, 0, parameter & 0xFFFF)
        assert (await self.atake())[0] == 18
        return self

    @staticmethod
    def packed(kind: int, control: int, parameter: int, payload: bytes) -> bytes:
        return struct.pack("!2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload

    def send(self, kind: int, control: int, parameter: int, payload: bytes = b"") -> None:
        self.writer.write(self.packed(kind, control, parameter, payload))

    def asend(self, kind: int, control: int, parameter: int, payload: bytes = b"") -> None:
        self.awriter.write(self.packed(kind, control, parameter, payload))

    @staticmethod
    async def _from(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
        mark, kind, control, parameter, length = struct.unpack(
            "!2sBBIQ", await reader.readexactly(16))
        assert mark == b"HS"
        return kind, control, parameter, await reader.readexactly(length)

    async def take(self) -> tuple[int, int, int, bytes]:
        return await self._from(self.reader)

    async def atake(self, kind: int | None = None) -> tuple[int, int, int, bytes]:
        """The next message on the second channel; service requests are set aside for `kind`."""
        while True:
            found = await self._from(self.areader)
            if found[0] == 20 and kind != 20:
                self.requests.append(found[1])
                continue
            return found

    def write(self, message: bytes) -> int:
        self.number = (self.number + 2) & 0xFFFF_FFFF
        self.send(7, self.delivered, self.number, message)
        self.delivered = 0
        return self.number

    async def ask(self, message: bytes) -> bytes:
        number = self.write(message)
        answer = b""
        while True:
            kind, _, parameter, payload = await self.take()
            assert kind in (6, 7), payload
            assert parameter == number
            answer += payload
            if kind == 7:
                self.delivered = 1
                return answer

    async def status(self, read: int = 0) -> int:
        self.asend(21, read, self.number)
        found = await self.atake()
        assert found[0] == 22
        return found[1]

    def close(self) -> None:
        self.writer.close()
        self.awriter.close()


@pytest.fixture
def hislip_client() -> type[Hislip]:
    return Hislip
