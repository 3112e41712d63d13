"""The networks once for all stories; a database, a bank and a node for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.database import Dsns
from node.devnet.anvil import Anvil
from node.devnet.bank import DevelopmentBank
from node.devnet.bitcoind import Bitcoind
from node.devnet.networks import BANK_IBAN, Devnet
from node.devnet.outside import outside_wallet
from tests.scenario.house import House, open_house, with_bank


@pytest.fixture(scope="session")
async def chains(anvil: Anvil, bitcoind: Bitcoind, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Devnet]:
    folder = tmp_path_factory.mktemp("chains")
    bank = DevelopmentBank(folder / "bank", folder / "bank-private", iban=BANK_IBAN)
    async with outside_wallet(anvil.url, None) as outside:
        token = await outside.deploy_dev_dollar()
        yield Devnet(folder, anvil, bitcoind, bank, outside, token)


@pytest.fixture
def devnet(chains: Devnet, tmp_path: Path) -> Devnet:
    return with_bank(chains, tmp_path)


@pytest.fixture
async def house(devnet: Devnet, dsns: Dsns, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(devnet, dsns, tmp_path / "node") as opened:
        yield opened
