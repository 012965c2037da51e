"""`fastw2v completion`: the script that teaches a shell to complete commands and options."""

import click

__all__ = ["completion_command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print a script that completes commands, options, choices and files in SHELL."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"expected a shell that click completes, got {shell!r}")
    whole = context.find_root().command
    click.echo(maker(whole, {}, "fastw2v", "_FASTW2V_COMPLETE").source())
