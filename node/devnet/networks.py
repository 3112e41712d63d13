"""All development networks together: anvil with a dev dollar, bitcoind with a miner, the bank; and a configuration for them.

Everything lies in one folder and survives a stop: the same ports, the same chains, the same bank.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from node.compose import make_private, short_folder
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bank import DevelopmentBank
from node.devnet.bitcoind import Bitcoind, find_bitcoind
from node.devnet.outside import OutsideWallet, outside_wallet
from node.processes import free_port

BANK_IBAN = "DE89370400440532013000"  # the example of the German IBAN registry: belongs to nobody
BANK_BIC = "COBADEFFXXX"
HOLDER = "Coffer Development Node"
CHAIN_ID = 31337
BLOCK_TIME_S = 1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What must be the same at the next start."""

    anvil_port: int
    bitcoind_port: int
    bitcoind_password: str = field(repr=False)
    dev_dollar: str | None = None


@dataclass(frozen=True, slots=True)
class Devnet:
    """Running networks. `outside` is a wallet on anvil that is not the node's; `dev_dollar` the token's contract."""

    folder: Path
    anvil: Anvil
    bitcoind: Bitcoind
    bank: DevelopmentBank
    outside: OutsideWallet
    dev_dollar: str

    @property
    def bank_folder(self) -> Path:
        return self.folder / "bank"


@asynccontextmanager
async def run_devnet(folder: Path, say: Say) -> AsyncIterator[Devnet]:
    """Start all of them; they end with the block. Raises what the programs raise when one cannot be had or started."""
    make_private(folder)
    kept = _read_kept(folder)
    anvil = Anvil(folder / "anvil", find_anvil(), port=kept.anvil_port, block_time_s=BLOCK_TIME_S)
    program = find_bitcoind(say)
    password = kept.bitcoind_password
    bitcoind = Bitcoind(
        folder / "bitcoind", program, port=kept.bitcoind_port, password=password, block_time_s=BLOCK_TIME_S
    )
    bank = DevelopmentBank(folder / "bank", folder / "bank-private", iban=BANK_IBAN)
    async with AsyncExitStack() as stack:
        say("starting anvil, bitcoind and the bank")
        await asyncio.gather(anvil.start(), bitcoind.start())
        stack.push_async_callback(anvil.stop)
        stack.push_async_callback(bitcoind.stop)
        banking = asyncio.create_task(bank.run(), name="bank")
        stack.callback(banking.cancel)
        outside = await stack.enter_async_context(outside_wallet(anvil.url, kept.dev_dollar))
        token = outside.token or await outside.deploy_dev_dollar()
        _write_kept(folder, _Kept(anvil.port, bitcoind.port, password, token))
        say(f"anvil {anvil.url}, bitcoind {bitcoind.url}, bank folder {folder / 'bank'}")
        yield Devnet(folder, anvil, bitcoind, bank, outside, token)


def _read_kept(folder: Path) -> _Kept:
    file = folder / "devnet.json"
    if file.exists():
        return _Kept(**json.loads(file.read_text(encoding="utf-8")))
    anvil_port = free_port()
    bitcoind_port = free_port()
    return _Kept(anvil_port, bitcoind_port, secrets.token_hex(16))


def _write_kept(folder: Path, kept: _Kept) -> None:
    file = folder / "devnet.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(kept)), encoding="utf-8")


def how_to_pay_in(devnet: Devnet) -> list[str]:
    """For people with wallets of their own: where each network listens."""
    cli = f"curl -s -u {devnet.bitcoind.user}:{devnet.bitcoind.password}"
    return [
        f"Ethereum JSON-RPC {devnet.anvil.url}, chain id {CHAIN_ID}, accounts unlocked",
        f"DUSD, an ERC-20     {devnet.dev_dollar}; anybody may call its mint(address,uint256)",
        f"bitcoind JSON-RPC  {cli} {devnet.bitcoind.url} (regtest; its wallet has coins)",
        f"bank statements    put camt.053 files (.02, .03, .08) for {BANK_IBAN} into {devnet.bank_folder / 'in'}",
    ]


# ── a configuration for them ─────────────────────────────────────────────────────────────────────────────────────────


def write_configuration(devnet: Devnet, node_folder: Path, listen: str, poll_ms: int = 250) -> Path:
    """Writes coffer.toml and signer.toml for a development node beside the networks; returns the first."""
    make_private(node_folder)
    signer = node_folder / "signer.toml"
    signer.touch(mode=0o600)
    signer.write_text(_signer_toml(devnet, node_folder), encoding="utf-8")
    config = node_folder / "coffer.toml"
    config.touch(mode=0o600)
    config.write_text(_node_toml(devnet, listen, poll_ms), encoding="utf-8")
    return config


def _node_toml(devnet: Devnet, listen: str, poll_ms: int) -> str:
    return f"""# A development node on the networks of `coffer devnet`. Not for money.
[node]
mode = "dev"
folder = "data"
listen = "{listen}"
poll_ms = {poll_ms}

[networks.ethereum]
kind = "evm"
url = "{devnet.anvil.url}"
chain_id = {CHAIN_ID}
[networks.ethereum.assets]
ETH = {{ decimals = 18, deposit_min = "0.00001", withdrawal_min = "0.0001", sweep_min = "0.01" }}
DUSD = {{ decimals = 6, contract = "{devnet.dev_dollar}", deposit_min = "0.01", withdrawal_min = "0.01", sweep_min = "1" }}

[networks.bitcoin]
kind = "bitcoin"
url = "{devnet.bitcoind.url}"
user = "{devnet.bitcoind.user}"
password = "{devnet.bitcoind.password}"
chain = "regtest"
confirmations = 3
[networks.bitcoin.assets]
BTC = {{ decimals = 8, deposit_min = "0.00001", withdrawal_min = "0.00001" }}

[networks.sepa]
kind = "sepa"
folder = "{devnet.bank_folder.absolute()}"
iban = "{BANK_IBAN}"
bic = "{BANK_BIC}"
holder_name = "{HOLDER}"
[networks.sepa.assets]
EUR = {{ decimals = 2 }}

[signer]
config = "signer.toml"
"""


def _signer_toml(devnet: Devnet, node_folder: Path) -> str:
    return f"""# The signer's own file: its keys, its limits. Only the signer believes it, and it believes only this.
[signer]
folder = "signer"
socket = "{short_folder(node_folder) / "signer.sock"}"
passphrase_file = "signer/passphrase"
dev = true

[networks.ethereum]
kind = "evm"
chain_id = {CHAIN_ID}
fee_max = "0.05"
fee_window_max = "1"
gas_funding_max = "0.02"
window_s = 86400
[networks.ethereum.assets.ETH]
decimals = 18
submission_max = "10"
window_max = "50"
[networks.ethereum.assets.DUSD]
contract = "{devnet.dev_dollar}"
decimals = 6
submission_max = "100000"
window_max = "500000"

[networks.bitcoin]
kind = "bitcoin"
chain = "regtest"
fee_max = "0.001"
fee_window_max = "0.05"
window_s = 86400
[networks.bitcoin.assets.BTC]
decimals = 8
submission_max = "2"
window_max = "10"

[networks.sepa]
kind = "sepa"
iban = "{BANK_IBAN}"
window_s = 86400
[networks.sepa.assets.EUR]
decimals = 2
submission_max = "10000.00"
window_max = "50000.00"
"""
