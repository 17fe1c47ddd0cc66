"""Raw sockets and HiSLIP, spoken to without PyVISA."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from rackwright.panel import Panel


async def asked(port: int, message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message)
    answer = await asyncio.wait_for(reader.readline(), 60)
    writer.close()
    return answer


def test_every_instrument_has_a_socket(panel: Panel, served: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, ports, _hislip):
            assert list(ports) == list(panel.instruments)
            for name in ("rack", "pdu-h0", "h0-gpu1", "links", "faults"):
                answer = await asked(ports[name], b"*IDN?\n")
                assert answer.split(b",")[2] == f"bench/{name}".encode()

    asyncio.run(main())


def test_half_a_message_is_no_message(panel: Panel, served: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, ports, _hislip):
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["rack"])
            writer.write(b"*ID")
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"N?\n*OPC?\n")
            assert (await reader.readline()).startswith(b"RACKWRIGHT")
            assert await reader.readline() == b"1\n"
            writer.close()

    asyncio.run(main())


def test_hislip_message_ids_sub_addresses_and_large_answers(
        panel: Panel, served: Any, hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            client = await hislip_client.open(port, "hislip_h0-gpu1")
            assert b"bench/h0-gpu1" in await client.ask(b"*IDN?")
            client.asend(15, 0, 0, (16 + 256).to_bytes(8, "big"))
            assert (await client.atake())[0] == 16
            payload = bytes(range(256)) * 20
            answer = await client.ask(b"DIAG:ECHO? #45120" + payload)
            assert answer == b"#45120" + payload + b"\n"
            client.close()

    asyncio.run(main())


def test_hislip_serial_poll_service_request_and_clear(
        panel: Panel, served: Any, hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            client = await hislip_client.open(port)
            client.write(b"*CLS;*SRE 32;*ESE 1")
            assert await client.ask(b"*OPC?") == b"1\n"
            client.write(b"*OPC")
            assert (await client.atake(20))[:2] == (20, 32 + 64)
            assert await client.ask(b"*ESR?") == b"1\n"
            assert await client.status(read=1) == 0
            # an endless wait ends with device clear
            client.write(b"SYST:TIME:MODE REAL;:SOUR:WORK:SEL 'train';"
                         b"OPT 'compute','1h';:INIT;*WAI")
            client.asend(19, 0, 0)
            assert (await client.atake())[0] == 23
            client.send(8, 0, 0)
            while (await client.take())[0] != 9:
                pass
            assert (await client.ask(b"ABOR;*OPC?")) == b"1\n"
            client.close()

    asyncio.run(main())


def test_hislip_an_answer_that_is_overtaken_is_lost(panel: Panel, served: Any,
                                                    hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            client = await hislip_client.open(port)
            first = client.write(b"*IDN?")
            assert (await client.take())[:3] == (7, 0, first)
            second = client.write(b"*ESE?")  # and does not say that it has read the answer
            assert await client.atake() == (14, 0, second, b"")
            assert await client.take() == (13, 0, second, b"")
            assert await client.take() == (7, 0, second, b"0\n")
            client.delivered = 1
            assert (await client.ask(b"SYST:ERR?")).startswith(b"-410")
            assert (await client.ask(b"SYST:ERR?")).startswith(b"0")
            third = client.write(b"*IDN?")
            assert (await client.take())[2] == third
            assert await client.status(read=1) & 16 == 0  # a poll may say it, too
            assert await client.ask(b"SYST:ERR:COUN?") == b"0\n"
            client.close()

    asyncio.run(main())


def test_hislip_synchronized_mode_is_granted_and_no_other(panel: Panel, served: Any,
                                                          hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(hislip_client.packed(0, 0, 0x0100_5254, b"hislip_rack"))
            kind, control, parameter, _ = await hislip_client._from(reader)
            assert (kind, control & 1, parameter >> 16) == (1, 0, 0x0100)
            writer.close()
            client = await hislip_client.open(port)
            client.write(b"*IDN?")
            client.asend(19, 0, 0)
            assert (await client.atake())[:2] == (23, 0)
            client.send(8, 1, 0)  # asks for overlapped mode
            while (found := await client.take())[0] != 9:
                assert found[0] == 7  # sent before the clear
            assert found[1] == 0
            assert await client.ask(b"SYST:ERR:COUN?") == b"0\n"
            client.close()

    asyncio.run(main())


def test_hislip_shared_and_exclusive_locks(panel: Panel, served: Any, hislip_client: Any) -> None:
    async def lock(client: Any, key: bytes = b"", wait_ms: int = 0) -> int:
        client.asend(4, 1, wait_ms, key)
        return int((await client.atake(5))[1])

    async def unlock(client: Any) -> int:
        client.asend(4, 0, client.number)
        return int((await client.atake(5))[1])

    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            one, two, three = [await hislip_client.open(port) for _ in range(3)]
            assert await lock(one, b"key") == 1 and await lock(two, b"key") == 1
            assert await lock(one, b"key") == 3, "it has it"
            assert await lock(three, b"other") == 0 and await lock(three) == 0
            assert await lock(one) == 0, "another one shares"
            assert await unlock(two) == 2
            assert await lock(one) == 1 and await lock(one) == 3
            waiting = asyncio.create_task(lock(three, b"", 5000))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            assert await unlock(one) == 1 and await unlock(one) == 2
            assert await waiting == 1
            assert await unlock(two) == 3, "it has none"
            three.close()
            while await lock(two) != 1:  # a client that goes gives back what it held
                await asyncio.sleep(0.01)
            one.close()
            two.close()

    asyncio.run(main())


def test_hislip_trigger_and_locks(panel: Panel, served: Any, hislip_client: Any) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            one, other = await hislip_client.open(port), await hislip_client.open(port)
            await one.ask(b"SOUR:WORK:SEL 'train';*OPC?")
            one.send(12, one.delivered, one.number + 2)
            one.number += 2
            assert await one.ask(b"*OPC?;:FETC:METR? 'rounds'") == b"1;4.0E+00\n"
            one.asend(4, 1, 0)
            assert (await one.atake())[:2] == (5, 1)
            other.asend(4, 1, 0)
            assert (await other.atake())[:2] == (5, 0)
            other.asend(24, 0, 0)
            assert (await other.atake())[:3] == (25, 1, 1)
            waiting = asyncio.create_task(other.ask(b"*IDN?"))
            assert await one.ask(b"*OPC?") == b"1\n"
            assert not waiting.done()
            one.asend(4, 0, one.number)
            assert (await one.atake())[:2] == (5, 1)
            assert (await waiting).startswith(b"RACKWRIGHT")
            for client, code in ((one, 2), (other, 2)):
                client.asend(4, 1, 0, b"key")
                assert (await client.atake())[1] == 1
                client.asend(4, 0, client.number)
                assert (await client.atake())[1] == code
            one.close()
            other.close()

    asyncio.run(main())


@pytest.mark.parametrize(("name", "text"), [("hislip_nothing", b"unknown instrument"),
                                            ("x" * 5000, b"unknown instrument")])
def test_an_unknown_sub_address_is_told_what_there_is(panel: Panel, served: Any, hislip_client: Any,
                                                      name: str, text: bytes) -> None:
    async def main() -> None:
        async with served(panel) as (_, _ports, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(hislip_client.packed(0, 0, 0x0100_5254, name.encode()))
            kind, _, _, payload = await hislip_client._from(reader)
            assert kind == 2 and text in payload
            assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


def test_one_client_too_many_is_turned_away(panel: Panel, served: Any) -> None:
    async def main() -> None:
        async with served(panel, most_clients=2) as (_, ports, _hislip):
            kept = [await asyncio.open_connection("127.0.0.1", ports["rack"]) for _ in range(2)]
            for one, other in kept:
                other.write(b"*OPC?\n")
                assert await one.readline() == b"1\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["rack"])
            assert await reader.read() == b""
            for _, one in [*kept, (reader, writer)]:
                one.close()

    asyncio.run(main())


async def talk(ask: Any, name: str, seed: int, times: int) -> None:
    """Questions whose answers only this client can get, in an order of its own."""
    draw = random.Random(seed)
    for turn in range(times):
        mask = draw.randrange(256)
        answer = await ask(f"*ESE {mask};*ESE?;:DIAG:ECHO? '{name}-{turn}'".encode())
        text = f"{name}-{turn}"
        assert answer == f"{mask};#{len(str(len(text)))}{len(text)}{text}\n".encode()


def crowd(panel: Panel, served: Any, hislip_client: Any, times: int) -> None:
    async def main() -> None:
        async with served(panel) as (_, ports, port):
            async def by_socket(number: int) -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", ports["rack"])

                async def ask(message: bytes) -> bytes:
                    writer.write(message + b"\n")
                    return await reader.readline()

                await talk(ask, f"s{number}", number, times)
                writer.close()

            async def by_hislip(number: int) -> None:
                client = await hislip_client.open(port)
                await talk(client.ask, f"h{number}", number, times)
                client.close()

            async def stepping() -> None:
                client = await hislip_client.open(port)
                await client.ask(b"SOUR:WORK:SEL 'train';OPT 'rounds','1000000';:INIT;*ESE?")
                for _ in range(times // 4):
                    await client.ask(b"SYST:TIME:STEP 10ms;:SYST:TIME?")
                client.close()

            await asyncio.gather(stepping(), *[by_socket(number) for number in range(25)],
                                 *[by_hislip(number) for number in range(25)])

    asyncio.run(main())


def test_fifty_clients_get_their_own_answers(panel: Panel, served: Any, hislip_client: Any) -> None:
    crowd(panel, served, hislip_client, 20)


@pytest.mark.slow
def test_fifty_clients_for_long(panel: Panel, served: Any, hislip_client: Any) -> None:
    crowd(panel, served, hislip_client, 3000)
