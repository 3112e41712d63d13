"""Close a customer for ever. What still arrives at their addresses is nobody's until a person has looked at it."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.create import find_open_customer
from wallet.customers.freeze import SHUT, listed_assets
from wallet.deposits.states import CONFIRMING, DETECTED
from wallet.errors import NotAllowed
from wallet.ids import AccountId, CustomerId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, FlagChange, Update
from wallet.ledger.accounts import Account, Flags, account_of, customer_balance, platform_fees, platform_markup
from wallet.money import Asset


async def close_customer(context: Context, actor: str, name: str, reason: str) -> Committed:
    """From the commit on nothing moves on their accounts, their keys open nothing and no address is made for them. The
    personal data stays until it is erased. Raises `NotFound`, `CustomerClosed`, `AccountNotEmpty` where anything is theirs,
    owed by them or promised, and `NotAllowed` while a deposit is on its way or a platform has open sub-accounts."""
    row = await find_open_customer(context, name)
    await _refuse_unfinished(context, row["id"])
    owner, now = CustomerId(row["id"]), context.clock.now()
    result = {"id": owner, "handle": row["handle"], "closed_at": time_text(now)}
    keys, closing = await _open_keys(context, owner), await _closing(context, row)
    change = Change(
        actor=actor,
        kind=EventKind.CUSTOMER_CLOSED,
        data={**result, "reason": reason, "keys_revoked": [key["id"] for key in keys]},
        writes=(
            Update("customers", owner, row["version"], {"closed_at": now}),
            *[Update("api_keys", key["id"], key["version"], {"revoked_at": now}) for key in keys],
        ),
        flags=tuple(FlagChange(account, Flags.NO_OVERDRAFT | SHUT) for account in closing),
        empty=(*closing, *await _accounts(context, owner)),
        result=result,
    )
    return await context.journal.commit(change)


async def _refuse_unfinished(context: Context, owner: str) -> None:
    deposits, customers = schema.deposits, schema.customers
    coming = select(deposits.c.id).where(deposits.c.owner == owner, deposits.c.state.in_((DETECTED, CONFIRMING)))
    if await context.one(coming.limit(1)) is not None:
        raise NotAllowed("a deposit of this customer is on its way")
    kept = select(customers.c.id).where(customers.c.platform == owner, customers.c.closed_at.is_(None))
    if await context.one(kept.limit(1)) is not None:
        raise NotAllowed("this platform has sub-accounts: close them first")


async def _closing(context: Context, row: Record) -> list[Account]:
    """What of theirs could be paid to. What they owe us is no account of theirs to close."""
    owner = CustomerId(row["id"])
    kinds = (customer_balance, platform_fees, platform_markup) if row["platform"] is None else (customer_balance,)
    return [kind(owner, asset) for asset in sorted(await listed_assets(context)) for kind in kinds]


async def _accounts(context: Context, owner: str) -> list[Account]:
    """All that were ever used: the balance in an asset that is no longer listed, and what they owe us."""
    table, assets = schema.accounts, schema.assets
    wanted = select(table.c.id, table.c.asset, assets.c.decimals).join(assets, assets.c.id == table.c.asset)
    rows = await context.all(wanted.where(table.c.owner == owner))
    return [account_of(AccountId(row["id"]), Asset(row["asset"], row["decimals"])) for row in rows]


async def _open_keys(context: Context, owner: str) -> list[Record]:
    table = schema.api_keys
    return await context.all(select(table).where(table.c.owner == owner, table.c.revoked_at.is_(None)))
