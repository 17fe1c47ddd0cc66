"""DispersedLedger (arXiv 2110.04371): a Byzantine fault-tolerant ledger over wide-area networks."""

from __future__ import annotations

from rackwright.models.dispersedledger.link_files import read_links
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.workload import replay
from rackwright.models.registry import Model

__all__ = ["MODEL", "DispersedLedgerOptions", "read_links", "replay"]

MODEL = Model(
    name="dispersedledger",
    title="DispersedLedger: Byzantine agreement on available blocks, downloaded later (WAN)",
    options=DispersedLedgerOptions,
    replay=replay,
    read_trace=read_links,
    baselines={name: {"variant": name} for name in ("hb", "hb_link", "dl_coupled")},
    headline=("throughput_bytes_per_s", "throughput_least_bytes_per_s", "epoch_time_s",
              "dispersal_share", "latency_p50_s", "latency_p95_s"),
    sample_topology="wan:regions=ap-east-1+ap-northeast-1+ap-northeast-2+ap-south-1"
                    "+ap-southeast-1+ap-southeast-2+ca-central-1+eu-central-1+eu-north-1+eu-west-1"
                    "+eu-west-3+sa-east-1+us-east-1+us-east-2+us-west-1+us-west-2,rate=10Gbps",
    sample_trace="bandwidth_aws",
    captions={
        "dispersedledger": "votes once a block is available, downloads at each site's own pace; "
                           "overshoot and processing time fitted on AWS",
        "hb": "HoneyBadger: the next epoch when all blocks are there; N - f of N count",
        "hb_link": "the same with linking: all N count",
        "dl_coupled": "a site that is behind proposes empty blocks"},
)
