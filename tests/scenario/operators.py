"""Two operators who decide something together, as they do over the API and on the command line."""

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from tests.fakes.world import World
from tests.scenario.house import House
from wallet import schema
from wallet.access.keys import OPERATOR_SCOPES, Principal, authenticate, create_key, create_operator
from wallet.proposals.approve import ActSignature, approve_proposal
from wallet.proposals.carry_out import carry_out_proposals
from wallet.proposals.propose import Draft, propose


@dataclass(frozen=True, slots=True)
class Pair:
    """`ann` proposes and `ben` approves."""

    house: House | World
    ann: Principal
    ben: Principal

    async def proposed(self, draft: Draft) -> tuple[str, str]:
        """The proposal and its digest."""

        async def given() -> Draft:
            return draft

        made = (await propose(self.house.context, self.ann, given)).result
        return str(made["id"]), str(made["digest"])

    async def decide(self, draft: Draft, *signed: ActSignature) -> str:
        """Proposed, approved, one step of the node: how it stands then, with what came of it."""
        return await self.approve(*await self.proposed(draft), *signed)

    async def approve(self, name: str, digest: str, *signed: ActSignature) -> str:
        await approve_proposal(self.house.context, self.ben, name, digest, *signed)
        await carry_out_proposals(self.house.context)
        return await self.state(name)

    async def state(self, name: str) -> str:
        table = schema.proposals
        row = await self.house.context.one(select(table).where(table.c.id == name))
        assert row is not None
        return f"{row['state']}: {row['outcome']}"


async def two_operators(house: House | World) -> Pair:
    return Pair(house, await _operator(house, "ann"), await _operator(house, "ben"))


async def _operator(house: House | World, handle: str) -> Principal:
    made = await create_operator(house.context, "test", f"{handle}_{secrets.token_hex(3)}")
    _, secret = await create_key(house.context, "test", str(made.result["id"]), OPERATOR_SCOPES, "test")
    principal = await authenticate(house.context, secret or "")
    assert principal is not None
    return principal
