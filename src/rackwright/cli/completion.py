"""``rackwright completion bash|zsh|fish``: the script that teaches a shell our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from rackwright.cli.app import cli

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash   eval "$(rackwright completion bash)"    in ~/.bashrc
    zsh    eval "$(rackwright completion zsh)"     in ~/.zshrc
    fish   rackwright completion fish > ~/.config/fish/completions/rackwright.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click knows the three shells named above
    click.echo(found(cli, {}, "rackwright", "_RACKWRIGHT_COMPLETE").source())
