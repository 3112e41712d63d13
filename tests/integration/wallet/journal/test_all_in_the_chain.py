"""AUD-02: whatever changes in the books is told by the journal, row for row, and nothing is told that did not happen."""

import pytest

from node.database import Dsns
from tests.fakes.world import BITCOIN, BTC, EUR, World
from tests.integration.wallet.changes import connected, proven
from tests.integration.wallet.journal.row_changes import record_row_changes, untold
from wallet.access.keys import CUSTOMER_SCOPES
from wallet.assets.pause import pause_asset, resume_asset
from wallet.context import ACTOR_NODE
from wallet.customers.erase import erase_customer
from wallet.customers.freeze import freeze_customer, unfreeze_customer
from wallet.errors import InsufficientFunds
from wallet.journal import Request
from wallet.money import parse_amount
from wallet.payments.send import send_payment
from wallet.ports import Destination
from wallet.proofs.verify import BooksBroken
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal


def asked(owner: str, key: str) -> Request:
    return Request(owner, "test", key, key.encode())


async def work(world: World) -> None:
    """A bit of everything that moves money or rows."""
    context = world.context
    ann, ben = await world.customer("ann", name="Ann Example"), await world.customer("ben")
    await world.operator("op")
    await world.key(ann, *CUSTOMER_SCOPES)
    await world.fund(ann, "EUR", "100.00")
    await world.fund(ann, "BTC", "1")
    await send_payment(context, ann, ann, ben, parse_amount("12.50", EUR), "lunch", asked(ann, "pay"))
    await send_payment(context, ann, ann, ben, parse_amount("12.50", EUR), "lunch", asked(ann, "pay"))
    with pytest.raises(InsufficientFunds):
        await send_payment(context, ben, ben, ann, parse_amount("999", EUR), None, asked(ben, "too much"))
    network = world.networks[BITCOIN]
    for key in ("paid", "cancelled"):
        made = await request_withdrawal(
            context, ann, ann, network.id, parse_amount("0.1", BTC), Destination(key, "Ann"), asked(ann, key)
        )
    await cancel_withdrawal(context, ann, ann, str(made.result["id"]), asked(ann, "cancel"))
    for _ in range(3):
        await pay_withdrawals(context, network)
        await drive_submissions(context, network)
        network.mine(network.depth)
        await world.look(network.id)
    await freeze_customer(context, ACTOR_NODE, ben, "a test")
    await unfreeze_customer(context, ACTOR_NODE, ben, "a test")
    await pause_asset(context, ACTOR_NODE, "ETH", "a test")
    await resume_asset(context, ACTOR_NODE, "ETH", "a test")
    await erase_customer(context, ACTOR_NODE, ben)


async def test_aud_02_every_change_of_a_row_is_told_and_every_telling_was_done(world: World, dsns: Dsns) -> None:
    async with connected(dsns.owner) as owner:
        before = await owner.fetchval("SELECT seq FROM journal_head")
        await record_row_changes(owner)
        await work(world)
        assert await untold(owner, after=before) == []
        assert await owner.fetchval("SELECT count(*) FROM row_changes") > 100
        kinds = await owner.fetchval("SELECT count(DISTINCT kind) FROM journal")
    assert kinds >= 15
    await proven(dsns.books)


BYPASSES = {
    "a row": ("UPDATE customers SET version = version + 1", "customers"),
    "a balance": ("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code = 'balance'", "accounts"),
    "a row inserted": (
        "INSERT INTO assets (id, version, decimals, paused) VALUES ('XXX', 1, 2, false)",
        "assets",
    ),
    "a row deleted": ("DELETE FROM api_keys", "api_keys"),
    "a sealed item inserted": (
        "INSERT INTO vault_items SELECT 'vlt_x', person, kind, commitment, ciphertext FROM vault_items LIMIT 1",
        "vault_items",
    ),
}


@pytest.mark.parametrize("what", BYPASSES)
async def test_aud_02_a_write_that_passes_by_the_journal_is_found(world: World, dsns: Dsns, what: str) -> None:
    sql, table = BYPASSES[what]
    ann = await world.customer("ann", name="Ann Example")
    await world.key(ann, *CUSTOMER_SCOPES)
    await world.fund(ann, "EUR", "1.00")
    async with connected(dsns.owner) as owner:
        await record_row_changes(owner)
        before = await owner.fetchval("SELECT seq FROM journal_head")
        assert await untold(owner, after=before) == []
        assert not (await owner.execute(sql)).endswith(" 0")
        assert any(line.startswith((f"{table} ", f"row ('{table}'")) for line in await untold(owner, after=before))
    with pytest.raises(BooksBroken):
        await proven(dsns.books)
