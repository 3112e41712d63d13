"""A wallet that is not the node's: anvil's own accounts behind web3, as any exchange or app would use them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from eth_typing import HexStr
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import TxParams, Wei

from node.devnet.contracts import dev_dollar


class OutsideWallet:
    """`account` numbers anvil's own accounts everywhere. Amounts are wei and base units; returns wait for the receipt."""

    def __init__(self, web3: "AsyncWeb3[AsyncHTTPProvider]", token: str | None) -> None:
        self._web3, self.token = web3, token

    async def deploy_dev_dollar(self, account: int = 0) -> str:
        """Makes the token and returns its contract."""
        artefact = dev_dollar()
        contract = self._web3.eth.contract(abi=artefact.abi, bytecode=artefact.bytecode)
        tx = await contract.constructor().transact(await self._from(account))
        self.token = str((await self._web3.eth.wait_for_transaction_receipt(tx, poll_latency=0.1))["contractAddress"])
        return self.token

    async def send_ether(self, address: str, wei: int, account: int = 0) -> str:
        tx = await self._web3.eth.send_transaction(
            {**await self._from(account), "to": self._web3.to_checksum_address(address), "value": Wei(wei)}
        )
        return await self._mined(tx)

    async def send_ether_by_contract(self, address: str, wei: int, account: int = 0) -> str:
        """A contract pays, and no tx names the address: one that is made of nothing but `PUSH20 address, SELFDESTRUCT`, and so
        hands on what it was made with before it exists (EIP-6780 leaves that to creations)."""
        code = "0x73" + address.lower().removeprefix("0x") + "ff"
        made: TxParams = {**await self._from(account), "data": HexStr(code), "value": Wei(wei)}
        return await self._mined(await self._web3.eth.send_transaction(made))

    async def mint_dev_dollars(self, address: str, units: int, account: int = 0) -> str:
        call = self._dev_dollar().functions.mint(self._web3.to_checksum_address(address), units)
        return await self._mined(await call.transact(await self._from(account)))

    async def send_dev_dollars(self, address: str, units: int, account: int = 0) -> str:
        call = self._dev_dollar().functions.transfer(self._web3.to_checksum_address(address), units)
        return await self._mined(await call.transact(await self._from(account)))

    async def address(self, account: int) -> str:
        return str((await self._web3.eth.accounts)[account])

    def _dev_dollar(self) -> Any:  # web3 makes the class of a contract at run time
        if self.token is None:
            raise RuntimeError("the token is not deployed")
        return self._web3.eth.contract(self._web3.to_checksum_address(self.token), abi=dev_dollar().abi)

    async def _from(self, account: int) -> TxParams:
        return {"from": (await self._web3.eth.accounts)[account]}

    async def _mined(self, tx: bytes) -> str:
        receipt = await self._web3.eth.wait_for_transaction_receipt(tx, poll_latency=0.1)  # type: ignore[arg-type]
        if receipt["status"] != 1:
            raise RuntimeError("an outside payment failed on the chain")
        return "0x" + bytes(tx).hex()


@asynccontextmanager
async def outside_wallet(url: str, token: str | None) -> AsyncIterator[OutsideWallet]:
    web3 = AsyncWeb3(AsyncHTTPProvider(url))
    try:
        yield OutsideWallet(web3, token)
    finally:
        await web3.provider.disconnect()
