"""What an approver signs, as it stands in the books: the signer computes the same from the bytes that it is asked to sign."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.context import Context, Record
from wallet.errors import NotAllowed
from wallet.money import rescale
from wallet.ports import Destination
from wallet.proposals.digest import digest_words, withdrawal_content, withdrawal_digest
from wallet.vault.vault import RevealPurpose


@dataclass(frozen=True, slots=True)
class Act:
    """Paying one withdrawal. `content` is spelled as the signer spells it, the amount with all decimals of the network."""

    withdrawal: str
    content: Mapping[str, str]

    @property
    def digest(self) -> bytes:
        return withdrawal_digest(self.withdrawal, self.content)

    @property
    def words(self) -> str:
        return digest_words(self.digest)


async def act_of(context: Context, row: Record) -> Act:
    """Raises what the vault raises for an erased person, and `NotAllowed` for an amount that the network cannot
    carry to the unit."""
    asset, network = context.asset(row["asset"]), context.network(row["network"])
    listing = next(listing for listing in network.listings if listing.asset == asset)
    units = rescale(row["units"], from_decimals=asset.decimals, to_decimals=listing.decimals)
    if units is None:
        raise NotAllowed(f"{row['network']} does not carry this amount to the unit")
    destination = await destination_of(context, row)
    return Act(
        row["id"], withdrawal_content(row["network"], row["asset"], destination.address, units, listing.decimals)
    )


async def destination_of(context: Context, row: Record) -> Destination:
    """In clear, for somebody who is to answer for what goes there."""
    if row["destination_item"] is None:
        return Destination(row["destination"])
    clear = await context.reveal(row["destination_item"], RevealPurpose.APPROVE)
    return Destination(clear["address"], clear["name"])
