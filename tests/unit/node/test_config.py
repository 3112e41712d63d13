"""A configuration is taken whole or refused in one line that names the place and never the value."""

from pathlib import Path

import pytest

from node.config import Config, ConfigRefused, EvmSection, SepaSection, UtxoSection, read_config
from wallet.ids import NetworkId
from wallet.money import Asset
from wallet.ports import Step

WHOLE = """
[node]
mode = "dev"
folder = "data"

[signer]
config = "signer.toml"

[networks.ethereum]
kind = "evm"
url = "http://user:canary-secret@127.0.0.1:8545"
chain_id = 31337
assets.ETH = { decimals = 18, sweep_min = "0.001" }
assets.DUSD = { decimals = 6, contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3" }

[networks.bitcoin]
kind = "bitcoin"
url = "http://127.0.0.1:18443"
chain = "regtest"
password = "canary-secret"
assets.BTC = { decimals = 8 }

[networks.sepa]
kind = "sepa"
folder = "bank"
iban = "DE89370400440532013000"
holder_name = "Coffer"
assets.EUR = { decimals = 2 }
"""


def read(folder: Path, text: str = WHOLE, environment: dict[str, str] | None = None) -> Config:
    file = folder / "coffer.toml"
    file.write_text(text)
    return read_config(file, environment or {})


def refusal(folder: Path, text: str = WHOLE, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigRefused) as refused:
        read(folder, text, environment)
    line = str(refused.value)
    assert "\n" not in line
    assert "canary-secret" not in line
    return line


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    config = read(tmp_path)
    kinds = [type(section) for section in config.networks.values()]
    assert kinds == [EvmSection, UtxoSection, SepaSection]
    assert config.assets()["DUSD"] == Asset("DUSD", 6)
    assert config.networks["ethereum"].sweep_minimum() == {"ETH": 10**15, "DUSD": 0}
    assert [listing.contract is None for listing in config.networks["ethereum"].listings(NetworkId("ethereum"))] == [
        True,
        False,
    ]


def test_a_node_listens_on_loopback_unless_told_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path).node.listen.startswith("127.0.0.1:")


