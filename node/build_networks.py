"""Make each configured network's adapter. Adapters know nothing of configuration files; this is where the two meet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chains.bitcoin.network import UtxoNetwork
from chains.evm.block_proof import Proofs
from chains.evm.network import EvmNetwork
from chains.quorum.coins import CoinQuorum
from chains.quorum.contracts import ContractQuorum
from chains.rpc.client import url_credentials, url_host
from chains.sepa.network import SepaNetwork
from chains.sepa.statements import Notice
from node.config import Config, EvmSection, ProviderSection, SepaSection, UtxoSection
from node.notices import record_notice
from node.statement_archive import StatementArchive
from wallet.context import Context
from wallet.deposits.one_provider import TOKEN_MAX, bounded
from wallet.ids import NetworkId
from wallet.ports import AddressBook, Listing, Network

# What one provider's word is worth in production unless the configuration says otherwise, in whole units of the own asset.
ONE_PROVIDER_MAX: Final = {"evm": 10, "bitcoin": 1}


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
                networks.adapters[network] = _evm(config, network, section, keys, book)
            case UtxoSection():
                networks.adapters[network] = _utxo(config, network, section, keys, book)
            case SepaSection():
                networks.adapters[network] = _sepa(config, network, section, keys, book, networks)
    return networks


def _chain(section: EvmSection | UtxoSection, one: Callable[[ProviderSection], Network]) -> Network:
    """One provider's network, or the quorum of several. The members' names are their hosts, which alone are ever shown."""
    members: dict[str, Network] = {}
    for number, source in enumerate(section.sources(), 1):
        host = url_host(source.url.get_secret_value())
        members[f"{host} ({number})" if host in members else host] = one(source)
    if len(members) == 1:
        return next(iter(members.values()))
    several = ContractQuorum if isinstance(section, EvmSection) else CoinQuorum
    return several(members, section.agreeing())


def listings_of(config: Config, network: NetworkId) -> tuple[Listing, ...]:
    """Where in production one provider alone is believed, what is credited on its word has a bound in any case."""
    section = config.networks[network]
    listings = section.listings(network)
    if isinstance(section, SepaSection) or config.node.mode == "dev" or section.agreeing() > 1:
        return tuple(replace(one, one_provider_max_units=None, one_provider_day_max_units=None) for one in listings)
    most = ONE_PROVIDER_MAX[section.kind]
    return tuple(bounded(listing, most if listing.contract is None else TOKEN_MAX) for listing in listings)


def _evm(config: Config, network: NetworkId, section: EvmSection, keys: str, book: AddressBook) -> Network:
    def one(source: ProviderSection) -> EvmNetwork:
        return EvmNetwork(
            id=network,
            url=source.url.get_secret_value(),
            chain_id=section.chain_id,
            listings=listings_of(config, network),
            public_keys=keys,
            book=book,
            max_fee_per_gas_wei=section.max_fee_per_gas_wei,
            traces=_traces(section),
            confirmations=section.confirmations,
            proofs=Proofs(section.block_proofs),
            bumping=section.bumping(),
            calls_per_s=source.calls_per_s,
        )

    return _chain(section, one)


def _traces(section: EvmSection) -> bool | None:
    """Several providers must see the same in a block, and not all of them may have traces: then none uses them unless the
    configuration says so, and growth finds what contracts pay."""
    return False if section.traces is None and len(section.sources()) > 1 else section.traces


def _utxo(config: Config, network: NetworkId, section: UtxoSection, keys: str, book: AddressBook) -> Network:
    def one(source: ProviderSection) -> UtxoNetwork:
        user, password, cookie_file = _login(section, source)
        return UtxoNetwork(
            id=network,
            url=source.url.get_secret_value(),
            chain=section.chain,
            confirmations=section.confirmations,
            public_keys=keys,
            book=book,
            listings=listings_of(config, network),
            address_kind=section.address_kind,
            user=user,
            password=password,
            cookie_file=config.path(cookie_file) if cookie_file else None,
            bumping=section.bumping(),
            calls_per_s=source.calls_per_s,
        )

    return _chain(section, one)


def _login(section: UtxoSection, source: ProviderSection) -> tuple[str | None, str | None, str | None]:
    """User and password, or a cookie file: the provider's own, or those of its URL, or the section's."""
    for named in (source, section):
        if named.user is not None or named.password is not None or named.cookie_file is not None:
            return named.user, named.password.get_secret_value() if named.password else None, named.cookie_file
    return (*(url_credentials(source.url.get_secret_value()) or (None, None)), None)


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
        listings=listings_of(config, network),
        opening_units=section.opening_units(),
        report=report,
    )


def kinds(config: Config) -> Mapping[str, str]:
    return {name: section.kind for name, section in config.networks.items()}
