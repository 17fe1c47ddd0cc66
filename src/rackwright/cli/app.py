"""The ``rackwright`` command: its sub-commands by name, and how errors become exit codes.

0 success, 1 a failed expectation or an unexpected error, 2 usage, 3 bad input, 4 missing tool,
130 interrupted, 141 the reader of stdout went away. An error is one message on stderr;
``--debug`` or ``RACKWRIGHT_DEBUG=1`` adds the traceback.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from rackwright.errors import Interrupted, MissingTool, RackwrightError, UnknownName

__all__ = ["COMMANDS", "cli", "main"]

# name -> (module:attribute, line for --help); the module is imported when it is chosen
COMMANDS = {
    "calibrate": ("rackwright.cli.calibrate:calibrate",
                  "Measure a real GPU; check the models against measurements."),
    "compare": ("rackwright.cli.compare:compare",
                "Which inputs differ between two runs, which metrics moved."),
    "completion": ("rackwright.cli.completion:completion",
                   "Print the shell's completion script."),
    "demo": ("rackwright.cli.demo:demo",
             "Every system on a packaged sample, beside its baselines."),
    "devices": ("rackwright.cli.devices:devices",
                "The parts of the catalog, with sources and error bands."),
    "fidelity": ("rackwright.cli.fidelity:fidelity",
                 "The models against measurements: errors, roofline, peers."),
    "hdl": ("rackwright.cli.hdl:hdl",
            "Test, measure and lint the Verilog offload blocks."),
    "panel": ("rackwright.cli.panel:panel",
              "A rack as instruments that answer SCPI through VISA."),
    "replay": ("rackwright.cli.replay:replay",
               "Replay a system's workload on a topology."),
    "reproduce": ("rackwright.cli.reproduce:reproduce",
                  "Published claims against simulated numbers, row by row."),
    "study": ("rackwright.cli.study:study",
              "What-if studies: many scenarios, one table and report."),
    "topology": ("rackwright.cli.topology:topology",
                 "Show, check and convert topologies."),
    "trace": ("rackwright.cli.trace:trace",
              "Show, check and generate traces."),
}
_BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(_imported(module, cmd_name), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownName("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items()
                 if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _imported(module: str, command: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name == module:
            raise MissingTool(f"this installation has no `rackwright {command}` (module {module} "
                              "is absent); install the whole package again") from problem
        raise MissingTool(f"`rackwright {command}` needs {problem.name}, which is not "
                          "installed: pip install rackwright[hdl,plot]") from problem


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import rackwright

        click.echo(f"rackwright {rackwright.__version__}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"],
                                               "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False,
              callback=_print_version, help="Print the version.")
@click.option("--debug", is_flag=True, help="Show tracebacks (also RACKWRIGHT_DEBUG=1).")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Emulate datacentre hardware and replay published systems on it.

    Start with `rackwright demo`, then `rackwright replay SYSTEM --help`.
    """
    ctx.ensure_object(dict)["debug"] = debug
    if debug:
        os.environ["RACKWRIGHT_DEBUG"] = "1"


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    stdout = sys.stdout
    try:
        code = cli.main(args=None if args is None else list(args), prog_name="rackwright",
                        standalone_mode=False)
        stdout.flush()
    except BaseException as problem:
        # click swallows a broken pipe and leaves a wrapper in the place of stdout
        code = _BROKEN_PIPE if sys.stdout is not stdout else _report(problem)
    if code == _BROKEN_PIPE:  # nothing is left to say, not even at shutdown
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    sys.exit(code if isinstance(code, int) else 0)


def _report(problem: BaseException) -> int:
    """Say on stderr what went wrong; return the exit code."""
    if isinstance(problem, SystemExit):
        return problem.code if isinstance(problem.code, int) else 1
    if isinstance(problem, OSError) and problem.errno == errno.EPIPE:
        return _BROKEN_PIPE
    if _debug():
        traceback.print_exception(problem)
    if isinstance(problem, click.Abort | KeyboardInterrupt):
        return _say("rackwright: interrupted", Interrupted.exit_code)
    if isinstance(problem, Interrupted):
        return _say(f"rackwright: {problem}", problem.exit_code)
    if isinstance(problem, RackwrightError):
        notes = "".join(f"\n({note})" for note in getattr(problem, "__notes__", ()))
        return _say(f"rackwright: error: {problem}{notes}", problem.exit_code)
    if isinstance(problem, click.ClickException):
        problem.show()
        return problem.exit_code
    return _say(f"rackwright: error: unexpected {type(problem).__name__}: {problem}\n"
                "This is a fault of rackwright. Run again with `rackwright --debug ...` for the "
                "traceback.", 1)


def _say(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code


def _debug() -> bool:
    return os.environ.get("RACKWRIGHT_DEBUG", "") not in ("", "0")