def test_relative_paths_begin_at_the_files_own_folder(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert config.folder == tmp_path / "data"
    assert config.path("/elsewhere") == Path("/elsewhere")


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    config = read(tmp_path)
    for shown in (repr(config), str(config), repr(config.model_dump()), config.model_dump_json()):
        assert "canary-secret" not in shown


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('mode = "dev"', 'mode = "dev"\nmoode = "dev"', "node.moode: unknown key"),
        ("[signer]", "[signr]", "(and 1 more)"),
        ("chain_id = 31337", "chain_id = 31337\nchainid = 1", "networks.ethereum.evm.chainid: unknown key"),
        ("{ decimals = 8 }", "{ decimals = 8, decimal = 8 }", "assets.BTC.decimal: unknown key"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_it(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert place in refusal(tmp_path, changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('mode = "dev"', 'mode = "test"'),
        ('mode = "dev"', ""),
        ('folder = "data"', 'folder = "data"\nlisten = "8080"'),
        ('folder = "data"', 'folder = "data"\nlisten = "127.0.0.1:99999"'),
        ('folder = "data"', 'folder = "data"\npoll_ms = 0'),
        ("chain_id = 31337", "chain_id = 0"),
        ("chain_id = 31337", 'chain_id = "1"'),
        ("chain_id = 31337", "chain_id = 1.0"),
        ("decimals = 18", "decimals = 37"),
        ("decimals = 18", "decimals = -1"),
        ("decimals = 18", "decimals = true"),
        ('kind = "evm"', 'kind = "solana"'),
        ('chain = "regtest"', 'chain = "regtest "'),
        ("[networks.ethereum]", '[networks."Ethereum Main"]'),
        ("assets.BTC = { decimals = 8 }", "assets = {}"),
        ('config = "signer.toml"', ""),
        ('config = "signer.toml"', 'config = "signer.toml"\nsocket = "signer.sock"'),
        ("[node]", 'start = "/elsewhere"\n[node]'),
        ("[node]", "[node"),
        ("[node]", '[node]\nmode = "dev"'),
    ],
)
def test_a_configuration_that_cannot_be_right_is_refused_in_one_line(tmp_path: Path, old: str, new: str) -> None:
    assert refusal(tmp_path, changed(old, new)).startswith(str(tmp_path / "coffer.toml"))


@pytest.mark.parametrize("amount", ["0.0000000000000000001", "-1", "1e-3", ".5", "one"])
def test_a_sweep_minimum_that_is_no_amount_is_refused(tmp_path: Path, amount: str) -> None:
    assert "sweep_min" in refusal(tmp_path, changed('"0.001"', f'"{amount}"'))


@pytest.mark.parametrize("amount", ["0.001", "-1.00", "1,00", "NaN"])
def test_an_opening_balance_that_is_no_amount_is_refused(tmp_path: Path, amount: str) -> None:
    text = changed('holder_name = "Coffer"', f'holder_name = "Coffer"\nopening_balance = "{amount}"')
    assert "opening_balance" in refusal(tmp_path, text)


@pytest.mark.parametrize("symbol", ["eur", "E", "EURO-CASH"])
def test_an_asset_that_is_no_symbol_is_refused(tmp_path: Path, symbol: str) -> None:
    assert "capital letters" in refusal(tmp_path, changed("assets.EUR", f"assets.{symbol}"))


def test_a_bank_account_has_one_currency(tmp_path: Path) -> None:
    assert "one currency" in refusal(tmp_path, changed("assets.EUR", "assets.USD = { decimals = 2 }\nassets.EUR"))


def test_one_asset_with_two_scales_is_refused_until_a_scale_is_named(tmp_path: Path) -> None:
    twice = changed("assets.BTC = { decimals = 8 }", "assets.BTC = { decimals = 8 }\nassets.DUSD = { decimals = 18 }")
    assert "name a scale" in refusal(tmp_path, twice)
    assert (
        read(tmp_path, twice.replace("decimals = 18 }\n\n", "decimals = 18, scale = 6 }\n\n")).assets()["DUSD"].decimals
        == 6
    )


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"nothing\.toml"):
        read_config(tmp_path / "nothing.toml", {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigRefused, match="not TOML"):
        read_config(tmp_path / "bytes.toml", {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environment = {
        "COFFER__NODE__LISTEN": "127.0.0.1:9000",
        "COFFER__NODE__POLL_MS": "250",
        "COFFER__NETWORKS__BITCOIN__PASSWORD": "12345",
        "UNRELATED__NODE__MODE": "production",
    }
    config = read(tmp_path, WHOLE, environment)
    bitcoin = config.networks["bitcoin"]
    assert (config.node.listen, config.node.poll_ms, config.node.mode) == ("127.0.0.1:9000", 250, "dev")
    assert isinstance(bitcoin, UtxoSection)
    assert bitcoin.password is not None
    assert bitcoin.password.get_secret_value() == "12345"


@pytest.mark.parametrize("name", ["COFFER__NODE__MOODE", "COFFER__NODES__MODE", "COFFER__NODE__MODE__MORE", "COFFER__"])
def test_an_unknown_key_in_the_environment_is_an_error(tmp_path: Path, name: str) -> None:
    refusal(tmp_path, WHOLE, {name: "canary-secret"})


# ── providers ────────────────────────────────────────────────────────────────────────────────────────────────────────

URL = 'url = "http://user:canary-secret@127.0.0.1:8545"'
THREE = 'providers = ["http://a.example/canary-secret", "http://b.example", "http://c.example"]'


@pytest.mark.parametrize(
    ("providers", "count", "agreeing"),
    [
        (URL, 1, 1),
        (THREE, 3, 2),
        (f"{THREE}\nquorum = 3", 3, 3),
        ('providers = ["http://a.example", "http://b.example"]', 2, 2),
        ('providers = [{ url = "http://a.example", user = "u", calls_per_s = 20 }]', 1, 1),
    ],
)
def test_a_chain_has_one_provider_or_several_that_agree(
    tmp_path: Path, providers: str, count: int, agreeing: int
) -> None:
    section = read(tmp_path, changed(URL, providers)).networks["ethereum"]
    assert isinstance(section, EvmSection)
    assert (len(section.sources()), section.agreeing()) == (count, agreeing)
    assert "canary-secret" not in repr(section)


@pytest.mark.parametrize(
    ("providers", "why"),
    [
        (f"{URL}\n{THREE}", "one of them"),
        ("", "one of them"),
        ("providers = []", "one of them"),
        (f"{THREE}\nquorum = 4", "quorum"),
        (f"{THREE}\nquorum = 0", "quorum"),
        (f"{URL}\nquorum = 2", "quorum"),
        ('providers = [{ user = "canary-secret" }]', "providers"),
        ('providers = ["http://x"' + ', "http://x"' * 7 + "]", "providers"),
    ],
)
def test_providers_that_make_no_sense_are_refused_with_their_place(tmp_path: Path, providers: str, why: str) -> None:
    line = refusal(tmp_path, changed(URL, providers))
    assert "networks.ethereum" in line
    assert why in line


def test_steps_of_depth_are_read_in_base_units(tmp_path: Path) -> None:
    steps = 'steps = [{ above = "0.5", confirmations = 4 }, { above = "2", confirmations = 6 }], steps_window_s = 3600'
    config = read(tmp_path, changed('sweep_min = "0.001"', steps))
    (listing, *_) = config.networks["ethereum"].listings(NetworkId("ethereum"))
    assert listing.steps == (Step(5 * 10**17, 4), Step(2 * 10**18, 6))
    assert listing.steps_window_s == 3600


@pytest.mark.parametrize(
    "steps",
    [
        '[{ above = "2", confirmations = 4 }, { above = "1", confirmations = 6 }]',
        '[{ above = "1", confirmations = 4 }, { above = "2", confirmations = 4 }]',
        '[{ above = "x", confirmations = 4 }]',
        '[{ above = "1", confirmations = 0 }]',
    ],
)
def test_steps_that_ask_no_more_for_more_are_refused(tmp_path: Path, steps: str) -> None:
    assert "steps" in refusal(tmp_path, changed('sweep_min = "0.001"', f"steps = {steps}"))
