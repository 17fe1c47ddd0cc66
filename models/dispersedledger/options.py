"""Options of the DispersedLedger replay and of its baselines."""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Bandwidth, Bytes, Options, Time, option

__all__ = ["DispersedLedgerOptions", "is_serial", "overshoot_of"]

Variant = Literal["hb", "hb_link", "dl_coupled", "dl"]
Byzantine = Literal["none", "silent", "slow", "garbles", "lies", "two_faced", "half", "copies",
                    "equivocates"]

# Chunks pulled per chunk needed. Serial: read off the baselines' downloads on AWS, which are 2.64
# and 1.83 times their goodput. Parallel: FITTED on the goodput of DL on AWS (target dl-2).
SERIAL_OVERSHOOT = 1.65
PARALLEL_OVERSHOOT = 1.38


class DispersedLedgerOptions(Options):
    """What can be varied about a replay."""

    variant: Variant = option(
        "dl", "dl: vote when a block is available, download later; dl_coupled: with an empty block "
              "when behind; hb_link: next epoch only after all blocks are there; hb: and "
              "blocks that lost are proposed again")
    method: Literal["ticks", "recursion", "messages"] = option(
        "ticks", "ticks: ports in and out shared in every tick; recursion: epoch by epoch, ports "
                 "in only, for sweeps and many sites; messages: the protocol itself, every vote "
                 "and chunk, up to 61 sites")
    tick: Time = option("10ms", "of the fluid", ge=1e-4, le=1.0)
    duration: Time = option("0s", "simulated; 0: as long as the trace", ge=0, le=86_400)
    load: Bandwidth = option("0B/s", "transactions offered at each site (published: 250 B each); "
                                     "0: as many as blocks take", ge=0)
    arrivals: Literal["fluid", "poisson"] = option(
        "fluid", "how transactions come: evenly, or whole ones of 250 B by a seeded Poisson "
                 "process (messages only)")
    fairness: Literal["equal", "reno"] = option(
        "equal", "how pairs of sites share a port (messages only): alike, or by the inverse of "
                 "their round trip as flows of Reno do, which the public implementation uses")
    byzantine: Byzantine = option(
        "none", "what the last sites of the topology do (messages only): slow ones are correct; "
                "garbles: a block that is no codeword (BAD_UPLOADER)")
    byzantine_sites: int = option(0, "how many; 0: as many as the ledger bears", unit="sites", ge=0)
    slow_share: float = option(0.1, "of their bandwidth that slow sites have", unit="1", gt=0, le=1)
    block: Bytes = option("0B", "a block with unlimited transactions, else the largest block; 0: "
                                "3 MB, but 2 MB for dl and dl_coupled without a load", ge=0)
    propose_bytes: Bytes = option("150kB", "queued, that make a site propose", ge=0)
    propose_time: Time = option(
        "100ms", "between two looks at the queue, so at least between two proposals unless "
                 "propose_bytes are queued", ge=0)
    retrieval_overshoot: float = option(
        0.0, "chunks pulled for each one needed, up to N / k; 0: 1.65 (hb, hb_link) or 1.38",
        unit="1", ge=0, le=8)
    link_efficiency: float = option(0.9, "goodput of a link over its bandwidth", unit="1", gt=0,
                                    le=1)
    bandwidth_scale: float = option(1.0, "times the trace's bandwidth", unit="1", gt=0, le=1000)
    commit_rule: Literal["n_minus_f", "emergent"] = option(
        "n_minus_f", "blocks that hb delivers: N - f of N, or those that were complete at f + 1 "
                     "sites before N - f were decided")
    coupled_epochs: int = option(2, "epochs without output above which dl_coupled proposes nothing",
                                 unit="epochs", ge=0)
    proc_delay: Time = option("0s", "work on an epoch that no port shows", ge=0, le=10)
    vote_nbytes: Bytes = option("450B", "that a sender's votes and agreement take in an instance",
                                ge=0)
    offload: Literal["none", "encode", "votes", "hash", "all"] = option(
        "none", "what the NIC's blocks do instead of the host")
    host_work: bool = option(False, "count coding, hashing and votes into an epoch; published runs "
                                    "leave hashing out, and proc_delay has the rest")
    host_encode_bandwidth: Bandwidth = option("1GB/s", "bytes of a block that a core encodes", gt=0)
    host_hash_bandwidth: Bandwidth = option("1.5GB/s", "that a core hashes", gt=0)
    host_vote_time: Time = option("2us", "a core's work on a vote", ge=0)
    nic_lanes: int = option(8, "coders and hashers side by side in the NIC", unit="lanes", ge=1,
                            le=256)


def is_serial(options: DispersedLedgerOptions) -> bool:
    """True if an epoch waits for the output of the one before."""
    return options.variant in ("hb", "hb_link")


def overshoot_of(options: DispersedLedgerOptions) -> float:
    """Chunks pulled for each one needed."""
    if options.retrieval_overshoot:
        return options.retrieval_overshoot
    return SERIAL_OVERSHOOT if is_serial(options) else PARALLEL_OVERSHOOT
