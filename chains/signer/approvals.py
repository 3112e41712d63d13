"""Approvals of operators, checked by the signer itself: the keys stand in its own file, the act is what it decoded.

What this prevents: a stolen database, or a stolen API, that sends away what lies on deposit addresses (I14). Nothing of the
node's proposals is believed: the digest is made here, of what the payload would do.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chains.signer.effect import refuse
from chains.signer.policy import RecoveryPolicy
from wallet.ports import Approval

APPROVALS_MAX = 16


def check_approvals(digest: bytes, approvals: Sequence[Approval], policy: RecoveryPolicy) -> None:
    """Raises `SignerRefused` unless enough of the enrolled have signed this digest, each counted once."""
    if len(approvals) > APPROVALS_MAX:
        raise refuse(f"at most {APPROVALS_MAX} approvals are read")
    signed = {one.key for one in approvals if one.key in policy.approvers and _is_signed(digest, one)}
    if len(signed) < policy.approvals:
        raise refuse(f"{len(signed)} of {policy.approvals} enrolled approvers have signed this very act")


def _is_signed(digest: bytes, approval: Approval) -> bool:
    try:
        key, signature = bytes.fromhex(approval.key), bytes.fromhex(approval.signature)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, digest)
    except (ValueError, InvalidSignature):
        return False
    return True
