"""What can be done about a deposit that is not credited, in words for whoever waits for it."""

from collections.abc import Mapping

_RECOVER = "ask us to send it back to an address that you name, with this id; nothing is done by itself"
_NOT_BELIEVED = "an operator looks into it; nothing is credited before the network bears it out"

WAYS_OUT: Mapping[str, str] = {
    "unlisted_token": f"this network's token is not listed here: {_RECOVER}",
    "wrong_network": "the address was given to you for another network: ask us, with this id, to credit it to you",
    "dust": "it is below the least deposit and costs more to move than it is worth; send at least the minimum",
    "unattributed": "tell us what you paid, from where and when, and an operator gives it to you",
    "ambiguous_reference": "the payment quotes two references: tell us which is meant, and an operator gives it to you",
    "returned_payout": "a payment of ours came back: an operator gives it to whom it belongs to",
    "identity_seen_before": "the bank used one reference twice: an operator gives it to whom it belongs to",
    "account_closed": "its account is closed: an operator gives it to whom it belongs to, or sends it back",
    "replaced": "whoever paid it has sent the same coins elsewhere before they arrived: ask them to pay again",
    "conflicted": "the same coins were spent by another payment, which is in a block: ask whoever paid it",
    "dropped": "the network has let go of it before it was in a block; it may return, or be sent again by whoever paid it",
    "one_provider": "it is large, and one node alone has shown it to us: an operator looks at another one and accepts it",
    "less_arrived": "the token keeps a part of what it moves: an operator decides whether we take what arrived",
    "balance_grew": "the token changed your address's balance without saying who paid: tell us, and an operator decides",
    "left_again": "it is not at your address any more, or a payment that is shown beside it is the same money",
    "in_growth": "it is part of a deposit that was found by the balance of your address",
    "balance_disagrees": _NOT_BELIEVED,
    "balance_unreadable": _NOT_BELIEVED,
    "decimals_changed": _NOT_BELIEVED,
    "inexact": "it has more decimals than we keep: an operator looks into it",
    "too_large": _NOT_BELIEVED,
}
