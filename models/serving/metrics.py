"""Metrics of a serving replay: throughput by window, inter-token latency, first token, whole.

Inter-token latency leaves out the first token of a request, which is reported apart (TTFT, from
arrival, prefill excluded). Percentiles of inter-token latency come from a histogram (0.4 %).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.histogram import hist_percentile
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import Snapshots
from rackwright.models.serving.windows import Window, middle_window, steady_window

__all__ = ["counted_percentile", "request_metrics", "serving_metrics"]

PERCENTILES = (0.5, 0.9, 0.99)
_PS = 1e-12


def serving_metrics(requests: Requests, admission: Admission, snapshots: Snapshots,
                    end_ps: int) -> tuple[dict[str, float], dict[str, str], Window | None]:
    """(metrics, undefined: why, the steady window or None). Units stand in the names."""
    metrics: dict[str, float] = {
        "requests": float(len(requests.arrival_ps)),
        "requests_finished": float(admission.finished[0]),
        "tokens": float(admission.tokens[0]),
    }
    undefined: dict[str, str] = {}
    seconds = (end_ps - int(requests.arrival_ps[0])) * _PS
    metrics["makespan_s"] = seconds
    _put(metrics, undefined, "throughput_tokens_per_s",
         metrics["tokens"] / seconds if seconds > 0 else "nothing took any time")
    middle, steady = middle_window(snapshots), steady_window(snapshots, requests, admission)
    _put(metrics, undefined, "throughput_middle_tokens_per_s",
         middle if isinstance(middle, str) else middle.tokens_per_s)
    for name, field in (("throughput_steady_tokens_per_s", "tokens_per_s"),
                        ("arrived_steady_per_s", "arrived_per_s"),
                        ("finished_steady_per_s", "finished_per_s"),
                        ("active_steady_requests", "active_mean"), ("stable", "stable"),
                        ("overloaded", "overloaded")):
        _put(metrics, undefined, name,
             steady if isinstance(steady, str) else float(getattr(steady, field)))
    _inter_token(metrics, undefined, admission)
    first = requests.first_ps >= 0
    _distribution(metrics, undefined, "ttft",
                  (requests.first_ps - requests.arrival_ps)[first] * _PS)
    ended = requests.finish_ps >= 0
    _distribution(metrics, undefined, "latency",
                  (requests.finish_ps - requests.arrival_ps)[ended] * _PS)
    waited = requests.admitted_ps >= 0
    _put(metrics, undefined, "admission_wait_mean_s",
         float(np.mean((requests.admitted_ps - requests.arrival_ps)[waited])) * _PS
         if waited.any() else "no request was admitted")
    return metrics, undefined, None if isinstance(steady, str) else steady


def counted_percentile(counts: npt.NDArray[np.int64], share: float) -> float:
    """The least value that `share` of all do not exceed; `counts[v]`: how often value v comes."""
    running = np.cumsum(counts)
    rank = min(max(int(np.ceil(share * running[-1])), 1), int(running[-1]))
    return float(np.searchsorted(running, rank))


def _put(metrics: dict[str, float], undefined: dict[str, str], name: str,
         value: float | str) -> None:
    if isinstance(value, str):
        undefined[name] = value
    else:
        metrics[name] = value


def _inter_token(metrics: dict[str, float], undefined: dict[str, str],
                 admission: Admission) -> None:
    count = int(admission.itl_counts.sum())
    why = "no request had a second token"
    _put(metrics, undefined, "itl_mean_s",
         float(admission.itl_sum_ps[0]) / count * _PS if count else why)
    for share in PERCENTILES:
        _put(metrics, undefined, f"itl_p{share * 100:.0f}_s",
             hist_percentile(admission.itl_counts, share) * _PS if count else why)


def _distribution(metrics: dict[str, float], undefined: dict[str, str], name: str,
                  seconds: npt.NDArray[np.floating]) -> None:
    why = "no request got that far"
    _put(metrics, undefined, f"{name}_mean_s", float(np.mean(seconds)) if len(seconds) else why)
    for share in PERCENTILES:
        _put(metrics, undefined, f"{name}_p{share * 100:.0f}_s",
             float(np.quantile(seconds, share, method="inverted_cdf")) if len(seconds) else why)


def request_metrics(requests: Requests, admission: Admission, end_ps: int
                    ) -> tuple[dict[str, float], dict[str, str]]:
    """(metrics, undefined: why) that need requests alone: prompt throughput, requests/s, TPOT.

    TPOT, time per output token, is a request's mean gap after its first token; the inter-token
    latencies of `serving_metrics` weigh every gap alike instead.
    """
    metrics: dict[str, float] = {}
    undefined: dict[str, str] = {}
    ended = requests.finish_ps >= 0
    started = requests.first_ps >= 0
    metrics["input_tokens"] = float(requests.input_tokens[started].sum())
    seconds = (end_ps - int(requests.arrival_ps[0])) * _PS
    why = "nothing took any time"
    _put(metrics, undefined, "throughput_input_tokens_per_s",
         metrics["input_tokens"] / seconds if seconds > 0 else why)
    _put(metrics, undefined, "throughput_requests_per_s",
         float(admission.finished[0]) / seconds if seconds > 0 else why)
    several = ended & (requests.output_tokens > 1)
    gaps = (requests.finish_ps - requests.first_ps)[several] * _PS
    _distribution(metrics, undefined, "tpot", gaps / (requests.output_tokens[several] - 1))
    return metrics, undefined
