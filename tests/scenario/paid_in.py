"""Customers with money in them: what most stories begin with."""

from eth_account import Account

from node.devnet.bank import Order, read_order
from tests.integration.chains.evm.chain import calldata
from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, House
from wallet.ids import CustomerId
from wallet.ledger.balances import balances
from wallet.money import parse_amount
from wallet.ports import Destination

NETWORK_OF = {"EUR": SEPA, "BTC": BITCOIN, "ETH": ETHEREUM, "DUSD": ETHEREUM}
PAYER_IBAN = "DE75512108001245126199"
PAYEE_IBAN = "DE02120300000000202051"


async def pay_in(house: House, owner: CustomerId, asset: str, amount: str) -> None:
    """Somebody outside pays the customer; credited when the networks have been looked at often enough."""
    net, address = house.devnet, await house.address(owner, NETWORK_OF[asset])
    units = parse_amount(amount, house.context.asset(asset)).units
    match asset:
        case "EUR":
            net.bank.pay_in("Payer Example", PAYER_IBAN, units, address)
        case "BTC":
            await net.bitcoind.pay(address, amount)
        case "ETH":
            await net.outside.send_ether(address, units, account=1)
        case _:
            await net.outside.mint_dev_dollars(address, units, account=2)


async def funded(house: House, asset: str, amount: str) -> CustomerId:
    """A customer with this much, credited and where withdrawals can be paid from."""
    owner = await house.customer("alice")
    if NETWORK_OF[asset] == ETHEREUM:
        await house.devnet.outside.send_ether(await house.hot(ETHEREUM), 10**18)
    await pay_in(house, owner, asset, amount)
    await credited(house, owner, asset, amount)
    return owner


async def credited(house: House, owner: CustomerId, asset: str, amount: str) -> None:
    """Returns when this much is available, nothing is held, and all that followed from it has come to its end."""

    async def is_there() -> bool:
        return await figures(house, owner, asset) == (units(house, asset, amount), 0)

    await house.until(is_there)
    await house.settled()


def units(house: House, asset: str, amount: str) -> int:
    return parse_amount(amount, house.context.asset(asset)).units


async def figures(house: House, owner: CustomerId, asset: str) -> tuple[int, int]:
    """Available and held, in base units."""
    (row,) = [row for row in await balances(house.context, owner) if row["asset"] == asset]
    return units(house, asset, row["available"]), units(house, asset, row["held"])


async def destination(house: House, asset: str) -> Destination:
    """Somebody outside, whom nobody has paid before."""
    match NETWORK_OF[asset]:
        case "sepa":
            return Destination(PAYEE_IBAN, "Payee Example")
        case "bitcoin":
            return Destination(await house.devnet.bitcoind.new_address())
        case _:
            return Destination(fresh_ethereum_address())


def fresh_ethereum_address() -> str:
    return str(Account.create().address)


async def received(house: House, asset: str, to: Destination) -> int:
    """Base units that arrived there, as the network itself tells; at the bank, what all payouts together paid."""
    match asset:
        case "EUR":
            return sum(order.units for order in executed_orders(house))
        case "BTC":
            satoshi: int = round(await house.devnet.bitcoind.rpc("getreceivedbyaddress", to.address, 0) * 10**8)
            return satoshi
        case "ETH":
            return int(await house.devnet.anvil.rpc("eth_getBalance", to.address, "latest"), 16)
        case _:
            call = {"to": house.devnet.dev_dollar, "data": calldata("balanceOf(address)", to.address)}
            return int(await house.devnet.anvil.rpc("eth_call", call, "latest"), 16)


def executed_orders(house: House) -> list[Order]:
    """The payout files that the bank has executed."""
    files = sorted((house.devnet.folder / "bank-private/executed").glob("*.xml"))
    orders = [read_order(file.read_bytes()) for file in files]
    return [order for order in orders if order is not None]
