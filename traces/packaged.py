"""The sample traces that are packaged: all generated here, none recorded by others.

``python -m rackwright.traces`` writes them again (the same bytes) into the package's folder
`samples`; it is run after a change of the generators only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rackwright.errors import UnknownName
from rackwright.traces.generate import generate_requests
from rackwright.traces.lengths import MEDIUM, SHORT
from rackwright.traces.read import read_requests
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


_SAMPLES: dict[str, Callable[[], RequestTrace]] = {"requests_medium": _requests_medium,
                                                   "requests_short": _requests_short}


def sample_names() -> list[str]:
    """Names of the packaged request traces, sorted."""
    return sorted(_SAMPLES)


def sample_path(name: str) -> Path:
    """The CSV file of a packaged trace. Raises UnknownName."""
    if name not in _SAMPLES:
        raise UnknownName("sample trace", name, _SAMPLES)
    return _FOLDER / f"{name}.csv"


def sample(name: str) -> RequestTrace:
    """A packaged request trace. Raises UnknownName.

    >>> sample("requests_medium").first(2).output_tokens.tolist()
    [181, 218]
    """
    return read_requests(sample_path(name))


def make_samples(folder: Path = _FOLDER) -> list[Path]:
    """Generate every packaged trace into `folder` (default: the package); the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write_requests(make(), folder / f"{name}.csv")
            for name, make in sorted(_SAMPLES.items())]
