"""A signer for tests: one seed, one policy, and payloads of every kind made by hand, as the networks' adapters make them."""

from datetime import UTC, datetime
from pathlib import Path

from chains.bitcoin.address import p2wpkh_address, script_of
from chains.bitcoin.decode import SEQUENCE, TX_VERSION, encode
from chains.bitcoin.parameters import REGTEST
from chains.bitcoin.rawtx import RawTx, TxInput, TxOutput
from chains.evm.address import public_key_address
from chains.evm.decode import EvmTx, Transfer, encode_unsigned
from chains.evm.payout import Act, Payout, write_act
from chains.evm.token import transfer_call
from chains.sepa.payout import Payment, PayoutFile, bank_reference, render
from chains.signer.judging.policy import Policy, read_policy
from chains.signer.keys.keys import Keys
from chains.signer.local import LocalSigner
from chains.signer.memory.memory import Memory, create_memory
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import Derived, JournalKnows, Purpose, SignerSeen, SignRequest, Utxo

KEYS = Keys(bytes(range(32)))
NOW = 1_800_000_000
OUTSIDE = "0x52908400098527886E0F7030069857D2E4169EE7"  # EIP-55's own example
DUSD = "0xdE709F2102306220921060314715629080e2fb77"
PAYOUT_CONTRACT = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"  # another of EIP-55's
UNLISTED = "0x27b1fdb04752bbc536007a920d24acb045561c26"
HOT, DEPOSIT = "m/44'/60'/1'/0/0", "m/44'/60'/0'/0/7"
BITCOIN_HOT, BITCOIN_DEPOSIT = "m/84'/1'/1'/0/0", "m/84'/1'/0'/0/3"
BITCOIN_OUTSIDE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"  # BIP-173's example key, on regtest
IBAN, IBAN_OUTSIDE = "DE89370400440532013000", "FR1420041010050500013M02606"
ETHER = 10**18

NETWORKS = {
    "ethereum": {
        "kind": "evm",
        "chain_id": 31337,
        "fee_max": "0.01",
        "fee_window_max": "0.05",
        "gas_funding_max": "0.02",
        "window_s": 3600,
        "payout_contract": PAYOUT_CONTRACT,
        "assets": {
            "ETH": {"decimals": 18, "submission_max": "2", "window_max": "5"},
            "DUSD": {"decimals": 6, "submission_max": "1000", "window_max": "2500", "contract": DUSD},
        },
    },
    "bitcoin": {
        "kind": "bitcoin",
        "chain": "regtest",
        "fee_max": "0.0001",
        "fee_window_max": "0.001",
        "window_s": 3600,
        "assets": {"BTC": {"decimals": 8, "submission_max": "0.5", "window_max": "1"}},
    },
    "sepa": {
        "kind": "sepa",
        "iban": IBAN,
        "window_s": 3600,
        "assets": {"EUR": {"decimals": 2, "submission_max": "1000.00", "window_max": "2500.00"}},
    },
}
POLICY: Policy = read_policy(NETWORKS)


def open_memory(folder: Path) -> Memory:
    """The memory of `folder`, made at the first call."""
    file, head = folder / "memory.log", folder / "memory.head"
    if not file.exists():
        create_memory(file, head, memory_id="mem_test", key=KEYS.memory_key())
    return Memory(file, head, memory_id="mem_test", key=KEYS.memory_key())


def local_signer(memory: Memory, *, now: int = NOW) -> LocalSigner:
    return LocalSigner(KEYS, POLICY, memory, lambda: now)


async def unquestioned(seen: SignerSeen) -> JournalKnows:
    """A journal that contradicts nothing, for tests that have none."""
    return JournalKnows(seen.seq, seen.head, seen.head, (), ())


def evm_address(path: str) -> str:
    return public_key_address(KEYS.public_key(path))


