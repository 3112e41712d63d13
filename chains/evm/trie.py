"""The root of a Merkle Patricia trie (yellow paper, appendix D): what a header says of a list such as a block's receipts."""

from collections.abc import Sequence

from eth_hash.auto import keccak

from chains.evm.rlp import encode, encode_quantity

_Leaf = tuple[bytes, bytes]
_Node = list["bytes | _Node"]


def trie_root(values: Sequence[bytes]) -> bytes:
    """Each value lies under the RLP of its place."""
    if not values:
        return keccak(encode(b""))
    leaves = sorted((_nibbles(encode(encode_quantity(place))), value) for place, value in enumerate(values))
    return keccak(encode(_node(leaves, 0)))


def _node(leaves: Sequence[_Leaf], depth: int) -> "_Node":
    """Of the leaves below one place, sorted, all alike in their first `depth` nibbles. No key is the beginning of another."""
    first, last = leaves[0][0], leaves[-1][0]
    if len(leaves) == 1:
        return [_packed(first[depth:], leaf=True), leaves[0][1]]
    shared = depth
    while first[shared] == last[shared]:
        shared += 1
    branch: _Node = [_reference(part, shared + 1) if part else b"" for part in _by_nibble(leaves, shared)]
    branch.append(b"")
    if shared == depth:
        return branch
    return [_packed(first[depth:shared], leaf=False), _referred(branch)]


def _by_nibble(leaves: Sequence[_Leaf], depth: int) -> list[list[_Leaf]]:
    parts: list[list[_Leaf]] = [[] for _ in range(16)]
    for leaf in leaves:
        parts[leaf[0][depth]].append(leaf)
    return parts


def _reference(leaves: Sequence[_Leaf], depth: int) -> "bytes | _Node":
    return _referred(_node(leaves, depth))


def _referred(node: "_Node") -> "bytes | _Node":
    """Short nodes stand in their parent themselves."""
    encoded = encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _nibbles(key: bytes) -> bytes:
    return bytes(half for octet in key for half in (octet >> 4, octet & 15))


def _packed(nibbles: bytes, *, leaf: bool) -> bytes:
    """Hex-prefix encoding (yellow paper, appendix C)."""
    flag = 2 if leaf else 0
    padded = bytes([flag + 1, *nibbles]) if len(nibbles) & 1 else bytes([flag, 0, *nibbles])
    return bytes(padded[place] << 4 | padded[place + 1] for place in range(0, len(padded), 2))
