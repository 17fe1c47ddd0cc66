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
from rackwright.traces.lengths import MEDIUM, SHORT
from rackwright.traces.requests import RequestTrace
from rackwright.traces.write import write_requests

__all__ = ["make_samples", "sample", "sample_names", "sample_path"]

_FOLDER = Path(__file__).parent / "samples"


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


_SAMPLES: dict[str, Callable[[], DocumentTrace | RequestTrace]] = {
    "documents_zipf": _documents_zipf, "requests_medium": _requests_medium,
    "requests_short": _requests_short}


def sample_names() -> list[str]:
    """Names of the packaged traces, sorted."""
    return sorted(_SAMPLES)


def sample_path(name: str) -> Path:
    """The CSV file of a packaged trace. Raises UnknownName."""
    if name not in _SAMPLES:
        raise UnknownName("sample trace", name, _SAMPLES)
    return _FOLDER / f"{name}.csv"


def sample(name: str) -> Any:
    """A packaged trace: a RequestTrace, or a DocumentTrace. Raises UnknownName.

    >>> sample("requests_medium").first(2).output_tokens.tolist()
    [181, 218]
    """
    return read_trace(sample_path(name))


def make_samples(folder: Path = _FOLDER) -> list[Path]:
    """Generate every packaged trace into `folder` (default: the package); the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(make(), folder / f"{name}.csv") for name, make in sorted(_SAMPLES.items())]


def _write(trace: DocumentTrace | RequestTrace, path: Path) -> Path:
    if isinstance(trace, DocumentTrace):
        return write_documents(trace, path)
    return write_requests(trace, path)
