"""``rackwright fidelity``: models against measurements. Thin: the work is in `fidelity`."""

from __future__ import annotations

from pathlib import Path

import click

from rackwright.cli.output import emit, emit_json, width

__all__ = ["fidelity"]


@click.command()
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE|DIR",
              help="Your own measurements, as `calibrate gpu` writes them; without it: ours.")
@click.option("--part", "one", metavar="NAME", help="The part that --data was measured on.")
@click.option("--catalog", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="A folder of your own part files, beside the packaged ones.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), metavar="FILE.png|FILE.svg",
              help="Draw predicted against measured (needs matplotlib).")
@click.option("--all", "everything", is_flag=True,
              help="Also fitted points, operations without a model, every worst point.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def fidelity(parts: tuple[str, ...], data: Path | None, one: str | None, folder: Path | None,
             picture: Path | None, everything: bool, as_json: bool) -> None:
    """How wrong the models of each PART are, on measured points that no fit has seen.

    Without PART: every part with packaged measurements, and parts predicted from another's.
    """
    from rackwright.errors import UsageError
    from rackwright.fidelity.assessment import assess, assess_own
    from rackwright.fidelity.drawing import check_target

    named = (*parts, one) if one else parts
    if data is not None and len(named) != 1:
        raise UsageError("--data needs the one part it was measured on: --part NAME "
                         "(`rackwright devices --kind gpu` lists them)")
    if data is None and one:
        raise UsageError(f"--part says what --data was measured on, and there is no --data; for "
                         f"our own measurements write `rackwright fidelity {one}`")
    if picture is not None:
        check_target(picture)
    found = assess(parts, folder=folder, fitted=everything) if data is None else \
        assess_own(named[0], data, folder=folder, fitted=everything)
    if picture is not None:
        from rackwright.fidelity.drawing import plot

        plot(found, picture, everything=everything)
        click.echo(f"drawn: {picture}", err=True)
    if as_json:
        emit_json(found.record(everything=everything))
    else:
        from rackwright.fidelity.listing import text

        emit(text(found, width(), everything=everything))
