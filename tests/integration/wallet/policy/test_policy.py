"""A policy with versions: what it catches waits for people, however small it is cut and however much is asked for at once."""

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import func, select

from node.database import Dsns
from tests.approvers import enrolled, two_agree
from tests.fakes.clock import StillClock
from tests.fakes.world import BITCOIN, BTC, EUR, SEPA, World
from wallet import schema
from wallet.approvals.find import find_asked
from wallet.errors import NotAllowed, PolicyRefused
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Request
from wallet.money import Amount, parse_amount
from wallet.policy.past import try_policy
from wallet.policy.rules import read_policy
from wallet.policy.versions import all_versions, draft_policy
from wallet.ports import Destination
from wallet.proofs.verify import verify
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal

AMOUNT = """otherwise = 0
[networks.bitcoin.BTC]
amount = [{ from = "0.5", approvals = 1 }, { from = "2", approvals = 3 }]
"""
SUMS = """otherwise = 0
[networks.bitcoin.BTC]
customer = [{ from = "1", hours = 24, approvals = 1 }]
destination = [{ from = "1.5", hours = 24, approvals = 2 }]
house = [{ from = "3", hours = 24, approvals = 3 }]
[networks.sepa.EUR]
destination = [{ from = "3", hours = 24, approvals = 1 }]
"""


async def adopt(world: World, text: str) -> str:
    proposal = await two_agree(world, await draft_policy(world.context, text, "a test"))
    table = schema.proposals
    row = await world.context.one(select(table).where(table.c.id == proposal))
    assert row is not None
    return f"{row['state']}: {row['outcome']}"


async def funded(world: World, symbol: str = "BTC") -> CustomerId:
    owner = await world.customer(f"owner_{secrets.token_hex(3)}")
    await world.fund(owner, symbol, "9")
    return owner


async def ask(
    world: World, owner: CustomerId, text: str, to: str | None = None, network: NetworkId = BITCOIN
) -> tuple[str, int]:
    """The withdrawal, and how many people it waits for."""
    asset = EUR if network == SEPA else BTC
    target = Destination(to or f"outside-{secrets.token_hex(3)}", "Zoe Holder" if network == SEPA else None)
    request = Request(owner, "withdrawal.request", secrets.token_hex(8), b"test")
    amount: Amount = parse_amount(text, asset)
    made = await request_withdrawal(world.context, "test", owner, network, amount, target, request)
    return str(made.result["id"]), await people(world, str(made.result["id"]))


async def people(world: World, withdrawal: str) -> int:
    table = schema.withdrawals
    row = await world.context.one(select(table).where(table.c.id == withdrawal))
    assert row is not None
    return int(row["approvals_missing"] or 0)


async def test_what_a_rule_catches_waits_for_the_most_people_that_any_asks_for_and_the_rest_goes(
    world: World, dsns: Dsns
) -> None:
    owner = await funded(world)
    assert (await ask(world, owner, "3"))[1] == 0, "without a policy these books ask nobody"
    assert await adopt(world, AMOUNT) == "done: version 1"
    (ann,) = await enrolled(world, "ann")
    small, none = await ask(world, owner, "0.49999999")
    large, one = await ask(world, owner, "0.5")
    _, three = await ask(world, owner, "2")
    assert (none, one, three) == (0, 1, 3)
    _, demand = await find_asked(world.context, large)
    assert demand["because"] == ["on bitcoin, 0.50000000 BTC or more in one withdrawal takes 1 person"]
    assert (await ann.approve(large)).result["missing"] == 0
    for _ in range(3):
        await pay_withdrawals(world.context, world.networks[BITCOIN])
        world.networks[BITCOIN].mine(world.networks[BITCOIN].depth)
    assert small not in {row["id"] for row in await world.context.all(select(schema.demands.c.id))}
    connection = await asyncpg.connect(dsns.books)
    await verify(connection)
    await connection.close()


async def test_many_small_ones_do_not_get_round_a_rule_for_a_customer_a_destination_or_the_house(world: World) -> None:
    assert await adopt(world, SUMS) == "done: version 1"
    owner, other, third = [await funded(world) for _ in range(3)]
    assert [(await ask(world, owner, "0.3", "mule"))[1] for _ in range(4)] == [0, 0, 0, 1]
    assert (await ask(world, other, "0.4", "mule"))[1] == 2, "another customer, the same destination"
    assert (await ask(world, third, "0.9"))[1] == 0
    assert (await ask(world, other, "0.5"))[1] == 3, "3 BTC of the whole house"
    name, _ = await ask(world, third, "0.05")
    request = Request(third, "withdrawal.cancel", "c", b"test")
    await cancel_withdrawal(world.context, "test", third, name, request)


async def test_wdr_12_many_at_once_are_summed_one_after_the_other(world: World) -> None:
    """Ten at once of 0.3: three pass the rule for one customer, whoever comes first; a rule that each is judged by alone
    would let all of them go."""
    assert await adopt(world, SUMS) == "done: version 1"
    owner = await funded(world)
    asked = await asyncio.gather(*[ask(world, owner, "0.3") for _ in range(10)])
    assert sorted(needed for _, needed in asked)[:4] == [0, 0, 0, 1]