def evm_payload(
    target: str = OUTSIDE,
    units: int = ETHER,
    *,
    token: str | None = None,
    nonce: int = 0,
    chain_id: int = 31337,
    gas_limit: int = 60_000,
    max_fee: int = 2 * 10**9,
) -> bytes:
    tx = EvmTx(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=10**9,
        max_fee_per_gas=max_fee,
        gas_limit=gas_limit,
        target=token or target,
        value=0 if token else units,
        calldata=transfer_call(target, units) if token else b"",
        transfer=Transfer(target, units) if token else None,
    )
    return encode_unsigned(tx)


def payout_payload(act: Act, target: str = PAYOUT_CONTRACT, *, nonce: int = 0) -> bytes:
    """Of whatever goes through the payout contract, or is done for it."""
    value = act.units if isinstance(act, Payout) and act.token is None else 0
    fees = {"max_priority_fee_per_gas": 10**9, "max_fee_per_gas": 2 * 10**9, "gas_limit": 200_000}
    called = {"target": target, "value": value, "calldata": write_act(act), "act": act}
    return encode_unsigned(EvmTx(chain_id=31337, nonce=nonce, **fees, **called))  # type: ignore[arg-type]


def evm_request(
    payload: bytes,
    *,
    submission: str = "sub_1",
    purpose: Purpose = Purpose.WITHDRAWAL,
    references: tuple[str, ...] = ("wdr_1",),
    paths: tuple[str, ...] = (HOT,),
) -> SignRequest:
    network = NetworkId("ethereum")
    return SignRequest(SubmissionId(submission), network, purpose, references, payload, paths)


def bitcoin_address(path: str) -> str:
    return p2wpkh_address(KEYS.public_key(path), REGTEST)


def utxo(path: str = BITCOIN_DEPOSIT, units: int = 30_000_000, *, index: int = 0, address: str | None = None) -> Utxo:
    return Utxo(f"{'ab' * 32}:{index}", units, address or bitcoin_address(path), path)


def bitcoin_payload(
    inputs: tuple[Utxo, ...] = (utxo(),),
    payments: tuple[tuple[str, int], ...] = ((BITCOIN_OUTSIDE, 10_000_000),),
    *,
    change: Derived | None = None,
    change_units: int = 19_995_000,
) -> bytes:
    back = change or Derived(bitcoin_address(BITCOIN_HOT), BITCOIN_HOT)
    paid = [*payments, (back.address, change_units)] if change_units else list(payments)
    raw = RawTx(
        version=TX_VERSION,
        inputs=tuple(_spend(one) for one in inputs),
        outputs=tuple(TxOutput(units, script_of(address, REGTEST)) for address, units in paid),
        locktime=0,
        witnesses=(),
    )
    return encode(raw, inputs, back if change_units else None)


def _spend(spent: Utxo) -> TxInput:
    parent, _, index = spent.outpoint.partition(":")
    return TxInput(parent, int(index), SEQUENCE)


def bitcoin_request(
    payload: bytes,
    *,
    submission: str = "sub_1",
    purpose: Purpose = Purpose.WITHDRAWAL,
    references: tuple[str, ...] = ("wdr_1",),
    paths: tuple[str, ...] = (BITCOIN_DEPOSIT,),
) -> SignRequest:
    network = NetworkId("bitcoin")
    return SignRequest(SubmissionId(submission), network, purpose, references, payload, paths)


def payout_file(
    *payments: tuple[str, str, int], submission: str = "sub_1", iban: str = IBAN, name: str = "Bob Example"
) -> bytes:
    """A file that pays (reference, IBAN, cents)."""
    paid = payments or (("wdr_1", IBAN_OUTSIDE, 12_345),)
    return render(
        PayoutFile(
            message_id=bank_reference(submission),
            created_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
            debtor_name="Coffer Operator",
            debtor_iban=iban,
            debtor_bic=None,
            payments=tuple(Payment(bank_reference(ref), to, name, units) for ref, to, units in paid),
        )
    )


def payout_request(
    payload: bytes,
    *,
    submission: str = "sub_1",
    purpose: Purpose = Purpose.WITHDRAWAL,
    references: tuple[str, ...] = ("wdr_1",),
    paths: tuple[str, ...] = (),
) -> SignRequest:
    network = NetworkId("sepa")
    return SignRequest(SubmissionId(submission), network, purpose, references, payload, paths)
