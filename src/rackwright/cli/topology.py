"""``rackwright topology``: show, check and convert topologies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json, width

if TYPE_CHECKING:
    from rackwright.topologies import Fabric

__all__ = ["topology"]

_SOURCE = "NAME|FILE"
_RATE = click.option("--default-rate", "rate", metavar="RATE", help="Rate of every link that the "
                     "file gives none for, such as 100Gbps.")


@click.group()
def topology() -> None:
    """Show, check and convert topologies.

    NAME is a preset, with arguments after a colon (dgx-a100:hosts=2,nics=4); FILE is a file in
    any of these formats, told by its content: node-link JSON, NCCL or RCCL topology XML, hwloc
    XML, GraphML, `nvidia-smi topo -m`, SimAI or ns-3 text, ASTRA-sim YAML, containerlab YAML.
    """


@topology.command()
@click.argument("source", metavar=_SOURCE)
@click.option("--svg", type=click.Path(dir_okay=False), help="Draw it into this file.")
@click.option("--png", type=click.Path(dir_okay=False), help="Draw it into this file.")
@click.option("--result", metavar="DIR", help="Colour the links of the picture by how busy they "
              "were in a replay, which wrote DIR.")
@click.option("--tree", is_flag=True, help="Print a tree instead: each host from its CPUs down, "
              "and the network above.")
@_RATE
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def show(source: str, svg: str | None, png: str | None, result: str | None, tree: bool,
         rate: str | None, as_json: bool) -> None:
    """Print a table of parts, links and facts, or a tree; draw a picture."""
    from rackwright.topologies import facts, report_of, to_png, to_svg, to_text, to_tree

    fabric = _compiled(source, rate)
    use = _utilisation(result) if result else None
    report = report_of(fabric.graph)
    if as_json:
        emit_json(facts(fabric) | ({"import": report} if report else {}))
    else:
        emit(to_tree(fabric) if tree else to_text(fabric))
        for word in ("read", "assumed", "dropped") if report else ():
            for line in (report or {})[word]:
                emit(f"{word}: {line}\n")
    for path, draw in ((svg, to_svg), (png, to_png)):
        if path:
            draw(fabric.graph, path, use)
            click.echo(f"wrote {path}", err=True)


@topology.command()
@click.argument("source", metavar=_SOURCE)
@_RATE
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def check(source: str, rate: str | None, as_json: bool) -> None:
    """Say whether a topology can be used; list everything that is wrong with it."""
    fabric = _compiled(source, rate)
    found: dict[str, Any] = {"content_hash": fabric.content_hash, "hosts": len(fabric.hosts()),
                             "links": len(fabric.link_names), "nodes": len(fabric.nodes)}
    if as_json:
        emit_json(found)
    else:
        emit(f"{source}: good, {found['nodes']} nodes, {found['links']} links, "
             f"hosts: {found['hosts']}, sha256 {fabric.content_hash}\n")


@topology.command()
@click.argument("source", metavar=_SOURCE)
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False))
@click.option("--to", "form", metavar="FORMAT", help="json (which keeps everything), graphml, "
              "nccl-xml, ns3 or nvml-mock; without it the ending of OUT decides.")
@_RATE
def convert(source: str, target: str, form: str | None, rate: str | None) -> None:
    """Write a topology in another format; say what was assumed and what is left out."""
    from rackwright.topologies import report_of, save

    graph = _compiled(source, rate).graph
    report = save(graph, target, form)
    _say(report_of(graph))
    _say(report.record())
    click.echo(f"wrote {target}", err=True)


@topology.command()
@click.argument("before", metavar=_SOURCE)
@click.argument("after", metavar=_SOURCE)
@_RATE
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def diff(before: str, after: str, rate: str | None, as_json: bool) -> None:
    """What differs between two topologies: parts and links. Exits with 1 when anything does."""
    from rackwright.report.table import table
    from rackwright.topologies import diff

    rows = diff(_compiled(before, rate).graph, _compiled(after, rate).graph)
    if as_json:
        emit_json(rows)
    elif rows:
        emit(table(("what", "name", "before", "after"), [list(row.values()) for row in rows],
                   width()))
    else:
        emit("no difference\n")
    if rows:
        raise click.exceptions.Exit(1)


@topology.command()
@click.argument("sources", metavar=f"{_SOURCE}...", nargs=-1, required=True)
@click.option("--fabric", metavar="CABLE", default="", help="Plug every free adapter into one "
              "switch with this cable (ethernet-400g); without it, with one of its own rate.")
@click.option("--uplink", metavar="CABLE", help="Join that switch to the networks that sources "
              "bring along with this cable.")
@click.option("--out", required=True, metavar="OUT", type=click.Path(dir_okay=False),
              help="The file to write; its ending tells the format.")
@_RATE
def merge(sources: tuple[str, ...], fabric: str, uplink: str | None, out: str,
          rate: str | None) -> None:
    """Join several machines into one topology; hosts are numbered on."""
    from rackwright.topologies import compile, merge, save

    graph = merge([_compiled(source, rate).graph for source in sources], fabric, uplink=uplink)
    compile(graph)
    _say(save(graph, out).record())
    click.echo(f"wrote {out}: {len(graph)} nodes", err=True)


@topology.command()
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False))
@click.option("--sys", "folder", default="/sys", metavar="DIR", help="Where /sys is mounted.")
def capture(target: str, folder: str) -> None:
    """Write this machine's PCIe tree as a topology, read from /sys without root."""
    from rackwright.topologies import capture, report_of, save

    graph = capture(folder)
    save(graph, target)
    _say(report_of(graph))
    click.echo(f"wrote {target}: {len(graph)} nodes", err=True)


def _utilisation(folder: str) -> dict[str, float]:
    from rackwright import run

    return dict(run.load(folder).result.link_utilisation)


def _say(record: dict[str, Any] | None) -> None:
    """What an import or export assumed or left out, on stderr."""
    for word in ("assumed", "dropped"):
        for line in (record or {}).get(word, ()):
            click.echo(f"{word}: {line}", err=True)


def _compiled(source: str, rate: str | None = None) -> Fabric:
    from rackwright.errors import TopologyError
    from rackwright.topologies import compile, resolve

    try:
        return compile(resolve(source, rate))
    except TopologyError as problem:
        if problem.place is not None:
            raise
        raise TopologyError("this topology cannot be used", problem.faults, place=source) from None
