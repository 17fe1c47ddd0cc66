"""``rackwright replay SYSTEM``: one system, and its baselines if wanted, on a topology."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.errors import Interrupted, UsageError
from rackwright.writing import write_text

__all__ = ["replay"]


def _systems(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of systems for shell completion."""
    from rackwright.models import registry

    return [name for name in registry.names() if name.startswith(incomplete)]


@click.command()
@click.argument("system", metavar="SYSTEM", required=False, shell_complete=_systems)
@click.option("--topology", metavar="NAME|FILE",
              help="A preset (dgx-a100, dgx-a100:hosts=2) or a file; default: the sample's.")
@click.option("--trace", metavar="NAME|FILE",
              help="The workload: a file or a packaged trace; default: the system's sample.")
@click.option("--limit", type=click.IntRange(min=1), help="Read only the first N rows of it.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="An option of the system; --options lists them.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--baseline", is_flag=False, flag_value="all", metavar="[NAME,...]",
              help="Replay these baselines too; without a name: all of them.")
@click.option("--sensitivity", "links", is_flag=False, flag_value="all", metavar="[KIND,...]",
              help="Replay it again with each kind of link (nvlink, pcie, ...) or edge pattern "
              "('h0/gpu0->h0/nvswitch') at half its rate; without a name: all kinds.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Write result.json, baseline-NAME.json, run.json, timeline.json.gz, report.html "
              "there.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write that report alone: one file, no scripts.")
@click.option("--catalog", type=click.Path(path_type=Path), metavar="DIR",
              help="A folder of your own part files, beside the packaged ones.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
@click.option("--options", "list_options", is_flag=True, help="List the options and baselines.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def replay(system: str | None, topology: str | None, trace: str | None, limit: int | None,
           settings: tuple[str, ...], seed: int, baseline: str | None, links: str | None,
           out: Path | None, html: Path | None, catalog: Path | None, as_json: bool,
           list_options: bool, quiet: bool) -> None:
    """Replay SYSTEM's workload on a topology.

    Prints its metrics beside those of the baselines, what limits each, and where the time goes.

    \b
    rackwright replay aep --baseline
    rackwright replay aep --topology dgx-a100:hosts=2 --trace requests.csv --set policy=mtfs
    """
    from rackwright import run
    from rackwright.models import registry

    if system is None:
        raise UsageError(f"which system? one of: {', '.join(registry.names())}")
    model = registry.get(system)
    if list_options:
        _list_options(model, as_json)
        return
    with _own_parts(catalog):
        options = model.options.read_settings(_settings(settings))
        model.options.checked(options)  # before anything slow
        names = _names(baseline)
        run.baseline_names(model, names)
        _check_places(out, html)
        loaded = run.load_trace(model, trace, limit)
        fabric = _fabric(topology or model.sample_topology, links)
        written = _Written(fabric, out, html, as_json)
        found = reacted = None
        try:
            with progress(quiet) as report:
                found = run.replay_baselines(system, fabric, loaded, names, seed, report,
                                             **options)
                if links:
                    reacted = _reactions(found.result, fabric, loaded, links, report, options)
        except Interrupted as stop:
            if found is None:
                found = stop.partial
            else:
                reacted = stop.partial
            _finish(found, reacted, written, interrupted=True)
            raise
        _finish(found, reacted, written)


class _Written(NamedTuple):
    """Where results go, and the fabric that a report draws."""

    fabric: Any
    out: Path | None
    html: Path | None
    as_json: bool


def _own_parts(folder: Path | None) -> AbstractContextManager[None]:
    from rackwright.devices import catalog

    return nullcontext() if folder is None else catalog.beside(folder)


def _check_places(out: Path | None, html: Path | None) -> None:
    """Refuse what cannot be written before anything is replayed."""
    from rackwright import outdir, run

    if out:
        run.prepare(out)
    if html:
        outdir.prepare(html.parent)


def _fabric(topology: str, links: str | None) -> Any:
    """The topology; it has these links, which is told before anything slow."""
    from rackwright import run
    from rackwright.sensitivities import groups

    fabric = run.load_fabric(topology)
    if links:
        groups(fabric, _names(links))
    return fabric


def _reactions(base: Any, fabric: Any, loaded: Any, links: str, report: Any,
               options: dict[str, Any]) -> Any:
    from rackwright.sensitivities import reactions

    return reactions(base, fabric, loaded, _names(links), progress=report, **options)


def _names(text: str | None) -> Sequence[str] | None:
    """Baselines, or groups of links, asked for; None means all."""
    if text is None:
        return ()
    return None if text == "all" else [name for name in text.split(",") if name]


def _settings(settings: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in settings:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise UsageError(f"--set {text!r}: write NAME=VALUE, such as --set policy=mtfs")
        if name in found:
            raise UsageError(f"--set {name}: given twice ({found[name]!r} and {value!r})")
        found[name] = value
    return found


def _finish(found: Any, reacted: Any, written: _Written, interrupted: bool = False) -> None:
    """Print and write what there is."""
    if found is None:
        return
    from rackwright import run
    from rackwright.report import side_by_side

    out, html = written.out, written.html
    page = _page(found, written.fabric) if out or html else ""
    if out:
        run.save(found, out, {"command": sys.argv[1:]}, page)
    if html:
        write_text(html, page)
    if written.as_json:
        emit_json(found.record() | ({"sensitivity": reacted.record()} if reacted else {}))
    else:
        emit(side_by_side(found, width()))
        if reacted:
            emit("\n" + reacted.text(width()))
    state = "what was done so far" if interrupted else "results"
    for place in filter(None, (out, html)):
        click.echo(f"rackwright: wrote {state} to {place}", err=True)


def _page(found: Any, fabric: Any) -> str:
    from rackwright.report.replay_html import page

    graph = getattr(fabric, "graph", None)
    return page(found, graph if hasattr(graph, "nodes") else None)


def _list_options(model: Any, as_json: bool) -> None:
    from rackwright.report.options import options_record, options_text

    if as_json:
        emit_json(options_record(model))
    else:
        emit(options_text(model, width()))
