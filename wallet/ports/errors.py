"""Errors of a network: a closed set that says whether to try again. Adapters turn whatever went wrong into one of these."""


class NetworkError(Exception):
    """Something the network or its provider said or failed to say. `retry` tells whether asking again can help."""

    retry = True


class NetworkUnreachable(NetworkError):
    """No answer, a broken answer, or a time-out. Says nothing about whether a submission arrived."""


class NetworkRateLimited(NetworkError):
    """The provider asks us to slow down; to come back after `pause_ms` where it named a time."""

    def __init__(self, message: str, pause_ms: int = 0) -> None:
        super().__init__(message)
        self.pause_ms = pause_ms


class NetworkRejected(NetworkError):
    """The network understood and said no; the reason is the provider's, for operators."""

    retry = False


class RecipientRefuses(NetworkRejected):
    """A contract at the destination, or the token's own, would refuse this payment now."""


class CostTooHigh(NetworkRejected):
    """A contract at the destination would use more than is paid for a payment of this kind."""


class FeeAbsurd(NetworkError):
    """What the provider says a payment costs cannot be: nothing, or far from recent blocks. Nothing is built on it."""


class FeeTooHigh(NetworkError):
    """The network asks more now than we ever pay: what is to be sent waits."""


class NetworkMismatch(NetworkError):
    """This is not the chain or the bank account that the configuration or the database speaks of."""

    retry = False


class NetworkUnproven(NetworkError):
    """What the provider shows contradicts the network's own rules: a header without work, txs that are not their block's. It
    lies, or it serves another chain. A person must look; another provider may be asked."""


class BlockVanished(NetworkError):
    """A block that we asked for by id is no longer there: a reorg is under way. Start again from the common ancestor."""
