"""Who is at the other end: nobody's code, a wallet that is a contract, or a contract that value should not go to.

What this prevents: gas without bound for a recipient that burns it (GasToken, 2018), a tx that is sent to be reverted, and
tokens given to a token's own contract, which are lost there. What it may cost is measured by the same payment to an ordinary
address, not by a number that a coming fork changes.
"""

from chains.evm.build import Payment, try_payment
from chains.evm.token import DECIMALS_CALL, TOTAL_SUPPLY_CALL, parse_decimals, parse_word
from chains.evm.wire import is_failure, unread
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import FundsShort, NetworkRejected
from wallet.ports.recipients import Recipient

_LATEST = "latest"
_NO_CODE = "0x"


async def try_recipient(rpc: JsonRpc, payment: Payment, gas_limit_max: int, ordinary: str) -> Recipient:
    """As `wallet.ports.recipients.Trying`."""
    code, decimals, supply = await rpc.batch_outcomes(_questions(payment.target), str)
    is_contract = _said(code) != _NO_CODE
    if is_contract and parse_decimals(_said(decimals)) is not None and parse_word(_said(supply)) is not None:
        raise NetworkRejected("this is the contract of a token: what is sent there is lost")
    if is_contract or payment.listing.contract is not None:
        try:
            await try_payment(rpc, payment, gas_limit_max, ordinary)
        except FundsShort:
            return Recipient(is_contract)
    return Recipient(is_contract)


def _questions(target: str) -> list[Call]:
    asked: list[Call] = [
        ("eth_call", [{"to": target, "data": data}, _LATEST]) for data in (DECIMALS_CALL, TOTAL_SUPPLY_CALL)
    ]
    return [("eth_getCode", [target, _LATEST]), *asked]


def _said(answer: str | RpcError) -> str:
    if isinstance(answer, RpcError):
        if not is_failure(answer):
            raise unread(answer)
        return _NO_CODE
    return answer
