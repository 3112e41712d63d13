"""Blocks are walked over their bytes; the strict reader of single txs is the second opinion."""

from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.address import own_address_of
from chains.bitcoin.bech32_bulk import addresses_of
from chains.bitcoin.parameters import CHAINS, REGTEST, Chain
from chains.bitcoin.rawblock import parse_block
from chains.bitcoin.rawtx import RawTx, TxInput, TxOutput, hash256, parse_tx

SCRIPTS = st.one_of(
    st.binary(min_size=20, max_size=20).map(lambda key: b"\x00\x14" + key),
    st.binary(min_size=32, max_size=32).map(lambda key: b"\x51\x20" + key),
    st.binary(max_size=40),
    st.binary(min_size=250, max_size=300),
    st.binary(min_size=22, max_size=22),
    st.binary(min_size=34, max_size=34),
)
INPUTS = st.builds(
    TxInput,
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.one_of(st.binary(max_size=120), st.binary(min_size=250, max_size=300)),
)
OUTPUTS = st.builds(TxOutput, st.integers(0, 10**15), SCRIPTS)
ITEMS = st.lists(st.one_of(st.binary(max_size=80), st.binary(min_size=252, max_size=256)), max_size=3).map(tuple)


@st.composite
def txs(draw: st.DrawFn) -> RawTx:
    inputs = tuple(draw(st.lists(INPUTS, min_size=1, max_size=4)))
    witnesses = tuple(draw(ITEMS) for _ in inputs) if draw(st.booleans()) else ()
    outputs = tuple(draw(st.lists(OUTPUTS, min_size=1, max_size=5)))
    return RawTx(2, inputs, outputs, draw(st.integers(0, 2**32 - 1)), witnesses if any(witnesses) else ())


def block_of(made: list[RawTx]) -> tuple[bytes, str]:
    level = [bytes.fromhex(tx.tx)[::-1] for tx in made]
    while len(level) > 1:
        level += [level[-1]] if len(level) % 2 else []
        level = [hash256(level[place] + level[place + 1]) for place in range(0, len(level), 2)]
    header = bytes(36) + level[0] + bytes(12)
    return header + bytes([len(made)]) + b"".join(tx.serialised() for tx in made), hash256(header)[::-1].hex()


@given(st.lists(txs(), min_size=1, max_size=9, unique_by=lambda tx: tx.tx))
def test_dpb_06_a_block_shows_every_output_of_our_kinds_once_and_nothing_else(made: list[RawTx]) -> None:
    octets, block_id = block_of(made)
    block = parse_block(octets, block_id)
    expected = [
        (tx.tx, index, output.units, output.script, number == 0)
        for number, tx in enumerate(made)
        for index, output in enumerate(tx.outputs)
        if own_address_of(output.script, REGTEST) is not None
    ]
    found = [(block.made(place), script) for place, script in enumerate(block.scripts())]
    assert [(one.tx, one.index, one.units, script, one.coinbase) for one, script in found] == expected
    assert block.spent() == {spent.outpoint for tx in made for spent in tx.inputs}
    assert block.first_script == made[0].inputs[0].script
    assert all(parse_tx(tx.serialised()) == tx for tx in made)


OURS = st.one_of(
    st.binary(min_size=20, max_size=20).map(lambda key: b"\x00\x14" + key),
    st.binary(min_size=32, max_size=32).map(lambda key: b"\x51\x20" + key),
)


@given(st.lists(OURS, max_size=40), st.sampled_from(list(CHAINS.values())))
def test_addresses_made_together_are_those_made_one_by_one(scripts: list[bytes], chain: Chain) -> None:
    assert addresses_of(scripts, chain.prefix) == [own_address_of(script, chain) for script in scripts]
