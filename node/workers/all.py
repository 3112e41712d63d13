"""All loops of one process."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from node.config import Config
from node.database import Dsns
from node.witness import WitnessFile
from node.workers.begin_day import begin_present_day
from node.workers.expire_holds import expire_due_holds
from node.workers.follow_network import follow_network
from node.workers.forget_requests import forget_old_requests
from node.workers.loop import Loop, release_leases, run_loop
from node.workers.loosen_rules import loosen_due_rules
from node.workers.pay_withdrawals import pay_and_follow
from node.workers.prepare_partitions import prepare_next_partitions
from node.workers.reconcile_assets import reconcile_assets
from node.workers.sweep_deposits import sweep_network
from node.workers.watch_head import watch_head
from node.workers.witness_heads import witness_head
from wallet.addresses.certify import certify_addresses
from wallet.context import Context
from wallet.deposits.announce import announce_deposits
from wallet.listings.adopt import adopt_tokens
from wallet.ports import PaysFrom
from wallet.ports.announcing import Announcing
from wallet.ports.tokens import Tokens
from wallet.proposals.carry_out import carry_out_proposals
from wallet.stops.mirror import mirror_stops
from wallet.treasury.rotation import follow_hot

PARTITIONS_EVERY_S = 3600.0
ANNOUNCE_EVERY_S = 1.0  # a customer sees a payment within a second or two of making it
EXPIRY_EVERY_S = 1.0  # a hold pays nothing from its last moment on; what is left is back within a second or two
ADOPT_EVERY_S = 2.0
LOOSEN_EVERY_S = 1.0  # whoever has waited for a day has not to wait much longer
STOPS_EVERY_S = 1.0  # the signer has stopped already; this is until customers read why
PROPOSALS_EVERY_S = 1.0  # who has just approved something looks for what became of it
CERTIFY_EVERY_S = 1.0  # who is given an address can prove that it is ours a second or two later
DAY_EVERY_S = 30.0  # yesterday's files can be had so soon after midnight at the latest
WITNESS_EVERY_S = 3.0  # what an attacker or a lost tail may take unseen


def all_loops(config: Config, context: Context, dsns: Dsns) -> list[Loop]:
    """Per network: follow, pay, reconcile, and sweep where deposits must be moved. A slow one holds up no other."""
    every_s = config.node.poll_ms * 0.001
    witness = WitnessFile(config.witness_file)
    loops = [
        Loop("witness_heads", WITNESS_EVERY_S, partial(witness_head, context, dsns.books, witness)),
        Loop("mirror_stops", STOPS_EVERY_S, partial(mirror_stops, context)),
        Loop("expire_holds", EXPIRY_EVERY_S, partial(expire_due_holds, context)),
        Loop("carry_out_proposals", PROPOSALS_EVERY_S, partial(carry_out_proposals, context)),
        Loop("loosen_rules", LOOSEN_EVERY_S, partial(loosen_due_rules, context)),
        Loop("certify_addresses", CERTIFY_EVERY_S, partial(certify_addresses, context)),
        Loop("begin_day", DAY_EVERY_S, partial(begin_present_day, context)),
        Loop("forget_requests", PARTITIONS_EVERY_S, partial(forget_old_requests, context, dsns.owner)),
        Loop("prepare_partitions", PARTITIONS_EVERY_S, partial(prepare_next_partitions, dsns.owner)),
    ]
    for name, network in context.networks.items():
        loops.append(Loop(f"follow/{name}", every_s, partial(follow_network, context, network)))
        reconcile_s = float(config.node.reconcile_s)
        loops.append(Loop(f"reconcile/{name}", reconcile_s, partial(reconcile_assets, context, network)))
        loops.append(Loop(f"pay/{name}", every_s, partial(pay_and_follow, context, network)))
        if isinstance(network, Announcing):
            loops.append(
                Loop(f"announce/{name}", min(every_s, ANNOUNCE_EVERY_S), partial(announce_deposits, context, network))
            )
        if network.capabilities.sweeps:
            minimum = config.networks[name].sweep_minimum()
            loops.append(Loop(f"sweep/{name}", every_s, partial(sweep_network, context, network, minimum)))
        if (block_time_s := config.networks[name].watched_block_time_s(config.node.mode)) is not None:
            watching = partial(watch_head, context, network.id, block_time_s)
            loops.append(Loop(f"watch_head/{name}", block_time_s * 0.25, watching))
    return loops


def loops_everywhere(context: Context) -> list[Loop]:
    """What a process that only answers needs as well: tokens listed and hot addresses rotated meanwhile."""
    adopting = [
        Loop(f"adopt/{name}", ADOPT_EVERY_S, partial(adopt_tokens, context, network), everywhere=True)
        for name, network in context.networks.items()
        if isinstance(network, Tokens)
    ]
    paying = [
        Loop(f"hot/{name}", ADOPT_EVERY_S, partial(follow_hot, context, network), everywhere=True)
        for name, network in context.networks.items()
        if isinstance(network, PaysFrom)
    ]
    return adopting + paying


@asynccontextmanager
async def run_loops(context: Context, loops: Sequence[Loop]) -> AsyncIterator[None]:
    """The loops run while the block does; a step under way when it ends is cut, and goes on at the next start."""
    holder = f"{socket.gethostname()}/{secrets.token_hex(8)}"
    tasks = [asyncio.create_task(run_loop(context, loop, holder), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await release_leases(context, holder)
