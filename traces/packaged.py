"""The sample traces that are packaged: all generated here, none recorded by others.

``python -m rackwright.traces`` writes them again (the same bytes) into the package's folder
`samples`; it is run after a change of the generators only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rackwright.errors import UnknownName
from rackwright.traces.detect import read_trace
from rackwright.traces.documents import DocumentTrace
from rackwright.traces.documents_file import write_documents
from rackwright.traces.documents_generate import generate_documents
from rackwright.traces.generate import generate_requests
from rackwright.traces.jobs import JobTrace
from rackwright.traces.jobs_file import write_jobs
from rackwright.traces.jobs_generate import generate_jobs
from rackwright.traces.lengths import MEDIUM, SHORT
from rackwright.traces.operations import OperationTrace
from rackwright.traces.operations_file import write_operations
from rackwright.traces.operations_generate import generate_operations
from rackwright.traces.profiles_file import read_profile
from rackwright.traces.queries import QueryTrace
from rackwright.traces.queries_file import write_queries
from rackwright.traces.queries_generate import generate_queries
from rackwright.traces.requests import RequestTrace
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_file import write_bandwidth_trace
from rackwright.traces.wan_generate import AWS_DOWNLOADS, generate_bandwidth
from rackwright.traces.write import write_requests

__all__ = ["file_of", "make_samples", "sample", "sample_names", "sample_path"]

_FOLDER = Path(__file__).parent / "samples"
_Made = BandwidthTrace | DocumentTrace | JobTrace | OperationTrace | QueryTrace | RequestTrace


def _bandwidth_aws() -> BandwidthTrace:
    """60 s of 16 regions: `AWS_DOWNLOADS` times 1.134 (fitted: HB's goodput there) over 0.9 (what
    a link gives of its bandwidth), spread 0.2 (a stand-in).
    """
    means = {site: round(rate * 1.134 / 0.9) for site, rate in AWS_DOWNLOADS.items()}
    return generate_bandwidth(means, 60, spread=0.2, seed=0, name="bandwidth_aws")


def _requests_medium() -> RequestTrace:
    """20 s of the AEP paper's medium lengths; 20 requests/s is our choice, for quick demos."""
    return generate_requests(20.0, duration_time=20.0, lengths=MEDIUM, seed=0,
                             name="requests_medium")


def _requests_short() -> RequestTrace:
    """60 s of the AEP paper's short lengths at 400 requests/s, within its sweep of 100 to 500:
    long enough for a steady window, heavy enough that schedulers differ.
    """
    return generate_requests(400.0, duration_time=60.0, lengths=SHORT, seed=0,
                             name="requests_short")


def _documents_zipf() -> DocumentTrace:
    """600 queries at 120/s, 50 of 100,000 documents each: all of it stand-ins of ours."""
    return generate_documents(120.0, 600, seed=0, name="documents_zipf")


def _jobs_mixed() -> JobTrace:
    """120 trainings at 1/s of the packaged profiles, of a minute of one GPU: all stand-ins."""
    profiles = {name.removeprefix("profile_"): read_profile(sample_path(name))
                for name in _DERIVED if name.startswith("profile_")}
    rates = {name: round(32 / float(profile.column(32).cumsum()[-1]), 3)
             for name, profile in profiles.items()}
    return generate_jobs(1.0, 120, rates, seed=0, name="jobs_mixed")


def _operations_ycsb_a() -> OperationTrace:
    """10,000 operations of YCSB A at the CURP paper's 250,000/s, Zipf 0.99 over a million keys."""
    return generate_operations("a", 10_000, rate_per_s=250_000.0, seed=0, name="operations_ycsb_a")


def _queries_tpch() -> QueryTrace:
    """40 queries of TPC-H at scale factor 100 and 2/s: our templates, all else stand-ins."""
    return generate_queries(2.0, 40, scale=100.0, seed=0, name="queries_tpch")


_SAMPLES: dict[str, Callable[[], _Made]] = {
    "bandwidth_aws": _bandwidth_aws,
    "documents_zipf": _documents_zipf, "jobs_mixed": _jobs_mixed,
    "operations_ycsb_a": _operations_ycsb_a,
    "queries_tpch": _queries_tpch,
    "requests_medium": _requests_medium, "requests_short": _requests_short}

# made by `rackwright.models.training.samples`, which needs device models: name -> ending
_DERIVED = {"profile_inception_v3": "json", "profile_vgg16": "json",
            "profile_wide_resnet101_2": "json", "training_gpt2": "zip"}


def sample_names() -> list[str]:
    """Names of the packaged traces, sorted."""
    return sorted([*_SAMPLES, *_DERIVED])


def sample_path(name: str) -> Path:
    """The file of a packaged trace. Raises UnknownName."""
    if name not in _SAMPLES and name not in _DERIVED:
        raise UnknownName("sample trace", name, sample_names())
    return _FOLDER / f"{name}.{_DERIVED.get(name, 'csv')}"


def file_of(name: str) -> Path:
    """The file `name`, or that of the packaged trace of this name if there is no such file."""
    known = name in sample_names() and not Path(name).exists()
    return sample_path(name) if known else Path(name)


def sample(name: str) -> Any:
    """A packaged trace, of the kind that its file holds. Raises UnknownName.

    >>> sample("requests_medium").first(2).output_tokens.tolist()
    [181, 218]
    """
    return read_trace(sample_path(name))


def make_samples(folder: Path = _FOLDER) -> list[Path]:
    """Generate every packaged trace into `folder` (default: the package); the files written.

    Those that device models make are copied: `rackwright.models.training.samples` makes them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(make(), folder / f"{name}.csv") for name, make in _SAMPLES.items()]
    for name in _DERIVED:
        target = folder / sample_path(name).name
        if target != sample_path(name):
            target.write_bytes(sample_path(name).read_bytes())
        written.append(target)
    return sorted(written, key=lambda path: path.stem)


def _write(trace: _Made, path: Path) -> Path:
    if isinstance(trace, BandwidthTrace):
        return write_bandwidth_trace(trace, path)
    if isinstance(trace, DocumentTrace):
        return write_documents(trace, path)
    if isinstance(trace, JobTrace):
        return write_jobs(trace, path)
    if isinstance(trace, OperationTrace):
        return write_operations(trace, path)
    if isinstance(trace, QueryTrace):
        return write_queries(trace, path)
    return write_requests(trace, path)
