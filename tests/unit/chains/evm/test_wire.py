import pytest

from chains.evm.wire import block_id, is_failure, quantity, unread
from chains.rpc.client import RpcError
from wallet.ports import BlockVanished, NetworkUnreachable


@pytest.mark.parametrize(("text", "number"), [("0x0", 0), ("0x1c", 28), ("0x" + "f" * 64, 2**256 - 1)])
def test_a_quantity_is_read(text: str, number: int) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize(
    "text", ["", "0x", "1", "0x1_0", " 0x1", "0x1\n", "-0x1", "0x" + "f" * 65, "0xg", "0x٣", "null"]
)
def test_a_malformed_quantity_is_a_broken_answer(text: str) -> None:
    with pytest.raises(NetworkUnreachable):
        quantity(text)


@pytest.mark.parametrize("text", ["", "0x", "0x" + "0" * 63, "0x" + "0" * 65, "0" * 66, "0x" + "g" * 64])
def test_a_malformed_hash_is_a_broken_answer(text: str) -> None:
    with pytest.raises(NetworkUnreachable):
        block_id(text)


def test_a_hash_is_kept_in_lower_case() -> None:
    assert block_id("0x" + "AB" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (3, "execution reverted: no"),
        (-32000, "execution reverted"),
        (-32000, "invalid opcode: INVALID"),
        (-32000, "gas required exceeds allowance (50000000)"),
        (-32000, "return data out of bounds"),
        (-32603, "EVM error StackUnderflow"),
    ],
)
def test_a_failed_execution_is_told_from_a_failing_node(code: int, message: str) -> None:
    assert is_failure(RpcError(code, message))


@pytest.mark.parametrize("message", ["missing trie node", "header not found", "internal error", ""])
def test_a_failing_node_is_no_failed_execution(message: str) -> None:
    assert not is_failure(RpcError(-32000, message))


def test_a_block_that_is_gone_is_told_from_no_answer() -> None:
    assert isinstance(unread(RpcError(-32000, "header for hash not found")), BlockVanished)
    assert isinstance(unread(RpcError(-32001, "Resource not found")), BlockVanished)
    assert isinstance(unread(RpcError(-32000, "missing trie node")), NetworkUnreachable)
