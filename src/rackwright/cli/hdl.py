"""`rackwright hdl`: test, measure and lint the offload blocks. Thin: no logic of its own.

BLOCK is the name of a packaged block or the path of a block folder; without it, all packaged
blocks. Data goes to stdout, progress to stderr.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rackwright.hdl import BenchReport, LintReport

__all__ = ["hdl"]


@click.group()
def hdl() -> None:
    """Verilog offload blocks: test, measure, lint."""


@hdl.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_blocks(as_json: bool) -> None:
    """The packaged blocks and their geometries; the first geometry is the default."""
    from rackwright.hdl import block, blocks

    rows: list[dict[str, Any]] = [
        {"block": one.name, "summary": one.summary,
         "geometries": [shape.name for shape in one.geometries]} for one in map(block, blocks())]
    if as_json:
        click.echo(json.dumps(rows, indent=1, sort_keys=True))
        return
    for row in rows:
        click.echo(f"{row['block']:16s} {row['summary']}\n{'':16s} {', '.join(row['geometries'])}")


@hdl.command("test")
@click.argument("block", required=False)
@click.option("--seed", default=0, show_default=True, help="Seed of the benches.")
@click.option("--waves", is_flag=True, help="Keep an FST file of all signals; says where.")
@click.option("--all-geometries", is_flag=True, help="The slow geometries too.")
@click.option("--timeout", default=300.0, show_default=True,
              help="Wall-clock limit of one bench, seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def run_benches(block: str | None, seed: int, waves: bool, all_geometries: bool, timeout: float,
                 as_json: bool) -> None:
    """Run the benches on Icarus; exit status 1 when one fails."""
    from rackwright.errors import RackwrightError
    from rackwright.hdl import block as read
    from rackwright.hdl import test_block

    reports = []
    for name in _names(block):
        for shape in read(name).geometries:
            if shape.slow and not all_geometries:
                continue
            click.echo(f"{name} {shape.name} ...", err=True)
            reports.append(test_block(name, seed=seed, waves=waves, timeout_time=timeout,
                                      geometry=shape.name))
            if not as_json:
                _print_report(reports[-1])
    if as_json:
        click.echo(json.dumps([json.loads(one.to_json()) for one in reports], indent=1))
    failed = [f"{one.block} {one.geometry}" for one in reports if not one.passed]
    if failed:
        raise RackwrightError(f"the bench failed: {', '.join(failed)}")


@hdl.command("characterise")
@click.argument("block", required=False)
@click.option("--check", is_flag=True, help="Compare with timing.toml, write nothing.")
def measure_cycles(block: str | None, check: bool) -> None:
    """Measure clock cycles and write timing.toml."""
    from rackwright.hdl import characterise

    for name in _names(block):
        click.echo(f"{name} ...", err=True)
        click.echo(characterise(name, check=check), nl=False)


@hdl.command("lint")
@click.argument("block", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def lint_rtl(block: str | None, as_json: bool) -> None:
    """Lint the RTL with Icarus, and with Verilator when it is installed."""
    from rackwright.errors import RackwrightError
    from rackwright.hdl import lint

    reports = [lint(name) for name in _names(block)]
    for tool in sorted({tool for one in reports for tool in one.skipped}):
        click.echo(f"skipped {tool}: not installed (sudo apt-get install {tool})", err=True)
    if as_json:
        click.echo(json.dumps([json.loads(one.to_json()) for one in reports], indent=1))
    else:
        for one in reports:
            _print_lint(one)
    failed = [one.block for one in reports if not one.passed]
    if failed:
        raise RackwrightError(f"lint found faults in {', '.join(failed)}")


def _names(block: str | None) -> tuple[str, ...]:
    from rackwright.hdl import blocks

    return (block,) if block else blocks()


def _print_report(report: BenchReport) -> None:
    passed = sum(test.passed for test in report.tests)
    click.echo(f"{report.block} {report.geometry}: {passed} of {len(report.tests)} tests passed, "
               f"{len(report.coverage)} bins, seed {report.seed}, {report.simulator}")
    for test in report.tests:
        if not test.passed:
            click.echo(f"  FAILED {test.name}: {test.message}")
    if report.waves:
        click.echo(f"  waves: {report.waves}")


def _print_lint(report: LintReport) -> None:
    click.echo(f"{report.block}: {'clean' if report.passed else 'faults'}")
    for finding in report.findings:
        waived = f" (waived: {finding.waived})" if finding.waived else ""
        click.echo(f"  {finding.tool} {finding.geometry}: {finding.text}{waived}")
