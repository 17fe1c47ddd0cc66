"""Metrics over HTTP, read by Prometheus' own parser, against the instruments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rackwright.panel import Panel, PanelServer
from rackwright.panel.metrics import metrics_text


async def fetched(server: PanelServer, request: bytes) -> tuple[str, str]:
    """Status line and body."""
    port = int(server.metrics_url.rsplit(":", 1)[1].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n")[0], body


def test_a_parser_reads_what_the_instruments_say(panel: Panel, client: Any) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="needs prometheus-client")
    client.tell("SOUR:WORK:SEL 'train';:INIT;:SYST:TIME:STEP 1ms")
    families = {family.name: family for family in parser.text_string_to_metric_families(
        metrics_text(PanelServer(panel)))}
    for name in ("POWER_USAGE", "GPU_TEMP", "TOTAL_ENERGY_CONSUMPTION", "CLOCK_THROTTLE_REASONS"):
        family = families[f"DCGM_FI_DEV_{name}"]
        values = {(sample.labels["Hostname"], sample.labels["gpu"]): sample.value
                  for sample in family.samples}
        assert len(values) == 16
        told = float(client.ask(f"DCGM:FIEL? 'DCGM_FI_DEV_{name}','h0/gpu1'"))
        assert values["h0", "1"] == told
    assert families["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"].type == "counter"
    assert families["DCGM_FI_DEV_POWER_USAGE"].samples[0].labels["modelName"]
    (clock,) = families["rackwright_virtual_seconds"].samples
    assert clock.value == pytest.approx(1e-3)


def test_every_line_has_a_name_that_dcgm_exporter_has(panel: Panel) -> None:
    lines = metrics_text(PanelServer(panel)).splitlines()
    names = {line.split("{")[0] for line in lines if line.startswith("DCGM")}
    assert "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" in names  # and not ..._total
    assert {line.split()[2] for line in lines if line.startswith("# TYPE DCGM")} == names


@pytest.mark.parametrize(("request_text", "status"), [
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
    (b"HEAD /metrics HTTP/1.1\r\n\r\n", "200"),
    (b"GET /metrics?a=b HTTP/1.0\r\n\r\n", "200"),
    (b"GET / HTTP/1.1\r\n\r\n", "404"),
    (b"POST /metrics HTTP/1.1\r\n\r\n", "404"),
    (b"\xff\xfe\r\n\r\n", "404"),
    (b"\r\n\r\n", "404"),
])
def test_http_as_far_as_it_goes(panel: Panel, request_text: bytes, status: str) -> None:
    async def run() -> tuple[str, str]:
        server = PanelServer(panel)
        await server.start(metrics=0)
        try:
            return await fetched(server, request_text)
        finally:
            await server.close()

    head, body = asyncio.run(run())
    assert head.split()[1] == status
    assert bool(body) != request_text.startswith(b"HEAD")


def test_junk_leaves_it_alive(panel: Panel) -> None:
    async def run() -> str:
        server = PanelServer(panel)
        await server.start(metrics=0)
        try:
            await fetched(server, b"A" * 100_000 + b"\r\n\r\n")
            return (await fetched(server, b"GET /metrics HTTP/1.1\r\n\r\n"))[0]
        finally:
            await server.close()

    assert "200" in asyncio.run(run())


def test_counters_never_fall(panel: Panel, client: Any, served: Callable[..., Any]) -> None:
    def energy() -> float:
        text = metrics_text(PanelServer(panel))
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{"))

    seen = [energy()]
    for command in ("SYST:TIME:STEP 1ms", "SENS:ENER:RES;:SYST:TIME:STEP 1ms", "*RST"):
        client.tell(command)
        seen.append(energy())
    assert seen == sorted(seen) and seen[-1] > 0
