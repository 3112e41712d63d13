"""`coffer proposal`."""

from pathlib import Path
from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(
    help="Acts that need two operators. COFFER_OPERATOR_KEY says which one you are.", no_args_is_help=True
)
Digest = Annotated[str, typer.Argument(help="The digest of the act that you mean, or its words.")]
SigningKey = Annotated[
    Path | None, typer.Option("--key", help="Your approval key's file, where the signer asks for a signature.")
]


@group.command("list")
def proposal_list(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended as well.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List what waits for a second operator, or for the world."""
    from node.commands.proposals import print_proposals  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_proposals(context, everything=everything, as_json=as_json))


@group.command("show")
def proposal_show(proposal_id: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the exact act, its digest, and the words that two people compare."""
    from node.commands.proposals import print_proposal  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_proposal(context, proposal_id, as_json=as_json))


@group.command("approve")
def proposal_approve(
    proposal_id: str, digest: Digest, key: SigningKey = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Approve what another operator proposed: the very act with this digest."""
    from node.commands.proposals import approve  # noqa: PLC0415

    beside(config, lambda context, _dsns: approve(context, proposal_id, digest, key))


@group.command("sign")
def proposal_sign(
    proposal_id: str,
    digest: Digest,
    key: Annotated[Path, typer.Option("--key", help="Your approval key's file.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Add your signature for the signer, to a proposal of your own too. It approves nothing."""
    from node.commands.proposals import sign  # noqa: PLC0415

    beside(config, lambda context, _dsns: sign(context, proposal_id, digest, key))


@group.command("reject")
def proposal_reject(proposal_id: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """End a proposal without doing anything. The reason goes on record."""
    from node.commands.proposals import reject  # noqa: PLC0415

    beside(config, lambda context, _dsns: reject(context, proposal_id, reason))
