"""A replayed system goes by the rack's clock, over its links: faults reach it or are refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rackwright import run
from rackwright.models import registry
from rackwright.panel import Panel, RackFile, read_rack
from rackwright.panel.live import SYSTEMS, UNREACHED

RACKS = {
    "aep": ("dgx-h100:hosts=2,fabric=rails", 10, "throughput_tokens_per_s", "h*/gpu*->h*/nvswitch"),
    "hyperrag": ("dgx-h100:hosts=2,fabric=rails", 40, "throughput_queries_per_s",
                 "h0/gpu*->h0/pcie*"),
    "curp": ("star:hosts=10,link=infiniband-edr,switch=quantum-hdr", 400, "throughput_ops_per_s",
             "h*->s0"),
    "dispersedledger": ("wan:regions=ap-east-1+ca-central-1+eu-north-1+us-west-2,rate=10Gbps", 900,
                        "throughput_bytes_per_s", "[acu]*->gw-*"),
}
HALF = {"aep": "1.5 s", "hyperrag": "200 ms", "curp": "300 us", "dispersedledger": "10 s"}


def rack_of(folder: Path, system: str, options: str = "") -> RackFile:
    topology, limit, _, _ = RACKS[system]
    path = folder / f"{system}.toml"
    path.write_text(f"""
[rack]
topology = "{topology}"

[system.it]
system = "{system}"
limit = {limit}

[system.it.options]
{options}

[system.apart]
system = "serving"
limit = 2

