"""The panel on the network: raw sockets, HiSLIP and metrics in one event loop.

Listens on the loopback address unless told otherwise: there is no authentication. At most
`MOST_CLIENTS` connections; one more is turned away. A fault in serving one connection ends that
connection and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from rackwright.errors import UsageError
from rackwright.panel.exchange import Exchange
from rackwright.panel.hislip import Hislip
from rackwright.panel.hislip_wire import Error, Kind, pack
from rackwright.panel.locks import Locks
from rackwright.panel.metrics import serve_metrics
from rackwright.panel.panel import Panel
from rackwright.panel.sockets import serve_socket

__all__ = ["LOOPBACK", "MOST_CLIENTS", "PanelServer"]

LOOPBACK = "127.0.0.1"
MOST_CLIENTS = 256   # connections; a HiSLIP session has two
_LOOK = 0.05         # s between two looks for service requests and real time
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PanelServer:
    """Serves a panel. `await start()`, then `resources`; `await close()` in the end."""

    def __init__(self, panel: Panel, bind: str = LOOPBACK, most_clients: int = MOST_CLIENTS
                 ) -> None:
        self.panel, self.bind = panel, bind
        self.resources: dict[str, str] = {}
        self.metrics_url = ""
        self._most = most_clients
        self._locks = {name: Locks() for name in panel.instruments}
        self._hislip = Hislip(self._open)
        self._servers: list[asyncio.Server] = []
        self._clients: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    async def start(self, tcp: int | None = None, hislip: int | None = None,
                    metrics: int | None = None) -> None:
        """Listen. `tcp`: the first of one port an instrument; `hislip`: one port for all;
        `metrics`: HTTP for Prometheus; 0 lets the system choose. Raises UsageError for a port
        that cannot be had."""
        if tcp is not None:
            for place, name in enumerate(self.panel.instruments):
                port = await self._listen(tcp + place if tcp else 0, self._socket_of(name))
                self.resources[f"TCPIP::{self._host()}::{port}::SOCKET"] = name
        if hislip is not None:
            port = await self._listen(hislip, self._hislip.serve, self._refuse_hislip)
            for name in self.panel.instruments:
                self.resources[f"TCPIP::{self._host()}::hislip_{name},{port}::INSTR"] = name
        if metrics is not None:
            port = await self._listen(metrics, partial(serve_metrics, self))
            self.metrics_url = f"http://{self._host()}:{port}/metrics"
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Stop listening, end all connections, stop a replay."""
        for server in self._servers:
            server.close()
        tasks = [*self._clients, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.panel.close_all()

    @property
    def clients(self) -> int:
        """Connections now."""
        return len(self._clients)

    def _host(self) -> str:
        return LOOPBACK if self.bind in ("", "0.0.0.0", "::") else self.bind

    def _open(self, name: str) -> Exchange:
        if name not in self._locks:
            self.panel.open(name)  # raises, naming what there is
        return Exchange(self.panel, name, self._locks[name])

    def _socket_of(self, name: str) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            exchange = self._open(name)
            try:
                await serve_socket(exchange, reader, writer)
            finally:
                exchange.close()
        return serve

    async def _listen(self, port: int, serve: Serve,
                      refuse: Callable[[asyncio.StreamWriter], None] | None = None) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            try:
                if len(self._clients) >= self._most:
                    if refuse:
                        refuse(writer)
                    return
                self._clients.add(task)
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client has gone, or we are closing
            finally:
                self._clients.discard(task)
                writer.close()

        try:
            server = await asyncio.start_server(accept, self.bind, port)
        except (OSError, OverflowError) as problem:
            raise UsageError(f"cannot listen on {self.bind} port {port}: {problem}; choose "
                             "another port, or 0 for a free one") from None
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    def _refuse_hislip(self, writer: asyncio.StreamWriter) -> None:
        writer.write(pack(Kind.FATAL_ERROR, Error.TOO_MANY, 0, b"too many clients"))

    async def _look(self) -> None:
        """Real time goes on and replays end even when nobody asks."""
        while True:
            await asyncio.sleep(_LOOK)
            for _ in self.panel.rack.pace.follow():
                await asyncio.sleep(0)
            self._hislip.look()
