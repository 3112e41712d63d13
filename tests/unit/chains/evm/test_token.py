import pytest
from eth_hash.auto import keccak
from msgspec.structs import replace

from chains.evm.token import (
    DECIMALS_CALL,
    SYMBOL_CALL,
    TRANSFER_TOPIC,
    TransferLog,
    accepts_transfer,
    balance_call,
    parse_text,
    parse_transfer_call,
    parse_word,
    read_transfer,
    transfer_call,
)
from chains.evm.wire import LogAnswer

SOURCE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TARGET = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
CONTRACT = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"


def topic(address: str) -> str:
    return "0x" + "0" * 24 + address[2:].lower()


LOG = LogAnswer(
    address=CONTRACT,
    topics=[TRANSFER_TOPIC, topic(SOURCE), topic(TARGET)],
    data="0x" + (10**6).to_bytes(32, "big").hex(),
)


def test_the_selectors_are_those_of_eip_20() -> None:
    assert transfer_call(TARGET, 1)[:4] == keccak(b"transfer(address,uint256)")[:4]
    assert balance_call(CONTRACT, TARGET)["data"][:10] == "0x" + keccak(b"balanceOf(address)")[:4].hex()
    assert "0x" + keccak(b"decimals()")[:4].hex() == DECIMALS_CALL
    assert "0x" + keccak(b"symbol()")[:4].hex() == SYMBOL_CALL
    assert "0x" + keccak(b"Transfer(address,address,uint256)").hex() == TRANSFER_TOPIC


def test_a_transfer_reads_as_what_was_written() -> None:
    assert parse_transfer_call(transfer_call(TARGET, 2**256 - 1)) == (TARGET, 2**256 - 1)


def test_a_standard_log_is_read() -> None:
    assert read_transfer(LOG) == TransferLog(CONTRACT.lower(), SOURCE.lower(), TARGET.lower(), 10**6)


@pytest.mark.parametrize(
    "log",
    [
        replace(LOG, topics=[]),
        replace(LOG, topics=LOG.topics[:1]),
        replace(LOG, topics=[*LOG.topics, LOG.topics[2]]),  # an NFT's Transfer
        replace(LOG, topics=["0x" + "0" * 64, *LOG.topics[1:]]),
        replace(LOG, topics=[LOG.topics[0], "0x" + "1" * 64, LOG.topics[2]]),
        replace(LOG, topics=[LOG.topics[0], LOG.topics[1], topic(TARGET)[:-1]]),
        replace(LOG, data="0x"),
        replace(LOG, data=LOG.data + "00"),
        replace(LOG, data="0x" + "zz" * 32),
        replace(LOG, data="0x" + "1_" * 32),
    ],
)
def test_other_logs_are_no_transfers(log: LogAnswer) -> None:
    assert read_transfer(log) is None


@pytest.mark.parametrize(("answer", "accepted"), [("0x", True), ("0x" + "0" * 63 + "1", True)])
def test_true_and_nothing_accept_a_transfer(answer: str, accepted: bool) -> None:
    assert accepts_transfer(answer) is accepted


@pytest.mark.parametrize("answer", ["0x" + "0" * 64, "0x" + "0" * 63 + "2", "0x01", "", "true"])
def test_every_other_answer_refuses_a_transfer(answer: str) -> None:
    assert not accepts_transfer(answer)


@pytest.mark.parametrize(
    "answer", ["0x", "0x1", "", "1" * 66, "0x" + "0" * 66, "0x" + " " * 64, "0x" + "0" * 63 + "\n"]
)
def test_what_is_not_one_word_is_no_number(answer: str) -> None:
    assert parse_word(answer) is None


def text_answer(text: bytes, *, start: int = 32, length: int | None = None) -> str:
    padded = text + bytes(-len(text) % 32)
    words = [start, len(text) if length is None else length]
    return "0x" + (b"".join(word.to_bytes(32, "big") for word in words) + padded).hex()


def test_a_name_is_read_as_a_string_or_as_one_word() -> None:
    assert parse_text(text_answer(b"DUSD")) == "DUSD"
    assert parse_text("0x" + b"MKR".ljust(32, b"\0").hex()) == "MKR"


@pytest.mark.parametrize(
    "answer",
    [
        "0x",
        "0x" + "00" * 32,
        text_answer(b""),
        text_answer(b"x" * 65),
        text_answer(b"a\nb"),
        text_answer(b"DUSD", start=64),
        text_answer(b"DUSD", length=2**255),
        text_answer(b"DUSD")[:-1],
        "hello",
    ],
)
def test_what_is_no_short_name_is_none(answer: str) -> None:
    assert parse_text(answer) is None
