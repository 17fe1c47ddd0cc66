"""Chakra execution traces in files: protobuf (.et) and JSON, one file a rank; reader and writer.

``NAME.0.et``, ``NAME.1.et``, ... hold the ranks of a job, in a folder or together in a zip file: a
GlobalMetadata message, then Node messages, each behind its length (`chakra_proto`); the JSON form
is `chakra_json`. A file ``comm_group.json`` or ``NAME.comm_group.json`` beside them maps process
groups to ranks (``{"1": [0, 1]}``). Times are whole microseconds in the schema; the writer keeps
the exact seconds in an attribute `duration_s` of its own (a double), which the reader prefers.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from rackwright.errors import InputError, TraceError, UsageError
from rackwright.traces.chakra import ExecutionNode, ExecutionTrace
from rackwright.traces.chakra_json import nodes_in_json, texts_of
from rackwright.traces.chakra_proto import messages_of, nodes_in
from rackwright.traces.chakra_wire import WireError

__all__ = ["is_execution", "read_execution", "write_execution"]

_NAME = re.compile(r"(?P<stem>.+?)[._](?P<rank>[0-9]{1,7})\.(?P<form>et|json)")
_GROUPS = "comm_group.json"
_LARGEST = 1 << 30  # bytes of a file inside a zip: our bound
Nodes = tuple[ExecutionNode, ...]


def is_execution(path: Path) -> bool:
    """Whether `path` names execution traces: a folder or zip file of them, or one rank's file."""
    if path.is_dir():
        return any(_NAME.fullmatch(file.name) for file in path.iterdir())
    return path.suffix in (".et", ".zip")


def read_execution(path: str | PathLike[str], limit: int | None = None) -> ExecutionTrace:
    """Read all ranks of a folder, a zip file, of ``NAME`` (``NAME.0.et``, ...), or of one file.

    `limit`: the first so many nodes of each rank (see ExecutionTrace.first). Raises InputError,
    TraceError (file, byte or node) and UsageError.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}: at least 1 node must be read")
    entries = _entries(path)
    stem, names = _ranks_of(path, sorted(entries))
    read = [_read(path, name, entries[name]) for name in names]
    try:
        trace = ExecutionTrace(tuple(nodes for nodes, _ in read), _groups(path, stem, entries),
                               stem, f"{stem} (Chakra execution trace)", read[0][1])
    except TraceError as problem:
        raise TraceError(problem.message, place=path) from None
    return trace if limit is None else trace.first(limit)


def write_execution(trace: ExecutionTrace, target: str | PathLike[str], form: str = "et") -> Path:
    """Write ``NAME.RANK.et`` (or ``form="json"``) for every rank into a folder or a .zip file.

    Groups go to ``NAME.comm_group.json``. Raises InputError and UsageError.
    """
    if form not in ("et", "json"):
        raise UsageError(f"form {form!r} of an execution trace; allowed: et, json")
    encode = messages_of if form == "et" else texts_of
    files = {f"{trace.name}.{rank}.{form}": encode(nodes, trace.version)
             for rank, nodes in enumerate(trace.ranks)}
    if trace.groups:
        groups = {name: list(ranks) for name, ranks in sorted(trace.groups.items())}
        files[f"{trace.name}.{_GROUPS}"] = (json.dumps(groups) + "\n").encode()
    target = Path(target)
    try:
        if target.suffix == ".zip":
            _zipped(target, files)
        else:
            target.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                (target / name).write_bytes(data)
    except OSError as problem:
        raise InputError(f"cannot be written: {problem.strerror}", place=target) from None
    return target


def _zipped(target: Path, files: Mapping[str, bytes]) -> None:
    """The same bytes every time: no dates."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)  # 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, compresslevel=9)


def _entries(path: Path) -> dict[str, Callable[[], bytes]]:
    """Files by name, each with what reads it. Raises InputError."""
    if path.suffix == ".zip" and path.is_file():
        return _unzipped(path)
    if path.is_file():
        found = [path, *(path.parent / name for name in (_GROUPS,
                                                         f"{_stem(path.name)}.{_GROUPS}"))]
    else:
        folder = path if path.is_dir() else path.parent
        if not folder.is_dir():
            raise InputError("no such folder or file", place=path)
        found = sorted(folder.iterdir())
    return {file.name: file.read_bytes for file in found if file.is_file()}


def _unzipped(path: Path) -> dict[str, Callable[[], bytes]]:
    found: dict[str, Callable[[], bytes]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.file_size > _LARGEST:
                    raise InputError(f"{entry.filename} has {entry.file_size} bytes; at most "
                                     f"{_LARGEST} are read", place=path)
                found[Path(entry.filename).name] = archive.read(entry).__bytes__
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError,
            NotImplementedError) as problem:
        raise InputError(f"no zip file that can be read: {problem}", place=path) from None
    return found


def _stem(name: str) -> str:
    match = _NAME.fullmatch(name)
    return match["stem"] if match else Path(name).stem


def _ranks_of(path: Path, names: list[str]) -> tuple[str, list[str]]:
    """(name of the job, files of ranks 0, 1, ...). Raises InputError."""
    if path.is_file() and path.suffix != ".zip":
        return _stem(path.name), [path.name]
    wanted = "" if path.exists() else path.name
    found: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match and (not wanted or match["stem"] == wanted):
            ranks = found.setdefault((match["stem"], match["form"]), {})
            if ranks.setdefault(int(match["rank"]), name) != name:
                raise InputError(f"rank {match['rank']} of {match['stem']} comes twice", place=path)
    if len(found) > 1:
        jobs = ", ".join(sorted(f"{stem} (.{form})" for stem, form in found))
        raise InputError(f"traces of several jobs: {jobs}; name one, as in FOLDER/NAME",
                         place=path)
    for (stem, _), ranks in found.items():
        missing = sorted(set(range(len(ranks))) - set(ranks))
        if missing:
            raise InputError(f"{stem} has {len(ranks)} files and none of rank {missing[0]}",
                             place=path)
        return stem, [ranks[rank] for rank in range(len(ranks))]
    raise InputError("no execution traces here: expected NAME.0.et, NAME.1.et, ..., or .json",
                     place=path)


def _groups(path: Path, stem: str, entries: Mapping[str, Callable[[], bytes]]
            ) -> dict[str, tuple[int, ...]]:
    for name in (f"{stem}.{_GROUPS}", _GROUPS):
        if name in entries:
            try:
                found = json.loads(entries[name]())
                if not isinstance(found, dict):
                    raise ValueError("expected an object {group: [rank, ...]}")
                return {str(key): _ranks(key, value) for key, value in found.items()}
            except (OSError, ValueError, RecursionError) as problem:
                raise TraceError(f"{name}: no groups of ranks: {problem}", place=path) from None
    return {}


def _ranks(key: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise ValueError(f"group {key!r} is {value!r}; expected a list of ranks")
    return tuple(value)


def _read(path: Path, name: str, load: Callable[[], bytes]) -> tuple[Nodes, str]:
    """(nodes, version) of a rank."""
    place = path if path.name == name else f"{path}/{name}"
    try:
        data = load()
        if name.endswith(".json"):
            return nodes_in_json(data.decode())
        return nodes_in(io.BytesIO(data))
    except WireError as problem:
        raise TraceError(f"byte {problem.at}: {problem}; expected Chakra messages, each behind "
                         "its length", place=place) from None
    except ValueError as problem:
        raise TraceError(f"{problem}; expected Chakra nodes as JSON", place=place) from None
    except TraceError as problem:
        raise TraceError(problem.message, place=place) from None
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", place=place) from None
