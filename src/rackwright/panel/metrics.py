"""Metrics for Prometheus: the fields of `telemetry` under dcgm-exporter's names and labels.

Written as Prometheus' text format 0.0.4. (Its Python client would call counters ``..._total``,
which DCGM's are not; dashboards for dcgm-exporter ask for the names as they are.) Three of our own
follow: the rack's virtual time, its connections and its faults. Virtual time is what counters count
in: a rate that Prometheus takes over the wall clock is one only in real time. Left out: TLS,
authentication, any path but ``/metrics``.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from typing import TYPE_CHECKING

from rackwright.panel.telemetry import FIELDS, Field
from rackwright.topologies.names import host_part, natural_key

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack
    from rackwright.panel.server import PanelServer

__all__ = ["metrics_text", "serve_metrics"]

_MOST_HEAD = 8192   # bytes of a request; our own limit
_PATIENCE = 5.0     # s for the whole of it
_PS = 1e-12


def metrics_text(server: PanelServer) -> str:
    """All metrics now."""
    rack = server.panel.rack
    rack.settle()
    gpus = _gpus(rack)
    lines = [line for name, field in FIELDS.items() for line in _lines(rack, name, field, gpus)]
    for name, kind, text, value in (
            ("rackwright_virtual_seconds", "counter", "virtual time", rack.now_ps * _PS),
            ("rackwright_connections", "gauge", "connections now", server.clients),
            ("rackwright_faulty_links", "gauge", "directions of links that are not as they should "
             "be", rack.faults.count())):
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {float(value)!r}"]
    return "\n".join(lines) + "\n"


async def serve_metrics(server: PanelServer, reader: asyncio.StreamReader,
                        writer: asyncio.StreamWriter) -> None:
    """Answer one HTTP request."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
    except (TimeoutError, asyncio.LimitOverrunError):
        return
    words = head[:_MOST_HEAD].split(b"\r\n")[0].split()
    if len(words) == 3 and words[0] in (b"GET", b"HEAD") and words[1].split(b"?")[0] == b"/metrics":
        status, body = "200 OK", metrics_text(server).encode()
    else:
        status, body = "404 Not Found", b"GET /metrics\n"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n"
                 f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                 + (b"" if words[:1] == [b"HEAD"] else body))
    await writer.drain()


def _lines(rack: Rack, name: str, field: Field, gpus: dict[str, str]) -> list[str]:
    values = {node: field.value(rack, node) for node in gpus}
    kind = "counter" if field.counts else "gauge"
    return [f"# HELP {name} {field.text} (in {field.unit}).", f"# TYPE {name} {kind}",
            *(f"{name}{{{gpus[node]}}} {float(value)!r}" for node, value in values.items()
              if not math.isnan(value))]


def _gpus(rack: Rack) -> dict[str, str]:
    """GPU -> its labels, as dcgm-exporter has them; UUIDs are those of the nvml-mock profile."""
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for node in sorted((name for name in rack.fabric.gpus() if name in rack.boards.number),
                       key=natural_key):
        host = host_part(node)
        number = seen[host] = seen.get(host, -1) + 1
        part = rack.fabric.device(node)
        labels = {"gpu": number, "UUID": f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, node)}",
                  "device": f"nvidia{number}", "modelName": getattr(part, "title", "") or part.name,
                  "Hostname": host}
        found[node] = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
