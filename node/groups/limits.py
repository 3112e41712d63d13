"""`coffer limit`."""

import json
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="What may leave a customer, and how much of it is left.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The customer: id or @handle.")]
Most = Annotated[str | None, typer.Option(help="A decimal amount; no limit without it.")]


@group.command("show")
def limit_show(name: Name, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show every limit with what is left, the customer's own safety rules, and what is about to loosen them."""
    from node.commands.limits import print_limits  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_limits(context, name, as_json=as_json))


@group.command("set")
def limit_set(
    name: Name,
    asset: str,
    reason: Annotated[str, typer.Argument(help="It goes on record, and the customer reads it.")],
    per_withdrawal: Most = None,
    per_24h: Most = None,
    per_7d: Most = None,
    payments: Annotated[bool, typer.Option("--payments", help="Payments to others count as well.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Set operators' limits in one asset, in place of those before. The customer's own stay, and the tighter one wins."""
    from node.commands.limits import set_limits  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        view = await set_limits(context, name, asset, (per_withdrawal, per_24h, per_7d), reason, payments=payments)
        print(json.dumps(view["operator_limits"]))
        return 0

    if per_withdrawal is per_24h is per_7d is None:
        raise typer.BadParameter("name at least one limit, or use `coffer limit lift`")
    beside(config, work)


@group.command("lift")
def limit_lift(name: Name, asset: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Lift operators' limits in one asset. What the customer has set for themselves stays."""
    from node.commands.limits import set_limits  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await set_limits(context, name, asset, (None, None, None), reason, payments=False)
        print(f"operators limit nothing of {asset} for {name}")
        return 0

    beside(config, work)
