"""What a finished ledger's tables say: goodput, latencies, commits, shares of traffic."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.tables import Rules, Tables, Ticks
from rackwright.models.dispersedledger.votes import LATE

__all__ = ["Times", "commit_share", "epoch_times", "goodput", "latency", "shares_of"]

Floats = npt.NDArray[np.float64]
QUANTILES = (np.arange(8) + 0.5) / 8    # where a block's transactions are looked at
WARM = 0.1                              # of the run, left out of latencies


class Times(NamedTuple):
    """Mean seconds of an epoch that was output: transactions queue, block dispersed, retrieved."""

    queue: float
    disperse: float
    retrieve: float


def goodput(moving: Ticks, seconds: float, delivered: float) -> Floats:
    """Bytes/s of blocks that each site retrieved; `delivered`: share of blocks that count."""
    return np.asarray(moving.total[4] * delivered / seconds)


def shares_of(rules: Rules, tables: Tables, options: DispersedLedgerOptions
              ) -> tuple[float, float]:
    """(share of blocks that an epoch commits by itself, share of retrieved blocks that count).

    By messages both are counted; in the fluid HB's blocks count by rule.
    """
    if options.method != "messages":
        share = commit_share(rules, tables, options.commit_rule)
        return share, share if options.variant == "hb" else 1.0
    done = np.flatnonzero((tables.ready < LATE).any(axis=1))
    if not len(done):
        return 1.0, 1.0
    return float((tables.decided[done] < LATE).any(axis=2).mean()), 1.0


def commit_share(rules: Rules, tables: Tables, rule: str) -> float:
    """Share of blocks that an epoch commits by itself.

    `emergent`: those that f + 1 sites had completed before N - f agreements were decided there.
    """
    n, f = rules.nodes, rules.faults
    if rule == "n_minus_f":
        return (n - f) / n
    done = np.flatnonzero((tables.ready < LATE).all(axis=1))[1:]
    if not len(done):
        return (n - f) / n
    closing = np.sort(tables.decided[done], axis=1)[:, n - f - 1, :]          # (epochs, node)
    heard = tables.complete[done] <= closing[:, np.newaxis, :]
    return float((heard.sum(axis=2) > f).mean())


def latency(rules: Rules, tables: Tables, until: float) -> tuple[Floats, Floats]:
    """(seconds, weight) of a site's own transactions, from arrival to output at that site."""
    own = (tables.delivered <= until) & (tables.nbytes > 0) & (tables.born[:, :, 0] >= WARM * until)
    epoch, site = np.nonzero(own)
    first, last = tables.born[epoch, site, 0], tables.born[epoch, site, 1]
    arrival = first[:, np.newaxis] + (last - first)[:, np.newaxis] * QUANTILES
    found = tables.delivered[epoch, site][:, np.newaxis] - arrival
    weight = np.repeat(tables.nbytes[epoch, site], len(QUANTILES))
    sites = np.repeat(site, len(QUANTILES))
    return found.ravel(), np.stack([weight, sites.astype(np.float64)])


def epoch_times(tables: Tables, until: float) -> Times | None:
    """Means over epochs and sites that were output by `until`; None if there are none."""
    done = (tables.output <= until) & (tables.proposed <= tables.output)
    if not done.any():
        return None
    offered = done & (tables.born[:, :, 1] > 0)
    queue = (tables.proposed - tables.born.mean(axis=2))[offered] if offered.any() else np.zeros(1)
    # a site that lags proposes in epochs that others have decided already
    ready = np.clip(tables.ready, tables.proposed, tables.output)
    return Times(float(np.maximum(queue, 0).mean()), float((ready - tables.proposed)[done].mean()),
                 float((tables.output - ready)[done].mean()))
