"""What the commands of ``rackwright study`` share: options, and where replays are made."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rackwright.errors import MissingTool, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["FILE", "FOLDER", "executor", "replaying"]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
F = TypeVar("F", bound=Callable[..., Any])
_SECONDS = 10  # to reach a scheduler


def replaying(end: str) -> Callable[[F], F]:
    """The options of every command that replays; `end`: of the name of its folder."""
    options = (
        click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
                     help="Processes that replay side by side; the answer is the same."),
        click.option("--resume", is_flag=True, help="Use the results that --out holds already."),
        click.option("--out", type=FOLDER, metavar="DIR", help="Keep results, table and report "
                     f"there [default: the file's name without .toml, with {end}]."),
        click.option("--scheduler", metavar="ADDRESS",
                     help="Replay on the Dask cluster at this address."),
        click.option("--json", "as_json", is_flag=True, help="Print canonical JSON."),
        click.option("--quiet", is_flag=True, help="No progress on stderr."))

    def decorated(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


@contextmanager
def executor(scheduler: str | None, jobs: int) -> Iterator[Executor | None]:
    """The executor of the cluster at an address, None without one. Raises UsageError,
    MissingTool."""
    if not scheduler:
        yield None
        return
    if jobs > 1:
        raise UsageError("--jobs are processes here, --scheduler is a cluster; give one of them")
    client = _client(scheduler)
    try:
        yield client.get_executor()
    finally:
        client.close()


def _client(address: str) -> Any:
    try:
        distributed = importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise MissingTool("--scheduler needs Dask: pip install 'rackwright[dask]'") from None
    try:
        return distributed.Client(address, timeout=_SECONDS)
    except (OSError, ValueError) as problem:
        raise UsageError(f"no Dask scheduler at {address}: {problem}; start one with `dask "
                         "scheduler` and give its tcp:// address") from None
