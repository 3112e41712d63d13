"""Approvals of operators, checked by the signer itself: the keys stand in its own file, the act is what it decoded.

What this prevents: a stolen database, or a stolen API, that sends away what lies on deposit addresses, or more at once than
people wanted to let out unseen (I14, KEY-06). Nothing of the node's rows is believed: the digest is made here, of what the
payload would do, so an approval of another withdrawal, amount or destination is none.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from chains.signer.judging.effect import Outflow, refuse
from chains.signer.judging.policy import ApprovalRule, Limit, Threshold
from wallet.ports import Approval, Ground, SignerRefused, SignRequest
from wallet.proposals.digest import is_signed, withdrawal_content, withdrawal_digest

APPROVALS_MAX = 16  # for one act


def check_approvals(digest: bytes, approvals: Sequence[Approval], rule: ApprovalRule) -> None:
    """Raises `SignerRefused` unless enough of the enrolled have signed this digest, each person counted once."""
    signed = count_people(digest, approvals, rule)
    if signed < rule.approvals:
        raise refuse(f"{signed} of {rule.approvals} enrolled approvers have signed this very act")


def check_payments_approved(request: SignRequest, outflows: Sequence[Outflow], limits: Mapping[str, Limit]) -> None:
    """Each payment above its asset's threshold has been signed by enough people, itself and not another one. Raises
    `SignerRefused` on the ground of approvals."""
    if len(request.approvals) > APPROVALS_MAX * max(len(request.references), 1):
        raise refuse(f"at most {APPROVALS_MAX} approvals are read for one act")
    given: dict[str, list[Approval]] = defaultdict(list)
    for approval in request.approvals:
        given[approval.reference].append(approval)
    for outflow in outflows:
        threshold = limits[outflow.asset].threshold
        if threshold is not None and outflow.units > threshold.above:
            _check_payment(request, outflow, given[outflow.reference], threshold)


def _check_payment(request: SignRequest, paid: Outflow, given: Sequence[Approval], threshold: Threshold) -> None:
    rule = threshold.rule
    act = withdrawal_content(request.network, paid.asset, paid.target, paid.units, threshold.decimals)
    signed = count_people(withdrawal_digest(paid.reference, act), given, rule)
    if signed < rule.approvals:
        above = f"above {threshold.above} {paid.asset} units it takes approvals"
        reason = f"{above}: {signed} of {rule.approvals} enrolled approvers have signed the payment of {paid.reference}"
        raise SignerRefused(reason, Ground.APPROVALS, approvals=rule.approvals, reference=paid.reference)


def count_people(digest: bytes, approvals: Sequence[Approval], rule: ApprovalRule) -> int:
    """How many of the enrolled have signed this digest. Whoever has two keys is one person. Raises `SignerRefused` for more
    than are ever read."""
    if len(approvals) > APPROVALS_MAX:
        raise refuse(f"at most {APPROVALS_MAX} approvals are read for one act")
    return len(
        {
            rule.approvers[one.key]
            for one in approvals
            if one.key in rule.approvers and is_signed(digest, one.key, one.signature)
        }
    )
