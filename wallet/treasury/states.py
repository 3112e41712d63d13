"""The states of a submission, and where each leaves the withdrawals that it pays.

reserved    its nonce or inputs belong to it for ever; its value has left the place it spends from
signed      the signed bytes are durable, so from here on they may leave, and nothing else may
submitted   they have left
included    the network shows them in a block
final       they cannot be taken back; the books say what was really paid
uprooted    they were final, and a reorg took their block (`uproot`)
dead        they can never be included: something else finally used their nonce or an input
stopped     the signer refused late: a nonce is used up by a self-cancel (`self_cancel`), of anything else a person decides
doubted     a block has them, and nobody can say whether they paid; a person decides (`doubt`)
cancelling  that self-cancel is signed; once it is final the submission is dead

From `submitted` on it may have replacements (`replace`), and whichever of its variants a block shows counts (`variants`).
"""

from enum import StrEnum

from wallet.withdrawals.states import State as WithdrawalState


class State(StrEnum):
    RESERVED = "reserved"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    FINAL = "final"
    UPROOTED = "uprooted"
    DEAD = "dead"
    STOPPED = "stopped"
    DOUBTED = "doubted"
    CANCELLING = "cancelling"


OPEN = (State.RESERVED, State.SIGNED, State.SUBMITTED, State.INCLUDED)
FOLLOWED = (*OPEN, State.UPROOTED, State.CANCELLING)
DRIVEN = (*FOLLOWED, State.STOPPED)

WITHDRAWAL_STATES: dict[State, WithdrawalState] = {
    State.RESERVED: WithdrawalState.APPROVED,
    State.SIGNED: WithdrawalState.SIGNED,
    State.SUBMITTED: WithdrawalState.SUBMITTED,
    State.INCLUDED: WithdrawalState.INCLUDED,
    State.FINAL: WithdrawalState.FINAL,
    State.DEAD: WithdrawalState.FAILED,
}
