"""`coffer keys rehearse`: every address that the books know, made again from the words on paper. No money moves, nothing is
written but the report."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import asyncpg

from chains.signer.addresses.rederive import Rederived, rederived
from chains.signer.addresses.rehearsal import report_of
from chains.signer.judging.policy import Policy
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import PathForeign
from chains.signer.kinds import all_public_keys
from node.database import Dsns
from wallet import durable

Say = Callable[[str], None]

PAGE = 5_000  # some 0.2 s of curve arithmetic
_COUNT = "SELECT count(*) FROM addresses WHERE network = $1"
_PAGE = "SELECT id, address, path FROM addresses WHERE network = $1 AND id > $2 ORDER BY id LIMIT $3"
_KEYS = "SELECT id, public_keys FROM networks"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`wrong` is how many of the `addresses` the words do not lead to, `first_wrong` one of them; `same_keys` says whether the
    books were opened with these words."""

    network: str
    addresses: int
    wrong: int
    first_wrong: str | None
    same_keys: bool

    @property
    def agrees(self) -> bool:
        return self.same_keys and not self.wrong


async def rehearse(dsns: Dsns, policy: Policy, keys: Keys, say: Say) -> list[Rehearsed]:
    """For each network that both the signer's file and the books know."""
    told = all_public_keys(keys, policy)
    connection = await asyncpg.connect(dsns.books)
    try:
        opened = {row["id"]: row["public_keys"] for row in await connection.fetch(_KEYS)}
        return [
            await _rehearsed(connection, network, made, same_keys=told[network].startswith(opened[network]), say=say)
            for network, rules in policy.items()
            if (made := rederived(rules, keys)) is not None and network in opened
        ]
    finally:
        await connection.close()


async def _rehearsed(
    connection: asyncpg.Connection, network: str, made: Rederived, *, same_keys: bool, say: Say
) -> Rehearsed:
    total, started = await connection.fetchval(_COUNT, network), perf_counter()
    done, wrong, after = 0, list[str](), ""
    while rows := await connection.fetch(_PAGE, network, after, PAGE):
        wrong += [row["address"] for row in rows if not _leads_to(made, row["path"], row["address"])]
        done, after = done + len(rows), rows[-1]["id"]
        spent_ms = max(int((perf_counter() - started) * 1000), 1)
        say(f"{network}: {done:,} of {total:,} addresses, {done * 1000 // spent_ms:,} a second, {len(wrong):,} wrong")
    return Rehearsed(network, done, len(wrong), wrong[0] if wrong else None, same_keys)


def _leads_to(made: Rederived, path: str, address: str) -> bool:
    try:
        return made.address(path) == address
    except PathForeign:
        return False


def tell_rehearsal(found: list[Rehearsed], *, as_json: bool) -> int:
    """Exit status 0 if the words lead to every address."""
    if as_json:
        print(json.dumps([asdict(one) for one in found]))  # noqa: T201 (a command's result)
    else:
        for one in found:
            state = (
                "agree"
                if one.agrees
                else "DO NOT AGREE: these are other words, or another passphrase, or a wrong address"
            )
            print(f"{one.network}: {one.addresses:,} addresses, {one.wrong:,} wrong: {state}")  # noqa: T201
    return 0 if all(one.agrees for one in found) else 1


def write_report(file: Path, policy: Policy, keys: Keys) -> None:
    """Replaces one that is there: it says the same of the same words."""
    reports = {network: report_of(rules, keys) for network, rules in policy.items()}
    found = {network: asdict(report) for network, report in reports.items() if report is not None}
    durable.replace(file, json.dumps(found, indent=2).encode() + b"\n")
