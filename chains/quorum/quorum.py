"""One network behind several providers, of which enough must agree: nothing is believed that one of them alone says.

What this prevents: credit or a refund by a provider that lies, lags or has lost its mind. Each member is a network of its own
behind one provider; what they answer is compared here, and the core sees one network.

    lag        one has not come as far as the others: no conflict, the height that enough have reached counts
    a fork     different blocks at the tip, nothing final: waited for, until enough show the same
    a conflict different blocks at a height that both call final, different contents of one block, other balances at one
               block, final against dead: `NetworkConflict` until the two that contradict each other agree. Silence of
               one of them ends nothing: a person who trusts the other takes it out of the configuration.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from chains.quorum.agreement import (
    agreed,
    agreed_status,
    contradiction,
    fates_apart,
    height_reached,
    merge_blocks,
    middle_fee,
)
from chains.quorum.dispute import Check, Dispute, blocks_apart, finals_apart, holdings_apart, now_ms, outcomes_apart
from chains.quorum.providers import Providers
from chains.quorum.readers import let_go, next_block, only_block
from wallet.money import Amount, Asset
from wallet.ports import (
    Block,
    BlockRef,
    BlockVanished,
    Branch,
    Derived,
    Destination,
    Fee,
    FileSource,
    Instruction,
    Network,
    NetworkError,
    NetworkRejected,
    NetworkUnreachable,
    NonceSource,
    Observation,
    Status,
    SubmissionRef,
    Unsigned,
    UtxoSource,
)
from wallet.ports.providers import NetworkConflict, ProviderView

LOOK_MS: Final = 5_000  # so old may the last comparison be when value leaves
NONCES_APART_MAX: Final = 1_000  # what may wait in one provider's pool and not in another's
_OBSERVATIONS: Final = 3  # a chain that tells balances at its tip only may move between two providers' answers

T = TypeVar("T")


class Quorum:
    """`members` by host, all of one kind with the same listings and keys; `least` of them must agree. Implements
    `wallet.ports.Network`."""

    def __init__(self, members: Mapping[str, Network], least: int) -> None:
        first = next(iter(members.values()))
        self.id = first.id
        self.capabilities = first.capabilities
        self.listings = first.listings
        self.fee_asset = first.fee_asset
        self._first = first
        self._providers = Providers(first.id, members, least)
        self._least = least
        self._tips: dict[str, BlockRef] = {}
        self._finals: dict[str, BlockRef] = {}
        self._differing: frozenset[str] = frozenset()
        self._dispute: Dispute | None = None
        self._looked_at_ms: int | None = None

    # ── what the chain is, and how far ───────────────────────────────────────────────────────────────────────────────

    async def identity(self) -> str:
        return await self._providers.identity()

    async def tip(self) -> BlockRef:
        """The highest block that enough show, by its id."""
        await self._undisputed()
        self._tips = await self._providers.ask(lambda network: network.tip())
        height, step = height_reached([ref.height for ref in self._tips.values()], self._least), 1
        while height is not None and height >= 0:
            shown = await self._shown(height, self._tips)
            block = agreed(shown, self._least)
            if step == 1:
                self._differing = frozenset(host for host, one in shown.items() if one != block)
            if block is not None:
                return BlockRef(height, block)
            height, step = height - step, step * 2
        raise NetworkUnreachable(f"{self.id}: the providers agree on no block")

    async def final(self) -> BlockRef | None:
        """The highest block that enough call final, by its id. Compares the blocks at each height that somebody calls final
        among all who have it final too: raises `NetworkConflict` where two differ."""
        await self._undisputed()
        answers = await self._providers.ask(lambda network: network.final())
        self._finals = {host: ref for host, ref in answers.items() if ref is not None}
        found: BlockRef | None = None
        for height in sorted({ref.height for ref in self._finals.values()}):
            shown = await self._shown(height, self._finals)
            if (hosts := contradiction(shown)) is not None:
                self._differing = frozenset(hosts)
                raise self._conflict(
                    f"the final block {height}", hosts, partial(finals_apart, self._providers, height, hosts)
                )
            if (block := agreed(shown, self._least)) is not None:
                found = BlockRef(height, block)
        self._looked_at_ms = now_ms()
        return found

    async def block_ref(self, height: int) -> BlockRef | None:
        await self._undisputed()
        answers = await self._providers.ask(lambda network: network.block_ref(height))
        if (found := agreed({host: (ref,) for host, ref in answers.items()}, self._least)) is None:
            raise NetworkUnreachable(f"{self.id}: the providers show different blocks at height {height}")
        return found[0]

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        """Each as enough providers read it, whole. Who falls behind or fails is left out until the next call."""
        await self._undisputed()
        readers = {host: network.blocks(start, stop) for host, network in self._providers.members.items()}
        try:
            for height in range(start, stop + 1):
                found = await self._providers.ask(partial(self._next, readers), readers)
                alike = self._same_branch(height, found)
                readers = {host: readers[host] for host in alike}
                yield merge_blocks(list(alike.values()), self._least) or await self._read_again(height, alike)
        finally:
            for reader in readers.values():
                await let_go(reader)

    async def _next(self, readers: Mapping[str, AsyncIterator[Block]], network: Network) -> Block:
        return await next_block(self.id, readers[self._providers.host(network)])

    def _same_branch(self, height: int, found: Mapping[str, Block]) -> dict[str, Block]:
        """Those with the block that enough show; what two call final and show differently is a conflict."""
        ids = {host: block.id for host, block in found.items()}
        final = {host: ids[host] for host in ids if host in self._finals and height <= self._finals[host].height}
        if (hosts := contradiction(final)) is not None:
            raise self._conflict(
                f"the final block {height}", hosts, partial(blocks_apart, self._providers, height, hosts)
            )
        block_id = agreed(ids, self._least)
        if block_id is None:
            raise BlockVanished(f"{self.id}: the providers show different blocks at height {height}")
        return {host: block for host, block in found.items() if block.id == block_id}

    async def _read_again(self, height: int, alike: Mapping[str, Block]) -> Block:
        """One block, of which two providers told different contents. An address may have been handed out in between, so
        it is read once more before anybody is called a liar."""
        hosts = tuple(alike)
        again = await self._providers.ask(lambda network: only_block(network, height), hosts)
        same = self._same_branch(height, again)
        if (merged := merge_blocks(list(same.values()), self._least)) is not None:
            return merged
        apart = contradiction(same)
        assert apart is not None  # blocks that do not merge differ
        raise self._conflict(f"what is in block {height}", apart, partial(blocks_apart, self._providers, height, apart))

    # ── value that leaves ────────────────────────────────────────────────────────────────────────────────────────────

    def derive(self, branch: Branch, index: int) -> Derived:
        return self._first.derive(branch, index)

    def check_destination(self, destination: Destination) -> Destination:
        return self._first.check_destination(destination)

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:
        answers = await self._providers.ask(lambda network: network.smallest_payment(asset, destination))
        ordered = sorted(answers.values(), key=lambda amount: amount.units)
        return ordered[len(ordered) >> 1]

    async def estimate_fee(self, asset: Asset) -> Fee:
        """The median, so that one provider alone raises nobody's fee."""
        return middle_fee(list((await self._providers.ask(lambda network: network.estimate_fee(asset))).values()))

    async def next_nonce(self, address: str) -> int:
        """The highest, since one may not know yet what another has."""
        await self._undisputed()
        counts = (await self._providers.ask(lambda network: network.next_nonce(address))).values()
        if max(counts) - min(counts) > NONCES_APART_MAX:
            raise NetworkUnreachable(f"{self.id}: the providers count the nonces of {address} far apart")
        return max(counts)

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        """By the first provider that answers: the signer judges the bytes, whoever estimated their gas."""
        await self._looked_lately()
        return await self._providers.first(lambda network: network.build(instructions, source, fee))

    def show(self, payload: bytes) -> Mapping[str, object]:
        return self._first.show(payload)

    async def prepare(self, submission: SubmissionRef) -> None:
        await self._first.prepare(submission)

    async def submit(self, submission: SubmissionRef) -> None:
        """To all. One that has it is enough; a refusal counts only if all refused."""
        await self._looked_lately()
        outcomes = (await self._providers.outcomes(lambda network: network.submit(submission))).values()
        errors = [outcome for outcome in outcomes if isinstance(outcome, NetworkError)]
        if len(errors) < len(outcomes):
            return
        raise next((error for error in errors if not isinstance(error, NetworkRejected)), errors[0])

    async def status(self, submission: SubmissionRef) -> Status:
        await self._undisputed()
        answers = await self._providers.ask(lambda network: network.status(submission))
        if (hosts := fates_apart(answers)) is not None:
            check = partial(outcomes_apart, self._providers, submission, hosts)
            raise self._conflict(f"what became of {submission.tx}", hosts, check)
        return agreed_status(answers, self._least)

    # ── what is ours ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:
        """Read at one block by enough providers, and the same by each. Raises `NetworkConflict` where two differ."""
        await self._undisputed()
        for _ in range(_OBSERVATIONS):
            seen = await self._providers.ask(lambda network: network.observe(addresses, at), patience_s=None)
            block = agreed({host: one.block for host, one in seen.items()}, self._least)
            if block is not None:
                return self._one_observation(addresses, at, {h: o for h, o in seen.items() if o.block == block})
        raise NetworkUnreachable(f"{self.id}: the providers told their balances at different blocks")

    def _one_observation(self, addresses: Sequence[str], at: BlockRef, seen: Mapping[str, Observation]) -> Observation:
        units = {host: tuple(sorted(one.units.items())) for host, one in seen.items()}
        if (hosts := contradiction(units)) is None:
            return next(iter(seen.values()))
        symbols = sorted({symbol for symbol, _ in set(units[hosts[0]]) ^ set(units[hosts[1]])})
        about = f"what we hold in {', '.join(symbols)} at block {at.height}"
        raise self._conflict(about, hosts, partial(holdings_apart, self._providers, addresses, at, hosts))

    def providers(self) -> tuple[ProviderView, ...]:
        hosts = self._dispute.hosts if self._dispute is not None else ()
        return tuple(self._seen(view, view.host not in hosts) for view in self._providers.views())

    def _seen(self, view: ProviderView, undisputed: bool) -> ProviderView:
        tip, final = self._tips.get(view.host), self._finals.get(view.host)
        agrees = None if view.error is not None or tip is None else undisputed and view.host not in self._differing
        heights = (tip.height if tip is not None else None, final.height if final is not None else None)
        return replace(view, tip=heights[0], final=heights[1], agrees=agrees)

    async def close(self) -> None:
        for network in self._providers.members.values():
            await network.close()

    # ── conflicts ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _looked_lately(self) -> None:
        """Value leaves only while the final blocks were compared a moment ago."""
        if self._looked_at_ms is None or now_ms() - self._looked_at_ms > LOOK_MS:
            await self.final()
        await self._undisputed()

    async def _undisputed(self) -> None:
        """Raises `NetworkConflict` while one lasts."""
        dispute = self._dispute
        if dispute is None:
            return
        if not await dispute.ended():
            raise dispute.error()
        self._dispute, self._differing = None, frozenset()

    def _conflict(self, about: str, hosts: tuple[str, str], check: Check) -> NetworkConflict:
        """From now on the network stops. To be raised."""
        self._dispute = Dispute(self.id, about, hosts, check, now_ms())
        return self._dispute.error()

    async def _shown(self, height: int, refs: Mapping[str, BlockRef]) -> dict[str, str]:
        """The block at `height` by all whose own ref is as high. Who shows none, or does not answer, is left out."""
        known = {host: ref.id for host, ref in refs.items() if ref.height == height}
        asked = [host for host, ref in refs.items() if ref.height > height]
        outcomes = await self._providers.outcomes(lambda network: network.block_ref(height), asked) if asked else {}
        return known | {host: ref.id for host, ref in outcomes.items() if isinstance(ref, BlockRef)}
