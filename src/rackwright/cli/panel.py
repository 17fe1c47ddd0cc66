"""``rackwright panel RACK.toml``: the rack as instruments, in other programs' reach."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rackwright.cli.output import emit, emit_json
from rackwright.errors import UsageError

__all__ = ["panel"]

_PORT = click.IntRange(0, 65535)
_LOOK = 0.5  # s between two pictures of --watch


@click.command()
@click.argument("rack", metavar="RACK.toml|TOPOLOGY")
@click.option("--tcp", type=_PORT, metavar="PORT",
              help="Serve raw sockets: one port an instrument, from PORT on; 0: free ones.")
@click.option("--hislip", type=_PORT, metavar="PORT",
              help="Serve HiSLIP on one port for all (4880 is its own; 0: a free one).")
@click.option("--metrics", type=_PORT, metavar="PORT",
              help="Serve http://ADDR:PORT/metrics for Prometheus, under DCGM's names.")
@click.option("--bind", default="127.0.0.1", show_default=True, metavar="ADDR",
              help="Listen on this address; there is no authentication.")
@click.option("--watch", is_flag=True, help="Show the rack while it is served.")
@click.option("--timeline", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write what happened (Chrome trace JSON, gzipped) at the end.")
@click.option("--commands", is_flag=True, help="Print the command reference (Markdown).")
@click.option("--json", "as_json", is_flag=True, help="Print resource names as JSON.")
def panel(rack: str, tcp: int | None, hislip: int | None, metrics: int | None, bind: str,
          watch: bool, timeline: Path | None, commands: bool, as_json: bool) -> None:
    """Show a rack as VISA instruments, or serve them until Ctrl-C.

    Without a port it checks the rack file and prints the names for use in-process.

    \b
    rackwright panel rack.toml --hislip 4880
    rackwright panel dgx-h100 --tcp 5025 --watch
    """
    from rackwright.panel.backend import open_panel
    from rackwright.panel.reference import reference

    if commands:
        emit(reference())
        return
    opened = open_panel(rack)
    ports = {"tcp": tcp, "hislip": hislip, "metrics": metrics}
    if not any(port is not None for port in ports.values()):
        if watch or timeline:
            raise UsageError("--watch and --timeline go with --tcp, --hislip or --metrics")
        names = {f"TCPIP::{opened.file.name}::{name}::INSTR": name for name in opened.instruments}
        _show(names, as_json, f"pyvisa.ResourceManager({f'{rack}@rackwright'!r})")
        return
    asyncio.run(_serve(opened, ports, bind, watch, as_json))
    if timeline is not None:
        from rackwright.report import write_timeline

        write_timeline(opened.rack.log.spans(opened.rack.now_ps), timeline)


async def _serve(opened: Any, ports: Mapping[str, int | None], bind: str, watch: bool,
                 as_json: bool) -> None:
    from rackwright.panel.server import PanelServer

    server = PanelServer(opened, bind)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        await server.start(**ports)
        _show(server.resources, as_json, "pyvisa.ResourceManager('@py')")
        if server.metrics_url:
            click.echo(f"rackwright: metrics at {server.metrics_url}", err=True)
        if watch:
            await _watch(server, stop)
        else:
            await stop.wait()
    finally:
        await server.close()
    click.echo("rackwright: panel closed", err=True)


async def _watch(server: Any, stop: asyncio.Event) -> None:
    from rich.console import Console
    from rich.live import Live

    from rackwright.panel.watch import view

    with Live(view(server), console=Console(stderr=True), auto_refresh=False) as live:
        while not stop.is_set():
            live.update(view(server), refresh=True)
            try:
                await asyncio.wait_for(stop.wait(), _LOOK)
            except TimeoutError:
                continue


def _show(names: dict[str, str], as_json: bool, how: str) -> None:
    if as_json:
        emit_json([{"instrument": name, "resource": resource}
                   for resource, name in names.items()])
    elif names:
        emit("".join(f"{resource}\n" for resource in names))
        click.echo(f"rackwright: open them with {how}", err=True)
