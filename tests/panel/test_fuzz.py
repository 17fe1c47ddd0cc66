"""Whatever comes in, the server lives and other sessions notice nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.panel import Panel, RackFile, Session
from rackwright.panel.commands import COMMANDS

HEADERS = [command.header.replace("[", "").replace("]", "") for command in COMMANDS]
WORDS = st.one_of(
    st.sampled_from(["MIN", "DEF", "1", "-1", "5ms", "1e400", "'h0/gpu0'", "'h0/*->*'", "UP", "#0",
                     "#15hello", '"', "'x", "50 PCT", "nan", "train", "'0s h0 down'", "x" * 300]),
    st.text(max_size=12))
MESSAGES = st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(["", "?"]),
                              st.lists(WORDS, max_size=3)), min_size=1, max_size=3)


def told(panel: Panel, message: bytes) -> None:
    """A session may end a message any way it likes, but never with an exception."""
    session = Session(panel, "rack")
    session.write(message)
    session.clear()
    session.write(b"SYST:TIME:MODE STEP;:ABOR;*CLS")
    session.write(b"*OPC?;:SYST:ERR?")
    answer = session.read(1 << 20, 30.0)
    assert answer is not None and answer[0].endswith(b'0,"No error"\n')
    session.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES)
def test_commands_with_any_arguments(rack_file: RackFile, parts: Any) -> None:
    panel = Panel(rack_file)
    text = ";:".join(f"{header}{mark} {','.join(words)}".removeprefix(":")
                     for header, mark, words in parts).replace(":*", "*")
    told(panel, text.replace("moe", "").encode("utf-8"))
    panel.close_all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_any_bytes(rack_file: RackFile, message: bytes) -> None:
    told(Panel(rack_file), message)


@settings(max_examples=25, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60), st.booleans()), max_size=8))
def test_junk_on_the_network(rack_file: RackFile, served: Any, hislip_client: Any,
                             junk: list[tuple[bool, bytes, bool]]) -> None:
    async def main() -> None:
        async with served(Panel(rack_file)) as (_, ports, port):
            witness = await hislip_client.open(port)
            for by_socket, content, polite in junk:
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", ports["rack"] if by_socket else port)
                writer.write(content)
                if polite:
                    await writer.drain()
                    writer.close()
                else:
                    writer.transport.abort()
                answer = await asyncio.wait_for(witness.ask(b"*OPC?;:SYST:ERR:COUN?"), 30)
                assert answer == b"1;0\n"
            witness.close()

    asyncio.run(main())


def test_huge_lines_and_broken_headers(panel: Panel, served: Any, hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, ports, port):
            witness = await hislip_client.open(port)
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["rack"])
            for _ in range(10):
                writer.write(b"x" * (1 << 20))
                await writer.drain()
            writer.write(b"\nSYST:ERR?\n")
            assert (await reader.readline()).startswith(b"-363")
            writer.close()
            client = await hislip_client.open(port)
            client.send(7, 0, 2, b"y" * (10 << 20))    # more than one message may hold
            assert (await client.take())[:2] == (3, 4)
            client.number = 2
            assert (await client.ask(b"SYST:ERR?")).startswith(b"-363")
            client.send(77, 0, 4)                       # no such message
            assert (await client.take())[:2] == (3, 1)
            client.writer.write(b"HTTP/1.1 is something else")
            assert (await client.take())[:2] == (2, 1)
            client.close()
            big = await hislip_client.open(port)
            big.writer.write(b"HS\x07\x00" + bytes(4) + b"\xff" * 8)
            assert (await big.take())[0] == 2
            big.close()
            assert await witness.ask(b"*OPC?;:SYST:ERR:COUN?") == b"1;0\n"
            witness.close()

    asyncio.run(main())


def test_a_client_that_leaves_while_it_waits_frees_what_it_held(
        panel: Panel, served: Any, hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (server, ports, port):
            _, writer = await asyncio.open_connection("127.0.0.1", ports["rack"])
            writer.write(b"SYST:TIME:MODE REAL;:SOUR:WORK:SEL 'train';"
                         b"OPT 'compute','1h';:INIT;*WAI\n")
            await writer.drain()
            witness = await hislip_client.open(port)
            while await witness.ask(b"STAT:OPER:COND?") != b"16\n":
                await asyncio.sleep(0.001)
            locker = await hislip_client.open(port)
            locker.asend(4, 1, 0)
            await locker.atake()
            locker.close()
            writer.transport.abort()
            while server.clients > 2:
                await asyncio.sleep(0.001)
            assert await witness.ask(b"ABOR;*OPC?") == b"1\n"
            witness.close()

    asyncio.run(main())
