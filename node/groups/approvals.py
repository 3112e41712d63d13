"""`coffer approval` and `coffer approve`: withdrawals that wait for operators."""

from pathlib import Path
from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, finish

group = typer.Typer(
    help="Withdrawals that wait for operators. COFFER_OPERATOR_KEY says which one you are.", no_args_is_help=True
)
Withdrawal = Annotated[str, typer.Argument(help="wdr_…")]
Reason = Annotated[str, typer.Argument(help="It goes on record.")]


def approve(
    withdrawal: Annotated[
        str | None, typer.Argument(help="wdr_…, as `coffer approval list` shows it. Left out with --act.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Your approval key's file.")] = None,
    act: Annotated[
        Path | None,
        typer.Option("--act", help="Sign what this file says, without a node. `coffer approval act` writes one."),
    ] = None,
    signed: Annotated[
        Path | None, typer.Option("--signed", help="Hand in what `coffer approve --act` printed elsewhere.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: you have compared the words.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Approve a withdrawal: it is shown in words, and your own key signs exactly that."""
    from node.commands.approvals import approve_here, sign_act_file  # noqa: PLC0415

    if act is not None and key is not None and withdrawal is None and signed is None:
        finish(sign_act_file(act, key, yes=yes))
    if withdrawal is None or act is not None or (key is None) == (signed is None):
        raise typer.BadParameter("give WITHDRAWAL with --key or --signed, or --act with --key")
    beside(config, lambda context, _dsns: approve_here(context, withdrawal, key, signed, yes=yes))


@group.command("list")
def approval_list(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List what waits, oldest first."""
    from node.commands.approvals import print_queue  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_queue(context, as_json=as_json))


@group.command("show")
def approval_show(withdrawal: Withdrawal, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show one in words, with its digest and who has approved it."""
    from node.commands.approvals import print_asked  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_asked(context, withdrawal, as_json=as_json))


@group.command("act")
def approval_act(withdrawal: Withdrawal, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Print the act for a machine without the node, where `coffer approve --act FILE --key FILE` signs it."""
    from node.commands.approvals import print_act  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_act(context, withdrawal))


@group.command("reject")
def approval_reject(
    withdrawal: Withdrawal,
    reason: Annotated[str, typer.Argument(help="The customer reads it.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Decline a withdrawal: it ends, and its owner has the money back."""
    from node.commands.approvals import reject  # noqa: PLC0415

    beside(config, lambda context, _dsns: reject(context, withdrawal, reason))


@group.command("keys")
def approval_keys(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List the keys with which operators approve."""
    from node.commands.approvals import print_keys  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_keys(context, as_json=as_json))


@group.command("enrol")
def approval_enrol(
    operator: Annotated[str, typer.Argument(help="opr_…: whose key it is.")],
    key: Annotated[str, typer.Argument(help="The public half, as `coffer operator approval-key` printed it.")],
    reason: Reason,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Propose to enrol an operator's approval key. It counts when another operator has approved that."""
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.approvals.approvers import draft_enrolment  # noqa: PLC0415

    beside(
        config,
        lambda context, _dsns: propose_on_record(
            context, lambda: draft_enrolment(context, operator, key, reason), as_json=as_json
        ),
    )


@group.command("revoke")
def approval_revoke(
    key: Annotated[str, typer.Argument(help="The public half, in hex.")], config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Revoke an approval key at once. What it has approved and is not begun waits again."""
    from node.commands.approvals import revoke  # noqa: PLC0415

    beside(config, lambda context, _dsns: revoke(context, key))
