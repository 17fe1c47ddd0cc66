"""What ``--out DIR`` holds, written whole and read back checked.

``result.json`` and ``baseline-NAME.json``: canonical, the same bytes for the same inputs.
``timeline.json.gz``: what ran when, if the replay recorded it. ``report.html``: a page of both,
when one was made. ``run.json``: what varies without
changing the answer (versions, host, command, wall time) and the SHA-256 of the other files.

Every file is written beside its place and renamed into it, ``run.json`` last: a folder whose
hashes do not agree with its files is a mix of two runs, and reading it says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.errors import InputError
from rackwright.replays import Replays
from rackwright.result import Result

__all__ = ["load", "prepare", "save"]

_BASELINE = "baseline-"
_VERSIONS = ("rackwright", "numpy", "scipy", "networkx", "numba", "pydantic")


def prepare(folder: str | Path) -> Path:
    """Make the folder, so that a long replay does not end at a place that cannot be written.

    Raises InputError.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place
    except OSError as problem:
        raise InputError(f"cannot write results here: {problem.strerror}; name a folder that "
                         "can be written", place=place) from None


def save(results: Result | Replays, folder: str | Path, notes: Mapping[str, Any] | None = None,
         report: str = "") -> tuple[Path, ...]:
    """Write `results` into `folder`, replacing an earlier run's files; returns the paths.

    `notes` goes into run.json (the command line, where the inputs came from); `report` becomes
    report.html. Raises InputError when the folder cannot be written.
    """
    replays = results if isinstance(results, Replays) else Replays(results)
    place = prepare(folder)
    files = _contents(replays) | ({"report.html": report.encode()} if report else {})
    listed = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["run.json"] = _text(_run_record(replays, notes or {}, listed))
    try:
        return _write(place, files)
    except OSError as problem:
        raise InputError(f"cannot write results: {problem.strerror}", place=place) from None


def load(folder: str | Path) -> Replays:
    """Read a folder that `save` wrote, or one result file. Raises InputError."""
    place = Path(folder)
    if place.is_file():
        return Replays(Result.from_json(_read(place), place=place))
    record = _read_run(place)
    found = {name: _checked(place / name, digest) for name, digest in record["files"].items()
             if name.endswith(".json") and name == Path(name).name}
    results = {name: Result.from_json(text, place=place / name) for name, text in found.items()}
    if "result.json" not in results:
        raise InputError("lists no result.json; run the replay again", place=place / "run.json")
    baselines = {name.removeprefix(_BASELINE).removesuffix(".json"): result
                 for name, result in results.items() if name.startswith(_BASELINE)}
    return Replays(results["result.json"], baselines, tuple(record.get("missing", ())))


def _contents(replays: Replays) -> dict[str, bytes]:
    files = {"result.json": replays.result.to_json().encode()}
    files |= {f"{_BASELINE}{name}.json": found.to_json().encode()
              for name, found in replays.baselines.items()}
    if replays.result.spans is not None:
        from rackwright.report.timeline import timeline_bytes

        files["timeline.json.gz"] = timeline_bytes(replays.result.spans)
    return files


def _run_record(replays: Replays, notes: Mapping[str, Any], files: Mapping[str, str]
                ) -> dict[str, Any]:
    return {
        **notes,
        "complete": replays.complete, "missing": list(replays.missing), "files": dict(files),
        "wall_time_s": {found.label: round(found.wall_time, 3) for found in replays},
        "host": {"machine": platform.machine(), "system": platform.platform(),
                 "cpus": os.cpu_count()},
        "python": sys.version.split()[0],
        "versions": {name: metadata.version(name) for name in _VERSIONS},
        "jit": os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0"),
    }


def _text(record: Mapping[str, Any]) -> bytes:
    return (canonical_json(record, indent=1) + "\n").encode()


def _write(place: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """All beside their places first, then all renamed; run.json gone in between, last to come."""
    waiting = {name: place / f".{name}.{os.getpid()}.tmp" for name in files}
    try:
        for name, path in waiting.items():
            path.write_bytes(files[name])
        (place / "run.json").unlink(missing_ok=True)
        for old in (*place.glob(f"{_BASELINE}*.json"), place / "timeline.json.gz",
                    place / "report.html"):
            if old.name not in files:
                old.unlink(missing_ok=True)
        for name in (*(name for name in files if name != "run.json"), "run.json"):
            waiting.pop(name).replace(place / name)
    finally:
        for left in waiting.values():
            left.unlink(missing_ok=True)
    return tuple(place / name for name in files)


def _read_run(place: Path) -> dict[str, Any]:
    path = place / "run.json"
    if not path.is_file():
        raise InputError("no run.json here: not the --out folder of a replay, or one that was "
                         "cut short while writing", place=place)
    try:
        record = json.loads(_read(path))
    except ValueError as problem:
        raise InputError(f"not JSON: {problem}", place=path) from None
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        raise InputError("has no list of files; run the replay again", place=path)
    return record


def _checked(path: Path, digest: str) -> bytes:
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError("is not the file that run.json lists (changed by hand, or a mix of two "
                         "runs); run the replay again", place=path)
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(f"cannot read: {problem.strerror}", place=path) from None
