"""``rackwright topology``: show, check and convert topologies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json

if TYPE_CHECKING:
    from rackwright.topologies import Fabric

__all__ = ["topology"]

_SOURCE = "NAME|FILE"


@click.group()
def topology() -> None:
    """Show, check and convert topologies.

    NAME is a preset, with arguments after a colon (dgx-a100:hosts=2,nics=4); FILE is node-link
    JSON, as `convert` writes it.
    """


@topology.command()
@click.argument("source", metavar=_SOURCE)
@click.option("--svg", type=click.Path(dir_okay=False), help="Draw it into this file.")
@click.option("--png", type=click.Path(dir_okay=False), help="Draw it into this file.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def show(source: str, svg: str | None, png: str | None, as_json: bool) -> None:
    """Print a table of parts, links and facts; draw a picture."""
    from rackwright.topologies import facts, to_png, to_svg, to_text

    fabric = _compiled(source)
    if as_json:
        emit_json(facts(fabric))
    else:
        emit(to_text(fabric))
    for path, draw in ((svg, to_svg), (png, to_png)):
        if path:
            draw(fabric.graph, path)
            click.echo(f"wrote {path}", err=True)


@topology.command()
@click.argument("source", metavar=_SOURCE)
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def check(source: str, as_json: bool) -> None:
    """Say whether a topology can be used; list everything that is wrong with it."""
    fabric = _compiled(source)
    found: dict[str, Any] = {"content_hash": fabric.content_hash, "hosts": len(fabric.hosts()),
                             "links": len(fabric.link_names), "nodes": len(fabric.nodes)}
    if as_json:
        emit_json(found)
    else:
        emit(f"{source}: good, {found['nodes']} nodes, {found['links']} links, "
             f"hosts: {found['hosts']}, sha256 {fabric.content_hash}\n")


@topology.command()
@click.argument("source", metavar=_SOURCE)
@click.argument("target", metavar="OUT.json", type=click.Path(dir_okay=False))
def convert(source: str, target: str) -> None:
    """Write a topology as node-link JSON."""
    from rackwright.errors import UsageError
    from rackwright.topologies import save

    if Path(target).suffix != ".json":
        raise UsageError(f"cannot tell a format from {target!r}; name a file that ends in .json")
    save(_compiled(source).graph, target)
    click.echo(f"wrote {target}", err=True)


def _compiled(source: str) -> Fabric:
    from rackwright.errors import TopologyError
    from rackwright.topologies import compile, resolve

    try:
        return compile(resolve(source))
    except TopologyError as problem:
        if problem.place is not None:
            raise
        raise TopologyError("this topology cannot be used", problem.faults, place=source) from None
