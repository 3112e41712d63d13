"""The main job, live: money in from three networks, a payment, money out, and the books proven to the last unit."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from node.commands.status import short_amount
from node.demo.client import ApiClient
from node.demo.stage import Stage, set_stage, temporary_folder
from node.devnet.networks import Devnet, how_to_pay_in
from node.logs import write_logs
from wallet.journal.receipts import Receipt, verify_receipt
from wallet.ledger.reconcile import Position, positions
from wallet.proofs.verify import Proof, verify

INTERRUPTED = 130  # the shell's own number for Ctrl-C
LOOK_EVERY_S = 0.2
STEP_WITHIN_S = 90.0
CUSTOMER_KEY = ["read", "receive", "pay", "withdraw"]
BOB_IBAN = "DE02120300000000202051"  # an example account of a German test bank


@dataclass(slots=True)
class Tour:
    """Where the tour stands; `customers` by handle."""

    stage: Stage
    began: float
    customers: dict[str, ApiClient] = field(default_factory=dict)
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    paid: list[Mapping[str, Any]] = field(default_factory=list)

    def say(self, line: str) -> None:
        say(f"{time.monotonic() - self.began:5.1f} s  {line}")

    async def tell_events(self, handle: str, kind: str, whose: str) -> None:
        """What has happened to one customer's things since the last look, step by step; nothing is left out."""
        cursor = self.cursors.get(handle)
        page = await self.customers[handle].get("/v1/events" + (f"?cursor={cursor}" if cursor else ""))
        self.cursors[handle] = page["next_cursor"]
        for event in page["items"]:
            if event["type"].startswith(kind):
                data = event["data"]
                noun = kind.removesuffix(".")
                self.say(f"  {noun} of {short_amount(data['amount'])} {data['asset']} {whose}: {data['status']}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run_demo(*, once: bool, folder: Path | None) -> int:
    """`folder` is absolute. Exit status 0 only if everything happened and every difference is 0. Without `once` it stays up
    until Ctrl-C."""
    began, stop, staying = time.monotonic(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with temporary_folder() if folder is None else nullcontext(folder) as place:
        telling = asyncio.create_task(_tell(place, began, staying=None if once else staying, stop=stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not telling.done() and not staying.is_set():
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            return INTERRUPTED
        return await telling


async def _tell(folder: Path, began: float, *, staying: asyncio.Event | None, stop: asyncio.Event) -> int:
    """`staying` is set when the tour is over and stays up; None ends it there."""
    write_logs(folder / "demo.log")
    async with set_stage(folder, lambda line: say(f"{time.monotonic() - began:5.1f} s  {line}")) as stage:
        tour = Tour(stage, began)
        await open_accounts(tour)
        await pay_in(tour)
        await pay_each_other(tour)
        await withdraw(tour)
        await look_back(tour)
        proven, proof = await prove(tour)
        result = await _result(tour, proven, proof)
        if staying is not None:
            _invite(tour)
            staying.set()
            await stop.wait()
            say("stopping")
    if staying is None:
        say(json.dumps(result))
    return 0 if result["ok"] else 1


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def open_accounts(tour: Tour) -> None:
    """An operator makes the customers; each customer's own key makes the addresses that money will come to."""
    operator = tour.stage.operator
    tour.say("an operator has a key; two customers are created")
    for handle, name in (("alice", "Alice Example"), ("bob", "Bob Example")):
        customer = await operator.post("/v1/customers", {"handle": f"@{handle}", "name": name})
        key = await operator.post("/v1/api-keys", {"owner": customer["id"], "scopes": CUSTOMER_KEY, "label": "demo"})
        tour.customers[handle] = operator.with_key(key["secret"])
    for handle, network in (("alice", "sepa"), ("alice", "bitcoin"), ("bob", "ethereum")):
        made = await tour.customers[handle].post("/v1/addresses", {"network": network})
        tour.addresses[handle, network] = made["address"]
        what = "bank reference" if network == "sepa" else "address"
        tour.say(f"  @{handle} has the {network} {what} {made['address']}")
    taproot = await tour.customers["alice"].post("/v1/addresses", {"network": "bitcoin", "kind": "p2tr"})
    tour.addresses["alice", "bitcoin, taproot"] = taproot["address"]
    tour.say(f"  @alice has the bitcoin address {taproot['address']} (taproot) as well")


async def pay_in(tour: Tour) -> None:
    """From outside: a bank statement, bitcoind's own wallet, anvil's own accounts; and the operator funds gas."""
    net, ethereum = tour.stage.devnet, tour.addresses["bob", "ethereum"]
    tour.say("from outside: 500.00 EUR, 0.5 BTC in two parts, 2 ETH and 1,000 DUSD; the operator funds 1 ETH for gas")
    tour.say("  and 0.25 ETH that a contract pays: no tx names @bob's address, only a trace of the call does")
    hot = await tour.stage.funding_address("ethereum")
    reference = tour.addresses["alice", "sepa"]
    await asyncio.to_thread(net.bank.pay_in, "Alice Example", "DE75512108001245126199", 50_000, reference)
    await net.bitcoind.pay(tour.addresses["alice", "bitcoin"], "0.3")
    await net.bitcoind.pay(tour.addresses["alice", "bitcoin, taproot"], "0.2")
    await asyncio.gather(
        net.outside.send_ether(hot, 10**18),
        net.outside.send_ether(ethereum, 2 * 10**18, account=1),
        net.outside.send_ether_by_contract(ethereum, 25 * 10**16, account=3),
        _pay_dev_dollars(net, ethereum),
    )
    wanted = {"alice": 3, "bob": 3}
    await _until(lambda: _deposits_credited(tour, wanted), "the deposits to be credited")


async def _pay_dev_dollars(net: Devnet, address: str) -> None:
    await net.outside.mint_dev_dollars(await net.outside.address(2), 1_000 * 10**6, account=2)
    await net.outside.send_dev_dollars(address, 1_000 * 10**6, account=2)


async def _deposits_credited(tour: Tour, wanted: Mapping[str, int]) -> bool:
    done = 0
    for handle, number in wanted.items():
        await tour.tell_events(handle, "deposit.", f"to @{handle}")
        items = (await tour.customers[handle].get("/v1/deposits"))["items"]
        done += len(items) == number and all(item["status"] == "credited" for item in items)
    return done == len(wanted)


async def pay_each_other(tour: Tour) -> None:
    for amount, asset in (("100.00", "EUR"), ("0.1", "BTC")):
        body = {"to": "@bob", "asset": asset, "amount": amount}
        tour.paid.append(await tour.customers["alice"].post("/v1/payments", body))
        tour.say(f"@alice pays @bob {amount} {asset}: at once, inside the ledger")


async def withdraw(tour: Tour) -> None:
    """To outside addresses on every network, until all are final and no submission of the node is open."""
    bob, net = tour.customers["bob"], tour.stage.devnet
    outside = await net.outside.address(5)
    orders: Sequence[tuple[str, str, str, dict[str, str]]] = (
        ("sepa", "EUR", "60.00", {"address": BOB_IBAN, "name": "Bob Example"}),
        ("bitcoin", "BTC", "0.05", {"address": await net.bitcoind.new_address()}),
        ("ethereum", "ETH", "0.5", {"address": outside}),
        ("ethereum", "DUSD", "250", {"address": outside}),
    )
    for network, asset, amount, destination in orders:
        body = {"network": network, "asset": asset, "amount": amount, "destination": destination}
        made = await bob.post("/v1/withdrawals", body)
        fee = f", network fee {made['network_fee']}" if made["network_fee"].strip("0.") else ""
        tour.say(f"@bob withdraws {amount} {asset} to {destination['address']}{fee}")
    await _until(lambda: _withdrawals_final(tour, len(orders)), "the withdrawals to be final")
    for file in await asyncio.to_thread(_payout_files, net.folder):
        tour.say(f"  the bank has executed the payout file {file}")
    await _until(lambda: _nothing_open(tour), "the node's own submissions to be final")


async def _withdrawals_final(tour: Tour, number: int) -> bool:
    await tour.tell_events("bob", "withdrawal.", "by @bob")
    items = (await tour.customers["bob"].get("/v1/withdrawals"))["items"]
    broken = [item for item in items if item["status"] in ("rejected", "failed", "cancelled")]
    if broken:
        raise TourFailed(f"withdrawal {broken[0]['id']} was {broken[0]['status']}: {broken[0]['reason']}")
    return len(items) == number and all(item["status"] == "final" for item in items)


def _payout_files(devnet: Path) -> list[str]:
    return sorted(file.name for file in (devnet / "bank-private" / "executed").glob("*.xml"))


async def _nothing_open(tour: Tour) -> bool:
    return all(p.in_transit == 0 for p in await positions(tour.stage.beside))


async def look_back(tour: Tour) -> None:
    """What a customer can check alone: a receipt, a balance of the past, why an object is what it is, a statement."""
    payment, bob = tour.paid[0], tour.customers["bob"]
    receipt = Receipt.from_json(json.dumps(payment["receipt"]))
    claim = verify_receipt(receipt, receipt.key)
    tour.say("what is written can be looked up, by those whose it is:")
    tour.say(f"  the receipt of {payment['id']}, checked offline: {claim['kind']}, signed by {receipt.key[:16]}…")
    when = quote(claim["at"])
    balances = (await bob.get(f"/v1/balances?at={when}"))["items"]
    had = next(item["available"] for item in balances if item["asset"] == "EUR")
    tour.say(f"  @bob had {had} EUR at {claim['at']}")
    told = await bob.get(f"/v1/explain/{payment['id']}")
    for line in told["words"]:
        tour.say(f"  {line}")
    midnight = claim["at"].partition("T")[0]
    now = quote(datetime.now(UTC).isoformat())
    statement = await bob.get(f"/v1/statements?asset=EUR&from={midnight}&to={now}")
    tour.say(
        f"  @bob's statement of today: {statement['opening']['posted']} EUR at midnight,"
        f" {len(statement['movements'])} movements, {statement['closing']['posted']} EUR now"
    )


async def prove(tour: Tour) -> tuple[list[Position], Proof]:
    """The networks are asked what we hold; the journal is replayed from its first row."""
    proven = await positions(tour.stage.beside)
    tour.say("the books against the bank and the chains:")
    for p in proven:
        figures = p.view()
        tour.say(
            f"  {p.asset:>4}  held {short_amount(figures['held'])} = owed {short_amount(figures['owed'])}"
            f" + house {short_amount(figures['house'])}, difference {short_amount(figures['difference'])}"
        )
    connection = await asyncpg.connect(tour.stage.books_dsn)
    try:
        proof = await verify(connection)
    finally:
        await connection.close()
    tour.say(f"journal: {proof.seq} changes replayed, {proof.transfers} transfers and {proof.rows} rows agree")
    tour.say(f"  sealed by {proof.head}")
    return proven, proof


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class TourFailed(Exception):
    """Something that the tour shows did not happen."""


async def _until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + STEP_WITHIN_S
    while not await condition():
        if time.monotonic() > deadline:
            raise TourFailed(f"waited {STEP_WITHIN_S:.0f} s for {what}")
        await asyncio.sleep(LOOK_EVERY_S)


async def _result(tour: Tour, proven: list[Position], proof: Proof) -> dict[str, Any]:
    balances = {
        handle: {b["asset"]: b["available"] for b in (await client.get("/v1/balances"))["items"]}
        for handle, client in tour.customers.items()
    }
    return {
        "ok": all(p.difference == 0 for p in proven),
        "seconds": round(time.monotonic() - tour.began, 1),
        "balances": balances,
        "assets": {p.asset: p.view() for p in proven},
        "journal": {"seq": proof.seq, "head": proof.head},
    }


def _invite(tour: Tour) -> None:
    url, alice = tour.stage.operator.url, tour.customers["alice"].secret
    say("")
    say(f"The live page: {url}/live?token={tour.stage.operator.secret}")
    say("")
    say("Ready to paste:")
    say(f"  curl -s -H 'Authorization: Bearer {alice}' {url}/v1/balances")
    say(f"  curl -s -H 'Authorization: Bearer {alice}' {url}/v1/deposits")
    say(
        f"  curl -s -H 'Authorization: Bearer {alice}' -H \"Idempotency-Key: $(date +%s%N)\""
        f' -H \'Content-Type: application/json\' -d \'{{"to":"@bob","asset":"EUR","amount":"1.00"}}\' {url}/v1/payments'
    )
    say(f"  .venv/bin/coffer status --config {tour.stage.config}")
    say(f"  .venv/bin/coffer verify --config {tour.stage.config}")
    say("")
    say("Pay in from outside, with any wallet:")
    for line in how_to_pay_in(tour.stage.devnet):
        say(f"  {line}")
    for (handle, network), address in tour.addresses.items():
        say(f"  @{handle} on {network}: {address}")
    say("")
    say("Ctrl-C ends it all.")
