"""Make each configured network's adapter. Adapters know nothing of configuration files; this is where the two meet."""

from collections.abc import Mapping
from dataclasses import dataclass

from chains.bitcoin.network import BitcoinNetwork
from chains.evm.network import EvmNetwork
from chains.sepa.network import SepaNetwork
from chains.sepa.statements import Notice
from node.config import BitcoinSection, Config, EvmSection, SepaSection
from node.notices import record_notice
from node.statement_archive import StatementArchive
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ports import AddressBook, Network


@dataclass(slots=True)
class Networks:
    """The adapters, and what of them needs the context once it is made."""

    adapters: dict[NetworkId, Network]
    archives: list[StatementArchive]

    def bind(self, context: Context) -> None:
        for archive in self.archives:
            archive.context = context


def build_networks(config: Config, public_keys: Mapping[str, str], book: AddressBook) -> Networks:
    """`public_keys` are the signer's, by network. Raises `KeyError` for a network that the signer does not know, and
    `ValueError` for what an adapter refuses."""
    networks = Networks({}, [])
    for name, section in config.networks.items():
        network = NetworkId(name)
        keys = public_keys[name]
        match section:
            case EvmSection():
                networks.adapters[network] = _evm(network, section, keys, book)
            case BitcoinSection():
                networks.adapters[network] = _bitcoin(config, network, section, keys, book)
            case SepaSection():
                networks.adapters[network] = _sepa(config, network, section, keys, book, networks)
    return networks


def _evm(network: NetworkId, section: EvmSection, keys: str, book: AddressBook) -> EvmNetwork:
    return EvmNetwork(
        id=network,
        url=section.url.get_secret_value(),
        chain_id=section.chain_id,
        listings=section.listings(network),
        public_keys=keys,
        book=book,
        max_fee_per_gas_wei=section.max_fee_per_gas_wei,
        traces=section.traces,
    )


def _bitcoin(
    config: Config, network: NetworkId, section: BitcoinSection, keys: str, book: AddressBook
) -> BitcoinNetwork:
    return BitcoinNetwork(
        id=network,
        url=section.url.get_secret_value(),
        chain=section.chain,
        confirmations=section.confirmations,
        public_keys=keys,
        book=book,
        listings=section.listings(network),
        address_kind=section.address_kind,
        user=section.user,
        password=section.password.get_secret_value() if section.password else None,
        cookie_file=config.path(section.cookie_file) if section.cookie_file else None,
    )


def _sepa(
    config: Config, network: NetworkId, section: SepaSection, keys: str, book: AddressBook, networks: Networks
) -> SepaNetwork:
    archive = StatementArchive(network)
    networks.archives.append(archive)

    async def report(notice: Notice) -> None:
        await record_notice(archive.context, network, notice)

    return SepaNetwork(
        id=network,
        folder=config.path(section.folder),
        iban=section.iban,
        bic=section.bic,
        holder_name=section.holder_name,
        public_keys=keys,
        book=book,
        statements=archive,
        listings=section.listings(network),
        opening_units=section.opening_units(),
        report=report,
    )


def kinds(config: Config) -> Mapping[str, str]:
    return {name: section.kind for name, section in config.networks.items()}
