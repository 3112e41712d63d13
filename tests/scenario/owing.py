"""Who has what and owes what, for stories in which a network takes something back."""

from tests.fakes.world import World
from wallet import schema
from wallet.context import Record
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.ledger.accounts import Flags
from wallet.ledger.balances import balances
from wallet.ledger.reconcile import positions
from wallet.money import Asset, format_units, parse_amount
from wallet.payments.send import send_payment


async def credited(world: World, asset: Asset, text: str = "5") -> tuple[CustomerId, Record]:
    """Alice, and her only deposit."""
    owner = await world.customer("alice")
    await world.fund(owner, asset.symbol, text)
    return owner, await deposit(world)


async def deposit(world: World) -> Record:
    (row,) = await world.context.all(schema.deposits.select())
    return row


async def deposits(world: World, owner: CustomerId) -> list[Record]:
    return await world.context.all(schema.deposits.select().where(schema.deposits.c.owner == owner))


async def spent(world: World, payer: CustomerId, asset: Asset, text: str, to: str = "bob") -> None:
    payee = await world.customer(to)
    request = Request(payer, "payment.send", f"spent-{to}", b"test")
    await send_payment(world.context, "test", payer, payee, parse_amount(text, asset), None, request)


async def available(world: World, owner: CustomerId, asset: Asset) -> str:
    return next(row["available"] for row in await balances(world.context, owner) if row["asset"] == asset.symbol)


async def owed(world: World, owner: CustomerId, asset: Asset) -> int:
    table = schema.accounts
    row = await world.context.one(table.select().where(table.c.id == f"{owner}:receivable:{asset.symbol}"))
    return 0 if row is None else row["debits_posted"] - row["credits_posted"]


async def is_frozen(world: World, owner: CustomerId) -> bool:
    """In every asset."""
    table = schema.accounts
    rows = await world.context.all(table.select().where(table.c.owner == owner, table.c.code == "balance"))
    found = {bool(row["flags"] & Flags.FROZEN) for row in rows}
    assert len(found) == 1, "frozen in some assets only"
    return found.pop()


async def exact(world: World) -> bool:
    return all(position.difference == 0 for position in await positions(world.context))


def parse_text(text: str, asset: Asset) -> str:
    """As amounts are shown."""
    return format_units(parse_amount(text, asset).units, asset.decimals)