async def test_a_bank_account_is_summed_without_being_known(world: World) -> None:
    await adopt(world, SUMS)
    owner, iban = await funded(world, "EUR"), "FR1420041010050500013M02606"
    assert (await ask(world, owner, "2", iban, SEPA))[1] == 0
    assert (await ask(world, owner, "2", "DE89370400440532013000", SEPA))[1] == 0
    assert (await ask(world, owner, "1", iban, SEPA))[1] == 1


async def test_a_new_destination_is_new_until_something_of_the_customers_own_was_paid_there(world: World) -> None:
    text = 'otherwise = 0\n[networks.bitcoin.BTC]\nnew_destination = [{ from = "0.2", approvals = 1 }]\n'
    owner, other = await funded(world), await funded(world)
    name, _ = await ask(world, owner, "0.1", "known")
    await adopt(world, text)
    assert (await ask(world, owner, "0.2", "known"))[1] == 1
    assert (await ask(world, owner, "0.1", "elsewhere"))[1] == 0, "too little to ask for"
    row = await world.context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == name))
    assert row is not None
    await settle(world, name)
    assert (await ask(world, owner, "0.2", "known"))[1] == 0
    assert (await ask(world, other, "0.2", "known"))[1] == 1, "known to somebody else"


async def settle(world: World, name: str) -> None:
    network = world.networks[BITCOIN]
    for _ in range(6):
        await pay_withdrawals(world.context, network)
        network.mine(network.depth)
        await drive_submissions(world.context, network)
    row = await world.context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == name))
    assert row is not None
    assert row["state"] == "final"


async def test_what_a_policy_does_not_name_waits_for_people(world: World) -> None:
    """Safe where somebody forgot: an asset that was listed after the policy was written."""
    assert await adopt(world, "") == "done: version 1"
    assert (await ask(world, await funded(world), "0.00001"))[1] == 2


async def test_key_05_a_policy_changes_only_by_two_and_as_a_whole_and_versions_stay(world: World) -> None:
    await adopt(world, AMOUNT)
    stale = await draft_policy(world.context, "otherwise = 1\n", "a test")
    assert await adopt(world, SUMS) == "done: version 2"
    await two_agree(world, stale)
    rows = await all_versions(world.context)
    assert [(row["number"], row["body"], row["ended_at"] is None) for row in rows] == [
        (2, SUMS, True),
        (1, AMOUNT, False),
    ]
    ended = await world.context.one(
        select(func.count().label("failed")).where(schema.proposals.c.outcome.like("version 2 came meanwhile%"))
    )
    assert ended == {"failed": 1}
    draft = await draft_policy(world.context, AMOUNT, "back")
    assert "- on bitcoin, 1.00000000 BTC or more in what one customer lets out" in draft.content["changes"]
    assert "+ on bitcoin, 2.00000000 BTC or more in one withdrawal takes 3 people" in draft.content["changes"]
    with pytest.raises(NotAllowed, match="changes nothing"):
        await draft_policy(world.context, f"# the same in other words\n{SUMS}", "a test")
    with pytest.raises(NotAllowed, match="no network"):
        await draft_policy(world.context, "[networks.nowhere.BTC]\n", "a test")


@pytest.mark.parametrize(
    "text",
    [
        "otherwise = -1",
        "otherwise = 9",
        "unknown = 1",
        "[networks.bitcoin.XXX]",
        "not toml",
        "[networks.bitcoin.BTC]\namount = [{ from = 0.5, approvals = 1 }]",
        '[networks.bitcoin.BTC]\namount = [{ from = "0.000000001", approvals = 1 }]',
        '[networks.bitcoin.BTC]\namount = [{ from = "-1", approvals = 1 }]',
        '[networks.bitcoin.BTC]\namount = [{ from = "1", approvals = 0 }]',
        '[networks.bitcoin.BTC]\namount = [{ from = "1" }]',
        '[networks.bitcoin.BTC]\ncustomer = [{ from = "1", approvals = 1 }]',
        '[networks.bitcoin.BTC]\nhouse = [{ from = "1", approvals = 1, hours = 0 }]',
        f"# {'x' * 12_000}",
        f"x = {'[' * 11_000}",
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyRefused):
        read_policy(text, {"BTC": BTC})


async def test_a_policy_is_tried_on_the_real_past_and_says_what_it_would_have_caught(world: World) -> None:
    """The same as it catches when it is in force, of what let something out."""
    owner, other = await funded(world), await funded(world)
    tried = read_policy(SUMS, world.context.assets)
    names = [(await ask(world, owner, "0.3", "mule"))[0] for _ in range(4)]
    names.append((await ask(world, other, "0.6", "mule"))[0])
    gone = (await ask(world, owner, "0.9"))[0]
    await cancel_withdrawal(world.context, "test", owner, gone, Request(owner, "withdrawal.cancel", "c", b"test"))
    before = await world.context.one(select(schema.journal_head.c.seq))
    seen: list[int] = []
    found = await try_policy(world.context, tried, 1, seen.append)
    assert [one["withdrawal"] for one in found.listed] == names[3:]
    assert [one["needed"] for one in found.listed] == [1, 2]
    assert (found.looked_at, found.caught, found.asked_really, found.units) == (5, 2, 0, {"BTC": 90_000_000})
    assert found.view(world.context)["sums"] == {"BTC": "0.90000000"}
    assert await world.context.one(select(schema.journal_head.c.seq)) == before, "nothing was changed"
    later = replace(world.context, clock=StillClock(world.context.clock.now() + timedelta(days=3)))
    assert (await try_policy(later, tried, 1)).looked_at == 0
