"""Withdrawals wait for so many different people, each of whom has signed that very withdrawal, and go on once."""

import asyncio
import secrets
from collections import Counter

import asyncpg
import pytest
from sqlalchemy import select

from node.database import Dsns
from tests.approvers import another_key, digest_of, enrol, enrolled, operator, two_agree
from tests.fakes.signer import FakeSigner
from tests.fakes.world import BITCOIN, BTC, EUR, SEPA, World
from wallet import schema
from wallet.access.keys import Scope, authenticate, create_key
from wallet.approvals.approve import approve_withdrawal
from wallet.approvals.approvers import draft_enrolment, revoke_approver
from wallet.approvals.find import waiting_withdrawals
from wallet.approvals.reject import reject_withdrawal
from wallet.context import Record
from wallet.errors import NotAllowed, NotCancellable, NotFound, NotWaiting, OtherAct, OwnWithdrawal, Refusal
from wallet.ids import CustomerId, NetworkId
from wallet.journal.change import Request
from wallet.ledger.balances import balances
from wallet.money import Amount, parse_amount
from wallet.ports import Destination, Ground, SignerRefused, SignRequest
from wallet.proofs.verify import verify
from wallet.proposals.approve import ActSignature
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal

IBAN = "FR1420041010050500013M02606"


@pytest.fixture(autouse=True)
def demands_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signer that wants two people for every withdrawal. It counts keys alone: what it makes of signatures, and of rows
    that somebody forged, stands in tests/unit/signer/test_approvals.py."""

    async def check(_signer: FakeSigner, request: SignRequest) -> None:
        given = Counter(one.reference for one in request.approvals)
        for reference in request.references:
            if given[reference] < 2:
                raise SignerRefused("above 0 it takes approvals", Ground.APPROVALS, approvals=2, reference=reference)

    monkeypatch.setattr(FakeSigner, "check", check)


async def funded(world: World, symbol: str = "BTC") -> CustomerId:
    owner = await world.customer(f"owner_{secrets.token_hex(3)}")
    await world.fund(owner, symbol, "5")
    return owner


async def settle(world: World) -> None:
    """What was paid is final, so its change can be spent."""
    network = world.networks[BITCOIN]
    network.mine(network.depth)
    await drive_submissions(world.context, network)


async def asked(
    world: World, owner: CustomerId, amount: Amount | None = None, network: NetworkId = BITCOIN, by: str = "test"
) -> str:
    """Requested, and found by the signer to need people."""
    to = Destination(IBAN, "Zoe Holder") if network == SEPA else Destination(f"outside-{secrets.token_hex(3)}")
    request = Request(owner, "withdrawal.request", secrets.token_hex(8), b"test")
    amount = amount or parse_amount("1", BTC)
    made = await request_withdrawal(world.context, by, owner, network, amount, to, request)
    await pay(world, network)
    return str(made.result["id"])


async def pay(world: World, network: NetworkId = BITCOIN) -> None:
    await pay_withdrawals(world.context, world.networks[network])


async def row_of(world: World, withdrawal: str) -> Record:
    found = await world.context.one(select(schema.withdrawals).where(schema.withdrawals.c.id == withdrawal))
    assert found is not None
    return found


async def waits(world: World, withdrawal: str) -> int:
    """How many approvals it lacks; it has not been begun."""
    await pay(world)
    row = await row_of(world, withdrawal)
    assert row["state"] == "requested"
    return int(row["approvals_missing"])


async def test_what_the_signer_wants_people_for_waits_and_stops_nothing_and_goes_on_when_two_have_signed(
    world: World, dsns: Dsns
) -> None:
    owner = await funded(world)
    ann, ben = await enrolled(world, "ann", "ben")
    first, second = await asked(world, owner), await asked(world, owner)
    assert [row["id"] for row, _ in await waiting_withdrawals(world.context)] == [first, second]
    assert (await ann.approve(second)).result["missing"] == 1
    assert await waits(world, second) == 1
    assert (await ben.approve(second)).result["missing"] == 0
    await pay(world)
    assert ((await row_of(world, second))["state"], await waits(world, first)) == ("submitted", 2)
    ((submission, _),) = world.signer.signed
    assert await withdrawals_of(world, submission) == [second]
    connection = await asyncpg.connect(dsns.books)
    await verify(connection)
    await connection.close()


async def test_key_05_one_person_with_two_api_keys_and_two_approval_keys_is_one_person(world: World) -> None:
    withdrawal_owner = await funded(world)
    (ann,) = await enrolled(world, "ann")
    ann_too = await enrol(world, await another_key(world, ann.principal.owner))
    name = await asked(world, withdrawal_owner)
    await ann.approve(name)
    assert (await ann.approve(name)).replayed
    assert (await ann_too.approve(name)).result["missing"] == 1
    assert await waits(world, name) == 1


async def test_key_05_who_made_the_key_that_asked_does_not_approve(world: World) -> None:
    """Nobody approves their own: the secret went through their hands, at first hand or at second."""
    owner = await funded(world)
    ann, ben, carl = await enrolled(world, "ann", "ben", "carl")
    made, _ = await create_key(world.context, ann.principal.key, owner, frozenset({Scope.KEYS}), "handed over")
    _, secret = await create_key(
        world.context, str(made.result["id"]), owner, frozenset({Scope.WITHDRAW}), "made with it"
    )
    principal = await authenticate(world.context, secret or "")
    assert principal is not None
    name = await asked(world, owner, by=principal.key)
    with pytest.raises(OwnWithdrawal):
        await ann.approve(name)
    await ben.approve(name)
    assert (await carl.approve(name)).result["missing"] == 0


async def test_key_05_who_became_an_approver_after_the_request_does_not_approve_it(world: World) -> None:
    owner = await funded(world)
    ann, ben = await enrolled(world, "ann", "ben")
    name = await asked(world, owner)
    late = await enrol(world, await operator(world, "late"))
    with pytest.raises(NotAllowed, match="before you were an approver"):
        await late.approve(name)
    newer = await enrol(world, ben.principal)  # a second key of somebody who was one already
    await ann.approve(name)
    assert (await newer.approve(name)).result["missing"] == 0
    await pay(world)
    await settle(world)
    assert (await late.approve(await asked(world, owner))).result["missing"] == 1


async def test_key_05_approvals_by_a_key_that_is_revoked_are_worth_nothing_even_when_all_had_signed(
    world: World,
) -> None:
    owner = await funded(world)
    ann, ben, carl = await enrolled(world, "ann", "ben", "carl")
    name = await asked(world, owner)
    await ann.approve(name)
    await ben.approve(name)
    await revoke_approver(world.context, carl.principal, ann.public)
    assert await waits(world, name) == 1
    with pytest.raises(NotAllowed, match="no approval key of yours"):
        await ann.approve(name)
    await carl.approve(name)
    await pay(world)
    assert (await row_of(world, name))["state"] == "submitted"
    assert (await revoke_approver(world.context, carl.principal, ann.public)).replayed


async def test_key_05_an_approval_is_of_one_withdrawal_alone(world: World) -> None:
    owner = await funded(world)
    (ann,) = await enrolled(world, "ann")
    first, second = await asked(world, owner), await asked(world, owner)
    digest = await digest_of(world, first)
    with pytest.raises(OtherAct):
        await approve_withdrawal(world.context, ann.principal, second, digest, ann.sign(digest))
    with pytest.raises(NotAllowed, match="no Ed25519 signature"):
        await approve_withdrawal(world.context, ann.principal, second, await digest_of(world, second), ann.sign(digest))
    assert (await waits(world, first), await waits(world, second)) == (2, 2)


async def test_key_05_nobody_signs_with_another_persons_key_or_one_that_nobody_enrolled(world: World) -> None:
    owner = await funded(world)
    ann, ben = await enrolled(world, "ann", "ben")
    name = await asked(world, owner)
    digest = await digest_of(world, name)
    with pytest.raises(NotAllowed, match="no approval key of yours"):
        await approve_withdrawal(world.context, ann.principal, name, digest, ben.sign(digest))
    for broken in (ActSignature(ann.public, "00" * 64), ActSignature(ann.public, "zz")):
        with pytest.raises(NotAllowed, match="no Ed25519 signature"):
            await approve_withdrawal(world.context, ann.principal, name, digest, broken)
    with pytest.raises(NotAllowed, match="enrolled before"):
        await draft_enrolment(world.context, ben.principal.owner, ann.public, "takes it over")
    assert await waits(world, name) == 2


async def test_key_05_parallel_approvals_and_a_cancel_end_in_one_payment_or_none(world: World) -> None:
    """Four people and the owner at once, several times: either it is paid once, or the money is back; never both."""
    owner = await funded(world)
    people = await enrolled(world, "ann", "ben", "carl", "dora")
    for turn in range(4):
        name = await asked(world, owner, parse_amount("0.1", BTC))
        request = Request(owner, "withdrawal.cancel", f"cancel-{turn}", b"test")
        acts = [person.approve(name) for person in people]
        if turn % 2:
            acts.insert(turn, cancel_withdrawal(world.context, "test", owner, name, request))
        for outcome in await asyncio.gather(*acts, return_exceptions=True):
            assert not isinstance(outcome, BaseException) or isinstance(outcome, NotWaiting | NotCancellable), outcome
        await asyncio.gather(pay(world), pay(world))
        paid = [sent for sent, _ in world.signer.signed if name in await withdrawals_of(world, sent)]
        state = (await row_of(world, name))["state"]
        assert (state, len(paid)) in {("submitted", 1), ("cancelled", 0)}
        await settle(world)


async def withdrawals_of(world: World, submission: str) -> list[str]:
    links = schema.submission_withdrawals
    rows = await world.context.all(select(links.c.withdrawal).where(links.c.submission == submission))
    return [row["withdrawal"] for row in rows]


async def test_key_05_a_cancelled_withdrawal_takes_its_approvals_with_it(world: World) -> None:
    owner = await funded(world)
    ann, ben = await enrolled(world, "ann", "ben")
    name = await asked(world, owner)
    await ann.approve(name)
    await cancel_withdrawal(world.context, "test", owner, name, Request(owner, "withdrawal.cancel", "c", b"test"))
    with pytest.raises(NotWaiting):
        await ben.approve(name)
    await pay(world)
    assert (await row_of(world, name))["state"] == "cancelled"
    assert world.signer.signed == {}


async def test_what_an_operator_declines_is_told_and_paid_back(world: World) -> None:
    owner = await funded(world)
    ann, ben = await enrolled(world, "ann", "ben")
    name = await asked(world, owner)
    await ann.approve(name)
    await reject_withdrawal(world.context, ben.principal, name, "call us first")
    row = await row_of(world, name)
    assert (row["state"], row["reason"]) == ("rejected", "declined")
    (held,) = [one["held"] for one in await balances(world.context, owner) if one["asset"] == "BTC"]
    assert held == "0.00000000"
    for late in (ann, ben):
        with pytest.raises(Refusal):
            await reject_withdrawal(world.context, late.principal, name, "again")
    with pytest.raises(NotAllowed):
        await reject_withdrawal(world.context, ben.principal, name, " ")


async def test_of_a_bank_account_nothing_that_could_be_guessed_from_stands_in_the_books(world: World) -> None:
    owner = await funded(world, "EUR")
    ann, ben = await enrolled(world, "ann", "ben")
    name = await asked(world, owner, parse_amount("2", EUR), SEPA)
    signed = ann.sign(await digest_of(world, name))
    await ann.approve(name)
    await ben.approve(name)
    bodies = b"".join(bytes(row["body"]) for row in await world.context.all(select(schema.journal.c.body)))
    assert signed.key.encode() in bodies
    assert signed.signature.encode() not in bodies
    assert IBAN.encode() not in bodies
    await pay(world, SEPA)
    assert (await row_of(world, name))["state"] == "submitted"


async def test_a_key_is_enrolled_by_two_and_what_is_no_key_or_nobodys_is_refused(world: World) -> None:
    ann = await operator(world, "ann")
    for wrong in ("", "zz" * 32, "AB" * 32, "ab" * 31):
        with pytest.raises(NotAllowed):
            await draft_enrolment(world.context, ann.owner, wrong, "a test")
    with pytest.raises(NotFound):
        await draft_enrolment(world.context, "opr_nobody", "ab" * 32, "a test")
    draft = await draft_enrolment(world.context, ann.owner, "ab" * 32, "a test")
    await two_agree(world, draft)
    second = await two_agree(world, draft)
    states = {row["id"]: row["state"] for row in await world.context.all(select(schema.proposals))}
    assert states[second] == "failed"
    with pytest.raises(NotFound):
        await revoke_approver(world.context, ann, "cd" * 32)
