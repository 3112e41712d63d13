"""A node shows what its journal knows before anything is signed for it; whatever contradicts the memory stops both.

What this prevents: a memory that was brought back from an old copy, or made anew, and so would sign again what the journal
knows to be signed; and a restored old database, whose node would pay again what this signer has paid already. Each connection
of a node to a signer's life is proven once an hour, so the memory knows how far the journal was.
"""

import secrets
from collections.abc import Callable

from chains.signer.memory.controls import Adopted, HeadSeen
from chains.signer.memory.memory import Memory, MemoryUnfit
from chains.signer.people.acts import ADOPT, act_digest, adopt_fields
from chains.signer.people.desk import Desk
from chains.signer.people.operators import Gathered
from wallet.ports import Approval, JournalKnows, SignerRefused, SignerSeen, SignerUnavailable

SESSIONS_MAX = 64  # nodes and commands that may sign; the oldest has to show its journal again
WAY_OUT = "bring back the newer of the two, or let operators vouch for both: coffer signer adopt"


class JournalProof:
    """Over the memory of one signer's life."""

    def __init__(self, memory: Memory, desk: Desk, now: Callable[[], int]) -> None:
        self._memory = memory
        self._desk = desk
        self._now = now
        self._sessions: list[str] = []
        self.contradiction: str | None = None
        self._shown: JournalKnows | None = None

    @property
    def shown(self) -> JournalKnows | None:
        """The journal that contradicts the memory, for people to judge; the first one until the signer starts anew."""
        return self._shown

    def is_proven(self, session: str) -> bool:
        return session in self._sessions

    def seen(self) -> SignerSeen:
        """What the node has to find in its journal."""
        head = self._memory.controls.head
        return SignerSeen(head.seq if head else 0, head.hash if head else "", self._memory.newest())

    def prove(self, knows: JournalKnows) -> str:
        """The name of a session in which signatures may be asked for. Raises `SignerRefused` for a contradiction."""
        contradiction = self._contradiction(knows)
        if contradiction is not None:
            self.contradiction = f"{contradiction}; {WAY_OUT}"
            self._shown = self._shown or knows
            raise SignerRefused(self.contradiction)
        head = self._memory.controls.head
        if head is None or head.seq < knows.seq:
            self._keep(HeadSeen(self._memory.time(self._now()), knows.seq, knows.head))
        self.contradiction = self._shown = None
        self._sessions = [*self._sessions[1 - SESSIONS_MAX :], secrets.token_hex(16)]
        return self._sessions[-1]

    def adopt(self, approval: Approval) -> Gathered:
        """One more signature for taking this memory and the journal that was shown as one truth. Raises `SignerRefused`."""
        shown = self._shown
        if shown is None:
            raise SignerRefused("no journal contradicts this memory")
        fields = adopt_fields(shown.seq, shown.head, self._memory.records)
        gathered = self._desk.gather(act_digest(ADOPT, self._memory.controls.challenge, fields), approval)
        if gathered.done:
            newest = max((*shown.signed, *self._memory.newest()), default="")
            at = self._memory.time(self._now())
            self._keep(Adopted(at, shown.seq, shown.head, newest, gathered.signed))
            self.contradiction = self._shown = None
        return gathered

    @property
    def records(self) -> int:
        return self._memory.records

    def _contradiction(self, knows: JournalKnows) -> str | None:
        controls = self._memory.controls
        if controls.head is not None and knows.seen_hash != controls.head.hash:
            return f"the node's journal is an older copy, or another: Change {controls.head.seq} is not the one seen before"
        if knows.unknown:
            return f"the node's journal is an older copy: it does not know {knows.unknown[0]}, which was signed"
        vouched = controls.adopted.submission if controls.adopted else ""
        lost = [one for one in knows.signed if one > vouched and not self._memory.has_signed(one)]
        if lost:
            return f"the memory is an older copy: the journal knows that {lost[0]} was signed, the memory does not"
        return None

    def _keep(self, control: HeadSeen | Adopted) -> None:
        try:
            self._memory.stage_control(control)
            self._memory.sync()
        except MemoryUnfit as reason:
            raise SignerUnavailable(str(reason)) from None
