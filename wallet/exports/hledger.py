"""The books as an hledger journal (hledger manual, "Journal format"), for a program that is not ours to add up.

    2026-11-25 (123) payment.sent  ; at:2026-11-25T09:30:00.000000+00:00, object:pay_…
        liabilities:cus_A:balance   5.00 "EUR" =* -7.00 "EUR"
        liabilities:cus_B:balance  -5.00 "EUR" =* -5.00 "EUR"

A debit is positive there and a credit negative, so what we owe is below zero. What is held lies in a sub-account `held`: the
account with it is what is posted, without it what is available. Every posting asserts what the account has after it, so hledger
itself proves each step of the books and names the first that does not follow. Why hledger: docs/decisions.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from itertools import groupby

from wallet.ledger.transfers import Move
from wallet.money import Asset, format_units
from wallet.movements.movement import Movement

HELD = "held"
_CLASSES = {
    "hot": "assets",
    "deposits": "assets",
    "transit": "assets",
    "receivable": "assets",
    "network_fees": "expenses",
    "loss": "expenses",
    "fees_earned": "revenues",
    "capital": "equity",
}
"""What hledger takes an account's kind from; all others are liabilities. A platform's `fees` are what we owe it."""


def account_name(account: str) -> str:
    """`liabilities:cus_…:balance` for `cus_…:balance:EUR`: hledger keeps assets apart by itself."""
    owner, code, _ = account.split(":")
    return f"{_CLASSES.get(code.partition('@')[0], 'liabilities')}:{owner}:{code}"


async def hledger_journal(
    assets: Mapping[str, Asset], chunks: AsyncIterator[list[Movement]]
) -> AsyncGenerator[bytes, None]:
    """A transaction for each Change that posts or holds anything. `chunks` may cut a Change: its movements are kept until it is
    whole."""
    yield _head(assets).encode()
    kept: list[Movement] = []
    async for found in chunks:
        kept += found
        whole = [one for one in kept if one.seq != kept[-1].seq]
        kept = kept[len(whole) :]
        if whole:
            yield _transactions(assets, whole).encode()
    yield _transactions(assets, kept).encode()


def _head(assets: Mapping[str, Asset]) -> str:
    """Every decimal of an asset is shown; without being told hledger would round its reports."""
    shown = [
        f'commodity {format_units(1000 * 10**asset.decimals, asset.decimals)} "{name}"'
        for name, asset in assets.items()
    ]
    whole = [line if "." in line else line.replace("1000 ", "1000. ") for line in shown]
    return "\n".join(["; Written by coffer export", "decimal-mark .", *sorted(whole), ""])


def _transactions(assets: Mapping[str, Asset], movements: Iterable[Movement]) -> str:
    return "".join(_transaction(assets, list(change)) for _, change in groupby(movements, key=lambda one: one.seq))


def _transaction(assets: Mapping[str, Asset], change: list[Movement]) -> str:
    first = change[0]
    lines = [
        line for _, sides in groupby(change, key=lambda one: one.ordinal) for line in _postings(assets, list(sides))
    ]
    if not lines:
        return ""
    tags = f"at:{first.at}" + (f", object:{first.object}" if first.object else "")
    return f"\n{first.at[:10]} ({first.seq}) {first.kind}  ; {tags}\n" + "".join(f"    {line}\n" for line in lines)


def _postings(assets: Mapping[str, Asset], sides: list[Movement]) -> Iterator[str]:
    """Of one transfer, of which one or both sides were read: what its accounts have after it is asserted of those."""
    by_side = {one.is_credit: one for one in sides}
    debit, credit, move, units = by_side.get(False), by_side.get(True), sides[0].move, sides[0].units
    giver, receiver = map(account_name, _accounts(sides[0]))
    asset = assets[sides[0].asset]
    if move in (
        Move.HOLD,
        Move.VOID,
    ):  # between what is available and what is held: nothing to the account on the other side
        if debit is not None:
            taken = units if move is Move.HOLD else -units
            yield _posting(giver, taken, asset)
            yield _posting(f"{giver}:{HELD}", -taken, asset, "=", debit.held_after)
        return
    if move is Move.SETTLE:
        yield _posting(f"{giver}:{HELD}", units, asset, "=", None if debit is None else debit.held_after)
    else:
        yield _posting(giver, units, asset, "=*", None if debit is None else debit.posted_after)
    yield _posting(receiver, -units, asset, "=*", None if credit is None else credit.posted_after)


def _accounts(movement: Movement) -> tuple[str, str]:
    """Who is debited and who is credited."""
    if movement.is_credit:
        return movement.other, movement.account
    return movement.account, movement.other


def _posting(name: str, units: int, asset: Asset, sign: str = "", after: int | None = None) -> str:
    """`=` asserts what this very account has, `=*` what it has with its sub-accounts; figures are ours, credits less debits."""
    asserted = "" if after is None else f' {sign} {format_units(-after, asset.decimals)} "{asset.symbol}"'
    return f'{name}  {format_units(units, asset.decimals)} "{asset.symbol}"{asserted}'
