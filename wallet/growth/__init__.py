"""Growth: a balance of an address of ours that grew and that no tx of a block explains.

On an account chain value can reach an address in ways that no block names: a contract pays it and the node cannot trace
calls, a miner is rewarded, a token moves without a log. What this prevents: money that lies with us and that nobody is
credited. Pass by pass every address handed out is looked at, a bounded number at a time, so that the questions for each
block stay the same however many customers there are:

    unexplained(height) = balance(height) − (all that arrived by then − all that we sent from there by then)
    growth              = unexplained(to) − unexplained(from)

Both ends are final blocks that the scan has passed. What grew of the network's own asset is a deposit like any other, with
the identity (network, asset, address, from). What grew of a token is shown and quarantined: only a log makes a token's
transfer, and a contract that changes balances by itself may change them back. Read: `identity`, `find`, `flows`,
`passes`, `covered`, `lasting`.
"""
