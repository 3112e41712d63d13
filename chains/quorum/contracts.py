"""A quorum of networks with contracts: tokens, balances of all addresses, and value that is sent back."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from chains.quorum.agreement import agreed, contradiction, middle_raise
from chains.quorum.dispute import ask_both
from chains.quorum.quorum import Quorum
from wallet.money import Amount, Asset
from wallet.ports import (
    BlockRef,
    Cancelling,
    Destination,
    Fee,
    Listing,
    Network,
    NetworkUnreachable,
    NonceSource,
    PaysFrom,
    Replacing,
    Sweeping,
    Unsigned,
)
from wallet.ports.balances import Balances
from wallet.ports.payout_contracts import PayingTogether, PayoutSetup
from wallet.ports.recipients import Recipient, Trying
from wallet.ports.tokens import Recovering, StrayTransfer, TokenFacts, Tokens


class ContractQuorum(Quorum):
    """`wallet.ports.Sweeping`, `Replacing`, `Cancelling`, `wallet.ports.tokens.Tokens` and `Recovering`,
    `wallet.ports.payout_contracts.PayingTogether`, and `wallet.ports.balances.Balances` besides."""

    async def transfer_cost(self, asset: Asset, source: str, target: str, fee: Fee) -> Amount:
        async def cost(network: Network) -> Amount:
            if not isinstance(network, Sweeping):
                raise TypeError(f"nothing is swept on {network.id}")
            return await network.transfer_cost(asset, source, target, fee)

        return await self._providers.first(cost)

    def pay_from(self, address: str) -> None:
        """As `wallet.ports.PaysFrom`, for every provider."""
        for network in self._providers.members.values():
            if isinstance(network, PaysFrom):
                network.pay_from(address)

    async def token_facts(self, contracts: Sequence[str], at: BlockRef) -> Sequence[TokenFacts]:
        """As enough providers tell them, in every detail."""
        await self._undisputed()
        told = await self._providers.ask(partial(_token_facts, contracts, at))
        if (facts := agreed(told, self._least)) is None:
            raise NetworkUnreachable(f"{self.id}: the providers tell different facts of a token at block {at.height}")
        return facts

    async def balances(self, addresses: Sequence[str], at: BlockRef) -> Mapping[str, Mapping[str, int]]:
        """The same by each. Raises `NetworkConflict` where two differ."""
        await self._undisputed()

        async def told(network: Network) -> Mapping[str, Mapping[str, int]]:
            if not isinstance(network, Balances):
                raise TypeError(f"{network.id} tells no balances of addresses")
            return await network.balances(addresses, at)

        seen = await self._providers.ask(told)
        if (hosts := _unlike(seen)) is not None:

            async def apart() -> tuple[str, str] | None:
                return _unlike(await ask_both(self._providers, told, hosts))

            raise self._conflict(f"balances of our addresses at block {at.height}", hosts, apart)
        return next(iter(seen.values()))

    async def try_recipient(self, amount: Amount, source: str, destination: Destination) -> Recipient:
        """By the first that answers: before it is signed it is tried again."""

        async def tried(network: Network) -> Recipient:
            if not isinstance(network, Trying):
                raise TypeError(f"there is no code on {network.id}")
            return await network.try_recipient(amount, source, destination)

        return await self._providers.first(tried)

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:
        """The middle of what they find, so that one provider alone raises no fee and keeps none down."""
        await self._looked_lately()

        async def found(network: Network) -> Unsigned | None:
            if not isinstance(network, Replacing):
                raise TypeError(f"nothing is replaced on {network.id}")
            return await network.raise_fee(unsigned, consumes, urgent=urgent)

        return middle_raise(list((await self._providers.ask(found)).values()))

    async def build_self_cancel(self, source: NonceSource) -> Unsigned:
        await self._looked_lately()

        async def built(network: Network) -> Unsigned:
            if not isinstance(network, Cancelling):
                raise TypeError(f"no nonce is used up by nothing on {network.id}")
            return await network.build_self_cancel(source)

        return await self._providers.first(built)

    def check_contract(self, contract: str) -> str:
        return _recovering(self._first).check_contract(contract)

    async def build_recovery(self, transfer: StrayTransfer, nonce: int, fee: Fee) -> Unsigned:
        await self._looked_lately()
        return await self._providers.first(lambda network: _recovering(network).build_recovery(transfer, nonce, fee))

    def pay_through(self, contract: str | None, assets: Collection[str] = ()) -> None:
        for network in self._providers.members.values():
            _together(network).pay_through(contract, assets)
        self.capabilities = self._first.capabilities

    def contract_made(self, owner: str, nonce: int) -> str:
        return _together(self._first).contract_made(owner, nonce)

    def contract_code_hash(self, owner: str) -> str:
        return _together(self._first).contract_code_hash(owner)

    async def build_setup(self, setup: PayoutSetup, contract: str | None, source: NonceSource, fee: Fee) -> Unsigned:
        await self._looked_lately()
        return await self._providers.first(lambda network: _together(network).build_setup(setup, contract, source, fee))

    def carry(self, listing: Listing) -> None:
        for network in self._providers.members.values():
            if isinstance(network, Tokens):
                network.carry(listing)
        self.listings = self._first.listings


async def _token_facts(contracts: Sequence[str], at: BlockRef, network: Network) -> tuple[TokenFacts, ...]:
    if not isinstance(network, Tokens):
        raise TypeError(f"there are no contracts on {network.id}")
    return tuple(await network.token_facts(contracts, at))


def _unlike(seen: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[str, str] | None:
    """Two that tell different balances."""
    return contradiction(
        {
            host: tuple((asset, tuple(sorted(there.items()))) for asset, there in one.items())
            for host, one in seen.items()
        }
    )


def _together(network: Network) -> PayingTogether:
    if not isinstance(network, PayingTogether):
        raise TypeError(f"{network.id} has no contract that pays many")
    return network


def _recovering(network: Network) -> Recovering:
    if not isinstance(network, Recovering):
        raise TypeError(f"nothing is sent back on {network.id}")
    return network
