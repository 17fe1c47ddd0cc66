"""What the six generations of PCI Express put on the wire: rates, encoding, framing, timers.

Models, in bytes and seconds: the lane rate; line encoding (8b/10b to 5 GT/s, 128b/130b to 32 GT/s,
none at 64 GT/s); skip ordered sets as a share of the time; the bytes around a TLP and of a DLLP;
flits of 256 bytes, of which 236 carry TLPs, at 64 GT/s; how long a receiver may wait before it
acknowledges or returns credits. Leaves out: training, power states, precoding, lane skew, lower
rates of a link in flit mode.

Sources, by what they are cited for below:

* [base] PCI Express Base Specification 5.0 and 6.0; recalled, checked against the others where one
  is named.
* [an855] Intel AN 855, "Protocol Overhead": 8b/10b, DLLPs of two double words, headers of three
  or four, ECRC of one, SKP ordered sets of four symbols.
* [wp350] Xilinx WP350 and UG962 ch. 4: 20 bytes around a payload with a three-double-word header,
  8 bytes a DLLP.
* [pcisig] D. Das Sharma, "PCIe 6.0 Specification Webinar Q&A: Error Detection and Correction with
  FEC" (pcisig.com): flits of 242 + 8 CRC + 6 FEC bytes, first-bit error rate 1e-6, a retry for
  fewer than 1e-5 of the flits.
* [flit] notes on PCIe 6.2 (blog.csdn.net, 141707780): 236 TLP + 6 DLP + 8 CRC + 6 FEC bytes.
* [timers] the latency limits of Base Specification 5.0, tables 2-46 to 2-48 and 3-7 to 3-9, as
  listed in github.com/pcie-bench/pcie-model; `latency_symbols` gives those entries.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "COMPLETION",
    "CREDIT_NBYTES",
    "FLIT_NBYTES",
    "FLIT_TLP_NBYTES",
    "GENERATIONS",
    "NON_POSTED",
    "POSTED",
    "WIDTHS",
    "Generation",
    "header_nbytes",
    "latency_symbols",
]

POSTED, NON_POSTED, COMPLETION = 0, 1, 2  # classes of flow control [base 2.6]
CREDIT_NBYTES = 16       # payload of one data credit [base 2.6.1]
FLIT_NBYTES = 256        # [flit], [pcisig]
FLIT_TLP_NBYTES = 236    # [flit]
WIDTHS = (1, 2, 4, 8, 16)
_SKIP_8B10B = 4 / 1538   # four symbols in at most 1,538 [an855; interval: pcie-bench/pcie-model]
_SKIP_BLOCKS = 1 / 375   # one block in at most 375 [base 4.2.7, recalled, not checked]


class Generation(NamedTuple):
    """What one generation does. `skip_share`: of the time, for clock compensation."""

    number: int
    lane_rate: float          # bits/s of a lane
    encoding: float           # bits that carry something
    skip_share: float
    framing_nbytes: int       # around a TLP: framing and sequence 4 or STP 1 + 2 + END 1, LCRC 4
    dllp_nbytes: int          # with framing and CRC; none in flit mode: they ride in every flit
    delay_symbols: int        # a receiver's internal delay in `latency_symbols` [timers]
    flits: bool


GENERATIONS = {one.number: one for one in (
    Generation(1, 2.5e9, 8 / 10, _SKIP_8B10B, 8, 8, 19, False),
    Generation(2, 5e9, 8 / 10, _SKIP_8B10B, 8, 8, 70, False),
    Generation(3, 8e9, 128 / 130, _SKIP_BLOCKS, 8, 8, 115, False),
    Generation(4, 16e9, 128 / 130, _SKIP_BLOCKS, 8, 8, 115, False),
    Generation(5, 32e9, 128 / 130, _SKIP_BLOCKS, 8, 8, 115, False),
    # skips of 64 GT/s taken as those of 32 GT/s (assumed); no framing, no LCRC [flit]
    Generation(6, 64e9, 1.0, _SKIP_BLOCKS, 0, 0, 115, True),
)}


def header_nbytes(kind: int, address_bits: int = 64, ecrc: bool = False) -> int:
    """Header and ECRC of a TLP: three double words, four for a 64-bit address [an855].

    A completion has three. Flit mode: the same without optional header content (recalled, not
    checked).
    """
    words = 3 if kind == COMPLETION or address_bits == 32 else 4
    return 4 * (words + ecrc)


def latency_symbols(generation: int, lanes: int, max_payload_nbytes: int) -> float:
    """Symbol times within which a receiver acknowledges a TLP, or returns its credits [timers].

    >>> int(latency_symbols(3, 8, 256)), int(latency_symbols(1, 1, 128))
    (203, 237)
    """
    factor = (1.4 if lanes <= 4 else 2.5 if lanes == 8 else 3.0) if max_payload_nbytes <= 256 \
        else (1.0 if lanes <= 8 else 2.0)
    delay = GENERATIONS[generation].delay_symbols
    return (max_payload_nbytes + 28) * factor / lanes + delay
