"""Operators who approve withdrawals in tests: each with an API key and an Ed25519 key that two operators have enrolled."""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.world import World
from tests.scenario.house import House
from wallet.access.keys import OPERATOR_SCOPES, Principal, authenticate, create_key, create_operator
from wallet.approvals.approve import approve_withdrawal
from wallet.approvals.approvers import draft_enrolment
from wallet.approvals.find import find_asked, shown
from wallet.journal.change import Committed
from wallet.proposals.approve import ActSignature, approve_proposal
from wallet.proposals.carry_out import carry_out_proposals
from wallet.proposals.propose import Draft, propose


@dataclass(frozen=True, slots=True)
class Approver:
    """`principal` is who asks, `key` what they sign with."""

    node: House | World
    principal: Principal
    key: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def sign(self, digest: str) -> ActSignature:
        return ActSignature(self.public, self.key.sign(bytes.fromhex(digest)).hex())

    async def approve(self, withdrawal: str) -> Committed:
        """What it is now, whatever that is."""
        digest = await digest_of(self.node, withdrawal)
        return await approve_withdrawal(self.node.context, self.principal, withdrawal, digest, self.sign(digest))


async def digest_of(node: House | World, withdrawal: str) -> str:
    return str((await shown(node.context, *await find_asked(node.context, withdrawal)))["digest"])


async def operator(node: House | World, handle: str) -> Principal:
    made = await create_operator(node.context, "test", f"{handle}_{secrets.token_hex(3)}")
    return await another_key(node, str(made.result["id"]))


async def another_key(node: House | World, owner: str) -> Principal:
    """One more API key of the same person."""
    _, secret = await create_key(node.context, "test", owner, OPERATOR_SCOPES, "test")
    principal = await authenticate(node.context, secret or "")
    assert principal is not None
    return principal


async def two_agree(node: House | World, draft: Draft) -> str:
    """Proposed by one operator, approved by another, carried out: the proposal."""
    first, second = await operator(node, "first"), await operator(node, "second")

    async def given() -> Draft:
        return draft

    made = (await propose(node.context, first, given)).result
    await approve_proposal(node.context, second, str(made["id"]), str(made["digest"]))
    await carry_out_proposals(node.context)
    return str(made["id"])


async def enrol(node: House | World, principal: Principal, key: Ed25519PrivateKey | None = None) -> Approver:
    made = Approver(node, principal, key or Ed25519PrivateKey.generate())
    await two_agree(node, await draft_enrolment(node.context, principal.owner, made.public, "a test"))
    return made


async def enrolled(node: House | World, *handles: str) -> list[Approver]:
    return [await enrol(node, await operator(node, handle)) for handle in handles]
