"""``rackwright trace generate KIND OUT``: one command for each kind of `trace_kinds`.

Without a kind it makes requests: ``rackwright trace generate OUT --rate 20 ...``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rackwright.cli.trace_kinds import KINDS, Kind
from rackwright.errors import UnknownName

__all__ = ["generate"]

_DEFAULT = "requests"


class _Kinds(click.Group):
    """A group that takes a first argument that is no kind for requests' OUT."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in KINDS and args[0] not in ("-h", "--help"):
            if args[0].isidentifier() and len(args) > 1 and not args[1].startswith("-"):
                raise UnknownName("kind of trace", args[0], KINDS)
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(KINDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name, KINDS[cmd_name]) if cmd_name in KINDS else None


@click.command(cls=_Kinds)
def generate() -> None:
    """Write a seeded trace of a KIND to OUT.

    The same options and seed give the same bytes. `generate KIND --help` lists the options of a
    kind; without a kind it makes requests.

    \b
    rackwright trace generate requests load.csv --rate 20 --duration 60s
    rackwright trace generate operations store.csv --workload a --count 10000
    """


def _command(name: str, kind: Kind) -> click.Command:
    def run(out: str, **options: Any) -> None:
        given = {key: value for key, value in options.items() if value is not None}
        made, write = kind.make(given)
        written = write(made, Path(out))
        click.echo(f"{written}: {_size(made)}sha256 {made.content_hash}", err=True)

    return click.Command(name, callback=run, help=f"{kind.help}\n\nWrites OUT, seeded.",
                         short_help=kind.help, params=[click.Argument(["out"]), *kind.options])


def _size(made: Any) -> str:
    return f"{len(made)} rows, " if hasattr(made, "__len__") else ""