[system.elsewhere]
system = "aep"
topology = "dgx-a100"
limit = 2
""")
    return read_rack(path)


@pytest.fixture(params=["aep", *(pytest.param(name, marks=pytest.mark.slow)
                                 for name in sorted(SYSTEMS) if name != "aep")])
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(tmp_path: Path, client_of: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    panels = []

    def started(system: str, options: str = "", name: str = "it") -> Any:
        panels.append(Panel(rack_of(tmp_path, system, options)))
        client = client_of(panels[-1])
        client.tell(f"SOUR:WORK:SEL '{name}';:INIT;:SYST:ERR?")
        answer = client.session.read(1000, 900.0)  # kernels may have to be compiled first
        assert answer is not None and answer[0].startswith(b"0")
        return client

    yield started
    for panel in panels:
        panel.close_all()


def result(client: Any) -> str:
    text: str = client.ask("FETC:JSON?")
    return text[2 + int(text[1]):]


def metric(client: Any, system: str) -> float:
    return float(client.ask(f"FETC:METR? '{RACKS[system][2]}'"))


def test_every_system_is_stepped_or_said_not_to_be() -> None:
    assert set(registry.names()) <= SYSTEMS.keys() | UNREACHED.keys()
    assert not SYSTEMS.keys() & UNREACHED.keys()


def test_without_faults_it_is_the_plain_replay(start: Callable[..., Any], system: str,
                                               tmp_path: Path) -> None:
    client = start(system)
    client.tell(f"SYST:TIME:STEP {HALF[system]}")
    assert 0 < float(client.ask("FETC:PROG?")) < 1
    assert client.ask("*OPC?") == "1"
    topology, limit, _, _ = RACKS[system]
    trace = run.load_trace(registry.get(system), None, limit)
    assert result(client) == run.replay(system, topology, trace).to_json().rstrip()
    assert float(client.ask("SYST:TIME?")) > 0


def test_a_fault_between_slices_changes_what_is_measured(start: Callable[..., Any], system: str
                                                         ) -> None:
    links = RACKS[system][3]
    healthy = start(system)
    healthy.ask("*OPC?")
    client = start(system)
    client.tell(f"SYST:TIME:STEP {HALF[system]}")
    before = client.ask("FETC?")
    client.tell(f"INJ:LINK:LAT '{links}', 10 ms;RATE '{links}', 0.1 PCT")
    assert client.error().startswith("0")
    assert client.ask("FETC?") == before, "a fault changes nothing that is past"
    assert int(client.ask("STAT:QUES:COND?")) == 1024
    assert client.ask("*OPC?") == "1"
    assert metric(client, system) < 0.95 * metric(healthy, system)
    text = client.ask("FETC:TIM?")
    content = gzip.decompress(text[2 + int(text[1]):].encode("latin-1"))
    events = json.loads(content)["traceEvents"]
    spans = [(event["name"], event["ts"]) for event in events if event["ph"] == "X"]
    assert (f"replay of {system}", 0.0) in spans
    assert any(name.startswith("latency") and at > 0 for name, at in spans)


def test_steps_change_nothing(start: Callable[..., Any], system: str) -> None:
    links = RACKS[system][3]

    def run_in(pieces: int) -> tuple[str, str]:
        client = start(system)
        number, unit = HALF[system].split()
        for _ in range(pieces):
            client.tell(f"SYST:TIME:STEP {float(number) / pieces} {unit}")
        client.tell(f"INJ:LINK:RATE '{links}', 1 PCT")
        return client.ask("*OPC?;:SYST:TIME?"), result(client)

    assert run_in(1) == run_in(4)


def test_a_glitch_ends(start: Callable[..., Any], system: str) -> None:
    links, client = RACKS[system][3], start(system)
    end = HALF[system]
    client.tell(f"INJ:LINK:GLIT '{links}', {end}")
    client.tell(f"SYST:TIME:STEP {end}")
    assert client.error().startswith("0")
    assert client.ask("*OPC?") == "1"
    healthy = start(system)
    healthy.ask("*OPC?")
    tail = {"aep": "ttft_mean_s", "curp": "latency_write_p99_s",
            "dispersedledger": "epoch_time_s"}.get(system, "latency_p99_s")
    late, usual = (float(one.ask(f"FETC:METR? '{tail}'")) for one in (client, healthy))
    assert late > usual


def test_faults_at_the_start_count(start: Callable[..., Any], system: str) -> None:
    links = RACKS[system][3]
    first = start(system)
    first.tell(f"INJ:LINK:RATE '{links}', 1 PCT")
    first.ask("*OPC?")
    again = start(system)
    again.tell(f"ABOR;:INJ:LINK:RATE '{links}', 1 PCT;:INIT")
    assert again.ask("*OPC?") == "1"
    assert result(again) == result(first)


def test_a_port_that_is_down_needs_an_end(start: Callable[..., Any]) -> None:
    client = start("aep")
    for command in ("INJ:LINK:STAT 'h0/gpu0->h0/nvswitch', DOWN",
                    "INJ:EVEN '1s h0/gpu0->h0/nvswitch down'"):
        client.tell(command)
        problem = client.error()
        assert problem.startswith("-221") and "GLITch" in problem
    assert client.ask("INJ:COUN?") == "0"
    client.tell("ABOR;:INJ:EVEN '1s h0/gpu0->h0/nvswitch down';:INIT")
    assert client.error().startswith("-221")


@pytest.mark.slow
def test_flows_wait_on_a_dead_link_and_go_on(start: Callable[..., Any]) -> None:
    client = start("hyperrag")
    client.tell("INJ:LINK:STAT 'h*/gpu*->h*/pcie*', DOWN;:SYST:TIME:STEP 1s")
    done = client.ask("FETC:PROG?")
    client.tell("SYST:TIME:STEP 1s;*WAI")
    problem = client.error()
    assert problem.startswith("-200") and "h0/gpu0->h0/pcie0" in problem
    assert client.ask("FETC:PROG?") == done
    client.tell("INJ:CLE")
    assert client.ask("*OPC?") == "1"
    assert float(client.ask("SYST:TIME?")) > 2


def test_an_exchange_has_neither_outages_nor_latencies(start: Callable[..., Any]) -> None:
    client = start("aep", 'policy = "ep_low_latency"')
    for command in ("STAT 'h0/gpu0->h0/nvswitch', DOWN", "GLIT 'h0/gpu0->h0/nvswitch', 1s",
                    "LAT 'h0/gpu0->h0/nvswitch', 1us"):
        client.tell(f"INJ:LINK:{command}")
        assert client.error().startswith("-221")
    client.tell("INJ:LINK:RATE 'h*/gpu*->h*/nvswitch', 1 PCT")
    assert client.error().startswith("0")


@pytest.mark.parametrize("name", ["apart", "elsewhere"])
def test_what_cannot_be_reached_says_so(start: Callable[..., Any], name: str) -> None:
    client = start("aep", name=name)
    for command in ("LINK:RATE 'h0/nic0->leaf0', 0.5", "LINK:BER 'h0/nic0->leaf0', 1E-6",
                    "LINK:GLIT 'h0/nic0->leaf0', 1ms", "BOAR:SPE 'h0/gpu0', 0.5"):
        client.tell(f"INJ:{command}")
        if client.ask("STAT:OPER:COND?") == "16":  # it may have ended meanwhile
            assert client.error().startswith("-221")
        client.tell("*CLS")
    client.ask("*OPC?")
    client.tell("INJ:CLE;:INJ:LINK:RATE 'h0/nic0->leaf0', 0.5;:INIT")
    assert client.error().startswith("-221")
    client.tell("INJ:CLE;:INIT")
    assert client.error().startswith("0")
    assert client.ask("*OPC?") == "1"


def test_boards_of_a_replay_have_fixed_costs(start: Callable[..., Any]) -> None:
    client = start("aep")
    for command in ("INJ:BOAR:SPE 'h0/gpu0', 0.5", "SOUR:POW:LIM 400, 'h0/gpu0'"):
        client.tell(command)
        assert client.error().startswith("-221")
    client.ask("*OPC?")
    client.tell("SOUR:POW:LIM 400, 'h0/gpu0'")
    assert client.error().startswith("0")


@pytest.mark.slow
def test_a_link_between_the_ends_is_refused_where_it_has_no_queue(tmp_path: Path,
                                                                  client_of: Callable[..., Any]
                                                                  ) -> None:
    path = tmp_path / "rack.toml"
    path.write_text('[rack]\ntopology = "fat-tree:k=4"\n[system.it]\nsystem = "curp"\nlimit = 50\n')
    panel = Panel(read_rack(path))
    client = client_of(panel)
    client.tell("SOUR:WORK:SEL 'it';:INIT")
    names = client.ask("SYST:CAT:LINK?").strip('"').split(",")
    middle = next(name for name in names if name.split("->")[0][0] != "h"
                  and name.split("->")[1][0] != "h")
    client.tell(f"INJ:LINK:RATE '{middle}', 0.5")
    assert client.error().startswith("-221")


def test_abort_keeps_what_is_done(start: Callable[..., Any], system: str) -> None:
    client = start(system)
    client.tell(f"SYST:TIME:STEP {HALF[system]};:ABOR")
    found = json.loads(result(client))
    assert found["complete"] is False
    assert client.ask("STAT:OPER:COND?") == "0"
    client.tell("INIT")
    assert client.ask("*OPC?;:FETC:PROG?") == "1;1.0E+00"


def test_bytes_of_the_replay_are_on_the_link_counters(start: Callable[..., Any]) -> None:
    client = start("aep")
    link = "h0/gpu0->h0/nvswitch"
    client.tell("SYST:TIME:STEP 1s")
    some = int(client.ask(f"SENS:LINK:COUN:BYT? '{link}'"))
    client.ask("*OPC?")
    total = int(client.ask(f"SENS:LINK:COUN:BYT? '{link}'"))
    assert 0 < some < total
    client.tell("SENS:LINK:COUN:RES")
    assert client.ask(f"SENS:LINK:COUN:BYT? '{link}'") == "0"


def test_whoever_waits_for_a_start_may_go(tmp_path: Path, client_of: Callable[..., Any]) -> None:
    panel = Panel(rack_of(tmp_path, "aep"))
    client = client_of(panel)
    client.tell("SOUR:WORK:SEL 'it'")
    starting = panel.initiate()
    next(starting)
    client.tell("INIT")
    assert client.error().startswith("-213")
    starting.close()
    client.tell("INIT")
    assert client.error().startswith("0")
    client.tell("*RST")
    assert client.ask("STAT:OPER:COND?;:SYST:ERR?") == '0;0,"No error"'


def test_what_does_not_fit_says_so_at_the_start(tmp_path: Path, client_of: Callable[..., Any]
                                                ) -> None:
    panel = Panel(rack_of(tmp_path, "aep", 'model = "llama-3-70b"'))
    client = client_of(panel)
    client.tell("SOUR:WORK:SEL 'it';:INIT")
    problem = client.error()
    assert problem.startswith("-200") and "llama" in problem
    assert client.ask("STAT:OPER:COND?") == "0"
