"""Tokens that are not listed, sent to addresses of ours: told, never believed.

What this prevents: money sent wrongly that nobody hears of; and a flood of worthless tokens that costs us more than its
sender. Logs of nothing are not told at all, and of one block no more than `STRAYS_MAX`. Contracts are asked what they call
themselves: a few of a block, with little gas, and what they answer is shown as their word.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from chains.evm.claims import BlockClaims
from chains.evm.token import DECIMALS_CALL, SYMBOL_CALL, TransferLog, parse_decimals, parse_text, read_transfer
from chains.evm.wire import BlockAnswer, at_block
from chains.rpc.client import JsonRpc, RpcError
from wallet.ports import Stray

STRAYS_MAX = 5_000  # a block's gas pays for some 17,000 logs; whoever fills it is no customer
CONTRACTS_ASKED_MAX = 20
_GAS = hex(200_000)  # a name is read with a tenth of it, through proxies too; a loop without end costs nobody much

Name = tuple[str | None, int | None]
"""What a contract says its symbol and its decimals are."""


async def find_strays(rpc: JsonRpc, found: BlockClaims, canonical: Mapping[str, str]) -> tuple[tuple[Stray, ...], int]:
    """The strays of a block in its order, and how many more there are. `found` is of our addresses alone; `canonical` has
    the form of each that we handed out. Raises the network's errors."""
    told = [(one, transfer) for one in found.unlisted if (transfer := read_transfer(one.log)) and _matters(transfer)]
    shown = told[:STRAYS_MAX]
    names = await _names(rpc, found.block, dict.fromkeys(transfer.contract for _, transfer in shown))
    strays = tuple(
        Stray(
            one.identity,
            canonical[one.address],
            transfer.contract,
            transfer.units,
            one.tx,
            *names.get(transfer.contract, (None, None)),
        )
        for one, transfer in shown
    )
    return strays, len(told) - len(shown)


def _matters(transfer: TransferLog) -> bool:
    return transfer.units > 0 and transfer.source != transfer.target


async def _names(rpc: JsonRpc, block: BlockAnswer, contracts: Iterable[str]) -> dict[str, Name]:
    asked = list(islice(contracts, CONTRACTS_ASKED_MAX))
    at = at_block(block.hash)
    questions = [{"to": one, "data": data, "gas": _GAS} for one in asked for data in (SYMBOL_CALL, DECIMALS_CALL)]
    calls = [("eth_call", [question, at]) for question in questions]
    answers = await rpc.batch_outcomes(calls, str)
    return {one: _name(answers[2 * place : 2 * place + 2]) for place, one in enumerate(asked)}


def _name(answers: Sequence[str | RpcError]) -> Name:
    symbol, decimals = ("" if isinstance(answer, RpcError) else answer for answer in answers)
    return parse_text(symbol), parse_decimals(decimals)
