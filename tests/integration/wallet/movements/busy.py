"""A platform with many sub-accounts and some strangers, and money that moved between them in every way."""

import random
from datetime import UTC, datetime

from tests.fakes.world import World
from tests.integration.wallet.changes import BANK, ETH, EUR, credited, held, paid, settled, voided
from wallet.ids import CustomerId, encode_ulid
from wallet.journal import Change, EventKind, Insert
from wallet.ledger import accounts, templates
from wallet.money import Amount

PLATFORM = CustomerId(f"cus_{encode_ulid(0, 1)}")
STRANGER = CustomerId(f"cus_{encode_ulid(0, 2)}")
HUGE = 10**40 + 7  # base units; with 18 decimals


def sub_account(number: int) -> CustomerId:
    return CustomerId(f"cus_{encode_ulid(1, number)}")


def everybody(subs: int) -> list[CustomerId]:
    return [PLATFORM, STRANGER, *[sub_account(n) for n in range(subs)]]


async def open_customers(world: World, subs: int) -> None:
    """`sub_account(n)` has the reference `-n`, which a spreadsheet would compute were it not a figure, or `-n-1`."""
    now = datetime.now(UTC)
    nobody = {"name_item": None, "email_item": None, "created_at": now}
    own = [{"id": c, "handle": h, **nobody} for c, h in ((PLATFORM, "exchange"), (STRANGER, "stranger"))]
    kept = [
        {"id": sub_account(n), "handle": None, "platform": PLATFORM, "reference": f"-{n}-1", **nobody}
        for n in range(subs)
    ]
    writes = tuple(Insert("customers", row) for row in (*own, *kept))
    await world.context.journal.commit(Change("test", EventKind.CUSTOMERS_CREATED, {}, writes=writes))


async def be_busy(world: World, subs: int, rounds: int, seed: int = 1) -> None:
    """Deposits, payments, holds that are settled or voided, fees, a loss that becomes a debt; huge amounts among them."""
    journal, chance = world.context.journal, random.Random(seed)
    people = everybody(subs)
    for person in people:
        await journal.commit(credited(person, 10**7))
        await journal.commit(credited(person, HUGE, ETH))
    for number in range(rounds):
        payer, payee = chance.sample(people, 2)
        await journal.commit(paid(payer, payee, chance.randint(1, 999)))
        await journal.commit(paid(payee, payer, chance.randint(1, 10**30), asset=ETH))
        name = f"hld_{seed}_{number}"
        await journal.commit(held(payer, chance.randint(2, 500), name))
        if number % 2:
            await journal.commit(settled(payer, 2, name))
        else:
            await journal.commit(voided(payer, 1, name))
        fee = templates.leg_settled(
            accounts.customer_balance(payer, EUR), accounts.platform_fees(PLATFORM, EUR), Amount(1, EUR)
        )
        await journal.commit(Change("test", EventKind.SETTLEMENT_POSTED, {"id": f"stl_{number}"}, entry=fee))
    poor = people[-1]
    entry = templates.charged_back(poor, accounts.hot(BANK, EUR), Amount(12 * 10**6, EUR))
    await journal.commit(Change("test", EventKind.OUTFLOW_BOOKED, {}, entry=entry))
