"""The children of one extended public key (BIP-32), made by the thousand.

libsecp256k1 adds a tweak to a point in some 18 µs, and that is nearly all that an address must cost. So the point is parsed
once, and what is left around the addition is one HMAC.
"""

import hmac

from coincurve import PublicKey

EXTERNAL = 0  # BIP-44: the chain of an account whose addresses are shown to others
INDEX_MAX = 2**31 - 1  # above lie the hardened children, which a public key does not have


class ChildKeys:
    """Keeps the point of the parent, and what each child is hashed from."""

    __slots__ = ("_chain_code", "_parent", "_point")

    def __init__(self, chain_code: bytes, public_key: bytes) -> None:
        """What an extended public key consists of; the public key is compressed."""
        self._chain_code, self._parent = chain_code, public_key
        self._point = PublicKey(public_key)

    def public_key(self, index: int) -> PublicKey:
        """The child's point. Raises `ValueError` outside of 0 to 2^31 - 1, and for the one index in 2^127 that has no key."""
        if not 0 <= index <= INDEX_MAX:
            raise ValueError(f"an address index lies between 0 and {INDEX_MAX}")
        digest = hmac.digest(self._chain_code, self._parent + index.to_bytes(4, "big"), "sha512")
        child: PublicKey = self._point.add(digest[:32])
        return child
