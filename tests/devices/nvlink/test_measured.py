"""Against copies between the GPUs of one H100 host: what is explained, and what is not."""

from __future__ import annotations

import pytest

from rackwright.devices import catalog
from rackwright.devices.nvlink import PYTORCH_COPIES
from rackwright.errors import UnknownName, UsageError

MIB = 1 << 20
# not explained by links and launch: see `nvlink.launch`
SOFTWARE = {("single", 64), ("two_pairs", 64), ("incast3", 16), ("outcast2", 256),
            *((pattern, size) for pattern in ("bidirectional", "ring4")
              for size in (4, 16, 64, 256))}


def error(row):
    _, pattern, nbytes, seconds = row
    links = catalog.link("nvlink4").p2p_time(pattern, nbytes)
    return PYTORCH_COPIES.total_time(pattern, links) / seconds - 1


def test_above_one_mebibyte_within_five_per_cent_but_for_what_is_named(copies):
    long = [row for row in copies if row[2] > MIB]
    off = {(row[1], row[2] // MIB) for row in long if abs(error(row)) > 0.05}
    assert off == SOFTWARE
    assert len(long) - len(off) == 23


def test_every_pattern_of_a_gibibyte_within_two_per_cent(copies):
    """Fitted on three of these seven; ring4, incast3, outcast2 and two_pairs were held."""
    errors = {row[1]: error(row) for row in copies if row[2] == 1 << 30}
    assert len(errors) == 7 and max(map(abs, errors.values())) < 0.02


def test_the_links_alone_are_never_slower_than_what_was_measured(copies):
    link = catalog.link("nvlink4")
    assert all(link.p2p_time(row[1], row[2]) < 1.005 * row[3] for row in copies)


def test_others_measured_the_same_one_way():
    """NVIDIA/nccl issue 1264: copy engines between H100s, 371 to 377 GB/s."""
    assert 371e9 < catalog.get("nvlink4").bundle().bandwidth < 377e9


def test_short_packets_of_sms_come_four_per_cent_low():
    """NCCL counts on 20.6 GB/s a link of an H100 (its packets have 128 bytes): a known miss."""
    from dataclasses import replace

    from rackwright.devices.nvlink import PacketFormat

    bundle = replace(catalog.get("nvlink4").bundle(), format=PacketFormat(128))
    assert bundle.bandwidth / (18 * 20.6e9) == pytest.approx(0.96, abs=0.01)


def test_launch_floors():
    cost = PYTORCH_COPIES
    assert cost.total_time("single", 0.0) == 0.0
    assert cost.total_time("single", 1e-9) == cost.floor_time["single"]
    assert cost.total_time("single", [1e-3, 1.0]).tolist() == [1e-3 + 27.5e-6, 1 + 27.5e-6]
    with pytest.raises(UnknownName, match="launch floor"):
        cost.total_time("incast9", 1.0)
    with pytest.raises(UsageError, match="0 or more"):
        cost.total_time("single", -1.0)
