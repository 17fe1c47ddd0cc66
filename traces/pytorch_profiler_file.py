"""Events of a Chrome trace file, plain or gzip, read whole and checked one by one."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rackwright.errors import InputError, TraceError

__all__ = ["LARGEST", "Event", "check_event", "events_of", "is_export"]

LARGEST = 1 << 29  # bytes of JSON: some ten thousand kernels take 10 MB
Event = Mapping[str, Any]
_HEAD = 1 << 16  # bytes within which an export names its events or its schema
_MARKS = (b'"traceEvents"', b'"schemaVersion"')


def is_export(path: Path) -> bool:
    """Whether the file at `path` begins like a profiler's export. A pipe is not looked into, and
    what cannot be read is none: its reader says why."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            head = stream.read(_HEAD).lstrip()
    except (OSError, EOFError, zlib.error):
        return False
    return head.startswith(b"{") and any(mark in head for mark in _MARKS)


def events_of(path: Path) -> list[Event]:
    """The events of a file. Raises InputError and TraceError."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError(f"more than {LARGEST} bytes of JSON; profile fewer steps (schedule "
                             "with active=1)", place=path)
        found = json.loads(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise TraceError(f"the gzip data is damaged or cut off ({problem})", place=path) from None
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror or problem}", place=path) from None
    except json.JSONDecodeError as problem:
        raise TraceError(f"no JSON: {problem.msg} at byte {problem.pos}; is the file cut off?",
                         place=path) from None
    except (ValueError, RecursionError) as problem:
        raise TraceError(f"no JSON of a profile: {problem}", place=path) from None
    events = found.get("traceEvents") if isinstance(found, dict) else found
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise TraceError("no list traceEvents of objects; expected what PyTorch's profiler "
                         "exports with export_chrome_trace", place=path)
    return events


def check_event(number: int, event: Event) -> None:
    """Refuse a span without good times. Raises TraceError."""
    for key in ("ts", "dur"):
        value = event.get(key)
        good = isinstance(value, int | float) and not isinstance(value, bool) \
            and 0 <= value < 1e18
        if not good:
            raise TraceError(f"event {number} ({str(event.get('name'))[:60]}): {key} is {value!r}; "
                             "expected microseconds of 0 or more")
    if not isinstance(event.get("args", {}), dict):
        raise TraceError(f"event {number} ({str(event.get('name'))[:60]}): args is no object")
    for key in ("External id", "Sequence number"):
        value = event.get("args", {}).get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TraceError(f"event {number} ({str(event.get('name'))[:60]}): {key} is "
                             f"{str(value)[:40]!r}; expected a whole number")
