"""The policy of withdrawals: what is in force, what was, what is proposed, and what it would have done."""

from functools import partial

from pydantic import Field

from api.operator.proposals import ProposalView, Reason, proposed
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Moment, NetworkName, Nothing, Shown
from wallet.access.keys import Scope
from wallet.policy.past import DAYS_MAX, try_policy
from wallet.policy.rules import TEXT_MAX, read_policy
from wallet.policy.versions import all_versions, current_version, draft_policy, policy_of, version_view
from wallet.policy.words import NO_POLICY, policy_words


class PolicyBody(Closed):
    """The whole text, in TOML."""

    policy: str = Field(max_length=TEXT_MAX, examples=["otherwise = 2\n"])
    reason: Reason


class TrialBody(Closed):
    policy: str = Field(max_length=TEXT_MAX, examples=["otherwise = 2\n"])
    days: int = Field(default=30, ge=1, le=DAYS_MAX)


class VersionView(Shown):
    version: int
    policy: str
    proposal: str
    in_force_from: Moment
    ended_at: Moment | None


class InForceView(Shown):
    """`version` is null where there is none yet; `words` say what holds, each rule in a sentence."""

    version: VersionView | None
    words: list[str]


class VersionList(Shown):
    items: list[VersionView]


class CaughtView(Shown):
    withdrawal: str
    customer: CustomerName
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    requested_at: Moment
    needed: int
    because: list[str]


class TrialView(Shown):
    """Of `looked_at` withdrawals `caught` would have waited for people, `asked_really` did. `list` ends at a thousand."""

    looked_at: int
    caught: int
    asked_really: int
    sums: dict[str, AmountText]
    by_rule: dict[str, int]
    list: list[CaughtView]


@route("GET", "/v1/operator/policy", access=any_of(Scope.OPERATE_READ), answer=InForceView)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """The policy in force, as it is written and in words"""
    current = await current_version(call.context)
    if current is None:
        return Answer(InForceView(version=None, words=[NO_POLICY]))
    words = policy_words(policy_of(call.context, current))
    return Answer(InForceView(version=VersionView.model_validate(version_view(current)), words=words))


@route("GET", "/v1/operator/policy/history", access=any_of(Scope.OPERATE_READ), answer=VersionList)
async def history(call: Call[Nothing, Nothing]) -> Answer:
    """All versions, newest first"""
    views = [version_view(row) for row in await all_versions(call.context)]
    return Answer(VersionList(items=[VersionView.model_validate(view) for view in views]))


@route(
    "POST",
    "/v1/operator/policy/test",
    access=any_of(Scope.OPERATE_READ),
    answer=TrialView,
    refuses=("policy_refused",),
)
async def try_it(call: Call[TrialBody, Nothing]) -> Answer:
    """What a policy would have asked people for in the past; changes nothing"""
    policy = read_policy(call.body.policy, call.context.assets)
    found = await try_policy(call.context, policy, call.body.days)
    return Answer(TrialView.model_validate(found.view(call.context)))


@route(
    "POST",
    "/v1/operator/proposals/policies",
    access=any_of(Scope.OPERATE),
    answer=ProposalView,
    statuses=(201,),
    idempotency=Idempotency.ACCEPTED,
    refuses=("not_allowed", "policy_refused", "idempotency_key_reused"),
)
async def propose_policy(call: Call[PolicyBody, Nothing]) -> Answer:
    """Propose a new policy, the whole of it"""
    drafting = partial(draft_policy, call.context, call.body.policy, call.body.reason)
    return await proposed(call, "proposal.change_policy", drafting)


ROUTES = (show, history, try_it, propose_policy)
