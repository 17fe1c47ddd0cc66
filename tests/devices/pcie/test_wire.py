"""Bytes and times on the wire, against the arithmetic of the specification."""

from __future__ import annotations

import pytest

from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import (
    COMPLETION,
    GENERATIONS,
    NON_POSTED,
    POSTED,
    WIDTHS,
    latency_symbols,
)
from rackwright.errors import UsageError

# entries of the latency tables of the base specification, in symbol times
TABLE = {(1, 1, 128): 237, (1, 1, 4096): 4143, (1, 8, 256): 107, (1, 16, 512): 86,
         (2, 2, 256): 268, (2, 16, 128): 99, (3, 4, 256): 214, (3, 8, 128): 163,
         (3, 16, 256): 168, (4, 8, 512): 182, (5, 16, 4096): 630, (5, 1, 2048): 2191}


@pytest.mark.parametrize("key", TABLE)
def test_latency_limits_are_the_tables_entries(key):
    assert int(latency_symbols(*key)) == TABLE[key]


def test_bytes_around_a_payload():
    """Framing, sequence number and LCRC: 8; headers of 3 or 4 double words; ECRC 4."""
    setup = PcieSetup(generation=3, lanes=8)
    kinds = (POSTED, NON_POSTED, COMPLETION)
    assert [setup.overhead_nbytes(kind) for kind in kinds] == [24, 24, 20]
    short = setup.replace(address_bits=32)
    assert [short.overhead_nbytes(kind) for kind in kinds] == [20, 20, 20]
    assert setup.replace(ecrc=True).overhead_nbytes(POSTED) == 28
    assert PcieSetup(generation=6, lanes=8).overhead_nbytes(POSTED) == 16


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_byte_takes_its_bits(generation, lanes):
    rate = {1: 2.5e9 * 0.8, 2: 5e9 * 0.8, 3: 8e9 * 128 / 130, 4: 16e9 * 128 / 130,
            5: 32e9 * 128 / 130, 6: 64e9 * 236 / 256}[generation]
    setup = PcieSetup(generation=generation, lanes=lanes)
    assert setup.byte_time == pytest.approx(8 / (rate * lanes), rel=0.003)  # and skips
    assert setup.byte_time > 8 / (rate * lanes)
    assert (setup.dllp_time == 0) == (generation == 6) == (setup.return_time == 0)


def test_a_flit_carries_236_bytes_of_256():
    setup = PcieSetup(generation=6, lanes=16)
    assert setup.flit_time == pytest.approx(256 * 8 / (64e9 * 16), rel=0.003)


def test_chance_of_a_replay():
    setup = PcieSetup(generation=4, lanes=16, bit_error_rate=1e-9)
    assert setup.byte_error == pytest.approx(8e-9)
    flits = PcieSetup(generation=6, lanes=16, flit_error_rate=1e-5)
    assert flits.byte_error * 236 == pytest.approx(1e-5)


@pytest.mark.parametrize("change, says", [
    ({"generation": 7}, "generation is 7; PCI Express has 1, 2, 3, 4, 5, 6"),
    ({"lanes": 3}, "lanes is 3; PCI Express has 1, 2, 4, 8, 16"),
    ({"max_payload_nbytes": 100}, "max_payload_nbytes is 100; PCI Express has 128, 256"),
    ({"max_read_request_nbytes": 8192}, "max_read_request_nbytes is 8192"),
    ({"completion_nbytes": 512}, "completion_nbytes is 512; with payloads of 256 it can be 64"),
    ({"tags": 0}, "tags is 0; a whole number of 1 or more"),
    ({"posted_data": 15}, "posted_data is 15; 16 or more are needed for one TLP of 256 bytes"),
    ({"nonposted_headers": -1}, "nonposted_headers is -1; 1 or more"),
    ({"link_time": -1e-9}, "link_time is -1e-09 s; 0 to 1 ms"),
    ({"host_bandwidth": float("nan")}, "host_bandwidth is nan"),
    ({"wire_share": 0.0}, "wire_share is 0.0; 0.01 to 1"),
    ({"bit_error_rate": 0.1}, "bit_error_rate is 0.1; 0 to 1e-05"),
    ({"colour": 1}, "a PCIe setup has no 'colour'; it has generation, lanes"),
])
def test_impossible_setups_are_refused_in_one_line(change, says):
    with pytest.raises(UsageError) as caught:
        PcieSetup(generation=5, lanes=16).replace(**change)
    assert says in str(caught.value) and "\n" not in str(caught.value)
