"""Signatures, a kind of network each: `evm`, `bitcoin` with `schnorr` for taproot, `sepa`. Nothing is judged here any more."""
