"""The words that a withdrawal's status, reason and wait are told in: one public list."""

from api.routes import ANY_KEY, Answer, Call, route
from api.schema import Nothing, Shown
from wallet.withdrawals.states import ENDED, FOLLOWS, REASONS, STATES, WAITS, Reason, State, Wait


class StateWord(Shown):
    """`next` may follow it. `cancellable`: its owner can still take it back."""

    code: State
    means: str
    next: list[State]
    ended: bool
    cancellable: bool


class ReasonWord(Shown):
    code: Reason
    means: str


class WaitWord(Shown):
    code: Wait
    means: str


class WithdrawalWords(Shown):
    states: list[StateWord]
    reasons: list[ReasonWord]
    waits: list[WaitWord]


@route("GET", "/v1/withdrawals/states", access=ANY_KEY, answer=WithdrawalWords)
async def words(_call: Call[Nothing, Nothing]) -> Answer:
    """Every state of a withdrawal, why one ends, and what one waits for"""
    states = [
        StateWord(
            code=state,
            means=means,
            next=sorted(FOLLOWS[state], key=list(State).index),
            ended=state in ENDED,
            cancellable=State.CANCELLED in FOLLOWS[state],
        )
        for state, means in STATES.items()
    ]
    return Answer(
        WithdrawalWords(
            states=states,
            reasons=[ReasonWord(code=reason, means=means) for reason, means in REASONS.items()],
            waits=[WaitWord(code=wait, means=means) for wait, means in WAITS.items()],
        )
    )


ROUTES = (words,)
