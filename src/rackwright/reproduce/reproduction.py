"""`reproduce`: which rows are wanted, all of them simulated, and what was done when it is stopped.

Nothing is kept from one call to the next: every number is simulated anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from rackwright.errors import Interrupted, UnknownName, UsageError
from rackwright.reproduce.claims import Claims
from rackwright.reproduce.rows import Reproduction, Row
from rackwright.reproduce.simulate import Job
from rackwright.reproduce.systems_found import System, chosen, found
from rackwright.reproduce.workers import simulate

__all__ = ["Progress", "data_folder", "listed", "reproduce"]

Progress = Callable[[float, float, str], None]
"""Called with (rows done, rows in all, what is simulated now)."""


def reproduce(systems: Iterable[str] | None = None, data: Path | str | None = None,
              ids: Iterable[str] | None = None, seed: int = 0, progress: Progress | None = None,
              *, jobs: int = 1, sensitivity: bool = False) -> Reproduction:
    """Published against simulated, row by row.

    `systems`: names, all without any. `ids`: ids or keys ("id/part") of rows, all without any.
    `data`: folder of third-party data (else RACKWRIGHT_DATA); rows that miss a file are skipped.
    `jobs`: systems simulated side by side; any number gives the same bytes. `sensitivity`: repeat
    predicted rows and stand-ins with each of their parameters at both ends of its band.

    Raises `UnknownName` and `UsageError` for what is not there, `InputError` for a file of claims
    that is wrong, and `Interrupted` on Ctrl-C with the `Reproduction` so far as its `partial`.
    """
    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; it must be at least 1")
    if type(seed) is not int or seed < 0:
        raise UsageError(f"seed is {seed!r}; it must be an integer from 0")
    wanted = listed(systems, ids)
    work = [Job(system, claims, keys, seed, data_folder(data), sensitivity)
            for system, claims, keys in wanted if keys]
    rows: list[dict[int, Row]] = [{} for _ in work]
    count = sum(len(job.keys) for job in work)

    def say(system: str, text: str) -> None:
        if progress is not None:
            progress(sum(map(len, rows)), count, f"{system}: {text}")

    try:
        for job, place, row in simulate(work, jobs, say):
            rows[job][place] = row
    except (KeyboardInterrupt, Interrupted):
        partial = _gathered(work, rows)
        raise Interrupted(f"interrupted: {len(partial.rows)} of {count} rows are done, "
                          "and shown", partial=partial) from None
    return _gathered(work, rows)


def listed(systems: Iterable[str] | None = None, ids: Iterable[str] | None = None
           ) -> list[tuple[System, Claims, tuple[str, ...]]]:
    """The claims of `systems` and the keys among them that `ids` name."""
    files = [(system, system.claims()) for system in chosen(systems, found())]
    wanted = None if ids is None else set(ids)
    _check_ids(wanted or (), [claims for _, claims in files])
    return [(system, claims, tuple(row.key for row in claims.rows
                                   if not wanted or wanted & {row.id, row.key}))
            for system, claims in files]


def data_folder(data: Path | str | None) -> Path | None:
    """`data`, else RACKWRIGHT_DATA, else None; raises `UsageError` for one that is not there."""
    named = data or os.environ.get("RACKWRIGHT_DATA")
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir():
        whence = "--data" if data else "RACKWRIGHT_DATA"
        raise UsageError(f"{whence} names {named}, which is no folder; name the folder that has "
                         "the third-party data, or none")
    return folder


def _check_ids(wanted: Collection[str], files: Sequence[Claims]) -> None:
    ids = {row.id for claims in files for row in claims.rows}
    keys = {row.key for claims in files for row in claims.rows}
    for name in sorted(wanted):
        if name not in ids | keys:
            raise UnknownName("row", name, keys if "/" in name else ids)


def _gathered(work: Sequence[Job], rows: Sequence[dict[int, Row]]) -> Reproduction:
    done = tuple(row for found in rows for row in found.values())  # each job's are in order
    left = tuple(f"{job.system.name}: {key}" for job, found in zip(work, rows, strict=True)
                 for place, key in enumerate(job.keys) if place not in found)
    return Reproduction(done, {job.system.name: job.claims.paper for job in work},
                        tuple(job.system.name for job in work if job.system.module is None), left)
