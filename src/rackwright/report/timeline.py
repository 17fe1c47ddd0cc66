"""The timeline of a replay as Chrome trace JSON, for Perfetto or chrome://tracing.

A host is a process, a device or link a thread, a span an event of phase ``X``. The format counts
microseconds in floats, so every event also carries its integer picoseconds in ``args``. Viewers
give up on very large files: beyond a cap the later spans are left out, and the file says how
many. Equal spans give equal bytes: no date, no file name, gzip's time set to 0.

Left out: counters of link load, and arrows between spans.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from rackwright.models.outcome import Spans

__all__ = ["MAX_EVENTS", "timeline_bytes", "write_timeline"]

MAX_EVENTS = 500_000  # about 60 MB of JSON; viewers are known to fail at some hundred MB
_PS_PER_US = 1_000_000
_BLOCK = 4096  # events compressed at a time


def write_timeline(spans: Spans, path: str | Path, max_events: int = MAX_EVENTS) -> None:
    """Write ``timeline.json.gz``; open it at https://ui.perfetto.dev or chrome://tracing."""
    Path(path).write_bytes(timeline_bytes(spans, max_events))


def timeline_bytes(spans: Spans, max_events: int = MAX_EVENTS) -> bytes:
    """The gzipped JSON of the first `max_events` spans."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=3, mtime=0) as out:
        pieces = _pieces(spans, max_events)
        while block := "".join(itertools.islice(pieces, _BLOCK)):
            out.write(block.encode())
    return buffer.getvalue()


def _pieces(spans: Spans, max_events: int) -> Iterator[str]:
    total = len(spans.start_ps) + spans.dropped
    kept = min(len(spans.start_ps), max_events)
    head = json.dumps({"spans": total, "kept": kept, "cut": total - kept}, sort_keys=True)
    yield f'{{"displayTimeUnit":"ns","otherData":{head},"traceEvents":[\n'
    yield ",\n".join(_names(spans.tracks) or [_meta("process_name", 1, 0, name="replay")])
    places = _places(spans.tracks)
    labels = [json.dumps(label, ensure_ascii=False) for label in spans.labels]
    columns = (spans.track, spans.label, spans.start_ps, spans.end_ps, spans.amount)
    for track, label, start, end, amount in zip(
            *(column[:kept].tolist() for column in columns), strict=True):
        process, thread = places[track]
        yield (f',\n{{"ph":"X","pid":{process},"tid":{thread},"ts":{start / _PS_PER_US},'
               f'"dur":{(end - start) / _PS_PER_US},"name":{labels[label]},'
               f'"args":{{"amount":{amount},"start_ps":{start},"end_ps":{end}}}}}')
    if kept < total:
        yield ",\n" + _cut_mark(spans, kept, total)
    yield "\n]}\n"


def _host(track: str) -> str:
    return track.split("/", 1)[0]


def _places(tracks: tuple[str, ...]) -> list[tuple[int, int]]:
    """(pid, tid) of every track. A tid is used once in the file and never equals a pid, since
    viewers take a thread that bears its process's number for its main one."""
    hosts = list(dict.fromkeys(map(_host, tracks)))
    return [(hosts.index(_host(track)) + 1, len(hosts) + 1 + place)
            for place, track in enumerate(tracks)]


def _names(tracks: tuple[str, ...]) -> list[str]:
    """Metadata events: names of processes and threads, in the order of `tracks`."""
    events, named = [], set()
    for track, (process, thread) in zip(tracks, _places(tracks), strict=True):
        if process not in named:
            named.add(process)
            events += [_meta("process_name", process, 0, name=_host(track)),
                       _meta("process_sort_index", process, 0, sort_index=process)]
        events += [_meta("thread_name", process, thread, name=track),
                   _meta("thread_sort_index", process, thread, sort_index=thread)]
    return events


def _meta(kind: str, process: int, thread: int, **args: str | int) -> str:
    return json.dumps({"ph": "M", "pid": process, "tid": thread, "name": kind, "args": args},
                      separators=(",", ":"), ensure_ascii=False)


def _cut_mark(spans: Spans, kept: int, total: int) -> str:
    """A mark across all tracks where the kept spans end."""
    at = int(spans.end_ps[:kept].max()) / _PS_PER_US if kept else 0.0
    return json.dumps({"ph": "i", "s": "g", "pid": 1, "tid": 0, "ts": at,
                       "name": f"{total - kept} later spans of {total} left out"})
