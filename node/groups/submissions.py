"""`coffer submission`."""

from typing import Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="What the node has signed: what is stuck, its variants, a higher fee.", no_args_is_help=True)


@group.command("list")
def submission_list(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """What is under way or stopped, oldest first: how long, at what fee, and how often it was replaced."""
    from node.commands.submissions import print_submissions  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_submissions(context, as_json=as_json))


@group.command("show")
def submission_show(submission: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """One submission with all its variants: the tx that a block shows, and those that it excludes."""
    from node.commands.submissions import print_submission  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_submission(context, submission, as_json=as_json))


@group.command("bump")
def submission_bump(submission: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Replace a stuck submission at a higher fee now: on the same nonce or inputs, to the same recipients, up to the caps."""
    from wallet.treasury.urge import urge_submission  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await urge_submission(context, "cli", submission)
        print(
            f"{submission} is replaced at a higher fee as soon as the workers come to it: coffer submission show {submission}"
        )
        return 0

    beside(config, work)
